"""Convolutions over 1, 2 or 3 axes, in either layout of channels."""

from convert.graph.activations import find_activation
from convert.graph.builder import Builder, Value
from convert.graph.layer_graph import Array, Layer
from convert.graph.layers import layer
from convert.graph.layers.activation import activate
from convert.graph.windows import compute_output_size, compute_padding, spread


def channels_first(one: Layer) -> bool:
    """Whether the layer's channels stand before the spatial axes."""
    return one.config.get("data_format") == "channels_first"


def to_first(g: Builder, one: Layer, x: Value) -> Value:
    """batch × channels × spatial, as ONNX wants it."""
    if channels_first(one):
        return Value(x.name, x.shape)
    perm = [0, x.rank - 1, *range(1, x.rank - 1)]
    return Value(g.op("Transpose", x.name, perm=perm), tuple(x.shape[axis] for axis in perm))


def from_first(g: Builder, one: Layer, x: Value) -> Value:
    """Back to the layer's own layout."""
    if channels_first(one):
        return x
    perm = [0, *range(2, x.rank), 1]
    return Value(g.op("Transpose", x.name, perm=perm), tuple(x.shape[axis] for axis in perm))


@layer("Conv1D", "Conv2D", "Conv3D")
def convolution(one: Layer, inputs: list[Value], g: Builder) -> list[Value]:
    """Kernel: spatial × inputs/groups × filters."""
    kernel = one.weights["kernel"]
    rank = kernel.ndim - 2
    x = to_first(g, one, inputs[0])
    groups = int(one.config.get("groups") or 1)
    if inputs[0].rank != rank + 2 or x.at(1) not in (None, kernel.shape[-2] * groups):
        raise ValueError(f"the kernel is {kernel.shape}, the input is {inputs[0].shape}")
    y = _convolve(g, one, x, _filters_first(kernel), groups)
    return [finish(g, one, y)]


@layer("DepthwiseConv1D", "DepthwiseConv2D")
def depthwise(one: Layer, inputs: list[Value], g: Builder) -> list[Value]:
    """Each channel by its own kernels: spatial × channels × multiplier."""
    x = to_first(g, one, inputs[0])
    kernel = one.weights["depthwise_kernel"]
    return [finish(g, one, _convolve(g, one, x, _depthwise_filters(kernel), kernel.shape[-2]))]


@layer("SeparableConv1D", "SeparableConv2D")
def separable(one: Layer, inputs: list[Value], g: Builder) -> list[Value]:
    """Depthwise, then 1 × 1 across the channels."""
    x = to_first(g, one, inputs[0])
    kernel, pointwise = one.weights["depthwise_kernel"], one.weights["pointwise_kernel"]
    y = _convolve(g, one, x, _depthwise_filters(kernel), kernel.shape[-2], biased=False)
    mixed = [y.name, g.weight(_filters_first(pointwise), "pointwise_kernel", pointwise)]
    if "bias" in one.weights:
        mixed.append(g.weight(one.weights["bias"], "bias"))
    shape = (y.shape[0], pointwise.shape[-1], *y.shape[2:])
    return [finish(g, one, Value(g.op("Conv", *mixed), shape))]


def _filters_first(kernel: Array) -> Array:
    rank = kernel.ndim - 2
    return kernel.transpose(rank + 1, rank, *range(rank))


def _depthwise_filters(kernel: Array) -> Array:
    """spatial × channels × multiplier → (channels · multiplier) × 1 × spatial."""
    rank = kernel.ndim - 2
    filters = kernel.transpose(rank, rank + 1, *range(rank))
    return filters.reshape(-1, 1, *kernel.shape[:rank])


def _convolve(g: Builder, one: Layer, x: Value, filters: Array, groups: int, *, biased: bool = True) -> Value:
    rank = filters.ndim - 2
    spatial = filters.shape[2:]
    strides = spread(one.config.get("strides", 1), rank)
    dilations = spread(one.config.get("dilation_rate", 1), rank)
    padding = str(one.config.get("padding", "valid"))
    axes = list(zip(x.shape[2:], spatial, strides, dilations, strict=True))
    pads = [compute_padding(*axis, padding) for axis in axes]
    sizes = [compute_output_size(*axis, padding) for axis in axes]
    known = [pad for pad in pads if pad is not None]
    place: dict[str, object] = {"auto_pad": "SAME_UPPER"}
    if len(known) == len(pads):
        place = {"pads": [pad[0] for pad in known] + [pad[1] for pad in known]}
    source = one.weights.get("kernel", one.weights.get("depthwise_kernel"))
    names = [x.name, g.weight(filters, "kernel", source)]
    if biased and "bias" in one.weights:
        names.append(g.weight(one.weights["bias"], "bias"))
    y = g.op("Conv", *names, strides=list(strides), dilations=list(dilations), group=groups, **place)
    return Value(y, (x.shape[0], filters.shape[0], *sizes))


def finish(g: Builder, one: Layer, y: Value) -> Value:
    """The activation, in the layer's own layout."""
    setting = find_activation(one.config.get("activation"), one.name)
    y = from_first(g, one, y)
    return Value(activate(g, y.name, setting, one.name, one.keras), y.shape)
