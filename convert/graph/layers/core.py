"""Dense, Embedding, Masking, activations as layers, and the layers that do nothing outside training."""

import numpy as np

from convert.errors import RefusalError
from convert.graph.activations import Activation, find_activation
from convert.graph.builder import Builder, Value, rename
from convert.graph.layer_graph import Layer
from convert.graph.layers import layer
from convert.graph.layers.activation import activate, relu


@layer("Dense")
def dense(one: Layer, inputs: list[Value], g: Builder) -> list[Value]:
    """x · kernel + bias over the last axis, then the activation."""
    x = inputs[0]
    kernel = one.weights["kernel"]
    if kernel.ndim != 2 or x.at(-1) not in (None, kernel.shape[0]):
        raise ValueError(f"the kernel is {kernel.shape}, the input is {x.shape}")
    y = g.op("MatMul", x.name, g.weight(kernel, "kernel"))
    if "bias" in one.weights:
        y = g.op("Add", y, g.weight(one.weights["bias"], "bias"))
    y = activate(g, y, find_activation(one.config.get("activation"), one.name), one.name, one.keras)
    return [Value(y, (*x.shape[:-1], kernel.shape[1]))]


@layer(
    "Dropout", "SpatialDropout1D", "SpatialDropout2D", "SpatialDropout3D", "AlphaDropout", "GaussianDropout",
    "GaussianNoise", "ActivityRegularization", "Identity", "RandomBrightness", "RandomContrast", "RandomFlip",
    "RandomRotation", "RandomTranslation", "RandomZoom",
)  # fmt: skip
def identity(_one: Layer, inputs: list[Value], _g: Builder) -> list[Value]:
    """Nothing, outside training."""
    return [Value(inputs[0].name, inputs[0].shape)]


@layer("Activation")
def activation(one: Layer, inputs: list[Value], g: Builder) -> list[Value]:
    """A function by name."""
    setting = find_activation(one.config.get("activation"), one.name)
    return [rename(inputs[0], activate(g, inputs[0].name, setting, one.name, one.keras))]


@layer("ReLU")
def relu_layer(one: Layer, inputs: list[Value], g: Builder) -> list[Value]:
    """relu with a ceiling, a slope and a threshold."""
    return [rename(inputs[0], relu(g, inputs[0].name, one.config))]


@layer("LeakyReLU")
def leaky_relu(one: Layer, inputs: list[Value], g: Builder) -> list[Value]:
    """x above 0, slope · x below."""
    slope = one.config["negative_slope"] if "negative_slope" in one.config else one.config.get("alpha", 0.3)
    return [rename(inputs[0], g.op("LeakyRelu", inputs[0].name, alpha=float(slope)))]


@layer("ELU")
def elu(one: Layer, inputs: list[Value], g: Builder) -> list[Value]:
    """x above 0, alpha (e^x − 1) below."""
    return [rename(inputs[0], g.op("Elu", inputs[0].name, alpha=float(one.config.get("alpha", 1.0))))]


@layer("ThresholdedReLU")
def thresholded_relu(one: Layer, inputs: list[Value], g: Builder) -> list[Value]:
    """x above theta, 0 elsewhere."""
    return [rename(inputs[0], g.op("ThresholdedRelu", inputs[0].name, alpha=float(one.config.get("theta", 1.0))))]


@layer("PReLU")
def prelu(one: Layer, inputs: list[Value], g: Builder) -> list[Value]:
    """x above 0, a learnt slope below; the slope is shared along some axes."""
    return [rename(inputs[0], g.op("PRelu", inputs[0].name, g.weight(one.weights["alpha"], "alpha")))]


@layer("Softmax")
def softmax(one: Layer, inputs: list[Value], g: Builder) -> list[Value]:
    """Softmax over one axis."""
    axis = one.config.get("axis", -1)
    if inputs[0].mask is not None or isinstance(axis, list):
        raise RefusalError(
            f"{one.name} is a Softmax layer over several axes or with a mask.", "Use Activation('softmax')."
        )
    setting = Activation("softmax", {"axis": axis})
    return [rename(inputs[0], activate(g, inputs[0].name, setting, one.name, one.keras))]


@layer("Masking")
def masking(one: Layer, inputs: list[Value], g: Builder) -> list[Value]:
    """A step is real where any of its values differs from mask_value; the others become 0."""
    x = inputs[0]
    differs = g.op("Not", g.op("Equal", x.name, g.number(float(one.config.get("mask_value", 0.0)))))
    real = g.op("ReduceMax", g.cast(differs, "float"), axes=[-1], keepdims=1)
    y = g.op("Mul", x.name, real)
    mask = g.cast(g.op("Squeeze", real, g.ints(-1)), "bool")
    return [Value(y, x.shape, mask)]


@layer("Embedding")
def embedding(one: Layer, inputs: list[Value], g: Builder) -> list[Value]:
    """A row of the table for each whole number."""
    x = inputs[0]
    table = one.weights["embeddings"]
    indices = g.cast(x.name, "int64")
    y = g.op("Gather", g.weight(table, "embeddings"), indices, axis=0)
    mask = None
    if one.config.get("mask_zero"):
        mask = g.op("Not", g.op("Equal", indices, g.array(np.asarray(0, np.int64), "zero")))
    return [Value(y, (*x.shape, table.shape[1]), mask)]


@layer("FoldTime")
def fold_time(one: Layer, inputs: list[Value], g: Builder) -> list[Value]:
    """batch × time × … → (batch · time) × …: how TimeDistributed shows each step to its layer."""
    x = inputs[0]
    return [Value(g.reshape(x.name, -1, *known(one, x.shape[2:])), (None, *x.shape[2:]))]


@layer("UnfoldTime")
def unfold_time(one: Layer, inputs: list[Value], g: Builder) -> list[Value]:
    """(batch · time) × … → batch × time × …; the second input is what was folded."""
    y, folded = inputs
    rest = known(one, y.shape[1:])
    sizes = g.op("Concat", g.sizes(folded, 0, 2), g.ints(*rest), axis=0) if rest else g.sizes(folded, 0, 2)
    return [Value(g.op("Reshape", y.name, sizes), (*folded.shape[:2], *rest), folded.mask)]


def known(one: Layer, sizes: tuple[int | None, ...]) -> tuple[int, ...]:
    """The sizes, all of which must be known. RefusalError."""
    if any(size is None for size in sizes):
        raise RefusalError(
            f"{one.name} needs sizes that the model leaves open: {sizes}.", "Give the model's Input a full shape."
        )
    return tuple(size for size in sizes if size is not None)
