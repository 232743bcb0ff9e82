"""What a model is made of, as arrays: the estimators' readers produce these, the reference and the graph read them.

Shapes: N rows, F features, C classes. All arithmetic is float64, as scikit-learn's; arrays hold what a fit learnt.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

Doubles = npt.NDArray[np.float64]
Whole = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

Link = Literal["none", "softmax", "sigmoid", "double_sigmoid", "one_vs_rest", "shares", "pair", "votes", "coupled"]
"""From raw numbers to an answer, one column a class.

none: as they are. softmax, sigmoid (N × 1 → 1 − σ(r), σ(r)), double_sigmoid (the same of 2 r), one_vs_rest (σ of each,
over their sum), shares (each over their sum). pair: scores (−r / 2, r / 2) of two classes, whose softmax is σ(r).
votes, coupled: of a support vector machine's decisions between pairs, scores by voting and probabilities as LIBSVM
couples them.
"""


@dataclass(frozen=True, slots=True)
class Part:
    """One piece of a model; what it knows are its fields alone."""


@dataclass(frozen=True, slots=True)
class Standardize(Part):
    """(x − mean) / scale; either may be missing."""

    mean: Doubles | None
    scale: Doubles | None


@dataclass(frozen=True, slots=True)
class MinMax(Part):
    """x · scale + offset, clipped to low … high where these are given."""

    scale: Doubles
    offset: Doubles
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, slots=True)
class Normalize(Part):
    """Each row over its norm; a row of zeros stays."""

    norm: Literal["l1", "l2", "max"]


@dataclass(frozen=True, slots=True)
class Project(Part):
    """(x − mean) · componentsᵀ / scale: K × F components."""

    components: Doubles
    mean: Doubles | None
    scale: Doubles | None


@dataclass(frozen=True, slots=True)
class Select(Part):
    """These features of a row, in this order."""

    features: Whole


@dataclass(frozen=True, slots=True)
class Binarize(Part):
    """1 where a value is above the threshold, else 0."""

    threshold: float


@dataclass(frozen=True, slots=True)
class Linear(Part):
    """x · weightsᵀ + bias: K × F weights, K biases."""

    weights: Doubles
    bias: Doubles


@dataclass(frozen=True, slots=True)
class Trees(Part):
    """Trees one after the other; a node's children are places in its own tree, −1 at a leaf.

    starts: T + 1 places where trees begin. values: nodes × V. Raw number g · V + v is base plus the sum of the v-th
    values that the trees g, g + groups, g + 2 groups … give a row, over divisor. A row goes left where its feature is
    at most the threshold, or, where it is NaN, if missing_left says so. narrow: features become float32 first, as
    scikit-learn's own trees see them; thresholds stay float64 either way.
    """

    starts: Whole
    left: Whole
    right: Whole
    feature: Whole
    threshold: Doubles
    missing_left: Flags
    values: Doubles
    base: Doubles
    groups: int
    divisor: float
    narrow: bool


@dataclass(frozen=True, slots=True)
class Network(Part):
    """Dense layers (F × K weights and K biases each); the activation stands between them, none behind the last."""

    weights: tuple[Doubles, ...]
    biases: tuple[Doubles, ...]
    activation: Literal["identity", "logistic", "tanh", "relu"]


@dataclass(frozen=True, slots=True)
class Neighbors(Part):
    """Shares of the classes among a row's `count` nearest points: M × F points, M places of their classes.

    by_distance: a neighbor counts 1 / distance; where some lie at distance 0, these alone count.
    """

    points: Doubles
    classes: Whole
    width: int
    count: int
    metric: Literal["euclidean", "manhattan", "chebyshev", "minkowski", "cosine"]
    power: float
    by_distance: bool


@dataclass(frozen=True, slots=True)
class SupportVectors(Part):
    """Decisions between pairs of classes (0, 1), (0, 2) …: positive for the first of the two, as LIBSVM has them.

    vectors: S × F, class after class, counts: how many of each class; coefficients: C − 1 × S; bias: one a pair.
    slope, shift: the sigmoid of each pair, where the machine was fitted with probabilities.
    """

    vectors: Doubles
    counts: Whole
    coefficients: Doubles
    bias: Doubles
    kernel: Literal["linear", "poly", "rbf", "sigmoid"]
    gamma: float
    degree: float
    offset: float
    slope: Doubles | None = None
    shift: Doubles | None = None


@dataclass(frozen=True, slots=True)
class GaussianBayes(Part):
    """Joint log likelihoods: C × F means and variances, C logarithms of the priors."""

    means: Doubles
    variances: Doubles
    log_priors: Doubles


@dataclass(frozen=True, slots=True)
class Quadratic(Part):
    """log prior − (|(x − mean) · rotation|² + log |covariance|) / 2 of each class.

    means: C × F; rotations: one F × K for each class, already over the roots of its variances; constants: C.
    """

    means: Doubles
    rotations: tuple[Doubles, ...]
    constants: Doubles


@dataclass(frozen=True, slots=True)
class Model(Part):
    """Raw numbers, what makes probabilities of them, and what a decision function, if it has one."""

    raw: Part
    link: Link
    decision: Link | None = None


@dataclass(frozen=True, slots=True)
class Chain(Part):
    """Steps that change the features, then a classifier."""

    steps: tuple[Part, ...]
    last: Part


@dataclass(frozen=True, slots=True)
class Mean(Part):
    """The weighted mean of classifiers' probabilities; columns: the places of each one's classes among the model's."""

    members: tuple[Part, ...]
    weights: Doubles
    columns: tuple[Whole, ...]
    width: int


