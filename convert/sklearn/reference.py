"""The reference: what a model answers, in NumPy, written from each method's definition and not from the graph."""

from collections.abc import Callable
from typing import Any, Final

import numpy as np

from convert.sklearn.coupling import coupled
from convert.sklearn.parts import (
    Binarize,
    Calibrated,
    Chain,
    Doubles,
    GaussianBayes,
    Isotonic,
    Linear,
    Link,
    Mean,
    MinMax,
    Model,
    Neighbors,
    Network,
    Normalize,
    OneVsRest,
    Part,
    Project,
    Quadratic,
    Select,
    Sigmoid,
    Standardize,
    SupportVectors,
    Tempered,
    Trees,
    has_decisions,
    support_vectors,
)

LOG_FLOOR: Final = 1e-12
"""What scikit-learn adds to probabilities before it takes their logarithms."""


def probabilities(part: Part, rows: Doubles) -> Doubles:
    """N × C: what predict_proba says; scores where the classifier has none."""
    match part:
        case Model():
            return _linked(part, _raw(part.raw, rows), part.link)
        case Chain():
            for step in part.steps:
                rows = _transformed(step, rows)
            return probabilities(part.last, rows)
        case Mean():
            return _mean(part, rows)
        case OneVsRest():
            return _shares(np.stack([probabilities(member, rows)[:, 1] for member in part.members], axis=1))
        case Calibrated():
            return _calibrated(part, rows)
        case Tempered():
            return _tempered(part, rows)
    raise TypeError(type(part).__name__)


def decisions(part: Part, rows: Doubles) -> Doubles:
    """N × C, or N × 1 of two classes: what decision_function says."""
    if isinstance(part, Chain):
        for step in part.steps:
            rows = _transformed(step, rows)
        return decisions(part.last, rows)
    if not isinstance(part, Model) or part.decision is None:
        raise TypeError("it has no decision function")
    return _linked(part, _raw(part.raw, rows), part.decision)


def _transformed(step: Part, rows: Doubles) -> Doubles:
    function: Callable[[Any, Doubles], Doubles] = _STEPS[type(step)]
    return function(step, rows)


def _standardize(step: Standardize, rows: Doubles) -> Doubles:
    moved = rows if step.mean is None else rows - step.mean
    return moved if step.scale is None else moved / step.scale


def _min_max(step: MinMax, rows: Doubles) -> Doubles:
    scaled = rows * step.scale + step.offset
    return scaled if step.low is None else np.clip(scaled, step.low, step.high)


def _normalize(step: Normalize, rows: Doubles) -> Doubles:
    order = {"l1": 1, "l2": 2, "max": np.inf}[step.norm]
    lengths = np.linalg.norm(rows, order, axis=1, keepdims=True)
    return rows / np.where(lengths == 0, 1.0, lengths)


def _project(step: Project, rows: Doubles) -> Doubles:
    moved = rows if step.mean is None else rows - step.mean
    projected = moved @ step.components.T
    return projected if step.scale is None else projected / step.scale


def _select(step: Select, rows: Doubles) -> Doubles:
    return rows[:, step.features]


def _binarize(step: Binarize, rows: Doubles) -> Doubles:
    return (rows > step.threshold).astype(np.float64)


_STEPS: dict[type, Callable[[Any, Doubles], Doubles]] = {
    Standardize: _standardize,
    MinMax: _min_max,
    Normalize: _normalize,
    Project: _project,
    Select: _select,
    Binarize: _binarize,
}


def _raw(part: Part, rows: Doubles) -> Doubles:
    function: Callable[[Any, Doubles], Doubles] = _RAW[type(part)]
    return function(part, rows)


def _linear(part: Linear, rows: Doubles) -> Doubles:
    return rows @ part.weights.T + part.bias


