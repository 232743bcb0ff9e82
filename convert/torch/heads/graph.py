"""A head's steps → the layers of this converter's own graph, which knows how to write, mask and check them."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from convert.errors import CallError, ContradictionError, RefusalError
from convert.graph.layer_graph import Array, Call, Config, GraphInput, Layer, LayerGraph, Ref
from convert.torch.heads.parts import IN_TIME, NORMS, RECURRENT, HeadParts, Part
from convert.torch.heads.steps import Step

Readout = Literal["last", "hidden", "mean", "max", "flatten"]

INPUT, MASK = "x", "mask"
EPSILON = 1e-5
"""Of PyTorch's norms, unless their author says otherwise."""
LEAKY_SLOPE = 0.01
_KERAS = 3
_UNDER = "layers/"
"""Before the layers' names, so that none is an input's."""
_KINDS = {"LSTM": "LSTM", "GRU": "GRU", "RNN": "SimpleRNN"}
_POOLS = {"mean": "GlobalAveragePooling1D", "max": "GlobalMaxPooling1D"}
_NAMED = {"leaky_relu": "LeakyReLU", "elu": "ELU", "gelu": "gelu"}


@dataclass(slots=True)
class _Chain:
    """Calls one after the other. first: whether the channels stand first where the author flattens."""

    last: Ref
    in_time: bool
    calls: list[Call] = field(default_factory=list)
    channels_first: bool = False

    def add(self, layer: Layer, masks: tuple[Ref | None, ...] = ()) -> None:
        self.calls.append(Call(layer.name, layer, (self.last,), masks))
        self.last = Ref(layer.name)


def make_layer_graph(head: HeadParts, steps: Sequence[Step], length: int | None, *, masked: bool = False) -> LayerGraph:
    """The head as layers; length: steps of its input in time, None for any. CallError where a step does not fit."""
    in_time = reads_steps(head, steps)
    if masked:
        check_mask(head, next((step.name for step in steps if step.kind == "readout"), None))
    parts = {part.name: part for part in head.parts}
    chain = _Chain(Ref(INPUT), in_time)
    for place, step in enumerate(steps):
        following = steps[place + 1] if place + 1 < len(steps) else None
        masks: tuple[Ref | None, ...] = (Ref(MASK),) if masked and not chain.calls else ()
        if step.kind == "part":
            _add_part(chain, parts[step.name], step, following, masks)
        elif step.kind == "readout":
            _add_readout(chain, step, steps[place - 1] if place else None, parts)
        elif step.kind == "pool":
            _add_pool(chain, step, place)
        else:
            chain.add(_make_function(step, place))
    if chain.in_time:
        raise CallError(
            "Nothing makes one row of the steps.", "Say it: --readout last, --readout mean or --readout max."
        )
    row = (None, length, head.inputs) if in_time else (None, head.inputs)
    inputs = (GraphInput(INPUT, row), *((GraphInput(MASK, (None, length)),) if masked else ()))
    return LayerGraph("head", "", inputs, (chain.last,), tuple(chain.calls))


def reads_steps(head: HeadParts, steps: Sequence[Step]) -> bool:
    """Whether the head takes steps in time, not one row of numbers."""
    return any(part.kind in IN_TIME for part in head.parts) or any(
        step.kind == "pool" or (step.kind == "readout" and step.name != "flatten") for step in steps
    )


def count_steps(head: HeadParts, steps: Sequence[Step], length: int) -> int:
    """How many steps are left of `length` before they become one row; 0 or less where there are too few."""
    parts = {part.name: part for part in head.parts}
    for step in steps:
        if step.kind == "readout":
            break
        if step.kind == "pool":
            size = step.number("size", 2)
            length = (length - size) // step.number("stride", size) + 1
        elif step.kind == "part" and parts[step.name].kind == "Conv1d":
            stride, dilation = step.number("stride", 1), step.number("dilation", 1)
            reach = dilation * (parts[step.name].tensors["weight"].shape[2] - 1)
            padding = step.option("padding", "same")
            padded = reach if padding == "same" else 0 if padding == "valid" else 2 * int(padding)
            length = (length + padded - reach - 1) // stride + 1
        if length < 1:
            return 0
    return length


def check_mask(head: HeadParts, readout: str | None) -> None:
    """CallError where a mask of the steps does not go with the head's parts, or with how it is read out."""
    part = head.last_in_time
    if part is None or any(one.kind not in RECURRENT for one in head.before):
        raise CallError("--masked is for recurrent heads: convolutions see what is padded.", "Leave it out.")
    if readout not in ("last", "hidden", "mean") or (readout == "last" and part.bidirectional):
        raise CallError(
            f"--masked and --readout {readout} do not go together here.",
            "Packed sequences are read out by their final states (--readout hidden), or by --readout mean.",
        )


def _add_part(chain: _Chain, part: Part, step: Step, following: Step | None, masks: tuple[Ref | None, ...]) -> None:
    if part.kind in RECURRENT:
        _check_recurrent(part)
        final = following is not None and following.kind == "readout" and _reads_state(part, following.name)
        for number in range(part.layers):
            chain.add(_make_recurrent(part, number, sequences=not (final and number == part.layers - 1)), masks)
            masks = ()
        chain.channels_first = False
        return
    if part.kind == "Conv1d":
        _add_convolution(chain, part, step)
        chain.channels_first = True
        return
    chain.add(_make_plain(part, step), masks)