@dataclass(frozen=True, slots=True)
class OneVsRest(Part):
    """For each class the probability that a classifier of two gives the second, over their sum."""

    members: tuple[Part, ...]


@dataclass(frozen=True, slots=True)
class Sigmoid(Part):
    """1 / (1 + exp(slope · x + shift))."""

    slope: float
    shift: float


@dataclass(frozen=True, slots=True)
class Isotonic(Part):
    """Linear between points (x ascending), constant beyond them."""

    x: Doubles
    y: Doubles


@dataclass(frozen=True, slots=True)
class Calibrated(Part):
    """A classifier's decisions, or its probabilities where it has none, each through a curve of its own.

    Of two classes there is one curve, for the second. columns: the places of the curves' classes among the model's.
    """

    inner: Part
    curves: tuple[Part, ...]
    columns: Whole
    width: int


@dataclass(frozen=True, slots=True)
class Tempered(Part):
    """softmax(beta · logits): decisions ((−d, d) of two classes), or logarithms of probabilities."""

    inner: Part
    beta: float
    width: int


def has_decisions(part: Part) -> bool:
    """Whether a classifier has a decision function, which calibration prefers to its probabilities."""
    if isinstance(part, Chain):
        return has_decisions(part.last)
    return isinstance(part, Model) and part.decision is not None


def gives_probabilities(part: Part) -> bool:
    """Whether a classifier answers with probabilities; scores otherwise."""
    if isinstance(part, Chain):
        return gives_probabilities(part.last)
    if isinstance(part, Model):
        return part.link not in ("none", "pair", "votes") or isinstance(part.raw, Trees)
    return True


def support_vectors(part: Part) -> SupportVectors:
    """The part as what it is: the readers give the links of pairs to no other."""
    if not isinstance(part, SupportVectors):
        raise TypeError(f"{type(part).__name__} has no pairs of classes")
    return part


def walk(part: Part) -> list[Part]:
    """A part and the parts in it, in the order in which a row meets them."""
    inside: tuple[Part, ...] = ()
    match part:
        case Model():
            inside = (part.raw,)
        case Chain():
            inside = (*part.steps, part.last)
        case Mean() | OneVsRest():
            inside = part.members
        case Calibrated() | Tempered():
            inside = (part.inner,)
    return [part, *(one for held in inside for one in walk(held))]
