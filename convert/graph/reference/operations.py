"""Definitions of Keras' bare operations on truths."""

import numpy as np

from convert.graph.layer_graph import Layer
from convert.graph.layers.operations import constant_argument
from convert.graph.reference import Datum, reference


@reference("NotEqual", "Equal")
def compare(layer: Layer, inputs: list[Datum]) -> list[Datum]:
    """Value by value."""
    other = inputs[1].values if len(inputs) > 1 else constant_argument(layer)
    equal = inputs[0].values == other
    return [Datum(~equal if layer.kind == "NotEqual" else equal)]


@reference("Any", "All")
def any_or_all(layer: Layer, inputs: list[Datum]) -> list[Datum]:
    """Over an axis."""
    axis = layer.config["axis"]
    axes = axis if isinstance(axis, int) else tuple(axis)
    reduce = np.any if layer.kind == "Any" else np.all
    return [Datum(reduce(inputs[0].values, axis=axes, keepdims=bool(layer.config.get("keepdims"))))]


@reference("LogicalOr", "LogicalAnd")
def combine(layer: Layer, inputs: list[Datum]) -> list[Datum]:
    """Two truths into one."""
    function = np.logical_or if layer.kind == "LogicalOr" else np.logical_and
    return [Datum(function(inputs[0].values, inputs[1].values))]


@reference("LogicalNot")
def negate(_layer: Layer, inputs: list[Datum]) -> list[Datum]:
    """The opposite."""
    return [Datum(np.logical_not(inputs[0].values))]


@reference("ExpandDims")
def expand_dims(layer: Layer, inputs: list[Datum]) -> list[Datum]:
    """One more axis."""
    return [Datum(np.expand_dims(inputs[0].values, layer.config["axis"]))]


@reference("ZerosLike", "OnesLike")
def constants_like(layer: Layer, inputs: list[Datum]) -> list[Datum]:
    """All false or all true."""
    return [Datum(np.full(inputs[0].values.shape, layer.kind == "OnesLike"))]
