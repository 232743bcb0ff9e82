"""A model's parts → ONNX, in float64 until the last cast, so that forests answer as scikit-learn does, to the bit."""

from collections.abc import Callable
from typing import Any

import numpy as np

from convert.sklearn.coupling_graph import coupled
from convert.sklearn.nodes import INPUT, Nodes
from convert.sklearn.parts import (
    Binarize,
    Calibrated,
    Chain,
    Isotonic,
    Link,
    Mean,
    MinMax,
    Model,
    Normalize,
    OneVsRest,
    Part,
    Project,
    Select,
    Sigmoid,
    Standardize,
    Tempered,
    has_decisions,
    support_vectors,
)
from convert.sklearn.raw_graph import raw
from convert.sklearn.reference import LOG_FLOOR


def onnx_bytes(part: Part, features: int, width: int) -> bytes:
    """N × features float32 → N × width float32."""
    nodes = Nodes()
    return nodes.model(_probabilities(nodes, part, nodes.float64(INPUT)), features, width)


def _probabilities(nodes: Nodes, part: Part, rows: str) -> str:
    match part:
        case Model():
            return _linked(nodes, part, raw(nodes, part.raw, rows), part.link)
        case Chain():
            return _probabilities(nodes, part.last, _through(nodes, part, rows))
        case Mean():
            return _mean(nodes, part, rows)
        case OneVsRest():
            second = [nodes.columns(_probabilities(nodes, member, rows), 1, 2) for member in part.members]
            return _shares(nodes, nodes.beside(*second))
        case Calibrated():
            return _calibrated(nodes, part, rows)
        case Tempered():
            return _tempered(nodes, part, rows)
    raise TypeError(type(part).__name__)


def _decisions(nodes: Nodes, part: Part, rows: str) -> str:
    if isinstance(part, Chain):
        return _decisions(nodes, part.last, _through(nodes, part, rows))
    if not isinstance(part, Model) or part.decision is None:
        raise TypeError("it has no decision function")
    return _linked(nodes, part, raw(nodes, part.raw, rows), part.decision)


def _through(nodes: Nodes, chain: Chain, rows: str) -> str:
    for step in chain.steps:
        function: Callable[[Nodes, Any, str], str] = _STEPS[type(step)]
        rows = function(nodes, step, rows)
    return rows


def _standardize(nodes: Nodes, step: Standardize, rows: str) -> str:
    if step.mean is not None:
        rows = nodes.op("Sub", rows, nodes.constant(step.mean))
    return rows if step.scale is None else nodes.op("Div", rows, nodes.constant(step.scale))


def _min_max(nodes: Nodes, step: MinMax, rows: str) -> str:
    scaled = nodes.op("Mul", rows, nodes.constant(step.scale))
    moved = nodes.op("Add", scaled, nodes.constant(step.offset))
    if step.low is None or step.high is None:
        return moved
    return nodes.op("Clip", moved, nodes.constant(step.low), nodes.constant(step.high))


def _normalize(nodes: Nodes, step: Normalize, rows: str) -> str:
    kind = {"l1": "ReduceL1", "l2": "ReduceL2", "max": "ReduceMax"}[step.norm]
    values = nodes.op("Abs", rows) if step.norm == "max" else rows
    lengths = nodes.op(kind, values, axes=[1], keepdims=1)
    empty = nodes.op("Equal", lengths, nodes.constant(0.0))
    return nodes.op("Div", rows, nodes.op("Where", empty, nodes.constant(1.0), lengths))


def _project(nodes: Nodes, step: Project, rows: str) -> str:
    if step.mean is not None:
        rows = nodes.op("Sub", rows, nodes.constant(step.mean))
    rows = nodes.op("MatMul", rows, nodes.constant(step.components.T))
    return rows if step.scale is None else nodes.op("Div", rows, nodes.constant(step.scale))


def _select(nodes: Nodes, step: Select, rows: str) -> str:
    return nodes.op("Gather", rows, nodes.constant(step.features), axis=1)


def _binarize(nodes: Nodes, step: Binarize, rows: str) -> str:
    return nodes.float64(nodes.op("Greater", rows, nodes.constant(step.threshold)))


_STEPS: dict[type, Callable[[Nodes, Any, str], str]] = {
    Standardize: _standardize,
    MinMax: _min_max,
    Normalize: _normalize,
    Project: _project,
    Select: _select,
    Binarize: _binarize,
}


def _linked(nodes: Nodes, part: Model, value: str, link: Link) -> str:
    return _LINKS[link](nodes, part.raw, value)


def _pair(nodes: Nodes, _: Part, value: str) -> str:
    half = nodes.op("Mul", value, nodes.constant(0.5))
    return nodes.beside(nodes.op("Neg", half), half)


def _votes(nodes: Nodes, part: Part, pairs: str) -> str:
    classes = len(support_vectors(part).counts)
    if classes == 2:
        return nodes.op("Neg", pairs)
    firsts, seconds = np.triu_indices(classes, 1)
    for_first = np.eye(classes)[firsts]
    for_second = np.eye(classes)[seconds]
    wins = nodes.float64(nodes.op("GreaterOrEqual", pairs, nodes.constant(0.0)))
    losses = nodes.op("Sub", nodes.constant(1.0), wins)
    votes = nodes.op(
        "Add",
        nodes.op("MatMul", wins, nodes.constant(for_first)),
        nodes.op("MatMul", losses, nodes.constant(for_second)),
    )
    sums = nodes.op("MatMul", pairs, nodes.constant(for_first - for_second))
    size = nodes.op("Add", nodes.op("Abs", sums), nodes.constant(1.0))
    return nodes.op("Add", votes, nodes.op("Div", sums, nodes.op("Mul", size, nodes.constant(3.0))))


