"""Keras' bare operations (`keras.ops`) that functional models of Keras 3 hold: it writes masks out as such."""

from typing import Any

from convert.errors import RefusalError
from convert.graph.builder import Builder, Value
from convert.graph.layer_graph import Layer
from convert.graph.layers import layer


@layer("NotEqual", "Equal")
def compare(one: Layer, inputs: list[Value], g: Builder) -> list[Value]:
    """Value by value, a tensor against a number or a tensor."""
    name = g.op("Equal", inputs[0].name, _operand(one, inputs, g))
    return [Value(g.op("Not", name) if one.kind == "NotEqual" else name, inputs[0].shape)]


@layer("Any", "All")
def any_or_all(one: Layer, inputs: list[Value], g: Builder) -> list[Value]:
    """Whether any, or all, are true along an axis."""
    axis = one.config.get("axis")
    axes = [int(axis)] if isinstance(axis, int) else [int(item) for item in axis or ()]
    if not axes:
        raise RefusalError(f"{one.name} reduces everything, also the batch.", "Name its axis.")
    keep = bool(one.config.get("keepdims"))
    kind = "ReduceMax" if one.kind == "Any" else "ReduceMin"
    name = g.op(kind, g.cast(g.cast(inputs[0].name, "bool"), "float"), axes=axes, keepdims=int(keep))
    gone = {axis % inputs[0].rank for axis in axes}
    shape = tuple(1 if axis in gone else size for axis, size in enumerate(inputs[0].shape) if keep or axis not in gone)
    return [Value(g.cast(name, "bool"), shape)]


@layer("LogicalOr", "LogicalAnd")
def combine(one: Layer, inputs: list[Value], g: Builder) -> list[Value]:
    """Two truths into one; shapes broadcast."""
    kind = "Or" if one.kind == "LogicalOr" else "And"
    name = g.op(kind, *[g.cast(value.name, "bool") for value in inputs])
    wide = max(inputs, key=lambda value: [size or 1 for size in value.shape])
    return [Value(name, wide.shape)]


@layer("LogicalNot")
def negate(_one: Layer, inputs: list[Value], g: Builder) -> list[Value]:
    """The opposite truth."""
    return [Value(g.op("Not", g.cast(inputs[0].name, "bool")), inputs[0].shape)]


@layer("ExpandDims")
def expand_dims(one: Layer, inputs: list[Value], g: Builder) -> list[Value]:
    """One more axis of size 1."""
    axis = int(one.config["axis"]) % (inputs[0].rank + 1)
    shape = (*inputs[0].shape[:axis], 1, *inputs[0].shape[axis:])
    return [Value(g.op("Unsqueeze", inputs[0].name, g.ints(axis)), shape)]


@layer("ZerosLike", "OnesLike")
def constants_like(one: Layer, inputs: list[Value], g: Builder) -> list[Value]:
    """A tensor of the same shape, all false or all true."""
    if one.config.get("dtype") != "bool":
        raise RefusalError(f"{one.name} makes numbers, which is not supported.", "Leave the operation out.")
    shape = g.op("Shape", inputs[0].name)
    filled = g.op("Expand", g.number(1.0 if one.kind == "OnesLike" else 0.0), shape)
    return [Value(g.cast(filled, "bool"), inputs[0].shape)]


def _operand(one: Layer, inputs: list[Value], g: Builder) -> str:
    """The second operand: a tensor, or a number among the call's arguments."""
    if len(inputs) > 1:
        return inputs[1].name
    return g.number(constant_argument(one))


def constant_argument(one: Layer) -> float:
    """The number that a call compares its tensor with. RefusalError."""
    arguments: list[Any] = [*one.arguments.get("args", []), *(one.arguments.get(key) for key in ("x2", "y"))]
    numbers = [item for item in arguments if isinstance(item, (int, float)) and not isinstance(item, bool)]
    if len(numbers) != 1:
        raise RefusalError(
            f"{one.name} compares with {arguments!r}, which is not supported.", "Compare with one number."
        )
    return float(numbers[0])
