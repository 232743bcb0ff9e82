"""Layers that only move, repeat, cut or pad."""

import math
from typing import Any

import numpy as np

from convert.graph.builder import Builder, Value
from convert.graph.layer_graph import Layer, Setting
from convert.graph.layers import layer
from convert.graph.layers.convolution import channels_first, to_first
from convert.graph.layers.core import known
from convert.graph.windows import spread


@layer("Flatten")
def flatten(one: Layer, inputs: list[Value], g: Builder) -> list[Value]:
    """batch × everything; channels_first is brought to channels_last before."""
    x = inputs[0]
    name, sizes = x.name, x.shape[1:]
    if channels_first(one) and x.rank > 2:
        perm = [0, *range(2, x.rank), 1]
        name = g.op("Transpose", name, perm=perm)
    width = math.prod(known(one, sizes)) if sizes else 1
    return [Value(g.reshape(name, -1, width), (x.shape[0], width))]


@layer("Reshape")
def reshape(one: Layer, inputs: list[Value], g: Builder) -> list[Value]:
    """The sample's numbers in another shape; one size may be −1."""
    x = inputs[0]
    target = [int(size) for size in one.config["target_shape"]]
    if -1 in target:
        total = math.prod(known(one, x.shape[1:]))
        rest = -math.prod(target)
        if rest <= 0 or total % rest:
            raise ValueError(f"{x.shape} cannot become {target}")
        target[target.index(-1)] = total // rest
    return [Value(g.reshape(x.name, -1, *target), (x.shape[0], *target))]


@layer("Permute")
def permute(one: Layer, inputs: list[Value], g: Builder) -> list[Value]:
    """Axes in another order, counted from 1 without the batch."""
    x = inputs[0]
    perm = [0, *(int(axis) for axis in one.config["dims"])]
    return [Value(g.op("Transpose", x.name, perm=perm), tuple(x.shape[axis] for axis in perm))]


@layer("RepeatVector")
def repeat_vector(one: Layer, inputs: list[Value], g: Builder) -> list[Value]:
    """batch × values → batch × n × values."""
    x = inputs[0]
    count = int(one.config["n"])
    tall = g.op("Unsqueeze", x.name, g.ints(1))
    return [Value(g.op("Tile", tall, g.ints(1, count, 1)), (x.shape[0], count, x.shape[1]))]


@layer("ZeroPadding1D", "ZeroPadding2D", "ZeroPadding3D")
def zero_padding(one: Layer, inputs: list[Value], g: Builder) -> list[Value]:
    """Zeros around the spatial axes."""
    x = inputs[0]
    first = 2 if channels_first(one) else 1
    pairs = read_pairs(one.config.get("padding", 1), x.rank - 2)
    before, after = [0] * x.rank, [0] * x.rank
    sizes = list(x.shape)
    for axis, (left, right) in enumerate(pairs, start=first):
        before[axis], after[axis] = left, right
        size = sizes[axis]
        sizes[axis] = None if size is None else size + left + right
    return [Value(g.op("Pad", x.name, g.ints(*before, *after)), tuple(sizes))]


@layer("Cropping1D", "Cropping2D", "Cropping3D")
def cropping(one: Layer, inputs: list[Value], g: Builder) -> list[Value]:
    """The spatial axes without their borders."""
    x = inputs[0]
    first = 2 if channels_first(one) else 1
    pairs = read_pairs(one.config.get("cropping", 1), x.rank - 2)
    axes = list(range(first, first + len(pairs)))
    sizes = list(x.shape)
    for axis, (left, right) in zip(axes, pairs, strict=True):
        size = sizes[axis]
        sizes[axis] = None if size is None else size - left - right
    starts = [left for left, _ in pairs]
    ends = [-right if right else (1 << 62) for _, right in pairs]
    return [Value(g.op("Slice", x.name, g.ints(*starts), g.ints(*ends), g.ints(*axes)), tuple(sizes))]


@layer("UpSampling1D", "UpSampling2D", "UpSampling3D")
def up_sampling(one: Layer, inputs: list[Value], g: Builder) -> list[Value]:
    """Each place repeated; in 2-D also bilinear between half-pixel centers."""
    x = inputs[0]
    rank = x.rank - 2
    factors = spread(one.config.get("size", 2), rank)
    interpolation = str(one.config.get("interpolation", "nearest"))
    if interpolation not in ("nearest", "bilinear"):
        raise ValueError(f"the interpolation {interpolation!r} is not known")
    y = to_first(g, one, x)
    modes: dict[str, Any] = {"mode": "nearest", "coordinate_transformation_mode": "asymmetric", "nearest_mode": "floor"}
    if interpolation == "bilinear":
        modes = {"mode": "linear", "coordinate_transformation_mode": "half_pixel"}
    scales = g.array(np.asarray((1, 1, *factors), np.float32), "scales")
    name = g.op("Resize", y.name, "", scales, **modes)
    sizes = [None if size is None else size * factor for size, factor in zip(y.shape[2:], factors, strict=True)]
    if not channels_first(one):
        name = g.op("Transpose", name, perm=[0, *range(2, x.rank), 1])
        return [Value(name, (x.shape[0], *sizes, x.shape[-1]))]
    return [Value(name, (*x.shape[:2], *sizes))]


def read_pairs(setting: Setting, rank: int) -> list[tuple[int, int]]:
    """A padding or cropping setting as (before, after) for each spatial axis."""
    if isinstance(setting, int):
        return [(setting, setting)] * rank
    if rank == 1 and len(setting) == 2 and all(isinstance(item, int) for item in setting):
        return [(int(setting[0]), int(setting[1]))]
    pairs = [(int(item), int(item)) if isinstance(item, int) else (int(item[0]), int(item[1])) for item in setting]
    if len(pairs) != rank or any(min(pair) < 0 for pair in pairs):
        raise ValueError(f"{setting!r} does not fit {rank} axes")
    return pairs