_LINKS: dict[Link, Callable[[Nodes, Part, str], str]] = {
    "none": lambda _, __, value: value,
    "softmax": lambda nodes, _, value: nodes.op("Softmax", value, axis=1),
    "sigmoid": lambda nodes, _, value: _of_two(nodes, nodes.sigmoid(value)),
    "double_sigmoid": lambda nodes, _, value: _of_two(
        nodes, nodes.sigmoid(nodes.op("Mul", value, nodes.constant(2.0)))
    ),
    "one_vs_rest": lambda nodes, _, value: _shares(nodes, nodes.sigmoid(value)),
    "shares": lambda nodes, _, value: _shares(nodes, value),
    "pair": _pair,
    "votes": _votes,
    "coupled": lambda nodes, part, value: coupled(nodes, support_vectors(part), value),
}


def _mean(nodes: Nodes, part: Mean, rows: str) -> str:
    total = ""
    for member, weight, columns in zip(part.members, part.weights, part.columns, strict=True):
        given = nodes.op("Mul", _probabilities(nodes, member, rows), nodes.constant(float(weight)))
        placed = _placed(nodes, given, columns, part.width)
        total = nodes.op("Add", total, placed) if total else placed
    return nodes.op("Div", total, nodes.constant(float(part.weights.sum())))


def _placed(nodes: Nodes, table: str, columns: np.ndarray, width: int) -> str:
    """A table's columns at their places among `width`, zeros elsewhere."""
    if np.array_equal(columns, np.arange(width)):
        return table
    return nodes.op("MatMul", table, nodes.constant(np.eye(width)[columns]))


def _calibrated(nodes: Nodes, part: Calibrated, rows: str) -> str:
    scored = has_decisions(part.inner)
    given = _decisions(nodes, part.inner, rows) if scored else _probabilities(nodes, part.inner, rows)
    if part.width == 2:
        second = given if scored else nodes.columns(given, 1, 2)
        return _of_two(nodes, _curve(nodes, part.curves[0], second))
    curves = [_curve(nodes, curve, nodes.columns(given, at, at + 1)) for at, curve in enumerate(part.curves)]
    return _shares(nodes, _placed(nodes, nodes.beside(*curves), part.columns, part.width))


def _curve(nodes: Nodes, curve: Part, values: str) -> str:
    if isinstance(curve, Sigmoid):
        moved = nodes.op("Mul", values, nodes.constant(-curve.slope))
        return nodes.sigmoid(nodes.op("Sub", moved, nodes.constant(curve.shift)))
    if isinstance(curve, Isotonic):
        return _isotonic(nodes, curve, values)
    raise TypeError(type(curve).__name__)


def _isotonic(nodes: Nodes, curve: Isotonic, values: str) -> str:
    """Find the piece that each value (N × 1) lies in by counting the points at or below it; a piece is a line."""
    if len(curve.x) == 1:
        return nodes.op("Add", nodes.op("Mul", values, nodes.constant(0.0)), nodes.constant(float(curve.y[0])))
    clipped = nodes.op("Clip", values, nodes.constant(float(curve.x[0])), nodes.constant(float(curve.x[-1])))
    below = nodes.int64(nodes.op("GreaterOrEqual", clipped, nodes.constant(curve.x[None, 1:-1])))
    piece = nodes.total(below, 1)
    starts, heights = nodes.constant(curve.x[:-1]), nodes.constant(curve.y[:-1])
    slopes = nodes.constant(np.diff(curve.y) / np.diff(curve.x))
    along = nodes.op("Sub", clipped, nodes.op("Gather", starts, piece))
    return nodes.op(
        "Add", nodes.op("Mul", along, nodes.op("Gather", slopes, piece)), nodes.op("Gather", heights, piece)
    )


def _tempered(nodes: Nodes, part: Tempered, rows: str) -> str:
    if not has_decisions(part.inner):
        given = nodes.op("Add", _probabilities(nodes, part.inner, rows), nodes.constant(LOG_FLOOR))
        logits = nodes.op("Log", given)
    else:
        logits = _decisions(nodes, part.inner, rows)
        if part.width == 2:
            logits = nodes.beside(nodes.op("Neg", logits), logits)
    return nodes.op("Softmax", nodes.op("Mul", logits, nodes.constant(part.beta)), axis=1)


def _of_two(nodes: Nodes, second: str) -> str:
    return nodes.beside(nodes.op("Sub", nodes.constant(1.0), second), second)


def _shares(nodes: Nodes, values: str) -> str:
    """Each row over its sum; equal shares where that is 0."""
    empty = nodes.op("Equal", nodes.total(values, 1), nodes.constant(0.0))
    values = nodes.op("Where", empty, nodes.constant(1.0), values)
    return nodes.op("Div", values, nodes.total(values, 1))
