"""Two networks as one: that of an earlier version, which the store keeps, and a new one; their answers are averaged.

The earlier network looks at the points and the wrist's way alone, which lead the new one's rows. It knows nothing of
words and of what was recorded later; where both agree an answer is sure, where they differ it is not.
"""

import json
from pathlib import Path

import keras
import numpy as np
import onnx
from keras import layers
from onnx import numpy_helper

from .network import LAYERS, Values, Weights, answer

EARLIER = Path(__file__).parents[2] / "model_store" / "asl-letters" / "1"


def earlier_weights(width: int, folder: Path = EARLIER) -> Weights:
    """Kernels and biases of a version of the store with this architecture, for rows of `width` that begin as its own.

    The temperature of its manifest is worked into the last layer.
    """
    temperature = json.loads((folder / "manifest.json").read_text())["output"]["temperature"]
    stored = {one.name: numpy_helper.to_array(one) for one in onnx.load(folder / "model.onnx").graph.initializer}
    weights = {name: (_kernel(stored[f"{name}/kernel"]), stored[f"{name}/bias"]) for name in LAYERS}
    kernel, bias = weights["first"]
    weights["first"] = np.concatenate([kernel, np.zeros((width - len(kernel), kernel.shape[1]), np.float32)]), bias
    kernel, bias = weights["last"]
    weights["last"] = (kernel / np.float32(temperature), bias / np.float32(temperature))
    return weights


def with_earlier(newer: keras.Model) -> keras.Model:
    """A new network of the letters and that of version 1 as one model."""
    _, steps, width = newer.input_shape
    return together(earlier_weights(width), weights_of(newer), steps)


def weights_of(model: keras.Model) -> Weights:
    return {name: tuple(model.get_layer(name).get_weights()) for name in LAYERS}


def together(earlier: Weights, newer: Weights, steps: int) -> keras.Model:
    """The mean of both networks' probabilities as one model."""
    values = keras.Input((steps, len(newer["first"][0])), name="x")
    told = [answer(values, earlier, "earlier_"), answer(values, newer)]
    return keras.Model(values, layers.Average(name="both")(told))


def _kernel(stored: Values) -> Values:
    """ONNX keeps a convolution as (filters, channels, width), Keras as (width, channels, filters)."""
    return stored.transpose(2, 1, 0) if stored.ndim == 3 else stored
