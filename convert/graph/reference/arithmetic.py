"""Definitions of bare arithmetic: NumPy's own."""

from collections.abc import Callable

import numpy as np

from convert.graph.arguments import find_constant, find_entry, find_input, read_cuts
from convert.graph.layer_graph import Array, Layer
from convert.graph.reference import Datum, reference
from convert.graph.reference.functions import relu, sigmoid
from convert.graph.reference.functions import softmax as shares

_PAIRS: dict[str, Callable[[Array, Array], Array]] = {
    "op.add": np.add, "op.subtract": np.subtract, "op.multiply": np.multiply, "op.divide": np.divide,
    "op.maximum": np.maximum, "op.minimum": np.minimum, "op.power": np.power,
}  # fmt: skip
_UNARY: dict[str, Callable[[Array], Array]] = {
    "op.relu": relu, "op.sigmoid": sigmoid, "op.tanh": np.tanh, "op.exp": np.exp, "op.log": np.log,
    "op.sqrt": np.sqrt, "op.abs": np.abs, "op.negative": np.negative, "op.square": np.square,
    "op.rsqrt": lambda x: 1 / np.sqrt(x), "op.relu6": lambda x: np.clip(x, 0, 6), "op.cast": lambda x: x,
    "op.identity": lambda x: x,
}  # fmt: skip
_REDUCTIONS: dict[str, Callable[..., Array]] = {
    "op.mean": np.mean, "op.sum": np.sum, "op.max": np.max, "op.min": np.min
}  # fmt: skip


@reference(*_PAIRS)
def pair(layer: Layer, inputs: list[Datum]) -> list[Datum]:
    """Value by value."""
    return [Datum(_PAIRS[layer.kind](_operand(layer, inputs, 0), _operand(layer, inputs, 1)))]


def _operand(layer: Layer, inputs: list[Datum], place: int) -> Array:
    names = (("x", "x1", "a"), ("y", "x2", "b"))[place]
    constant = find_constant(layer, place, *names)
    if constant is not None:
        return constant.astype(inputs[0].values.dtype)
    value = find_input(layer, inputs, place, *names)
    if value is None:
        raise ValueError(f"operand {place + 1} is missing")
    return value.values


@reference("op.bias_add")
def add_bias(layer: Layer, inputs: list[Datum]) -> list[Datum]:
    """Channel by channel."""
    x = inputs[0].values
    bias = find_constant(layer, 1, "bias")
    if bias is None:
        raise ValueError("the bias is missing")
    if str(find_entry(layer, 2, "data_format")).startswith("NC"):
        return [Datum(np.moveaxis(np.moveaxis(x, 1, -1) + bias, -1, 1))]
    return [Datum(x + bias.astype(x.dtype))]


@reference(*_UNARY)
def unary(layer: Layer, inputs: list[Datum]) -> list[Datum]:
    """Value by value."""
    return [Datum(_UNARY[layer.kind](inputs[0].values))]


@reference("op.leaky_relu")
def leaky_relu(layer: Layer, inputs: list[Datum]) -> list[Datum]:
    """A slope below 0."""
    slope = find_entry(layer, 1, "alpha", "negative_slope")
    return [Datum(relu(inputs[0].values, 0.2 if slope is None else slope))]


@reference("op.clip")
def clip(layer: Layer, inputs: list[Datum]) -> list[Datum]:
    """Within two bounds."""
    bounds = find_entry(layer, 1, "clip_value_min", "x_min"), find_entry(layer, 2, "clip_value_max", "x_max")
    return [Datum(np.clip(inputs[0].values, *bounds))]


@reference("op.softmax")
def softmax(layer: Layer, inputs: list[Datum]) -> list[Datum]:
    """e^x over its sum."""
    axis = find_entry(layer, 1, "axis")
    return [Datum(shares(inputs[0].values, -1 if axis is None else axis))]


@reference(*_REDUCTIONS)
def reduction(layer: Layer, inputs: list[Datum]) -> list[Datum]:
    """Over axes."""
    keep = bool(find_entry(layer, 2, "keepdims"))
    return [Datum(_REDUCTIONS[layer.kind](inputs[0].values, axis=_axes(layer, "axis"), keepdims=keep))]


def _axes(layer: Layer, *names: str) -> tuple[int, ...]:
    entry = find_entry(layer, 1, *names)
    return (entry,) if isinstance(entry, int) else tuple(entry)


@reference("op.matmul")
def matmul(layer: Layer, inputs: list[Datum]) -> list[Datum]:
    """Rows by columns."""
    left, right = _operand(layer, inputs, 0), _operand(layer, inputs, 1)
    left = np.swapaxes(left, -1, -2) if find_entry(layer, 2, "transpose_a") else left
    right = np.swapaxes(right, -1, -2) if find_entry(layer, 3, "transpose_b") else right
    return [Datum(left @ right)]


@reference("op.concatenate", "op.stack")
def joined(layer: Layer, inputs: list[Datum]) -> list[Datum]:
    """Along an axis."""
    values = [one.values for one in inputs]
    axis = layer.arguments.get("axis", layer.config.get("axis"))
    if layer.kind == "op.stack":
        return [Datum(np.stack(values, axis=axis or 0))]
    return [Datum(np.concatenate(values, axis=-1 if axis is None else axis))]


@reference("op.reshape")
def reshape(layer: Layer, inputs: list[Datum]) -> list[Datum]:
    """The same numbers."""
    return [Datum(inputs[0].values.reshape(_axes(layer, "shape", "newshape")))]


@reference("op.transpose")
def transpose(layer: Layer, inputs: list[Datum]) -> list[Datum]:
    """Axes in another order."""
    return [Datum(inputs[0].values.transpose(_axes(layer, "perm", "axes")))]


@reference("op.expand_dims")
def expand_dims(layer: Layer, inputs: list[Datum]) -> list[Datum]:
    """One more axis."""
    return [Datum(np.expand_dims(inputs[0].values, _axes(layer, "axis")))]


@reference("op.squeeze")
def squeeze(layer: Layer, inputs: list[Datum]) -> list[Datum]:
    """Without axes of size 1."""
    return [Datum(np.squeeze(inputs[0].values, _axes(layer, "axis")))]


@reference("op.slice")
def cut(layer: Layer, inputs: list[Datum]) -> list[Datum]:
    """Python's own slices."""
    return [Datum(inputs[0].values[tuple(read_cuts(layer, inputs[0].values.ndim))])]
