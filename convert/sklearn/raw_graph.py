"""What gives raw numbers, as ONNX: trees, layers, support vectors, neighbors, likelihoods."""

from collections.abc import Callable
from typing import Any

import numpy as np
from onnx import numpy_helper

from convert.sklearn.nodes import Nodes
from convert.sklearn.parts import (
    GaussianBayes,
    Linear,
    Neighbors,
    Network,
    Part,
    Quadratic,
    SupportVectors,
    Trees,
)

_AT_MOST = 0
"""ai.onnx.ml's code of x ≤ threshold."""


def raw(nodes: Nodes, part: Part, rows: str) -> str:
    """The part's numbers of N × F rows."""
    function: Callable[[Nodes, Any, str], str] = _RAW[type(part)]
    return function(nodes, part, rows)


def _linear(nodes: Nodes, part: Linear, rows: str) -> str:
    product = nodes.op("MatMul", rows, nodes.constant(part.weights.T))
    return nodes.op("Add", product, nodes.constant(part.bias))


def _trees(nodes: Nodes, part: Trees, rows: str) -> str:
    """One ensemble says which leaf a row falls into in each tree; the leaves' numbers are added in float64."""
    if part.narrow:
        rows = nodes.float64(nodes.float32(rows))
    trees = len(part.starts) - 1
    width, rounds = part.values.shape[1], trees // part.groups
    leaves = np.flatnonzero(part.left < 0)
    found = nodes.int64(_leaf_places(nodes, part, leaves, rows))
    values = nodes.op("Gather", nodes.constant(part.values[leaves]), found, axis=0)
    shaped = nodes.op("Reshape", values, nodes.ints(-1, rounds, part.groups * width))
    sums = nodes.total(shaped, 1, keep=False)
    if part.base.any():
        sums = nodes.op("Add", sums, nodes.constant(part.base))
    return sums if part.divisor == 1 else nodes.op("Div", sums, nodes.constant(part.divisor))


def _leaf_places(nodes: Nodes, part: Trees, leaves: np.ndarray, rows: str) -> str:
    """N × T places of leaves among all leaves, as float64: each tree adds the place of its leaf to its own number."""
    inner = part.left >= 0
    place = np.cumsum(inner) - 1
    place[leaves] = np.arange(len(leaves))
    tree = np.repeat(np.arange(len(part.starts) - 1), np.diff(part.starts))
    start = part.starts[tree]
    left, right = (start + np.where(inner, child, 0) for child in (part.left, part.right))
    # a tree of one leaf is a split of which both sides are that leaf
    stumps = part.starts[:-1][~inner[part.starts[:-1]]]
    own = np.flatnonzero(inner)
    return nodes.op(
        "TreeEnsemble",
        rows,
        domain="ai.onnx.ml",
        n_targets=len(part.starts) - 1,
        aggregate_function=1,
        post_transform=0,
        tree_roots=_roots(part, inner, place, stumps, len(own)),
        nodes_featureids=[*part.feature[own].tolist(), *([0] * len(stumps))],
        nodes_splits=numpy_helper.from_array(np.concatenate([part.threshold[own], np.zeros(len(stumps))])),
        nodes_modes=numpy_helper.from_array(np.full(len(own) + len(stumps), _AT_MOST, np.uint8)),
        nodes_truenodeids=[*place[left[own]].tolist(), *place[stumps].tolist()],
        nodes_falsenodeids=[*place[right[own]].tolist(), *place[stumps].tolist()],
        nodes_trueleafs=[*(~inner[left[own]]).astype(int).tolist(), *([1] * len(stumps))],
        nodes_falseleafs=[*(~inner[right[own]]).astype(int).tolist(), *([1] * len(stumps))],
        nodes_missing_value_tracks_true=[*part.missing_left[own].astype(int).tolist(), *([1] * len(stumps))],
        leaf_targetids=tree[leaves].tolist(),
        leaf_weights=numpy_helper.from_array(np.arange(len(leaves), dtype=np.float64)),
    )


