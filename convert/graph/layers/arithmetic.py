"""The bare arithmetic of functional models: x * 2, tf.concat, keras.ops.mean and their like, broadcast as in NumPy."""

import numpy as np

from convert.errors import RefusalError
from convert.graph.arguments import find_constant, find_entry, find_input, read_cuts, read_whole_numbers
from convert.graph.builder import Builder, Value
from convert.graph.layer_graph import Array, Layer, Shape
from convert.graph.layers import layer
from convert.graph.layers.core import known

_PAIRS = {
    "op.add": "Add", "op.subtract": "Sub", "op.multiply": "Mul", "op.divide": "Div", "op.maximum": "Max",
    "op.minimum": "Min", "op.power": "Pow",
}  # fmt: skip
_UNARY = {
    "op.relu": "Relu", "op.sigmoid": "Sigmoid", "op.tanh": "Tanh", "op.exp": "Exp", "op.log": "Log", "op.sqrt": "Sqrt",
    "op.abs": "Abs", "op.negative": "Neg",
}  # fmt: skip
_FAR = 1 << 62
_REDUCTIONS = {"op.mean": "ReduceMean", "op.sum": "ReduceSum", "op.max": "ReduceMax", "op.min": "ReduceMin"}


@layer(*_PAIRS)
def pair(one: Layer, inputs: list[Value], g: Builder) -> list[Value]:
    """Two tensors, or a tensor and a constant on either side."""
    left, right = (_operand(one, inputs, place, g) for place in (0, 1))
    return [Value(g.op(_PAIRS[one.kind], left.name, right.name), broadcast(left.shape, right.shape))]


def _operand(one: Layer, inputs: list[Value], place: int, g: Builder) -> Value:
    names = (("x", "x1", "a"), ("y", "x2", "b"))[place]
    constant = find_constant(one, place, *names)
    if constant is not None:
        return Value(g.array(constant.astype(np.float32), "operand"), constant.shape)
    value = find_input(one, inputs, place, *names)
    if value is None:
        raise ValueError(f"operand {place + 1} is missing")
    return value


def broadcast(left: Shape, right: Shape) -> Shape:
    """The shape of both together, aligned at their ends. ValueError."""
    rank = max(len(left), len(right))
    sizes: list[int | None] = []
    for a, b in zip((1,) * (rank - len(left)) + left, (1,) * (rank - len(right)) + right, strict=True):
        if a is not None and b is not None and a != b and 1 not in (a, b):
            raise ValueError(f"the shapes {left} and {right} do not fit")
        sizes.append(b if a == 1 else a if b in (1, None) else b)
    return tuple(sizes)


@layer("op.bias_add")
def add_bias(one: Layer, inputs: list[Value], g: Builder) -> list[Value]:
    """A number a channel, which is the last axis, or the second in the formats that begin with NC."""
    x = inputs[0]
    bias = find_bias(one, x.rank)
    broadcast(x.shape, (1, *bias.shape[1:]))
    return [Value(g.op("Add", x.name, g.array(bias, "bias")), x.shape)]


def find_bias(one: Layer, rank: int) -> Array:
    """The constant bias, in the place of the channels. ValueError where it is no row of numbers."""
    bias = find_constant(one, 1, "bias")
    if bias is None or bias.ndim != 1:
        raise ValueError("the bias is no row of numbers")
    first = str(find_entry(one, 2, "data_format")).startswith("NC")
    shape = (1, -1, *[1] * (rank - 2)) if first else (*[1] * (rank - 1), -1)
    return bias.astype(np.float32).reshape(shape)


@layer(*_UNARY)
def unary(one: Layer, inputs: list[Value], g: Builder) -> list[Value]:
    """Value by value."""
    x = inputs[0]
    return [Value(g.op(_UNARY[one.kind], x.name), x.shape)]


