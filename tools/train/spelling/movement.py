"""A carried hand is on a way: what a still letter's logit loses where the hand moves from frame to frame.

A letter made twice differs from one that is held by movement alone, which the trained network hardly hears. So a rule
says it: where wrist and points move both into a frame and out of it, the still letters give that share of what they
have to `transition`. J and Z, which are movements, keep theirs.

`python -m tools.train.spelling.movement MODEL.onnx OUT.onnx` adds it to a graph that has none.
"""

import argparse
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import ArrayLike
from onnx import helper, numpy_helper

from .strings import CLASSES, PLACE, STROKES, TRANSITION

MOVES, SOFT = 0.06, 0.012
"""A step at which half of a still letter's share is the way's, and how gradually.

A step is the wrist's, in palm lengths, and POINTS times the mean of the points', in lengths of the hand.
"""
POINTS = 1.0

# a row begins with 21 points and the wrist's way; which of a window's frames is answered
_PLACES, _NOW = 22, 21
_LEAST = 1e-6
_STILL = np.array([len(name) == 1 and name not in STROKES for name in CLASSES])


def with_movement(model: onnx.ModelProto) -> onnx.ModelProto:
    """The same graph with the rule behind it; its inputs are x and mask, its output logits."""
    graph: onnx.ModelProto = onnx.ModelProto.FromString(model.SerializeToString())
    for node in graph.graph.node:
        node.output[:] = ["moving/said" if name == "logits" else name for name in node.output]
    nodes, weights = _rule()
    graph.graph.node.extend(nodes)
    graph.graph.initializer.extend(weights)
    onnx.checker.check_model(graph)
    return graph


def _rule() -> tuple[list[onnx.NodeProto], list[onnx.TensorProto]]:
    weights: list[onnx.TensorProto] = []
    nodes: list[onnx.NodeProto] = []

    def constant(name: str, values: ArrayLike, kind: type[np.generic] = np.float32) -> str:
        weights.append(numpy_helper.from_array(np.asarray(values, kind), f"moving/{name}"))
        return f"moving/{name}"

    def add(kind: str, name: str, *inputs: str, to: str | None = None, **attributes: Any) -> str:  # noqa: ANN401 - as ONNX takes them
        made = to or f"moving/{name}"
        nodes.append(helper.make_node(kind, list(inputs), [made], name=f"moving/{name}", **attributes))
        return made

    def frames(of: str, name: str, first: int) -> str:
        bounds = [
            constant(f"{name}/{key}", [value], np.int64) for key, value in (("start", first), ("stop", first + 2))
        ]
        return add("Slice", name, of, *bounds, constant(f"{name}/axis", [1], np.int64))

    columns = [constant(f"places/{key}", [value], np.int64) for key, value in (("start", 0), ("stop", 2 * _PLACES))]
    places = add("Slice", "places", "x", *columns, constant("places/axis", [2], np.int64))
    step = add("Sub", "step", frames(places, "later", _NOW), frames(places, "earlier", _NOW - 1))
    step = add("Reshape", "apart", step, constant("shape", [0, 2, _PLACES, 2], np.int64))
    axis = constant("axis", [3], np.int64)
    lengths = add("Sqrt", "lengths", add("ReduceSum", "squares", add("Mul", "square", step, step), axis, keepdims=0))
    worth = np.append(np.full(_PLACES - 1, POINTS / (_PLACES - 1)), 1.0)
    length = add("MatMul", "length", lengths, constant("worth", worth))
    seen = add("Mul", "seen", frames("mask", "here", _NOW), frames("mask", "before", _NOW - 1))
    slower = add("ReduceMin", "slower", add("Mul", "known", length, seen), axes=[1], keepdims=1)
    scaled = add("Div", "scaled", add("Sub", "over", slower, constant("from", MOVES)), constant("soft", SOFT))
    share = add("Sigmoid", "share", scaled)
    chances = add("Softmax", "chances", "moving/said", axis=1)
    given = add("Mul", "given", add("Mul", "still", chances, constant("letters", _STILL)), share)
    together = add("ReduceSum", "together", given, constant("classes", [1], np.int64), keepdims=1)
    to_way = np.zeros((1, len(CLASSES)))
    to_way[0, PLACE[TRANSITION]] = 1.0
    taken = add("Mul", "taken", together, constant("to", to_way))
    left = add("Add", "both", add("Sub", "left", chances, given), taken)
    add("Log", "log", add("Max", "sure", left, constant("least", _LEAST)), to="logits")
    return nodes, weights


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tools.train.spelling.movement", description=__doc__)
    parser.add_argument("model", type=Path)
    parser.add_argument("out", type=Path)
    asked = parser.parse_args()
    onnx.save(with_movement(onnx.load(asked.model)), asked.out)


if __name__ == "__main__":
    main()