def _add_convolution(chain: _Chain, part: Part, step: Step) -> None:
    if not chain.in_time:
        raise CallError(f"{part.name} convolves steps, and stands behind what makes one row of them.", "Order it so.")
    padding = step.option("padding", "same")
    if isinstance(padding, int | float) and padding > 0:
        chain.add(_make_layer(f"{part.name}/padded", "ZeroPadding1D", {"padding": [int(padding), int(padding)]}))
    tensors = part.tensors
    config: Config = {
        "padding": "same" if padding == "same" else "valid",
        "strides": [step.number("stride", 1)],
        "dilation_rate": [step.number("dilation", 1)],
        "groups": part.inputs // tensors["weight"].shape[1],
        "data_format": "channels_last",
        "use_bias": "bias" in tensors,
    }
    bias = {"bias": tensors["bias"]} if "bias" in tensors else {}
    chain.add(_make_layer(part.name, "Conv1D", config, {"kernel": tensors["weight"].transpose(2, 1, 0), **bias}))


def _add_pool(chain: _Chain, step: Step, place: int) -> None:
    size = step.number("size", 2)
    config: Config = {
        "pool_size": [size],
        "strides": [step.number("stride", size)],
        "padding": "valid",
        "data_format": "channels_last",
    }
    chain.add(_make_layer(f"pool_{place}", "MaxPooling1D" if step.name == "max" else "AveragePooling1D", config))


def _add_readout(chain: _Chain, step: Step, before: Step | None, parts: dict[str, Part]) -> None:
    """Steps become one row; a row that is flattened stays as it is."""
    if not chain.in_time:
        if step.name != "flatten":
            raise CallError("The head reads one row of numbers: it has no steps.", "Leave out --readout and its like.")
        return
    chain.in_time = False
    part = parts.get(before.name) if before is not None and before.kind == "part" else None
    recurrent = part if part is not None and part.kind in RECURRENT else None
    if recurrent is not None and _reads_state(recurrent, step.name):
        return
    if step.name == "hidden":
        raise CallError("--readout hidden reads the state of a recurrent layer, and none stands before it.", "")
    if step.name in _POOLS:
        chain.add(_make_layer("readout", _POOLS[step.name], {"data_format": "channels_last"}))
    elif step.name == "flatten":
        if chain.channels_first:  # PyTorch has the channels first when it flattens
            chain.add(_make_layer("readout/turned", "Permute", {"dims": [2, 1]}))
        chain.add(_make_layer("readout", "Flatten", {}))
    else:
        whole = {"start": None, "stop": None, "step": None}
        chain.add(_make_layer("readout", "op.slice", {}, arguments={"args": [None, [whole, -1]]}))


def _reads_state(part: Part, readout: str) -> bool:
    """Whether the readout is what the last layer ends with: of one direction, that is its last step."""
    return readout == "hidden" or (readout == "last" and not part.bidirectional)


def _check_recurrent(part: Part) -> None:
    said = part.record.attributes
    if not part.record.is_torch:
        return
    told = (int(said.get("num_layers", part.layers)), bool(said.get("bidirectional", part.bidirectional)))
    if told != (part.layers, part.bidirectional):
        raise ContradictionError(
            f"{part.name} is recorded with {told[0]} layers; its tensors are those of {part.describe()}.",
            "Get the file again.",
        )
    if part.kind == "RNN" and said.get("nonlinearity", "tanh") != "tanh":
        raise RefusalError(f"{part.name} is an RNN of {said['nonlinearity']}; tanh is known here.", "Export ONNX.")


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


def _make_plain(part: Part, step: Step) -> Layer:
    tensors = part.tensors
    bias = {"bias": tensors["bias"]} if "bias" in tensors else {}
    if part.kind == "Linear":
        return _make_layer(part.name, "Dense", {"use_bias": bool(bias)}, {"kernel": tensors["weight"].T, **bias})
    assert part.kind in NORMS  # noqa: S101 - all others are handled before
    scale = {"gamma": tensors["weight"], **({"beta": tensors["bias"]} if "bias" in tensors else {})}
    config: Config = {"axis": -1, "epsilon": float(step.option("eps", EPSILON))}
    if part.kind == "LayerNorm":
        return _make_layer(part.name, "LayerNormalization", config, scale)
    statistics = {"moving_mean": tensors["running_mean"], "moving_variance": tensors["running_var"]}
    return _make_layer(part.name, "BatchNormalization", config, {**scale, **statistics})


def _make_function(step: Step, place: int) -> Layer:
    activation: str | Config = step.name
    if step.name in _NAMED:
        options: Config = dict(step.options)
        if step.name == "leaky_relu":
            options.setdefault("negative_slope", LEAKY_SLOPE)
        if step.name == "gelu":
            options = {"approximate": options.get("approximate") == "tanh"}
        activation = {"class_name": _NAMED[step.name], "config": options}
    return _make_layer(f"function_{place}", "Activation", {"activation": activation})


def _make_layer(
    name: str,
    kind: str,
    config: Config,
    weights: dict[str, Array] | None = None,
    arguments: Config | None = None,
) -> Layer:
    return Layer(f"{_UNDER}{name}", kind, config, _KERAS, weights or {}, arguments=arguments or {})