@layer("op.square", "op.rsqrt", "op.relu6", "op.leaky_relu", "op.clip", "op.cast")
def adjusted(one: Layer, inputs: list[Value], g: Builder) -> list[Value]:
    """Value by value, with settings."""
    x = inputs[0]
    match one.kind:
        case "op.square":
            name = g.op("Mul", x.name, x.name)
        case "op.rsqrt":
            name = g.op("Reciprocal", g.op("Sqrt", x.name))
        case "op.relu6":
            name = g.op("Clip", x.name, g.number(0.0), g.number(6.0))
        case "op.leaky_relu":
            slope = find_entry(one, 1, "alpha", "negative_slope")
            name = g.op("LeakyRelu", x.name, alpha=0.2 if slope is None else float(slope))
        case "op.clip":
            low, high = find_entry(one, 1, "clip_value_min", "x_min"), find_entry(one, 2, "clip_value_max", "x_max")
            name = g.op("Clip", x.name, g.number(float(low)), g.number(float(high)))
        case _:
            target = str(find_entry(one, 1, "dtype"))
            if "float" not in target:
                raise RefusalError(f"{one.name} casts to {target}, which is not supported.", "Compute in float32.")
            name = g.cast(x.name, "float")
    return [Value(name, x.shape)]


@layer("op.identity")
def identity(_one: Layer, inputs: list[Value], _g: Builder) -> list[Value]:
    """The same, also of truths: Keras 3 writes it behind masks."""
    return [Value(inputs[0].name, inputs[0].shape)]


@layer("op.softmax")
def softmax(one: Layer, inputs: list[Value], g: Builder) -> list[Value]:
    """Over one axis."""
    x = inputs[0]
    axis = find_entry(one, 1, "axis")
    return [Value(g.op("Softmax", x.name, axis=-1 if axis is None else int(axis)), x.shape)]


@layer(*_REDUCTIONS)
def reduction(one: Layer, inputs: list[Value], g: Builder) -> list[Value]:
    """Over axes of a sample; never over the batch."""
    x = inputs[0]
    axes = reduced_axes(one, x.rank)
    keep = bool(find_entry(one, 2, "keepdims"))
    shape = tuple(1 if axis in axes else size for axis, size in enumerate(x.shape) if keep or axis not in axes)
    if one.kind == "op.sum":
        return [Value(g.op("ReduceSum", x.name, g.ints(*axes), keepdims=int(keep)), shape)]
    return [Value(g.op(_REDUCTIONS[one.kind], x.name, axes=axes, keepdims=int(keep)), shape)]


def reduced_axes(one: Layer, rank: int) -> list[int]:
    """Counted from 0. RefusalError where the batch is among them."""
    axes = [axis % rank for axis in read_whole_numbers(find_entry(one, 1, "axis"))]
    if not axes or 0 in axes:
        raise RefusalError(f"{one.name} reduces over the batch.", "Name the axes, without the first.")
    return sorted(axes)


@layer("op.matmul")
def matmul(one: Layer, inputs: list[Value], g: Builder) -> list[Value]:
    """Matrices of the last two axes."""
    left, right = (_operand(one, inputs, place, g) for place in (0, 1))
    if min(left.rank, right.rank) < 2:
        raise ValueError(f"{left.shape} times {right.shape}")
    turned = [bool(find_entry(one, 2, "transpose_a")), bool(find_entry(one, 3, "transpose_b"))]
    left, right = (_turned(value, g) if turn else value for value, turn in zip((left, right), turned, strict=True))
    shape = (*broadcast(left.shape[:-2], right.shape[:-2]), left.shape[-2], right.shape[-1])
    return [Value(g.op("MatMul", left.name, right.name), shape)]


def _turned(value: Value, g: Builder) -> Value:
    perm = [*range(value.rank - 2), value.rank - 1, value.rank - 2]
    return Value(g.op("Transpose", value.name, perm=perm), tuple(value.shape[axis] for axis in perm))


