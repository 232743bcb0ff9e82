"""A head's parts → the layers of this converter's own graph, which knows how to write, mask and check them."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from convert.errors import CallError
from convert.graph.layer_graph import Array, Call, Config, GraphInput, Layer, LayerGraph, Ref
from convert.torch.heads.parts import NORMS, RECURRENT, HeadParts, Part

Readout = Literal["last", "hidden", "mean", "max", "flatten"]
Hidden = Literal["relu", "gelu", "tanh", "elu", "silu", "none"]
Padding = Literal["same", "valid"]

INPUT, MASK = "x", "mask"
EPSILON = 1e-5
"""Of PyTorch's norms, unless their author says otherwise."""
_KERAS = 3
_UNDER = "layers/"
"""Before the layers' names, so that none is an input's."""
_KINDS = {"LSTM": "LSTM", "GRU": "GRU", "RNN": "SimpleRNN"}
_POOLS = {"mean": "GlobalAveragePooling1D", "max": "GlobalMaxPooling1D"}


@dataclass(frozen=True, slots=True)
class Choices:
    """What is not in the weights. readout: how steps become one row; hidden: between layers; masked: a second input."""

    readout: Readout
    hidden: Hidden = "relu"
    padding: Padding = "same"
    masked: bool = False


@dataclass(slots=True)
class _Chain:
    """Calls one after the other."""

    last: Ref
    calls: list[Call] = field(default_factory=list)

    def add(self, layer: Layer, masks: tuple[Ref | None, ...] = ()) -> None:
        self.calls.append(Call(layer.name, layer, (self.last,), masks))
        self.last = Ref(layer.name)


def make_layer_graph(head: HeadParts, choices: Choices, steps: int | None) -> LayerGraph:
    """The head as layers; steps: of its input, None for any. CallError where a choice does not fit it."""
    _check_mask(head, choices)
    chain = _Chain(Ref(INPUT))
    for part in head.before:
        for layer in _make_layers_in_time(part, head, choices):
            first = choices.masked and not chain.calls
            chain.add(layer, (Ref(MASK),) if first else ())
    for layer in _make_readout(head, choices):
        chain.add(layer)
    for place, part in enumerate(head.after):
        chain.add(_make_plain(part))
        following = head.after[place + 1].kind if place + 1 < len(head.after) else None
        reached = any(one.kind == "Linear" for one in head.after[: place + 1])
        if following == "Linear" and reached:
            chain.add(_make_function(part, choices.hidden))
    row = (None, head.inputs) if head.last_in_time is None else (None, steps, head.inputs)
    inputs = (GraphInput(INPUT, row), *((GraphInput(MASK, (None, steps)),) if choices.masked else ()))
    return LayerGraph("head", "", inputs, (chain.last,), tuple(chain.calls))


def _check_mask(head: HeadParts, choices: Choices) -> None:
    if not choices.masked:
        return
    part = head.last_in_time
    if part is None or any(one.kind not in RECURRENT for one in head.before):
        raise CallError("--masked is for recurrent heads: convolutions see what is padded.", "Leave it out.")
    if choices.readout not in ("last", "hidden", "mean") or (choices.readout == "last" and part.bidirectional):
        raise CallError(
            f"--masked and --readout {choices.readout} do not go together here.",
            "Packed sequences are read out by their final states (--readout hidden), or by --readout mean.",
        )


def _make_layers_in_time(part: Part, head: HeadParts, choices: Choices) -> Iterator[Layer]:
    if part.kind in RECURRENT:
        final = part is head.last_in_time and _reads_state(part, choices.readout)
        for number in range(part.layers):
            yield _make_recurrent(part, number, sequences=not (final and number == part.layers - 1))
        return
    yield _make_plain(part, choices.padding)
    place = head.before.index(part)
    made = head.before[place - 1] if part.kind in NORMS and place else part
    following = head.before[place + 1].kind if place + 1 < len(head.before) else None
    if made.kind in ("Conv1d", "Linear") and following not in NORMS:
        yield _make_function(part, choices.hidden)


def _reads_state(part: Part, readout: Readout) -> bool:
    """Whether the readout is what the last layer ends with: of one direction, that is its last step."""
    return readout == "hidden" or (readout == "last" and not part.bidirectional)