def _roots(part: Trees, inner: np.ndarray, place: np.ndarray, stumps: np.ndarray, own: int) -> list[int]:
    split = {int(stump): own + number for number, stump in enumerate(stumps)}
    return [int(place[start]) if inner[start] else split[int(start)] for start in part.starts[:-1]]


_KINDS = {"tanh": "Tanh", "relu": "Relu"}


def _network(nodes: Nodes, part: Network, rows: str) -> str:
    for at, (weights, biases) in enumerate(zip(part.weights, part.biases, strict=True)):
        rows = nodes.op("Add", nodes.op("MatMul", rows, nodes.constant(weights)), nodes.constant(biases))
        if at < len(part.weights) - 1 and part.activation != "identity":
            rows = nodes.sigmoid(rows) if part.activation == "logistic" else nodes.op(_KINDS[part.activation], rows)
    return rows


def _neighbors(nodes: Nodes, part: Neighbors, rows: str) -> str:
    order = _ordering(nodes, part, rows)
    count = nodes.ints(part.count)
    _, nearest = nodes.ops("TopK", 2, order, count, axis=1, largest=0, sorted=1)
    classes = nodes.op("Gather", nodes.constant(np.eye(part.width)[part.classes]), nearest, axis=0)
    if not part.by_distance:
        return nodes.total(classes, 1, keep=False)
    points = nodes.op("Gather", nodes.constant(part.points), nearest, axis=0)
    distances = _exact(nodes, part, nodes.op("Unsqueeze", rows, nodes.ints(1)), points)
    equal = nodes.op("Equal", distances, nodes.constant(0.0))
    hits = nodes.float64(equal)
    any_hit = nodes.op("ReduceMax", hits, axes=[1], keepdims=1)
    inverse = nodes.op("Reciprocal", nodes.op("Where", equal, nodes.constant(1.0), distances))
    weights = nodes.op("Where", nodes.op("Greater", any_hit, nodes.constant(0.0)), hits, inverse)
    return nodes.total(nodes.op("Mul", classes, nodes.op("Unsqueeze", weights, nodes.ints(2))), 1, keep=False)


def _ordering(nodes: Nodes, part: Neighbors, rows: str) -> str:
    """N × M numbers that order the points as their distances from each row do, without N × M × F of them."""
    if part.metric in ("euclidean", "cosine"):
        points = part.points
        if part.metric == "cosine":
            lengths = np.linalg.norm(points, axis=1, keepdims=True)
            return nodes.op(
                "Neg", nodes.op("MatMul", rows, nodes.constant((points / np.where(lengths == 0, 1, lengths)).T))
            )
        twice = nodes.op("MatMul", rows, nodes.constant(2 * points.T))
        return nodes.op("Sub", nodes.constant((points**2).sum(axis=1)[None]), twice)
    total = ""
    for feature in range(part.points.shape[1]):
        column = nodes.columns(rows, feature, feature + 1)
        apart = nodes.op("Abs", nodes.op("Sub", column, nodes.constant(part.points[None, :, feature])))
        if part.metric == "minkowski":
            apart = nodes.op("Pow", apart, nodes.constant(part.power))
        kind = "Max" if part.metric == "chebyshev" else "Add"
        total = nodes.op(kind, total, apart) if total else apart
    return total