@layer("op.concatenate", "op.stack")
def joined(one: Layer, inputs: list[Value], g: Builder) -> list[Value]:
    """Behind each other along an axis, or along a new one."""
    entry = one.arguments.get("axis", one.config.get("axis"))
    axis = (0 if one.kind == "op.stack" else -1) if entry is None else int(entry)
    shape = inputs[0].shape
    if one.kind == "op.stack":
        axis %= len(shape) + 1
        names = [g.op("Unsqueeze", value.name, g.ints(axis)) for value in inputs]
        return [Value(g.op("Concat", *names, axis=axis), (*shape[:axis], len(inputs), *shape[axis:]))]
    axis %= len(shape)
    sizes = [value.at(axis) for value in inputs]
    total = None if any(size is None for size in sizes) else sum(size for size in sizes if size is not None)
    name = g.op("Concat", *[value.name for value in inputs], axis=axis)
    return [Value(name, (*shape[:axis], total, *shape[axis + 1 :]))]


@layer("op.reshape")
def reshape(one: Layer, inputs: list[Value], g: Builder) -> list[Value]:
    """The shape has the batch, as −1."""
    x = inputs[0]
    target = read_whole_numbers(find_entry(one, 1, "shape", "newshape"))
    if not target or target[0] != -1 or -1 in target[1:]:
        raise RefusalError(
            f"{one.name} reshapes to {target}.", "Begin with −1 for the batch and name all other sizes, or use Reshape."
        )
    known(one, x.shape[1:])
    return [Value(g.reshape(x.name, *target), (None, *target[1:]))]


@layer("op.transpose")
def transpose(one: Layer, inputs: list[Value], g: Builder) -> list[Value]:
    """Axes in another order; the batch stays where it is."""
    x = inputs[0]
    perm = [axis % x.rank for axis in read_whole_numbers(find_entry(one, 1, "perm", "axes"))]
    if not perm or perm[0] != 0 or sorted(perm) != list(range(x.rank)):
        raise RefusalError(f"{one.name} moves the batch ({perm}).", "Keep the first axis first.")
    return [Value(g.op("Transpose", x.name, perm=perm), tuple(x.shape[axis] for axis in perm))]


@layer("op.expand_dims", "op.squeeze")
def ones(one: Layer, inputs: list[Value], g: Builder) -> list[Value]:
    """An axis of size 1 more, or less."""
    x = inputs[0]
    axes = read_whole_numbers(find_entry(one, 1, "axis"))
    if one.kind == "op.expand_dims":
        axis = axes[0] % (x.rank + 1)
        return [Value(g.op("Unsqueeze", x.name, g.ints(axis)), (*x.shape[:axis], 1, *x.shape[axis:]))]
    gone = {axis % x.rank for axis in axes}
    if not gone or any(x.at(axis) != 1 for axis in gone):
        raise RefusalError(f"{one.name} squeezes {x.shape} along {sorted(gone)}.", "Name axes of size 1.")
    shape = tuple(size for axis, size in enumerate(x.shape) if axis not in gone)
    return [Value(g.op("Squeeze", x.name, g.ints(*sorted(gone))), shape)]


@layer("op.slice")
def cut(one: Layer, inputs: list[Value], g: Builder) -> list[Value]:
    """x[:, -1] and its like; the batch stays whole."""
    x = inputs[0]
    cuts = read_cuts(one, x.rank)
    if not cuts or cuts[0] not in (slice(None), slice(0, None)) or len(cuts) > x.rank:
        raise RefusalError(f"{one.name} takes a part of the batch ({cuts}).", "Begin with x[:, …].")
    name, shape, gone = x.name, list(x.shape), []
    for axis, item in enumerate(cuts):
        size = x.at(axis)
        if isinstance(item, int):
            end = item + 1 if item != -1 else _FAR
            name = g.op("Slice", name, g.ints(item), g.ints(end), g.ints(axis), g.ints(1))
            shape[axis] = 1
            gone.append(axis)
        elif item not in (slice(None), slice(0, None)):
            step = item.step or 1
            first = item.start if item.start is not None else (0 if step > 0 else _FAR)
            end = item.stop if item.stop is not None else (_FAR if step > 0 else -_FAR)
            name = g.op("Slice", name, g.ints(first), g.ints(end), g.ints(axis), g.ints(step))
            shape[axis] = None if size is None else len(range(*item.indices(size)))
    if gone:
        name = g.op("Squeeze", name, g.ints(*gone))
    return [Value(name, tuple(size for axis, size in enumerate(shape) if axis not in gone))]
