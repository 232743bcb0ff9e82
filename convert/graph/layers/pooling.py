"""Pools over windows and over everything."""

from convert.errors import RefusalError
from convert.graph.builder import Builder, Value
from convert.graph.layer_graph import Layer
from convert.graph.layers import layer
from convert.graph.layers.convolution import channels_first, from_first, to_first
from convert.graph.windows import compute_output_size, compute_padding, spread


@layer(
    "MaxPooling1D", "MaxPooling2D", "MaxPooling3D", "AveragePooling1D", "AveragePooling2D", "AveragePooling3D"
)  # fmt: skip
def pool(one: Layer, inputs: list[Value], g: Builder) -> list[Value]:
    """The largest or the mean of each window; what is padded does not count."""
    rank = inputs[0].rank - 2
    x = to_first(g, one, inputs[0])
    window = spread(one.config.get("pool_size", 2), rank)
    strides = spread(one.config.get("strides") or window, rank)
    padding = str(one.config.get("padding", "valid"))
    axes = [(size, kernel, stride, 1) for size, kernel, stride in zip(x.shape[2:], window, strides, strict=True)]
    pads = [compute_padding(*axis, padding) for axis in axes]
    known = [pad for pad in pads if pad is not None]
    place: dict[str, object] = {"auto_pad": "SAME_UPPER"}
    if len(known) == len(pads):
        place = {"pads": [pad[0] for pad in known] + [pad[1] for pad in known]}
    kind = "MaxPool" if one.kind.startswith("Max") else "AveragePool"
    y = g.op(kind, x.name, kernel_shape=list(window), strides=list(strides), **place)
    sizes = [compute_output_size(*axis, padding) for axis in axes]
    return [from_first(g, one, Value(y, (*x.shape[:2], *sizes)))]


@layer(
    "GlobalMaxPooling1D", "GlobalMaxPooling2D", "GlobalMaxPooling3D", "GlobalAveragePooling1D",
    "GlobalAveragePooling2D", "GlobalAveragePooling3D",
)  # fmt: skip
def global_pool(one: Layer, inputs: list[Value], g: Builder) -> list[Value]:
    """The largest or the mean over all places; a masked mean over the real steps alone."""
    x = inputs[0]
    first = 2 if channels_first(one) else 1
    axes = list(range(first, first + x.rank - 2))
    keep = bool(one.config.get("keepdims", False))
    shape = tuple(1 if axis in axes else size for axis, size in enumerate(x.shape) if keep or axis not in axes)
    if x.mask is not None and one.kind == "GlobalAveragePooling1D":
        return [Value(_masked_mean(one, x, axes[0], keep, g), shape)]
    kind = "ReduceMax" if "Max" in one.kind else "ReduceMean"
    return [Value(g.op(kind, x.name, axes=axes, keepdims=int(keep)), shape)]


def _masked_mean(one: Layer, x: Value, axis: int, keep: bool, g: Builder) -> str:
    if x.mask is None or x.rank != 3:
        raise RefusalError(f"{one.name} pools a masked input of the shape {x.shape}.", "")
    real = g.op("Unsqueeze", g.cast(x.mask, "float"), g.ints(3 - axis))
    total = g.op("ReduceSum", g.op("Mul", x.name, real), g.ints(axis), keepdims=int(keep))
    count = g.op("ReduceSum", real, g.ints(axis), keepdims=int(keep))
    return g.op("Div", total, count)
