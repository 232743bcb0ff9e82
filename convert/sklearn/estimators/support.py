"""Support vector machines (LIBSVM's) → SupportVectors."""

from collections.abc import Callable
from typing import Literal, cast

from convert.sklearn.fitted import Fitted
from convert.sklearn.parts import Doubles, Model, Part, SupportVectors

_Kernel = Literal["linear", "poly", "rbf", "sigmoid"]
MAX_CLASSES = 200
MAX_NUMBERS = 40_000_000
"""Support vectors times pairs of classes: so many coefficients the graph has."""
_KERNELS = ("linear", "poly", "rbf", "sigmoid")


def _support_vectors(fitted: Fitted) -> Part:
    kernel = fitted.text("kernel")
    if kernel not in _KERNELS:
        raise fitted.unknown(f"its kernel is {kernel}")
    if fitted.has("_sparse") and fitted.flag("_sparse"):
        raise fitted.unknown("it was fitted on sparse rows")
    vectors = fitted.array("support_vectors_", ndim=2)
    counts = fitted.whole_numbers("_n_support", "n_support_").ravel()
    classes = len(fitted.classes())
    pairs = classes * (classes - 1) // 2
    if classes > MAX_CLASSES or len(vectors) * pairs > MAX_NUMBERS:
        raise fitted.unknown(f"it tells {classes} classes apart by {len(vectors)} vectors; fewer are taken")
    coefficients, bias = fitted.array("_dual_coef_", ndim=2), fitted.array("_intercept_").ravel()
    slope, shift = _sigmoids(fitted, pairs)
    if len(counts) != classes or (counts < 0).any() or counts.sum() != len(vectors):
        raise fitted.contradicts(f"{len(vectors)} support vectors are said to be {counts.tolist()} a class")
    if coefficients.shape != (classes - 1, len(vectors)) or len(bias) != pairs:
        raise fitted.contradicts(f"its coefficients have the shape {coefficients.shape} for {classes} classes")
    machine = SupportVectors(
        vectors,
        counts,
        coefficients,
        bias,
        cast("_Kernel", kernel),
        fitted.number("_gamma") if kernel != "linear" else 1.0,
        fitted.number("degree"),
        fitted.number("coef0"),
        slope,
        shift,
    )
    if slope is not None:
        return Model(machine, "coupled", "votes")
    return Model(machine, "votes", "votes")


def _sigmoids(fitted: Fitted, pairs: int) -> tuple[Doubles | None, Doubles | None]:
    """The sigmoids' slopes and shifts of a machine that was fitted with probability=True."""
    names = ("_probA", "probA_"), ("_probB", "probB_")
    if not fitted.has("probability") or fitted.value("probability") in (False, "deprecated"):
        return None, None
    slope, shift = (fitted.array(*name).ravel() for name in names)
    if len(slope) != pairs or len(shift) != pairs:
        raise fitted.contradicts(f"{len(slope)} sigmoids for {pairs} pairs of classes")
    return slope, shift


SUPPORT: dict[str, Callable[[Fitted], Part]] = {"SVC": _support_vectors, "NuSVC": _support_vectors}
