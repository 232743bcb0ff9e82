"""Definitions of convolutions, pools, padding, cropping and repeating, all with channels last."""

import itertools
import math
from collections.abc import Callable, Iterator

import numpy as np

from convert.graph.activations import find_activation
from convert.graph.layer_graph import Array, Layer
from convert.graph.layers.shape import read_pairs
from convert.graph.reference import Datum, reference, weight
from convert.graph.reference.functions import apply_activation
from convert.graph.windows import spread


def last(layer: Layer, x: Array) -> Array:
    """Channels last."""
    return np.moveaxis(x, 1, -1) if layer.config.get("data_format") == "channels_first" else x


def restored(layer: Layer, y: Array) -> Array:
    """The layer's own order of axes."""
    return np.moveaxis(y, -1, 1) if layer.config.get("data_format") == "channels_first" else y


def _padded(
    x: Array, window: tuple[int, ...], strides: tuple[int, ...], gaps: tuple[int, ...], padding: str, fill: float
) -> Array:
    """x with what "same" or "causal" puts around it, so that windows need not care."""
    widths = [(0, 0)]
    for size, length, stride, gap in zip(x.shape[1:-1], window, strides, gaps, strict=True):
        reach = (length - 1) * gap
        if padding == "same":
            total = max((math.ceil(size / stride) - 1) * stride + reach + 1 - size, 0)
            widths.append((total // 2, total - total // 2))
        else:
            widths.append((reach if padding == "causal" else 0, 0))
    return np.pad(x, [*widths, (0, 0)], constant_values=fill)


def _places(
    x: Array, window: tuple[int, ...], strides: tuple[int, ...], gaps: tuple[int, ...]
) -> Iterator[tuple[tuple[int, ...], Array]]:
    """For each place in the window, what all windows have there."""
    counts = [
        (size - (length - 1) * gap - 1) // stride + 1
        for size, length, stride, gap in zip(x.shape[1:-1], window, strides, gaps, strict=True)
    ]
    for place in itertools.product(*map(range, window)):
        starts = [step * gap for step, gap in zip(place, gaps, strict=True)]
        cut = tuple(
            slice(start, start + (count - 1) * stride + 1, stride)
            for start, count, stride in zip(starts, counts, strides, strict=True)
        )
        yield place, x[(slice(None), *cut)]


def slide(layer: Layer, x: Array, kernel: Array, product: Callable[[Array, Array], Array]) -> Array:
    """Σ over the kernel's places of the product there, by the layer's strides, gaps and padding."""
    window = kernel.shape[:-2]
    strides = spread(layer.config.get("strides", 1), len(window))
    gaps = spread(layer.config.get("dilation_rate", 1), len(window))
    around = _padded(x, window, strides, gaps, layer.config.get("padding", "valid"), 0.0)
    total: Array | None = None
    for place, values in _places(around, window, strides, gaps):
        part = product(values, kernel[place])
        total = part if total is None else np.add(total, part, out=total)
    if total is None:
        raise ValueError("the kernel is empty")
    return total


def across(values: Array, factors: Array) -> Array:
    """Channels into filters, all places as rows of one matrix: many small products would take several times longer."""
    rows = values.reshape(-1, values.shape[-1]) @ factors
    return rows.reshape(*values.shape[:-1], -1)


def _each_channel(values: Array, factors: Array) -> Array:
    """Channels × multiplier, each channel by its own factors."""
    spread_out = values[..., :, None] * factors
    return spread_out.reshape(*values.shape[:-1], -1)


def finish(layer: Layer, y: Array) -> list[Datum]:
    """Bias and activation, in the layer's own order of axes."""
    if layer.config.get("use_bias", True):
        y = y + weight(layer, "bias", y)
    y = restored(layer, y)
    return [Datum(apply_activation(find_activation(layer.config.get("activation"), layer.name), y, layer.keras))]


@reference("Conv1D", "Conv2D", "Conv3D")
def convolution(layer: Layer, inputs: list[Datum]) -> list[Datum]:
    """Σ over the kernel's places of x there times the kernel there."""
    x = last(layer, inputs[0].values)
    kernel = weight(layer, "kernel", x)
    groups = int(layer.config.get("groups") or 1)
    parts = [
        slide(layer, part, filters, across)
        for part, filters in zip(np.split(x, groups, axis=-1), np.split(kernel, groups, axis=-1), strict=True)
    ]
    return finish(layer, np.concatenate(parts, axis=-1))


@reference("DepthwiseConv1D", "DepthwiseConv2D")
def depthwise(layer: Layer, inputs: list[Datum]) -> list[Datum]:
    """Each channel alone."""
    x = last(layer, inputs[0].values)
    return finish(layer, slide(layer, x, weight(layer, "depthwise_kernel", x), _each_channel))


@reference("SeparableConv1D", "SeparableConv2D")
def separable(layer: Layer, inputs: list[Datum]) -> list[Datum]:
    """Each channel alone, then across the channels."""
    x = last(layer, inputs[0].values)
    y = slide(layer, x, weight(layer, "depthwise_kernel", x), _each_channel)
    pointwise = weight(layer, "pointwise_kernel", x)
    return finish(layer, y @ pointwise.reshape(pointwise.shape[-2:]))


@reference("MaxPooling1D", "MaxPooling2D", "MaxPooling3D", "AveragePooling1D", "AveragePooling2D", "AveragePooling3D")
def pool(layer: Layer, inputs: list[Datum]) -> list[Datum]:
    """The largest, or the mean of what is not padding."""
    x = last(layer, inputs[0].values)
    window = spread(layer.config.get("pool_size", 2), x.ndim - 2)
    strides = spread(layer.config.get("strides") or window, x.ndim - 2)
    padding = layer.config.get("padding", "valid")
    ones = (1,) * len(window)
    if layer.kind.startswith("Max"):
        around = _padded(x, window, strides, ones, padding, -np.inf)
        return [Datum(restored(layer, np.max([v for _, v in _places(around, window, strides, ones)], axis=0)))]
    total, count = (
        np.sum([v for _, v in _places(_padded(one, window, strides, ones, padding, 0), window, strides, ones)], axis=0)
        for one in (x, np.ones_like(x))
    )
    return [Datum(restored(layer, total / count))]


@reference(
    "GlobalMaxPooling1D", "GlobalMaxPooling2D", "GlobalMaxPooling3D", "GlobalAveragePooling1D",
    "GlobalAveragePooling2D", "GlobalAveragePooling3D",
)  # fmt: skip
def global_pool(layer: Layer, inputs: list[Datum]) -> list[Datum]:
    """The largest or the mean over all places; masked steps are left out of a 1-D mean."""
    x = last(layer, inputs[0].values)
    axes = tuple(range(1, x.ndim - 1))
    mask = inputs[0].mask
    if mask is not None and layer.kind == "GlobalAveragePooling1D":
        real = mask[..., None]
        y = np.where(real, x, 0).sum(axis=1, keepdims=True) / real.sum(axis=1, keepdims=True)
    else:
        y = x.max(axis=axes, keepdims=True) if "Max" in layer.kind else x.mean(axis=axes, keepdims=True)
    return [Datum(restored(layer, y) if layer.config.get("keepdims") else y.reshape(len(y), -1))]


@reference("ZeroPadding1D", "ZeroPadding2D", "ZeroPadding3D")
def zero_padding(layer: Layer, inputs: list[Datum]) -> list[Datum]:
    """Zeros around."""
    x = last(layer, inputs[0].values)
    pairs = read_pairs(layer.config.get("padding", 1), x.ndim - 2)
    return [Datum(restored(layer, np.pad(x, [(0, 0), *pairs, (0, 0)])))]


@reference("Cropping1D", "Cropping2D", "Cropping3D")
def cropping(layer: Layer, inputs: list[Datum]) -> list[Datum]:
    """Borders away."""
    x = last(layer, inputs[0].values)
    pairs = read_pairs(layer.config.get("cropping", 1), x.ndim - 2)
    cuts = [slice(left, size - right) for (left, right), size in zip(pairs, x.shape[1:-1], strict=True)]
    return [Datum(restored(layer, x[(slice(None), *cuts)]))]


@reference("UpSampling1D", "UpSampling2D", "UpSampling3D")
def up_sampling(layer: Layer, inputs: list[Datum]) -> list[Datum]:
    """Each place n times, or straight lines between the centers of places."""
    x = last(layer, inputs[0].values)
    for axis, factor in enumerate(spread(layer.config.get("size", 2), x.ndim - 2), start=1):
        if layer.config.get("interpolation", "nearest") == "nearest":
            x = np.repeat(x, factor, axis=axis)
            continue
        size = x.shape[axis]
        at = np.clip((np.arange(size * factor) + 0.5) / factor - 0.5, 0, size - 1)
        low = np.floor(at).astype(int)
        share = (at - low).astype(x.dtype).reshape([-1 if k == axis else 1 for k in range(x.ndim)])
        high = np.minimum(low + 1, size - 1)
        x = np.take(x, low, axis=axis) * (1 - share) + np.take(x, high, axis=axis) * share
    return [Datum(restored(layer, x))]
