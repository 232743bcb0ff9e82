"""Estimators that hold others: pipelines, searches, calibration, votes, bags."""

from collections.abc import Callable

import numpy as np

from convert.pickles.values import StandIn
from convert.sklearn.fitted import Fitted
from convert.sklearn.parts import (
    Calibrated,
    Chain,
    Isotonic,
    Mean,
    OneVsRest,
    Part,
    Select,
    Sigmoid,
    Tempered,
    Whole,
    gives_probabilities,
)

Reader = Callable[[Fitted], Part]
MAX_MEMBERS = 2_000
_TABLES = (
    "coef_",
    "support_vectors_",
    "_fit_X",
    "theta_",
    "means_",
    "feature_log_prob_",
    "components_",
    "mean_",
    "scale_",
)
"""Arrays whose last axis is the features."""


def _pipeline(fitted: Fitted, classifier: Reader, transform: Reader) -> Part:
    steps = [step for step in fitted.items("steps") if isinstance(step, tuple) and len(step) == 2]
    kept = [(str(name), step) for name, step in steps if step not in (None, "passthrough")]
    if not kept:
        raise fitted.unknown("it has no steps")
    *before, (last_name, last) = kept
    parts = tuple(transform(fitted.inner(step, f"the step {name}")) for name, step in before)
    answer = classifier(fitted.inner(last, f"the step {last_name}"))
    return Chain(parts, answer) if parts else answer


def _search(fitted: Fitted, classifier: Reader, _: Reader) -> Part:
    return classifier(fitted.within("best_estimator_"))


def _calibrated(fitted: Fitted, classifier: Reader, _: Reader) -> Part:
    classes = fitted.classes()
    folds = _members(fitted, "calibrated_classifiers_", "fold")
    members = tuple(_calibrated_fold(fold, classes, classifier) for fold in folds)
    if len(members) == 1:
        return members[0]
    every = np.arange(len(classes))
    return Mean(members, np.ones(len(members)), (every,) * len(members), len(classes))


def _calibrated_fold(fold: Fitted, classes: tuple[str, ...], classifier: Reader) -> Part:
    base = fold.within("estimator", "base_estimator")
    inner = classifier(base)
    names = classes_of(base)
    curves = [
        fold.inner(item, "a calibrator")
        for item in fold.items("calibrators" if fold.has("calibrators") else "calibrators_")
    ]
    if curves and curves[0].kind == "_TemperatureScaling":
        return Tempered(inner, curves[0].number("beta_"), len(classes))
    columns = _columns(fold, names, classes)
    if len(curves) != (1 if len(classes) == 2 else len(columns)):
        raise fold.contradicts(f"{len(curves)} curves for {len(columns)} classes")
    return Calibrated(inner, tuple(_curve(curve) for curve in curves), columns, len(classes))


def _curve(fitted: Fitted) -> Part:
    if fitted.kind == "_SigmoidCalibration":
        return Sigmoid(fitted.number("a_"), fitted.number("b_"))
    if fitted.kind != "IsotonicRegression":
        raise fitted.unknown("a calibrator is a sigmoid or isotonic")
    x, y = (
        fitted.array("X_thresholds_", "_necessary_X_", ndim=1),
        fitted.array("y_thresholds_", "_necessary_y_", ndim=1),
    )
    if not len(x) or len(x) != len(y) or (np.diff(x) <= 0).any():
        raise fitted.contradicts("its points do not ascend")
    return Isotonic(x, y)


def _vote(fitted: Fitted, classifier: Reader, _: Reader) -> Part:
    if fitted.text("voting") != "soft":
        raise fitted.unknown("it votes by labels (voting='hard'), without probabilities")
    members = _members(fitted, "estimators_", "member")
    width = len(fitted.classes())
    weights = _vote_weights(fitted, len(members))
    return Mean(tuple(classifier(member) for member in members), weights, (np.arange(width),) * len(members), width)


