"""The steps of `coupling` as an ONNX graph without a loop: sweeps one after the other, each row stopping at its own.

A sweep works on u = s · p, which spares the divisions by 1 + step: v = Q u, w = uᵀQu, s the sum of u.
"""

import numpy as np

from convert.sklearn.coupling import LEAST, STOP
from convert.sklearn.nodes import Nodes
from convert.sklearn.parts import SupportVectors

SWEEPS = 12
"""LIBSVM allows 100 and stopped after 6 at the latest for 7,500 random tables of 2 to 26 classes."""


def coupled(nodes: Nodes, part: SupportVectors, pairs: str) -> str:
    """N × C probabilities of N × C(C − 1) / 2 decisions."""
    if part.slope is None or part.shift is None:
        raise TypeError("it was fitted without probabilities")
    classes = len(part.counts)
    turned = nodes.op("Add", nodes.op("Mul", pairs, nodes.constant(part.slope)), nodes.constant(part.shift))
    won = nodes.sigmoid(nodes.op("Neg", turned))
    won = nodes.op("Clip", won, nodes.constant(LEAST), nodes.constant(1 - LEAST))
    q, diagonal = _table(nodes, won, classes)
    rows = [nodes.op("Gather", q, nodes.constant(np.asarray(t)), axis=1) for t in range(classes)]
    like = nodes.op("Mul", nodes.columns(won, 0, 1), nodes.constant(0.0))
    p = nodes.op("Add", like, nodes.constant(np.full((1, classes), 1 / classes)))
    going = nodes.op("Equal", like, nodes.constant(0.0))
    for _ in range(SWEEPS):
        qp = _times(nodes, q, p)
        pqp = nodes.total(nodes.op("Mul", p, qp), 1)
        error = nodes.op("ReduceMax", nodes.op("Abs", nodes.op("Sub", qp, pqp)), axes=[1], keepdims=1)
        going = nodes.op("And", going, nodes.op("GreaterOrEqual", error, nodes.constant(STOP / classes)))
        p = nodes.op("Where", going, _sweep(nodes, rows, diagonal, p, qp, pqp), p)
    return p


def _table(nodes: Nodes, won: str, classes: int) -> tuple[str, list[str]]:
    """(N × C × C: Q, its diagonal as C columns N × 1), from the pairs' probabilities."""
    lost = nodes.op("Sub", nodes.constant(1.0), won)
    off = nodes.op("Neg", nodes.op("Mul", won, lost))
    firsts, seconds = np.triu_indices(classes, 1)
    squares = nodes.op("Add", *(
        nodes.op("MatMul", nodes.op("Mul", side, side), nodes.constant(np.eye(classes)[places]))
        for side, places in ((lost, firsts), (won, seconds))
    ))  # fmt: skip
    place = np.zeros((classes, classes), np.int64)
    place[firsts, seconds] = place[seconds, firsts] = np.arange(len(firsts))
    np.fill_diagonal(place, len(firsts) + np.arange(classes))
    q = nodes.op("Gather", nodes.beside(off, squares), nodes.constant(place), axis=1)
    return q, [nodes.columns(squares, t, t + 1) for t in range(classes)]


def _times(nodes: Nodes, q: str, p: str) -> str:
    product = nodes.op("MatMul", q, nodes.op("Unsqueeze", p, nodes.ints(2)))
    return nodes.op("Squeeze", product, nodes.ints(2))


def _sweep(nodes: Nodes, rows: list[str], diagonal: list[str], u: str, v: str, w: str) -> str:
    """p after one step along each coordinate. rows: the rows of Q; u, v, w as above, s being 1."""
    total = nodes.constant(1.0)
    steps = []
    for t, (row, own) in enumerate(zip(rows, diagonal, strict=True)):
        at = nodes.columns(v, t, t + 1)
        level = nodes.op("Div", w, total)
        step = nodes.op("Div", nodes.op("Sub", level, at), own)
        w = nodes.op("Add", w, nodes.op("Mul", step, nodes.op("Add", level, at)))
        total = nodes.op("Add", total, step)
        v = nodes.op("Add", v, nodes.op("Mul", row, step))
        steps.append(step)
    return nodes.op("Div", nodes.op("Add", u, nodes.beside(*steps)), total)
