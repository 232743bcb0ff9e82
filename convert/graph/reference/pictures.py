"""Definitions of transposed convolutions, of resizing and of the crops of pictures."""

import itertools

import numpy as np

from convert.graph.layer_graph import Array, Layer
from convert.graph.reference import Datum, reference, weight
from convert.graph.reference.spatial import finish, last, restored
from convert.graph.windows import spread


@reference("Conv1DTranspose", "Conv2DTranspose")
def transposed_convolution(layer: Layer, inputs: list[Datum]) -> list[Datum]:
    """Each input place adds its kernel to the output around it; then Keras' length is cut out, or filled up with 0."""
    x = last(layer, inputs[0].values)
    kernel = weight(layer, "kernel", x)
    window = kernel.shape[:-2]
    strides = spread(layer.config.get("strides", 1), len(window))
    gaps = spread(layer.config.get("dilation_rate", 1), len(window))
    reaches = [(length - 1) * gap + 1 for length, gap in zip(window, gaps, strict=True)]
    spans = [(size - 1) * stride for size, stride in zip(x.shape[1:-1], strides, strict=True)]
    whole = np.zeros((len(x), *[a + b for a, b in zip(spans, reaches, strict=True)], kernel.shape[-2]), x.dtype)
    for place in itertools.product(*map(range, window)):
        cut = tuple(
            slice(step * gap, step * gap + span + 1, stride)
            for step, gap, span, stride in zip(place, gaps, spans, strides, strict=True)
        )
        whole[(slice(None), *cut)] += x @ kernel[place].T
    added = layer.config.get("output_padding")
    more = [added] * len(window) if added is None or isinstance(added, int) else added
    for axis, (size, stride, reach, extra) in enumerate(zip(x.shape[1:-1], strides, reaches, more, strict=True), 1):
        whole = _of_length(whole, axis, _length(layer, size, stride, reach, extra))
    return finish(layer, whole)


def _length(layer: Layer, size: int, stride: int, reach: int, extra: int | None) -> int:
    same = layer.config.get("padding", "valid") == "same"
    if extra is None:
        return size * stride if same else size * stride + max(reach - stride, 0)
    return (size - 1) * stride + reach - (2 * (reach // 2) if same else 0) + extra


def _of_length(whole: Array, axis: int, length: int) -> Array:
    """The middle (of an odd surplus the larger part falls away behind), or zeros behind."""
    surplus = whole.shape[axis] - length
    if surplus < 0:
        return np.asarray(np.pad(whole, [(0, -surplus if k == axis else 0) for k in range(whole.ndim)]))
    return np.asarray(np.take(whole, np.arange(length) + surplus // 2, axis=axis))


@reference("Resizing")
def resizing(layer: Layer, inputs: list[Datum]) -> list[Datum]:
    """The picture, or its middle, at another size."""
    x = last(layer, inputs[0].values)
    if layer.config.get("crop_to_aspect_ratio"):
        x = _middle_in_shape(layer, x)
    return [Datum(restored(layer, _resized(layer, x, layer.config.get("interpolation", "bilinear"))))]


@reference("CenterCrop")
def center_crop(layer: Layer, inputs: list[Datum]) -> list[Datum]:
    """As many places away before as behind."""
    x = last(layer, inputs[0].values)
    surplus = [x.shape[1] - layer.config["height"], x.shape[2] - layer.config["width"]]
    if min(surplus) < 0:
        return [Datum(restored(layer, _resized(layer, _middle_in_shape(layer, x), "bilinear")))]
    top, left = surplus[0] // 2, surplus[1] // 2
    y = x[:, top : top + layer.config["height"], left : left + layer.config["width"]]
    return [Datum(restored(layer, y))]


@reference("RandomCrop")
def random_crop(layer: Layer, inputs: list[Datum]) -> list[Datum]:
    """Outside training: the middle, resized."""
    x = _middle_in_shape(layer, last(layer, inputs[0].values))
    return [Datum(restored(layer, _resized(layer, x, "bilinear")))]


def _middle_in_shape(layer: Layer, x: Array) -> Array:
    height, width = x.shape[1:3]
    aspect = layer.config["height"] / layer.config["width"]
    tall = min(height, int(np.float32(width) * np.float32(aspect) + 1e-4))
    broad = min(width, int(np.float32(height) / np.float32(aspect) + 1e-4))
    top, left = (height - tall) // 2, (width - broad) // 2
    return x[:, top : top + tall, left : left + broad]


def _resized(layer: Layer, x: Array, interpolation: str) -> Array:
    """Each new place is the center of its share of the old ones."""
    for axis, size in ((1, layer.config["height"]), (2, layer.config["width"])):
        old = x.shape[axis]
        if interpolation == "nearest":
            x = np.take(x, [(2 * place + 1) * old // (2 * size) for place in range(size)], axis=axis)
            continue
        at = np.clip((np.arange(size) + 0.5) * old / size - 0.5, 0, old - 1)
        low = np.floor(at).astype(int)
        share = (at - low).astype(x.dtype).reshape([-1 if k == axis else 1 for k in range(x.ndim)])
        x = np.take(x, low, axis=axis) * (1 - share) + np.take(x, np.minimum(low + 1, old - 1), axis=axis) * share
    return x
