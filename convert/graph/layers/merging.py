"""Add, Subtract, Multiply, Average, Maximum, Minimum and Concatenate, with Keras' rules for their masks."""

from convert.errors import RefusalError
from convert.graph.builder import Builder, Value
from convert.graph.layer_graph import Layer, Shape
from convert.graph.layers import layer
from convert.graph.masks import merges_by_any

_MASK_AWARE = {"Multiply", "Maximum", "Minimum"}
_PAIRWISE = {"Add": "Add", "Average": "Add", "Subtract": "Sub", "Multiply": "Mul", "Maximum": "Max", "Minimum": "Min"}


@layer(*_PAIRWISE)
def merge(one: Layer, inputs: list[Value], g: Builder) -> list[Value]:
    """Value by value; where ranks differ, the smaller ones get axes of size 1 behind the batch."""
    rank = max(value.rank for value in inputs)
    if one.keras >= 3 and one.kind in _MASK_AWARE and any(value.mask is not None for value in inputs):
        return [_mask_aware(one, inputs, g)]
    widened = [_widened(value, rank, g) for value in inputs]
    total = widened[0]
    for value in widened[1:]:
        total = Value(g.op(_PAIRWISE[one.kind], total.name, value.name), _broadcast(total.shape, value.shape))
    name = total.name
    if one.kind == "Average":
        name = g.op("Mul", name, g.number(1.0 / len(inputs)))
    return [Value(name, total.shape, _merged_mask(one, inputs, g))]


@layer("Concatenate")
def concatenate(one: Layer, inputs: list[Value], g: Builder) -> list[Value]:
    """One behind the other along an axis."""
    rank = inputs[0].rank
    axis = int(one.config.get("axis", -1)) % rank
    sizes = [value.at(axis) for value in inputs]
    total = None if any(size is None for size in sizes) else sum(size for size in sizes if size is not None)
    shape = tuple(total if place == axis else size for place, size in enumerate(inputs[0].shape))
    name = g.op("Concat", *[value.name for value in inputs], axis=axis)
    return [Value(name, shape, _concatenated_mask(one, inputs, axis, g))]


def _mask_aware(one: Layer, inputs: list[Value], g: Builder) -> Value:
    """Keras 3 leaves masked steps out of products and extremes."""
    reals = [
        None if value.mask is None else g.op("Unsqueeze", value.mask, g.ints(*range(2, value.rank))) for value in inputs
    ]
    mask = _merged_mask(one, inputs, g)
    if one.kind == "Multiply":
        factors = [
            value.name if real is None else g.op("Where", real, value.name, g.number(1.0))
            for value, real in zip(inputs, reals, strict=True)
        ]
        name = factors[0]
        for factor in factors[1:]:
            name = g.op("Mul", name, factor)
        if mask is not None:
            name = g.op("Where", g.op("Unsqueeze", mask, g.ints(*range(2, inputs[0].rank))), name, g.number(0.0))
        return Value(name, inputs[0].shape, mask)
    name, known = inputs[0].name, reals[0]
    for value, real in zip(inputs[1:], reals[1:], strict=True):
        other = value.name if real is None else g.op("Where", real, value.name, name)
        name = name if known is None else g.op("Where", known, name, other)
        known = g.op("Or", known, real) if known is not None and real is not None else None
        name = g.op(_PAIRWISE[one.kind], name, other)
    return Value(name, inputs[0].shape, mask)


def _widened(value: Value, rank: int, g: Builder) -> Value:
    missing = rank - value.rank
    if not missing:
        return value
    name = g.op("Unsqueeze", value.name, g.ints(*range(1, 1 + missing)))
    return Value(name, (value.shape[0], *([1] * missing), *value.shape[1:]))


def _broadcast(left: Shape, right: Shape) -> Shape:
    sizes: list[int | None] = []
    for a, b in zip(left, right, strict=True):
        if b in (a, 1):
            sizes.append(a)
        elif a == 1:
            sizes.append(b)
        elif a is None or b is None:
            sizes.append(a if b is None else b)
        else:
            raise ValueError(f"the shapes {left} and {right} do not fit")
    return tuple(sizes)


def _merged_mask(one: Layer, inputs: list[Value], g: Builder) -> str | None:
    masks = [value.mask for value in inputs if value.mask is not None]
    if not masks or (merges_by_any(one.keras) and len(masks) < len(inputs)):
        return None
    return _folded(masks, "Or" if merges_by_any(one.keras) else "And", g)


def _folded(masks: list[str], kind: str, g: Builder) -> str:
    mask = masks[0]
    for other in masks[1:]:
        mask = g.op(kind, mask, other)
    return mask


def _concatenated_mask(one: Layer, inputs: list[Value], axis: int, g: Builder) -> str | None:
    masks = [value.mask for value in inputs if value.mask is not None]
    if not masks:
        return None
    rank = inputs[0].rank
    if axis == rank - 1:
        if not merges_by_any(one.keras):
            return _folded(masks, "And", g)
        if len(masks) == len(inputs):
            return _folded(masks, "Or", g)
        return _all_real(masks[0], g)
    if axis == 1 and len(masks) == len(inputs):
        return g.op("Concat", *masks, axis=1)
    raise RefusalError(
        f"{one.name} puts masked and unmasked sequences behind each other in time.", "Mask all of them, or none."
    )


def _all_real(mask: str, g: Builder) -> str:
    return g.op("Or", mask, g.op("Not", mask))