def _trees(part: Trees, rows: Doubles) -> Doubles:
    if part.narrow:
        rows = rows.astype(np.float32).astype(np.float64)
    width = part.values.shape[1]
    sums = np.zeros((len(rows), part.groups * width)) + part.base
    every = np.arange(len(rows))
    for tree, start in enumerate(part.starts[:-1]):
        at = np.full(len(rows), start)
        while (inner := part.left[at] >= 0).any():
            values = rows[every, part.feature[at]]
            left = np.where(np.isnan(values), part.missing_left[at], values <= part.threshold[at])
            at = np.where(inner, start + np.where(left, part.left[at], part.right[at]), at)
        first = tree % part.groups * width
        sums[:, first : first + width] += part.values[at]
    return sums / part.divisor


def _network(part: Network, rows: Doubles) -> Doubles:
    for place, (weights, biases) in enumerate(zip(part.weights, part.biases, strict=True)):
        rows = rows @ weights + biases
        if place < len(part.weights) - 1:
            rows = _activated(part.activation, rows)
    return rows


def _activated(activation: str, values: Doubles) -> Doubles:
    match activation:
        case "logistic":
            return _sigmoid(values)
        case "tanh":
            return np.tanh(values)
        case "relu":
            return np.maximum(values, 0)
    return values


def _neighbors(part: Neighbors, rows: Doubles) -> Doubles:
    found = np.zeros((len(rows), part.width))
    for place, row in enumerate(rows):
        distances = _distances(part, row)
        nearest = np.argsort(distances, kind="stable")[: part.count]
        weights = np.ones(part.count)
        if part.by_distance:
            exact = distances[nearest] == 0
            weights = exact.astype(np.float64) if exact.any() else 1 / distances[nearest]
        np.add.at(found[place], part.classes[nearest], weights)
    return found


def _distances(part: Neighbors, row: Doubles) -> Doubles:
    apart = np.abs(part.points - row)
    match part.metric:
        case "manhattan":
            return np.asarray(apart.sum(axis=1))
        case "chebyshev":
            return np.asarray(apart.max(axis=1))
        case "minkowski":
            return np.asarray((apart**part.power).sum(axis=1) ** (1 / part.power))
        case "cosine":
            lengths = np.linalg.norm(part.points, axis=1) * np.linalg.norm(row)
            return np.clip(1 - part.points @ row / np.where(lengths == 0, 1, lengths), 0, 2)
    return np.asarray(np.sqrt((apart**2).sum(axis=1)))


def _support(part: SupportVectors, rows: Doubles) -> Doubles:
    products = rows @ part.vectors.T
    match part.kernel:
        case "rbf":
            apart = ((rows[:, None] - part.vectors[None]) ** 2).sum(axis=2)
            kernel = np.exp(-part.gamma * apart)
        case "poly":
            kernel = (part.gamma * products + part.offset) ** part.degree
        case "sigmoid":
            kernel = np.tanh(part.gamma * products + part.offset)
        case _:
            kernel = products
    ends = np.cumsum(part.counts)
    spans = [slice(end - count, end) for end, count in zip(ends, part.counts, strict=True)]
    columns: list[Doubles] = []
    for first in range(len(spans)):
        for second in range(first + 1, len(spans)):
            of_first = kernel[:, spans[first]] @ part.coefficients[second - 1, spans[first]]
            of_second = kernel[:, spans[second]] @ part.coefficients[first, spans[second]]
            columns.append(of_first + of_second + part.bias[len(columns)])
    return np.stack(columns, axis=1)


def _gaussian(part: GaussianBayes, rows: Doubles) -> Doubles:
    apart = (rows[:, None] - part.means[None]) ** 2 / part.variances
    normalizer = np.log(2 * np.pi * part.variances).sum(axis=1)
    return np.asarray(part.log_priors - 0.5 * (apart.sum(axis=2) + normalizer))


def _quadratic(part: Quadratic, rows: Doubles) -> Doubles:
    apart = [
        (((rows - mean) @ rotation) ** 2).sum(axis=1) for mean, rotation in zip(part.means, part.rotations, strict=True)
    ]
    return part.constants - 0.5 * np.stack(apart, axis=1)


