"""Definitions of the normalizing layers."""

import numpy as np

from convert.graph.layer_graph import Layer
from convert.graph.reference import Datum, reference, weight


@reference("BatchNormalization")
def batch_normalization(layer: Layer, inputs: list[Datum]) -> list[Datum]:
    """Standardised by the statistics of training, then scaled and moved."""
    x = inputs[0].values
    axis = layer.config.get("axis", -1)
    channels_last = np.moveaxis(x, axis, -1)
    y = channels_last - weight(layer, "moving_mean", x)
    y = y / np.sqrt(weight(layer, "moving_variance", x) + layer.config.get("epsilon", 1e-3))
    if layer.config.get("scale", True):
        y = y * weight(layer, "gamma", x)
    if layer.config.get("center", True):
        y = y + weight(layer, "beta", x)
    return [Datum(np.moveaxis(y, -1, axis))]


@reference("LayerNormalization")
def layer_normalization(layer: Layer, inputs: list[Datum]) -> list[Datum]:
    """Each sample standardised over its own axes."""
    x = inputs[0].values
    setting = layer.config.get("axis", -1)
    axes = tuple(sorted(axis % x.ndim for axis in (setting if isinstance(setting, list) else [setting])))
    shape = [size if axis in axes else 1 for axis, size in enumerate(x.shape)]
    deviation = np.sqrt(x.var(axis=axes, keepdims=True) + layer.config.get("epsilon", 1e-3))
    scaled_only = bool(layer.config.get("rms_scaling"))
    y = x / deviation if scaled_only else (x - x.mean(axis=axes, keepdims=True)) / deviation
    if "gamma" in layer.weights:
        y = y * weight(layer, "gamma", x).reshape(shape)
    if "beta" in layer.weights and not scaled_only:
        y = y + weight(layer, "beta", x).reshape(shape)
    return [Datum(y)]


@reference("Normalization")
def normalization(layer: Layer, inputs: list[Datum]) -> list[Datum]:
    """(x − mean) / deviation, learnt or given."""
    x = inputs[0].values
    config = layer.config
    given = config.get("mean") is not None
    mean = np.asarray(config["mean"], x.dtype) if given else weight(layer, "mean", x)
    variance = np.asarray(config["variance"], x.dtype) if given else weight(layer, "variance", x)
    axis = config.get("axis", -1)
    kept = [] if axis is None else [item % x.ndim for item in (axis if isinstance(axis, list) else [axis])]
    if mean.size > 1:
        shape = [size if place in kept else 1 for place, size in enumerate(x.shape)]
        mean, variance = mean.reshape(shape), variance.reshape(shape)
    else:
        mean, variance = mean.reshape(()), variance.reshape(())
    deviation = np.maximum(np.sqrt(variance), 1e-7)
    return [Datum(x * deviation + mean if config.get("invert") else (x - mean) / deviation)]


@reference("Rescaling")
def rescaling(layer: Layer, inputs: list[Datum]) -> list[Datum]:
    """x · scale + offset."""
    x = inputs[0].values
    scale, offset = layer.config.get("scale", 1.0), layer.config.get("offset", 0.0)
    return [Datum(x * np.asarray(scale, x.dtype) + np.asarray(offset, x.dtype))]