def _vote_weights(fitted: Fitted, members: int) -> np.ndarray:
    if not fitted.has("weights"):
        return np.ones(members)
    weights = fitted.array("weights", ndim=1)
    if len(weights) != members or (weights < 0).any() or not weights.sum():
        raise fitted.unknown("its weights are not one for each member")
    return weights


def _bag(fitted: Fitted, classifier: Reader, _: Reader) -> Part:
    classes = fitted.classes()
    members = _members(fitted, "estimators_", "member")
    chosen = fitted.items("estimators_features_")
    parts, columns = [], []
    for member, features in zip(members, chosen, strict=True):
        holder = Fitted(fitted.of, {"features": features}, member.where, member.depth)
        part = classifier(member)
        if not gives_probabilities(part):
            raise fitted.unknown("its members have no probabilities")
        parts.append(Chain((Select(holder.whole_numbers("features")),), part))
        columns.append(_columns(fitted, classes_of(member), tuple(str(place) for place in range(len(classes)))))
    return Mean(tuple(parts), np.ones(len(parts)), tuple(columns), len(classes))


def _one_vs_rest(fitted: Fitted, classifier: Reader, _: Reader) -> Part:
    members = [classifier(member) for member in _members(fitted, "estimators_", "member")]
    if not all(gives_probabilities(member) for member in members):
        raise fitted.unknown("its members have no probabilities")
    if len(members) == 1:
        return members[0]
    return OneVsRest(tuple(members))


def classes_of(fitted: Fitted) -> tuple[str, ...]:
    """A classifier's classes; a pipeline has those of its last step, a search those of what it found."""
    if fitted.kind == "Pipeline":
        return classes_of(fitted.inner(fitted.items("steps")[-1][1], "the last step"))
    if fitted.has("best_estimator_"):
        return classes_of(fitted.within("best_estimator_"))
    return fitted.classes()


def features_of(fitted: Fitted) -> int:
    """How many numbers a row has."""
    if fitted.kind == "Pipeline":
        kept = [step for _, step in fitted.items("steps") if step not in (None, "passthrough")]
        return features_of(fitted.inner(kept[0], "the first step"))
    for name in ("n_features_in_", "n_features_"):
        if isinstance(fitted.attributes.get(name), int):
            return fitted.whole(name)
    for name in ("calibrated_classifiers_", "estimators_"):
        if fitted.has(name):
            return features_of(fitted.inner(fitted.items(name)[0], name))
    for name in ("best_estimator_", "estimator", "base_estimator"):
        if isinstance(fitted.attributes.get(name), StandIn):
            return features_of(fitted.within(name))
    return _count_columns(fitted)


def _count_columns(fitted: Fitted) -> int:
    """Features by the arrays that have one column for each, as versions before 0.24 did not count them."""
    if fitted.has("coefs_"):
        return int(fitted.arrays("coefs_")[0].shape[0])
    for name in _TABLES:
        if fitted.has(name):
            return int(np.atleast_1d(fitted.array(name)).shape[-1])
    raise fitted.unknown("it does not say how many features it takes")


def _members(fitted: Fitted, name: str, called: str) -> list[Fitted]:
    items = fitted.items(name)
    if not 1 <= len(items) <= MAX_MEMBERS:
        raise fitted.unknown(f"it has {len(items)} members")
    return [fitted.inner(item, f"{called} {place}") for place, item in enumerate(items)]


def _columns(fitted: Fitted, names: tuple[str, ...], classes: tuple[str, ...]) -> Whole:
    if not set(names) <= set(classes):
        raise fitted.contradicts(f"it knows {', '.join(sorted(set(names) - set(classes)))}, the model does not")
    return np.asarray([classes.index(name) for name in names])


WRAPPERS: dict[str, Callable[[Fitted, Reader, Reader], Part]] = {
    "Pipeline": _pipeline,
    "GridSearchCV": _search,
    "RandomizedSearchCV": _search,
    "HalvingGridSearchCV": _search,
    "HalvingRandomSearchCV": _search,
    "CalibratedClassifierCV": _calibrated,
    "VotingClassifier": _vote,
    "BaggingClassifier": _bag,
    "OneVsRestClassifier": _one_vs_rest,
}