_RAW: dict[type, Callable[[Any, Doubles], Doubles]] = {
    Linear: _linear,
    Trees: _trees,
    Network: _network,
    Neighbors: _neighbors,
    SupportVectors: _support,
    GaussianBayes: _gaussian,
    Quadratic: _quadratic,
}


def _linked(part: Model, raw: Doubles, link: Link) -> Doubles:
    return _LINKS[link](part.raw, raw)


def _votes(part: Part, pairs: Doubles) -> Doubles:
    """scikit-learn's `ovr` shape of decisions between pairs: votes, and the sums of decisions to break ties."""
    classes = len(support_vectors(part).counts)
    if classes == 2:
        return -pairs
    votes, sums = np.zeros((2, len(pairs), classes))
    column = 0
    for first in range(classes):
        for second in range(first + 1, classes):
            wins = pairs[:, column] >= 0
            votes[:, first] += wins
            votes[:, second] += ~wins
            sums[:, first] += pairs[:, column]
            sums[:, second] -= pairs[:, column]
            column += 1
    return np.asarray(votes + sums / (3 * (np.abs(sums) + 1)))


_LINKS: dict[Link, Callable[[Part, Doubles], Doubles]] = {
    "none": lambda _, raw: raw,
    "softmax": lambda _, raw: _softmax(raw),
    "sigmoid": lambda _, raw: _of_two(_sigmoid(raw[:, 0])),
    "double_sigmoid": lambda _, raw: _of_two(_sigmoid(2 * raw[:, 0])),
    "one_vs_rest": lambda _, raw: _shares(_sigmoid(raw)),
    "shares": lambda _, raw: _shares(raw),
    "pair": lambda _, raw: np.concatenate([-raw / 2, raw / 2], axis=1),
    "votes": _votes,
    "coupled": lambda part, raw: coupled(support_vectors(part), raw),
}


def _mean(part: Mean, rows: Doubles) -> Doubles:
    total = np.zeros((len(rows), part.width))
    for member, weight, columns in zip(part.members, part.weights, part.columns, strict=True):
        total[:, columns] += weight * probabilities(member, rows)
    return np.asarray(total / part.weights.sum())


def _calibrated(part: Calibrated, rows: Doubles) -> Doubles:
    given = decisions(part.inner, rows) if has_decisions(part.inner) else probabilities(part.inner, rows)
    if part.width == 2:
        return _of_two(_curve(part.curves[0], given[:, -1]))
    answer = np.zeros((len(rows), part.width))
    for place, (curve, column) in enumerate(zip(part.curves, part.columns, strict=True)):
        answer[:, column] = _curve(curve, given[:, place])
    return _shares(answer)


def _curve(curve: Part, values: Doubles) -> Doubles:
    if isinstance(curve, Sigmoid):
        return _sigmoid(-(curve.slope * values + curve.shift))
    if isinstance(curve, Isotonic):
        return np.asarray(np.interp(values, curve.x, curve.y))
    raise TypeError(type(curve).__name__)


def _tempered(part: Tempered, rows: Doubles) -> Doubles:
    if not has_decisions(part.inner):
        return _softmax(part.beta * np.log(probabilities(part.inner, rows) + LOG_FLOOR))
    given = decisions(part.inner, rows)
    return _softmax(part.beta * (np.concatenate([-given, given], axis=1) if given.shape[1] == 1 else given))


def _sigmoid(values: Doubles) -> Doubles:
    with np.errstate(over="ignore"):
        return np.asarray(1 / (1 + np.exp(-values)))


def _softmax(values: Doubles) -> Doubles:
    grown = np.exp(values - values.max(axis=1, keepdims=True))
    return np.asarray(grown / grown.sum(axis=1, keepdims=True))


def _of_two(second: Doubles) -> Doubles:
    return np.stack([1 - second, second], axis=1)


def _shares(values: Doubles) -> Doubles:
    """Each row over its sum; equal shares where that is 0."""
    sums = values.sum(axis=1, keepdims=True)
    return np.where(sums == 0, 1 / values.shape[1], values / np.where(sums == 0, 1, sums))