def _exact(nodes: Nodes, part: Neighbors, rows: str, points: str) -> str:
    """N × K distances of N × 1 × F rows from N × K × F points."""
    if part.metric == "cosine":
        product = nodes.total(nodes.op("Mul", rows, points), 2, keep=False)
        lengths = nodes.op("Mul", *(nodes.op("ReduceL2", one, axes=[2], keepdims=0) for one in (rows, points)))
        empty = nodes.op("Equal", lengths, nodes.constant(0.0))
        shares = nodes.op("Div", product, nodes.op("Where", empty, nodes.constant(1.0), lengths))
        return nodes.op("Clip", nodes.op("Sub", nodes.constant(1.0), shares), nodes.constant(0.0), nodes.constant(2.0))
    apart = nodes.op("Abs", nodes.op("Sub", rows, points))
    match part.metric:
        case "manhattan":
            return nodes.total(apart, 2, keep=False)
        case "chebyshev":
            return nodes.op("ReduceMax", apart, axes=[2], keepdims=0)
        case "minkowski":
            powers = nodes.total(nodes.op("Pow", apart, nodes.constant(part.power)), 2, keep=False)
            return nodes.op("Pow", powers, nodes.constant(1 / part.power))
    return nodes.op("Sqrt", nodes.total(nodes.op("Mul", apart, apart), 2, keep=False))


def _support(nodes: Nodes, part: SupportVectors, rows: str) -> str:
    kernel = _kernel(nodes, part, rows)
    ends = np.cumsum(part.counts)
    spans = [slice(end - count, end) for end, count in zip(ends, part.counts, strict=True)]
    firsts, seconds = np.triu_indices(len(spans), 1)
    table = np.zeros((len(part.vectors), len(firsts)))
    for pair, (first, second) in enumerate(zip(firsts, seconds, strict=True)):
        table[spans[first], pair] = part.coefficients[second - 1, spans[first]]
        table[spans[second], pair] = part.coefficients[first, spans[second]]
    return nodes.op("Add", nodes.op("MatMul", kernel, nodes.constant(table)), nodes.constant(part.bias))


def _kernel(nodes: Nodes, part: SupportVectors, rows: str) -> str:
    products = nodes.op("MatMul", rows, nodes.constant(part.vectors.T))
    if part.kernel == "linear":
        return products
    if part.kernel == "rbf":
        own = nodes.total(nodes.op("Mul", rows, rows), 1)
        theirs = nodes.constant((part.vectors**2).sum(axis=1)[None])
        twice = nodes.op("Mul", products, nodes.constant(2.0))
        apart = nodes.op("Max", nodes.op("Sub", nodes.op("Add", own, theirs), twice), nodes.constant(0.0))
        return nodes.op("Exp", nodes.op("Mul", apart, nodes.constant(-part.gamma)))
    scaled = nodes.op("Mul", products, nodes.constant(part.gamma))
    moved = nodes.op("Add", scaled, nodes.constant(part.offset))
    return nodes.op("Tanh", moved) if part.kernel == "sigmoid" else nodes.op("Pow", moved, nodes.constant(part.degree))


def _gaussian(nodes: Nodes, part: GaussianBayes, rows: str) -> str:
    apart = nodes.op("Sub", nodes.op("Unsqueeze", rows, nodes.ints(1)), nodes.constant(part.means[None]))
    shares = nodes.op("Div", nodes.op("Mul", apart, apart), nodes.constant(part.variances[None]))
    constants = part.log_priors - 0.5 * np.log(2 * np.pi * part.variances).sum(axis=1)
    half = nodes.op("Mul", nodes.total(shares, 2, keep=False), nodes.constant(0.5))
    return nodes.op("Sub", nodes.constant(constants[None]), half)


def _quadratic(nodes: Nodes, part: Quadratic, rows: str) -> str:
    columns = []
    for mean, rotation in zip(part.means, part.rotations, strict=True):
        turned = nodes.op("MatMul", nodes.op("Sub", rows, nodes.constant(mean)), nodes.constant(rotation))
        columns.append(nodes.total(nodes.op("Mul", turned, turned), 1))
    half = nodes.op("Mul", nodes.beside(*columns), nodes.constant(0.5))
    return nodes.op("Sub", nodes.constant(part.constants[None]), half)


_RAW: dict[type, Callable[[Nodes, Any, str], str]] = {
    Linear: _linear,
    Trees: _trees,
    Network: _network,
    Neighbors: _neighbors,
    SupportVectors: _support,
    GaussianBayes: _gaussian,
    Quadratic: _quadratic,
}
