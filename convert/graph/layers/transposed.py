"""Transposed convolutions: what TensorFlow calls the gradient of a convolution, cut to the length Keras wants."""

from convert.graph.builder import Builder, Value
from convert.graph.layer_graph import Layer, Setting
from convert.graph.layers import layer
from convert.graph.layers.convolution import finish, to_first
from convert.graph.windows import cut_transposed, spread


@layer("Conv1DTranspose", "Conv2DTranspose")
def transposed_convolution(one: Layer, inputs: list[Value], g: Builder) -> list[Value]:
    """Kernel: spatial × filters × inputs."""
    kernel = one.weights["kernel"]
    rank = kernel.ndim - 2
    x = to_first(g, one, inputs[0])
    if x.rank != rank + 2 or x.at(1) not in (None, kernel.shape[-1]):
        raise ValueError(f"the kernel is {kernel.shape}, the input is {inputs[0].shape}")
    strides = spread(one.config.get("strides", 1), rank)
    dilations = spread(one.config.get("dilation_rate", 1), rank)
    added = one.config.get("output_padding")
    extra = [None] * rank if added is None else [int(size) for size in _each(added, rank)]
    cuts = [
        cut_transposed(size, stride, gap, str(one.config.get("padding", "valid")), more)
        for size, stride, gap, more in zip(kernel.shape[:-2], strides, dilations, extra, strict=True)
    ]
    names = [x.name, g.weight(kernel.transpose(rank + 1, rank, *range(rank)), "kernel", kernel)]
    if "bias" in one.weights:
        names.append(g.weight(one.weights["bias"], "bias"))
    y = g.op(
        "ConvTranspose",
        *names,
        strides=list(strides),
        dilations=list(dilations),
        pads=[cut.before for cut in cuts] + [max(cut.after, 0) for cut in cuts],
        output_padding=[max(-cut.after, 0) for cut in cuts],
    )
    sizes = [
        None if size is None else cut.length(size, stride)
        for size, cut, stride in zip(x.shape[2:], cuts, strides, strict=True)
    ]
    return [finish(g, one, Value(y, (x.shape[0], kernel.shape[-2], *sizes)))]


def _each(setting: Setting, rank: int) -> list[int]:
    sizes = list(setting) if isinstance(setting, (list, tuple)) else [setting] * rank
    if len(sizes) != rank:
        raise ValueError(f"{setting!r} does not fit {rank} axes")
    return [int(size) for size in sizes]
