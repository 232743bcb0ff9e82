"""The trained network as ONNX: a window of STEPS frames and which of them show a hand → one frame's logits.

Which of the still letters it is, is asked of two: this network, which sees the frame among others, and the store's
`asl-letters`, which was taught many more still hands and sees the frame alone. How much of all is a letter, a way, a
movement or rest, and J and Z, the spelling network decides alone.
"""

from typing import Any

import numpy as np
import onnx
import onnx.compose
import torch
from onnx import TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator

from .network import MIDDLE, NEAR, PAST, STEP_MOST, STEP_SCALE, STEPS, WAY, WIDE, Network
from .strings import CLASSES, STROKES

ASKED = 0.6
"""How much `asl-letters` counts beside this network where a letter is still, as an exponent."""

_SAME = 1e-4
_LEAST = 1e-5
_STILL = np.array([place for place, name in enumerate(CLASSES) if len(name) == 1 and name not in STROKES], np.int64)


class _Graph:
    """Nodes and weights in the making."""

    def __init__(self) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.weights: list[onnx.TensorProto] = []

    def add(self, kind: str, *inputs: str, to: str, **attributes: Any) -> str:  # noqa: ANN401 - as ONNX takes them
        self.nodes.append(helper.make_node(kind, list(inputs), [to], name=to, **attributes))
        return to

    def constant(self, name: str, values: np.ndarray) -> str:
        self.weights.append(numpy_helper.from_array(values, name))
        return name

    def part(self, of: str, axis: int, start: int, stop: int, to: str) -> str:
        bounds = {"start": start, "stop": stop, "axis": axis}
        names = [self.constant(f"{to}/{key}", np.array([value], np.int64)) for key, value in bounds.items()]
        return self.add("Slice", of, *names, to=to)

    def layer(self, name: str, linear: torch.nn.Linear, of: str, taps: tuple[int, ...] = (0,)) -> str:
        """A product over neighboring frames, as a convolution over (batch, channels, frames)."""
        weight = linear.weight.detach().numpy()
        kernel = weight.reshape(len(weight), len(taps), -1).transpose(0, 2, 1)
        apart = taps[1] - taps[0] if len(taps) > 1 else 1
        kernel_name = self.constant(f"{name}/kernel", np.ascontiguousarray(kernel))
        bias_name = self.constant(f"{name}/bias", linear.bias.detach().numpy())
        return self.add("Conv", of, kernel_name, bias_name, to=name, kernel_shape=[len(taps)], dilations=[apart])

    def bent(self, name: str, linear: torch.nn.Linear, of: str, taps: tuple[int, ...] = (0,)) -> str:
        return self.add("Relu", self.layer(name, linear, of, taps), to=f"{name}/relu")


def as_onnx(network: Network, letters: onnx.ModelProto | None = None, asked: float = ASKED) -> onnx.ModelProto:
    """The graph, proven on random windows against the network; ValueError where they differ.

    letters: a version of `asl-letters`, which then has its say.
    """
    alone = _graph_of(network, None, asked)
    width = network.first.in_features - WAY.start - 1
    _prove(network, alone, width)
    return alone if letters is None else _graph_of(network, letters, asked)


def _graph_of(network: Network, letters: onnx.ModelProto | None, asked: float) -> onnx.ModelProto:
    graph, width = _Graph(), network.first.in_features - WAY.start - 1
    rows = _moving(graph, width)
    encoded = graph.bent("second", network.second, graph.bent("first", network.first, rows))
    near = graph.bent("near", network.near, encoded, NEAR)
    middle = graph.bent("middle", network.middle, near, MIDDLE)
    wide = graph.bent("wide", network.wide, middle, WIDE)
    now = [
        graph.part(encoded, 2, PAST, PAST + 1, "encoded/now"),
        graph.part(near, 2, PAST - 2, PAST - 1, "near/now"),
        graph.part(middle, 2, PAST - 6, PAST - 5, "middle/now"),
    ]
    joined = graph.add("Concat", *now, wide, to="joined", axis=1)
    last = graph.layer("last", network.last, graph.bent("head", network.head, joined))
    own = graph.add("Squeeze", last, graph.constant("frames", np.array([2], np.int64)), to="own")
    if letters is None:
        graph.add("Identity", own, to="logits")
    else:
        _ask(graph, own, _letters_of(graph, letters, width), asked)
    made = helper.make_graph(
        graph.nodes,
        "spelling",
        [
            helper.make_tensor_value_info("x", TensorProto.FLOAT, ["batch", STEPS, width]),
            helper.make_tensor_value_info("mask", TensorProto.FLOAT, ["batch", STEPS]),
        ],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["batch", network.last.out_features])],
        graph.weights,
    )
    model = helper.make_model(made, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model)
    return model


