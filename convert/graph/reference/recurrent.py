"""Definitions of the recurrent layers: one step after the other, a masked one leaves everything as it was."""

import numpy as np

from convert.graph.activations import find_activation
from convert.graph.layer_graph import Array, Layer
from convert.graph.reference import Datum, reference, weight
from convert.graph.reference.functions import apply_activation


@reference("LSTM", "GRU", "SimpleRNN")
def recurrent(layer: Layer, inputs: list[Datum]) -> list[Datum]:
    """Outputs of all steps or of the last, and the final states if asked for."""
    outputs, states = _through_time(layer, inputs[0], [one.values for one in inputs[1:]])
    final = [Datum(state) for state in states] if layer.config.get("return_state") else []
    if layer.config.get("return_sequences"):
        return [Datum(outputs, inputs[0].mask), *final]
    return [Datum(outputs[:, -1]), *final]


@reference("Bidirectional")
def bidirectional(layer: Layer, inputs: list[Datum]) -> list[Datum]:
    """Forward and backward, merged step by step."""
    ahead, back = layer.inner["forward"], layer.inner["backward"]
    half = (len(inputs) - 1) // 2
    left = recurrent(ahead, [inputs[0], *inputs[1 : 1 + half]])
    right = recurrent(back, [inputs[0], *inputs[1 + half :]])
    a, b = left[0].values, right[0].values
    if ahead.config.get("return_sequences"):
        b = b[:, ::-1]
    mask = left[0].mask
    mode = layer.config.get("merge_mode", "concat")
    merged = [Datum(a, mask), Datum(b, mask)] if mode is None else [Datum(_joined(a, b, mode), mask)]
    return [*merged, *left[1:], *right[1:]]


def _joined(a: Array, b: Array, mode: str) -> Array:
    match mode:
        case "concat":
            return np.concatenate([a, b], axis=-1)
        case "sum":
            return a + b
        case "mul":
            return a * b
        case "ave":
            return (a + b) / 2
    raise ValueError(mode)


def _through_time(layer: Layer, x: Datum, initial: list[Array]) -> tuple[Array, list[Array]]:
    steps, mask = x.values, x.mask
    if layer.config.get("go_backwards"):
        steps = steps[:, ::-1]
        mask = None if mask is None else mask[:, ::-1]
    units = layer.weights["recurrent_kernel"].shape[0]
    empty = np.zeros((len(steps), units), steps.dtype)
    states = initial or [empty] * (2 if layer.kind == "LSTM" else 1)
    output = empty
    outputs = []
    for t in range(steps.shape[1]):
        new_output, new_states = _STEPS[layer.kind](layer, steps[:, t], states)
        if mask is None:
            output, states = new_output, new_states
            shown = output
        else:
            real = mask[:, t, None]
            output = np.where(real, new_output, output)
            states = [np.where(real, new, old) for new, old in zip(new_states, states, strict=True)]
            shown = np.where(real, output, 0) if layer.config.get("zero_output_for_mask") else output
        outputs.append(shown)
    return np.stack(outputs, axis=1), states


def _function(layer: Layer, key: str, default: str, x: Array) -> Array:
    return apply_activation(find_activation(layer.config.get(key, default), layer.name), x, layer.keras)


def _inner(layer: Layer, x: Array) -> Array:
    return _function(layer, "activation", "tanh", x)


def _gate(layer: Layer, x: Array) -> Array:
    return _function(layer, "recurrent_activation", "sigmoid", x)


def _bias(layer: Layer, like: Array) -> Array:
    if layer.config.get("use_bias", True):
        return weight(layer, "bias", like)
    return np.zeros(layer.weights["kernel"].shape[1], like.dtype)


def _lstm_step(layer: Layer, x: Array, states: list[Array]) -> tuple[Array, list[Array]]:
    h, c = states
    z = x @ weight(layer, "kernel", x) + h @ weight(layer, "recurrent_kernel", x) + _bias(layer, x)
    into, forget, candidate, out = np.split(z, 4, axis=-1)
    c = _gate(layer, forget) * c + _gate(layer, into) * _inner(layer, candidate)
    h = _gate(layer, out) * _inner(layer, c)
    return h, [h, c]


def _gru_step(layer: Layer, x: Array, states: list[Array]) -> tuple[Array, list[Array]]:
    h = states[0]
    recurrent_kernel = weight(layer, "recurrent_kernel", x)
    bias = _bias(layer, x)
    by_input, by_state = (bias[0], bias[1]) if bias.ndim == 2 else (bias, np.zeros_like(bias))
    x_update, x_reset, x_new = np.split(x @ weight(layer, "kernel", x) + by_input, 3, axis=-1)
    h_update, h_reset, h_new = np.split(h @ recurrent_kernel + by_state, 3, axis=-1)
    update, reset = _gate(layer, x_update + h_update), _gate(layer, x_reset + h_reset)
    if not layer.config.get("reset_after", True):
        units = h.shape[-1]
        h_new = (reset * h) @ recurrent_kernel[:, 2 * units :]
        reset = np.ones_like(reset)
    new = _inner(layer, x_new + reset * h_new)
    h = update * h + (1 - update) * new
    return h, [h]


def _simple_step(layer: Layer, x: Array, states: list[Array]) -> tuple[Array, list[Array]]:
    z = x @ weight(layer, "kernel", x) + states[0] @ weight(layer, "recurrent_kernel", x) + _bias(layer, x)
    h = _inner(layer, z)
    return h, [h]


_STEPS = {"LSTM": _lstm_step, "GRU": _gru_step, "SimpleRNN": _simple_step}
