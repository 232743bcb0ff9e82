"""LSTM, GRU, SimpleRNN and Bidirectional as the real ONNX operators, also with masks.

A mask may have gaps, so its real steps are brought to the front (a stable sort), the operator runs over as many as
there are (`sequence_lens`), and its outputs are put back: a masked step repeats the last output.
"""

from dataclasses import dataclass

import numpy as np

from convert.graph.activations import Activation, find_activation, refuse_activation
from convert.graph.builder import Builder, Value
from convert.graph.layer_graph import Array, Layer
from convert.graph.layers import layer
from convert.graph.layers.activation import find_hard_sigmoid_slope

_BACKWARDS = -(1 << 62)


@dataclass(frozen=True, slots=True)
class _Weights:
    """In ONNX' layout: (gates · units) × inputs, (gates · units) × units, and both biases behind each other."""

    kernel: Array
    recurrent: Array
    bias: Array
    units: int


@dataclass(frozen=True, slots=True)
class _Run:
    """sequence: batch × time × units, in the order of processing; last, and states: batch × units."""

    sequence: str
    last: str
    states: list[str]


@layer("LSTM", "GRU", "SimpleRNN")
def recurrent(one: Layer, inputs: list[Value], g: Builder) -> list[Value]:
    """One direction; further inputs are the initial states."""
    units = one.weights["recurrent_kernel"].shape[0]
    run = _run(one, inputs[0], [value.name for value in inputs[1:]], g)
    return [_output(one, inputs[0], run.sequence, run.last, units), *_states(one, run, units)]


@layer("Bidirectional")
def bidirectional(one: Layer, inputs: list[Value], g: Builder) -> list[Value]:
    """Both directions; the backward one is turned round in time before they are merged."""
    x = inputs[0]
    forward, backward = one.inner["forward"], one.inner["backward"]
    units = forward.weights["recurrent_kernel"].shape[0]
    given = [value.name for value in inputs[1:]]
    half = len(given) // 2
    ahead = _run(forward, x, given[:half], g)
    back = _run(backward, x, given[half:], g)
    if forward.config.get("return_sequences"):
        pair = [ahead.sequence, _reversed(g, back.sequence)]
    else:
        pair = [ahead.last, back.last]
    merged, factor = _merge(g, pair, one.config.get("merge_mode", "concat"))
    outputs = [_output(forward, x, name, name, units * factor) for name in merged]
    return [*outputs, *_states(forward, ahead, units), *_states(backward, back, units)]


def _output(one: Layer, x: Value, sequence: str, last: str, width: int) -> Value:
    if one.config.get("return_sequences"):
        return Value(sequence, (*x.shape[:2], width), x.mask)
    return Value(last, (x.shape[0], width))


def _states(one: Layer, run: _Run, units: int) -> list[Value]:
    if not one.config.get("return_state"):
        return []
    return [Value(name, (None, units)) for name in run.states]


def _merge(g: Builder, pair: list[str], mode: str | None) -> tuple[list[str], int]:
    match mode:
        case None:
            return pair, 1
        case "concat":
            return [g.op("Concat", *pair, axis=-1)], 2
        case "sum":
            return [g.op("Add", *pair)], 1
        case "mul":
            return [g.op("Mul", *pair)], 1
        case "ave":
            return [g.op("Mul", g.op("Add", *pair), g.number(0.5))], 1
    raise ValueError(f"the merge mode {mode!r} is not known")


def _run(one: Layer, x: Value, initial: list[str], g: Builder) -> _Run:
    if x.rank != 3:
        raise ValueError(f"the input has the shape {x.shape}; batch × time × values is needed")
    with g.scope(one.name):
        steps, mask = x.name, x.mask
        if one.config.get("go_backwards"):
            steps = _reversed(g, steps)
            mask = _reversed(g, mask) if mask else None
        if mask is None:
            sequence, states = _operator(one, steps, "", initial, g)
            return _Run(sequence, states[0], states)
        return _run_masked(one, x, steps, mask, initial, g)


def _run_masked(one: Layer, x: Value, steps: str, mask: str, initial: list[str], g: Builder) -> _Run:
    real = g.cast(mask, "int64")
    counts = g.op("ReduceSum", real, g.ints(1), keepdims=0)
    total = g.op("Squeeze", g.sizes(Value(mask, x.shape[:2]), 1, 2))
    places = g.op("Range", g.whole(0), total, g.whole(1))
    keys = g.op("Where", mask, places, g.op("Add", places, total))
    order = g.ops("TopK", [keys, g.op("Unsqueeze", total, g.ints(0))], 2, axis=1, largest=0, sorted=1)[1]
    front = g.op("GatherND", steps, g.op("Unsqueeze", order, g.ints(-1)), batch_dims=1)
    # a row without a real step still runs one, whose output is never read
    lengths = g.cast(g.op("Max", counts, g.whole(1)), "int32")
    sequence, states = _operator(one, front, lengths, initial, g)
    padded = g.op("Pad", sequence, g.ints(0, 1, 0, 0, 0, 0))
    position = g.op("CumSum", real, g.whole(1))
    spread = g.op("GatherND", padded, g.op("Unsqueeze", position, g.ints(-1)), batch_dims=1)
    if one.config.get("zero_output_for_mask"):
        spread = g.op("Mul", spread, g.op("Unsqueeze", g.cast(mask, "float"), g.ints(-1)))
    last = g.op("GatherND", padded, g.op("Unsqueeze", counts, g.ints(-1)), batch_dims=1)
    return _Run(spread, last, _states_of_empty_rows(one, counts, states, initial, g))


