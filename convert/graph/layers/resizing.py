"""Resizing and the crops of pictures, as they are outside training; places are half-pixel centers, as in Keras."""

from typing import Any

from convert.errors import RefusalError
from convert.graph.builder import Builder, Value
from convert.graph.layer_graph import Layer
from convert.graph.layers import layer
from convert.graph.layers.convolution import from_first, to_first
from convert.graph.layers.core import known
from convert.graph.windows import fit_aspect_box

_MODES: dict[str, dict[str, Any]] = {
    "nearest": {"mode": "nearest", "nearest_mode": "round_prefer_ceil"},
    "bilinear": {"mode": "linear"},
}


@layer("Resizing")
def resizing(one: Layer, inputs: list[Value], g: Builder) -> list[Value]:
    """To a height and width; with crop_to_aspect_ratio from the largest middle of that shape."""
    for setting in ("pad_to_aspect_ratio", "antialias"):
        if one.config.get(setting):
            raise RefusalError(f"{one.name} resizes with {setting}, which is not supported.", "Resize in the pipeline.")
    x = to_first(g, one, inputs[0])
    if one.config.get("crop_to_aspect_ratio"):
        x = _cut(one, x, g)
    return [from_first(g, one, _resized(one, x, str(one.config.get("interpolation", "bilinear")), g))]


@layer("CenterCrop")
def center_crop(one: Layer, inputs: list[Value], g: Builder) -> list[Value]:
    """The middle; of a picture that is too small, the largest middle of the wanted shape, enlarged."""
    x = to_first(g, one, inputs[0])
    height, width = known(one, x.shape[2:])
    target = int(one.config["height"]), int(one.config["width"])
    if height < target[0] or width < target[1]:
        return [from_first(g, one, _resized(one, _cut(one, x, g), "bilinear", g))]
    box = ((height - target[0]) // 2, (width - target[1]) // 2, *target)
    return [from_first(g, one, _window(x, box, g))]


@layer("RandomCrop")
def random_crop(one: Layer, inputs: list[Value], g: Builder) -> list[Value]:
    """Outside training nothing is random: the largest middle of the wanted shape is brought to the size."""
    x = to_first(g, one, inputs[0])
    if one.keras >= 3 and x.shape[2:] != (int(one.config["height"]), int(one.config["width"])):
        raise RefusalError(
            f"{one.name} is a RandomCrop: versions of Keras 3 differ in what it does outside training.",
            "Put a CenterCrop in its place, as the answers of the trained model are wanted, and save the model again.",
        )
    x = _cut(one, x, g)
    return [from_first(g, one, _resized(one, x, "bilinear", g))]


def _cut(one: Layer, x: Value, g: Builder) -> Value:
    """The largest middle with the shape of the wanted size."""
    height, width = known(one, x.shape[2:])
    return _window(x, fit_aspect_box(height, width, int(one.config["height"]), int(one.config["width"])), g)


def _window(x: Value, box: tuple[int, int, int, int], g: Builder) -> Value:
    top, left, height, width = box
    name = g.op("Slice", x.name, g.ints(top, left), g.ints(top + height, left + width), g.ints(2, 3))
    return Value(name, (*x.shape[:2], height, width))


def _resized(one: Layer, x: Value, interpolation: str, g: Builder) -> Value:
    if interpolation not in _MODES:
        raise RefusalError(f"{one.name} interpolates by {interpolation!r}, which is not supported.", "Use bilinear.")
    size = int(one.config["height"]), int(one.config["width"])
    if min(size) < 1 or x.rank != 4:
        raise ValueError(f"{x.shape} cannot become {size}")
    if x.shape[2:] == size:
        return x
    sizes = g.op("Concat", g.sizes(x, 0, 2), g.ints(*size), axis=0)
    name = g.op("Resize", x.name, "", "", sizes, coordinate_transformation_mode="half_pixel", **_MODES[interpolation])
    return Value(name, (*x.shape[:2], *size))
