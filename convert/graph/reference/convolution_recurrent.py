"""Definition of ConvLSTM: an LSTM whose products with its matrices are convolutions."""

from dataclasses import replace

import numpy as np

from convert.graph.activations import find_activation
from convert.graph.layer_graph import Array, Layer
from convert.graph.reference import Datum, reference, weight
from convert.graph.reference.functions import apply_activation
from convert.graph.reference.spatial import across, last, restored, slide


@reference("ConvLSTM1D", "ConvLSTM2D", "ConvLSTM3D")
def conv_lstm(layer: Layer, inputs: list[Datum]) -> list[Datum]:
    """One frame after the other; the state's convolution keeps its size, whatever the input's does."""
    steps = inputs[0].values
    states = [last(layer, one.values) for one in inputs[1:]]
    within = replace(layer, config={"padding": "same"})
    outputs = []
    for t in range(steps.shape[1])[:: -1 if layer.config.get("go_backwards") else 1]:
        x = last(layer, steps[:, t])
        z = slide(layer, x, weight(layer, "kernel", x), across)
        if layer.config.get("use_bias", True):
            z = z + weight(layer, "bias", x)
        h, c = states or [np.zeros((*z.shape[:-1], z.shape[-1] // 4), z.dtype)] * 2
        z = z + slide(within, h, weight(layer, "recurrent_kernel", x), across)
        into, forget, candidate, out = np.split(z, 4, axis=-1)
        c = _gate(layer, forget) * c + _gate(layer, into) * _inner(layer, candidate)
        h = _gate(layer, out) * _inner(layer, c)
        states = [h, c]
        outputs.append(restored(layer, h))
    final = [Datum(restored(layer, one)) for one in states] if layer.config.get("return_state") else []
    return [Datum(np.stack(outputs, axis=1) if layer.config.get("return_sequences") else outputs[-1]), *final]


def _inner(layer: Layer, x: Array) -> Array:
    return apply_activation(find_activation(layer.config.get("activation", "tanh"), layer.name), x, layer.keras)


def _gate(layer: Layer, x: Array) -> Array:
    setting = find_activation(layer.config.get("recurrent_activation", "sigmoid"), layer.name)
    return apply_activation(setting, x, layer.keras)
