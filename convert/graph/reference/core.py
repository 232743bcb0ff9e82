"""Definitions of Dense, Embedding, Masking, activations and shape layers without windows."""

import numpy as np

from convert.graph.activations import Activation, find_activation
from convert.graph.layer_graph import Layer
from convert.graph.reference import Datum, reference, weight
from convert.graph.reference.functions import apply_activation, elu, relu


@reference("Dense")
def dense(layer: Layer, inputs: list[Datum]) -> list[Datum]:
    """Σ x_i · w_ij + b_j."""
    x = inputs[0].values
    y = np.einsum("...i,ij->...j", x, weight(layer, "kernel", x), optimize=True)
    if layer.config.get("use_bias", True):
        y = y + weight(layer, "bias", x)
    return [Datum(apply_activation(find_activation(layer.config.get("activation"), layer.name), y, layer.keras))]


@reference(
    "Dropout", "SpatialDropout1D", "SpatialDropout2D", "SpatialDropout3D", "AlphaDropout", "GaussianDropout",
    "GaussianNoise", "ActivityRegularization", "Identity", "RandomBrightness", "RandomContrast", "RandomFlip",
    "RandomRotation", "RandomTranslation", "RandomZoom",
)  # fmt: skip
def identity(_layer: Layer, inputs: list[Datum]) -> list[Datum]:
    """x."""
    return [Datum(inputs[0].values)]


@reference("Activation")
def activation(layer: Layer, inputs: list[Datum]) -> list[Datum]:
    """f(x)."""
    setting = find_activation(layer.config.get("activation"), layer.name)
    return [Datum(apply_activation(setting, inputs[0].values, layer.keras))]


@reference("ReLU")
def relu_layer(layer: Layer, inputs: list[Datum]) -> list[Datum]:
    """Three straight pieces."""
    config = layer.config
    slope, threshold = config.get("negative_slope") or 0.0, config.get("threshold") or 0.0
    return [Datum(relu(inputs[0].values, slope, config.get("max_value"), threshold))]


@reference("LeakyReLU")
def leaky_relu(layer: Layer, inputs: list[Datum]) -> list[Datum]:
    """Two straight pieces."""
    x = inputs[0].values
    slope = layer.config["negative_slope"] if "negative_slope" in layer.config else layer.config.get("alpha", 0.3)
    return [Datum(np.where(x >= 0, x, slope * x))]


@reference("ELU")
def elu_layer(layer: Layer, inputs: list[Datum]) -> list[Datum]:
    """An exponential below 0."""
    return [Datum(elu(inputs[0].values, layer.config.get("alpha", 1.0)))]


@reference("ThresholdedReLU")
def thresholded_relu(layer: Layer, inputs: list[Datum]) -> list[Datum]:
    """x where it is above theta."""
    x = inputs[0].values
    return [Datum(x * (x > layer.config.get("theta", 1.0)))]


@reference("PReLU")
def prelu(layer: Layer, inputs: list[Datum]) -> list[Datum]:
    """A learnt slope below 0."""
    x = inputs[0].values
    return [Datum(np.maximum(x, 0) + weight(layer, "alpha", x) * np.minimum(x, 0))]


@reference("Softmax")
def softmax_layer(layer: Layer, inputs: list[Datum]) -> list[Datum]:
    """e^x over its sum."""
    setting = Activation("softmax", {"axis": layer.config.get("axis", -1)})
    return [Datum(apply_activation(setting, inputs[0].values, layer.keras))]


@reference("Masking")
def masking(layer: Layer, inputs: list[Datum]) -> list[Datum]:
    """A step counts unless all its values are mask_value; what does not count becomes 0."""
    x = inputs[0].values
    real = (x != layer.config.get("mask_value", 0.0)).any(axis=-1)
    return [Datum(np.where(real[..., None], x, 0), real)]


@reference("Embedding")
def embedding(layer: Layer, inputs: list[Datum]) -> list[Datum]:
    """Rows of a table."""
    x = inputs[0].values
    indices = x.astype(np.int64)
    return [Datum(weight(layer, "embeddings", x)[indices], indices != 0 if layer.config.get("mask_zero") else None)]


@reference("FoldTime")
def fold_time(_layer: Layer, inputs: list[Datum]) -> list[Datum]:
    """Each step becomes a sample."""
    x = inputs[0].values
    return [Datum(x.reshape(x.shape[0] * x.shape[1], *x.shape[2:]))]


@reference("UnfoldTime")
def unfold_time(_layer: Layer, inputs: list[Datum]) -> list[Datum]:
    """Samples become steps again."""
    y, folded = inputs[0].values, inputs[1]
    return [Datum(y.reshape(*folded.values.shape[:2], *y.shape[1:]), folded.mask)]


@reference("Flatten")
def flatten(layer: Layer, inputs: list[Datum]) -> list[Datum]:
    """All numbers of a sample in a row."""
    x = inputs[0].values
    if layer.config.get("data_format") == "channels_first" and x.ndim > 2:
        x = np.moveaxis(x, 1, -1)
    return [Datum(x.reshape(len(x), -1))]


@reference("Reshape")
def reshape(layer: Layer, inputs: list[Datum]) -> list[Datum]:
    """The same numbers in another shape."""
    x = inputs[0].values
    return [Datum(x.reshape(len(x), *layer.config["target_shape"]))]


@reference("Permute")
def permute(layer: Layer, inputs: list[Datum]) -> list[Datum]:
    """Axes in another order."""
    return [Datum(inputs[0].values.transpose(0, *layer.config["dims"]))]


@reference("RepeatVector")
def repeat_vector(layer: Layer, inputs: list[Datum]) -> list[Datum]:
    """The same vector n times."""
    return [Datum(np.repeat(inputs[0].values[:, None], layer.config["n"], axis=1))]
