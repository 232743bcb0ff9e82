"""Normalizations with the statistics that training left, and plain rescaling."""

import numpy as np

from convert.graph.builder import Builder, Value
from convert.graph.layer_graph import Array, Layer
from convert.graph.layers import layer


def _axes(one: Layer, rank: int) -> list[int]:
    axis = one.config.get("axis", -1)
    if axis is None:
        return []
    return sorted(int(item) % rank for item in (axis if isinstance(axis, list) else [axis]))


def _along(values: Array, axes: list[int], rank: int) -> Array:
    """Values of these axes in a shape that broadcasts against the whole tensor."""
    shape = [1] * rank
    sizes = values.shape if values.ndim == len(axes) else (values.size,)
    for axis, size in zip(axes, sizes, strict=True):
        shape[axis] = size
    return values.reshape(shape)


@layer("BatchNormalization")
def batch_normalization(one: Layer, inputs: list[Value], g: Builder) -> list[Value]:
    """(x − mean) / √(variance + ε) · gamma + beta, as one multiplication and one addition."""
    x = inputs[0]
    axes = _axes(one, x.rank)
    mean = one.weights["moving_mean"].astype(np.float64)
    factor = 1.0 / np.sqrt(one.weights["moving_variance"].astype(np.float64) + float(one.config.get("epsilon", 1e-3)))
    if "gamma" in one.weights:
        factor = factor * one.weights["gamma"]
    offset = -mean * factor
    if "beta" in one.weights:
        offset = offset + one.weights["beta"]
    source = one.weights["moving_mean"]
    scaled = g.op("Mul", x.name, g.weight(_along(factor, axes, x.rank), "scale", source))
    return [Value(g.op("Add", scaled, g.weight(_along(offset, axes, x.rank), "offset", source)), x.shape)]


@layer("LayerNormalization")
def layer_normalization(one: Layer, inputs: list[Value], g: Builder) -> list[Value]:
    """Mean 0 and variance 1 over the axes of each sample, then gamma and beta."""
    x = inputs[0]
    axes = _axes(one, x.rank)
    y = x.name
    if not one.config.get("rms_scaling"):
        y = g.op("Sub", y, g.op("ReduceMean", y, axes=axes, keepdims=1))
    variance = g.op("ReduceMean", g.op("Mul", y, y), axes=axes, keepdims=1)
    if one.config.get("rms_scaling"):
        centered = g.op("Sub", x.name, g.op("ReduceMean", x.name, axes=axes, keepdims=1))
        variance = g.op("ReduceMean", g.op("Mul", centered, centered), axes=axes, keepdims=1)
    y = g.op("Div", y, g.op("Sqrt", g.op("Add", variance, g.number(float(one.config.get("epsilon", 1e-3))))))
    if "gamma" in one.weights:
        y = g.op("Mul", y, g.weight(_along(one.weights["gamma"], axes, x.rank), "gamma", one.weights["gamma"]))
    if "beta" in one.weights and not one.config.get("rms_scaling"):
        y = g.op("Add", y, g.weight(_along(one.weights["beta"], axes, x.rank), "beta", one.weights["beta"]))
    return [Value(y, x.shape)]


@layer("Normalization")
def normalization(one: Layer, inputs: list[Value], g: Builder) -> list[Value]:
    """(x − mean) / max(√variance, 1e-7) along the kept axes."""
    x = inputs[0]
    axes = _axes(one, x.rank)
    mean, deviation = read_statistics(one)
    mean, deviation = _along_or_whole(mean, axes, x.rank), _along_or_whole(deviation, axes, x.rank)
    mean_name, deviation_name = g.weight(mean, "mean"), g.weight(deviation, "deviation")
    if one.config.get("invert"):
        return [Value(g.op("Add", g.op("Mul", x.name, deviation_name), mean_name), x.shape)]
    return [Value(g.op("Div", g.op("Sub", x.name, mean_name), deviation_name), x.shape)]


def read_statistics(one: Layer) -> tuple[Array, Array]:
    """Mean and deviation of a Normalization layer, learnt or given."""
    if one.config.get("mean") is not None:
        mean = np.asarray(one.config["mean"], np.float32)
        variance = np.asarray(one.config["variance"], np.float32)
    else:
        mean, variance = one.weights["mean"], one.weights["variance"]
    return mean, np.maximum(np.sqrt(variance), np.float32(1e-7))


def _along_or_whole(values: Array, axes: list[int], rank: int) -> Array:
    if values.size == 1 or not axes:
        return values.reshape([1] * rank)
    return _along(values.reshape([size for size in values.shape if size > 1] or [1]), axes, rank)


@layer("Rescaling")
def rescaling(one: Layer, inputs: list[Value], g: Builder) -> list[Value]:
    """x · scale + offset."""
    scale = np.asarray(one.config.get("scale", 1.0), np.float32)
    offset = np.asarray(one.config.get("offset", 0.0), np.float32)
    scaled = g.op("Mul", inputs[0].name, g.array(scale, "scale"))
    return [Value(g.op("Add", scaled, g.array(offset, "offset")), inputs[0].shape)]