def _make_readout(head: HeadParts, choices: Choices) -> Iterator[Layer]:
    part, readout = head.last_in_time, choices.readout
    if part is None or (part.kind in RECURRENT and _reads_state(part, readout)):
        return
    if readout in _POOLS:
        yield _make_layer("readout", _POOLS[readout], {"data_format": "channels_last"})
    elif readout == "flatten":
        if part.kind == "Conv1d":  # PyTorch has the channels first when it flattens
            yield _make_layer("readout/turned", "Permute", {"dims": [2, 1]})
        yield _make_layer("readout", "Flatten", {})
    else:
        whole = {"start": None, "stop": None, "step": None}
        yield _make_layer("readout", "op.slice", {}, arguments={"args": [None, [whole, -1]]})


def _make_recurrent(part: Part, number: int, *, sequences: bool) -> Layer:
    name = f"{part.name}/{number}"
    config: Config = {"activation": "tanh", "recurrent_activation": "sigmoid", "return_sequences": sequences}
    if not part.bidirectional:
        return _make_layer(name, _KINDS[part.kind], config, _arrange_weights(part, f"l{number}"))
    ahead = _make_layer(f"{name}/forward", _KINDS[part.kind], config, _arrange_weights(part, f"l{number}"))
    turned = config | {"go_backwards": True}
    back = _make_layer(f"{name}/backward", _KINDS[part.kind], turned, _arrange_weights(part, f"l{number}_reverse"))
    inner = {"forward": ahead, "backward": back}
    return Layer(f"{_UNDER}{name}", "Bidirectional", {"merge_mode": "concat"}, _KERAS, inner=inner)


def _arrange_weights(part: Part, which: str) -> dict[str, Array]:
    """One layer of one direction, as Keras keeps it: inputs × gates, and a GRU's update gate before its reset gate."""
    from_input, from_state = part.tensors[f"weight_ih_{which}"], part.tensors[f"weight_hh_{which}"]
    none = np.zeros(len(from_input), np.float32)
    biases = [part.tensors.get(f"bias_{one}_{which}", none) for one in ("ih", "hh")]
    if part.kind == "GRU":
        order = np.arange(len(from_input)).reshape(3, -1)[[1, 0, 2]].reshape(-1)
        bias = np.stack(biases)[:, order]
        return {"kernel": from_input[order].T, "recurrent_kernel": from_state[order].T, "bias": bias}
    total = (biases[0].astype(np.float64) + biases[1]).astype(np.float32)
    return {"kernel": from_input.T, "recurrent_kernel": from_state.T, "bias": total}


def _make_plain(part: Part, padding: Padding = "same") -> Layer:
    tensors = part.tensors
    bias = {"bias": tensors["bias"]} if "bias" in tensors else {}
    if part.kind == "Conv1d":
        config: Config = {"padding": padding, "strides": [1], "dilation_rate": [1], "data_format": "channels_last"}
        weights = {"kernel": tensors["weight"].transpose(2, 1, 0), **bias}
        return _make_layer(part.name, "Conv1D", config | {"use_bias": bool(bias)}, weights)
    if part.kind == "Linear":
        return _make_layer(part.name, "Dense", {"use_bias": bool(bias)}, {"kernel": tensors["weight"].T, **bias})
    scale = {"gamma": tensors["weight"], **({"beta": tensors["bias"]} if "bias" in tensors else {})}
    if part.kind == "LayerNorm":
        return _make_layer(part.name, "LayerNormalization", {"axis": -1, "epsilon": EPSILON}, scale)
    statistics = {"moving_mean": tensors["running_mean"], "moving_variance": tensors["running_var"]}
    return _make_layer(part.name, "BatchNormalization", {"axis": -1, "epsilon": EPSILON}, {**scale, **statistics})


def _make_function(part: Part, activation: Hidden) -> Layer:
    return _make_layer(
        f"{part.name}/hidden", "Activation", {"activation": None if activation == "none" else activation}
    )


def _make_layer(
    name: str,
    kind: str,
    config: Config,
    weights: dict[str, Array] | None = None,
    arguments: Config | None = None,
) -> Layer:
    return Layer(f"{_UNDER}{name}", kind, config, _KERAS, weights or {}, arguments=arguments or {})