def _letters_of(graph: _Graph, letters: onnx.ModelProto, width: int) -> str:
    """What `asl-letters` says of the frame alone, as if it lasted, in logarithms: (batch, labels)."""
    part = onnx.compose.add_prefix(letters, "letters/")
    steps = part.graph.input[0].type.tensor_type.shape.dim[1].dim_value
    still = np.ones(width, np.float32)
    still[WAY] = 0.0
    frame = graph.part("x", 1, PAST + 1, PAST + 2, "frame")
    frame = graph.add("Mul", frame, graph.constant("still", still), to="frame/still")
    times = graph.constant("steps", np.array([1, steps, 1], np.int64))
    graph.add("Tile", frame, times, to=part.graph.input[0].name)
    graph.nodes.extend(part.graph.node)
    graph.weights.extend(part.graph.initializer)
    least = graph.constant("least", np.array(_LEAST, np.float32))
    said = graph.add("Max", part.graph.output[0].name, least, to="letters/said")
    return graph.add("Log", said, to="letters/log")


def _ask(graph: _Graph, own: str, letters: str, asked: float) -> None:
    """Logits in which the still letters share what they have together as both say."""
    places = graph.constant("places", _STILL)
    mine = graph.add("Gather", graph.add("LogSoftmax", own, to="own/log", axis=1), places, to="own/still", axis=1)
    together = graph.add("ReduceLogSumExp", mine, to="together", axes=[1], keepdims=1)
    shares = graph.add("Sub", mine, together, to="shares")
    theirs = graph.add(
        "LogSoftmax", graph.add("Gather", letters, places, to="theirs", axis=1), to="their/shares", axis=1
    )
    counts = graph.add(
        "Mul",
        graph.part("mask", 1, PAST + 1, PAST + 2, "mask/now"),
        graph.constant("asked", np.array(asked, np.float32)),
        to="counts",
    )
    more = graph.add("Mul", graph.add("Sub", theirs, shares, to="differ"), counts, to="more")
    both = graph.add("LogSoftmax", graph.add("Add", shares, more, to="agreed"), to="agreed/shares", axis=1)
    still = graph.add("Sub", graph.add("Add", both, together, to="still/log"), mine, to="still/change")
    spread = np.zeros((len(_STILL), len(CLASSES)), np.float32)
    spread[np.arange(len(_STILL)), _STILL] = 1.0
    change = graph.add("MatMul", still, graph.constant("spread", spread), to="change")
    graph.add("Add", "own/log", change, to="logits")


def _moving(graph: _Graph, width: int) -> str:
    """As `network.moving`: (batch, channels, frames)."""
    seen = graph.add("Unsqueeze", "mask", graph.constant("channel", np.array([2], np.int64)), to="seen")
    later, earlier = graph.part(seen, 1, 1, STEPS, "seen/later"), graph.part(seen, 1, 0, STEPS - 1, "seen/earlier")
    ways = graph.part("x", 2, 0, WAY.stop, "ways")
    step = graph.add(
        "Sub", graph.part(ways, 1, 1, STEPS, "ways/later"), graph.part(ways, 1, 0, STEPS - 1, "ways/earlier"), to="step"
    )
    step = graph.add("Mul", step, graph.add("Mul", later, earlier, to="seen/both"), to="step/seen")
    step = graph.add("Mul", step, graph.constant("scale", np.array(STEP_SCALE, np.float32)), to="step/large")
    most = [graph.constant(f"step/{sign}", np.array(sign * STEP_MOST, np.float32)) for sign in (-1, 1)]
    step = graph.add("Clip", step, *most, to="step/told")
    now = graph.part("x", 1, 1, STEPS, "now")
    points, rest = graph.part(now, 2, 0, WAY.start, "points"), graph.part(now, 2, WAY.stop, width, "distances")
    rows = graph.add("Concat", step, points, rest, later, to="rows", axis=2)
    return graph.add("Transpose", rows, to="rows/channels", perm=[0, 2, 1])


def _prove(network: Network, model: onnx.ModelProto, width: int) -> None:
    rng = np.random.default_rng(0)
    mask = (rng.random((5, STEPS)) < 0.8).astype(np.float32)
    values = (rng.normal(0, 1, (5, STEPS, width)) * mask[..., None]).astype(np.float32)
    (here,) = ReferenceEvaluator(model).run(None, {"x": values, "mask": mask})
    rows = np.concatenate([values, mask[..., None]], axis=-1)
    with torch.no_grad():
        there = network.eval()(torch.from_numpy(rows))[:, 0].numpy()
    difference = float(np.abs(here - there).max())
    if difference > _SAME:
        raise ValueError(
            f"the graph differs from the trained network by {difference:.2g}; at most {_SAME:g} is allowed"
        )