def _states_of_empty_rows(one: Layer, counts: str, states: list[str], initial: list[str], g: Builder) -> list[str]:
    if not one.config.get("return_state"):
        return states
    some = g.op("Unsqueeze", g.op("Greater", counts, g.whole(0)), g.ints(-1))
    start = initial or [g.number(0.0)] * len(states)
    return [g.op("Where", some, state, before) for state, before in zip(states, start, strict=True)]


def _reversed(g: Builder, name: str) -> str:
    return g.op("Slice", name, g.ints(-1), g.ints(_BACKWARDS), g.ints(1), g.ints(-1))


def _operator(one: Layer, steps: str, lengths: str, initial: list[str], g: Builder) -> tuple[str, list[str]]:
    """The ONNX operator over batch × time × values; its outputs and final states, batch first."""
    weights = _weights(one)
    names = [_gate_activation(one, "activation", "tanh")]
    if one.kind != "SimpleRNN":
        names.insert(0, _gate_activation(one, "recurrent_activation", "sigmoid"))
    if one.kind == "LSTM":
        names.append(names[1])
    attributes: dict[str, object] = {"hidden_size": weights.units, "activations": [gate.name for gate in names]}
    # alphas and betas are consumed in order, by those functions alone that take them
    if alphas := [gate.alpha for gate in names if gate.alpha is not None]:
        attributes["activation_alpha"] = alphas
    if betas := [gate.beta for gate in names if gate.beta is not None]:
        attributes["activation_beta"] = betas
    if one.kind == "GRU":
        attributes["linear_before_reset"] = int(bool(one.config.get("reset_after", True)))
    source = one.weights["kernel"]
    inputs = [
        g.op("Transpose", steps, perm=[1, 0, 2]),
        g.weight(weights.kernel[None], "W", source),
        g.weight(weights.recurrent[None], "R", source),
        g.weight(weights.bias[None], "B", source),
        lengths,
        *[g.op("Unsqueeze", state, g.ints(0)) for state in initial],
    ]
    kind = "RNN" if one.kind == "SimpleRNN" else one.kind
    outputs = g.ops(kind, inputs, 3 if one.kind == "LSTM" else 2, **attributes)
    sequence = g.op("Transpose", g.op("Squeeze", outputs[0], g.ints(1)), perm=[1, 0, 2])
    return sequence, [g.op("Squeeze", state, g.ints(0)) for state in outputs[1:]]


def _weights(one: Layer) -> _Weights:
    kernel, recurrent_kernel = one.weights["kernel"], one.weights["recurrent_kernel"]
    units = recurrent_kernel.shape[0]
    gates = {"LSTM": 4, "GRU": 3, "SimpleRNN": 1}[one.kind]
    if kernel.shape[1] != gates * units or recurrent_kernel.shape[1] != gates * units:
        raise ValueError(f"the kernels are {kernel.shape} and {recurrent_kernel.shape}")
    bias = one.weights.get("bias")
    biases = np.zeros((2, gates * units), np.float32)
    if bias is not None and bias.ndim == 2:
        biases[:] = bias
    elif bias is not None:
        biases[0] = bias

    order = [0, 3, 1, 2] if one.kind == "LSTM" else range(gates)  # Keras: i f c o; ONNX: i o f c

    def reorder(columns: Array) -> Array:
        return np.concatenate([columns[..., k * units : (k + 1) * units] for k in order], axis=-1)

    return _Weights(reorder(kernel).T, reorder(recurrent_kernel).T, reorder(biases).reshape(-1), units)


@dataclass(frozen=True, slots=True)
class _Gate:
    """An activation as the recurrent operators name it."""

    name: str
    alpha: float | None = None
    beta: float | None = None


def _gate_activation(one: Layer, key: str, default: str) -> _Gate:
    activation = find_activation(one.config.get(key, default), one.name)
    if activation.name == "hard_sigmoid":
        return _Gate("HardSigmoid", find_hard_sigmoid_slope(one.keras), 0.5)
    if activation.name in _GATES and not activation.parameters:
        return _GATES[activation.name]
    raise refuse_activation(Activation(activation.name), one.name)


_GATES = {
    "tanh": _Gate("Tanh"),
    "sigmoid": _Gate("Sigmoid"),
    "relu": _Gate("Relu"),
    "linear": _Gate("Affine", 1.0, 0.0),
    "elu": _Gate("Elu", 1.0),
    "leaky_relu": _Gate("LeakyRelu", 0.2),
    "softsign": _Gate("Softsign"),
    "softplus": _Gate("Softplus"),
}
