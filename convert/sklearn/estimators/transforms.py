"""Steps before a classifier: scalers, normalizers, principal components."""

from collections.abc import Callable
from typing import Literal, cast

import numpy as np

from convert.sklearn.fitted import Fitted
from convert.sklearn.parts import Doubles, MinMax, Normalize, Part, Project, Select, Standardize


def _standard_scaler(fitted: Fitted) -> Part:
    mean = fitted.array("mean_", ndim=1) if fitted.flag("with_mean") else None
    return Standardize(mean, _divisor(fitted) if fitted.flag("with_std") else None)


def _robust_scaler(fitted: Fitted) -> Part:
    center = fitted.array("center_", ndim=1) if fitted.flag("with_centering") else None
    return Standardize(center, _divisor(fitted) if fitted.flag("with_scaling") else None)


def _max_abs_scaler(fitted: Fitted) -> Part:
    if fitted.has("clip") and fitted.flag("clip"):
        raise fitted.unknown("it clips")
    return Standardize(None, _divisor(fitted))


def _min_max_scaler(fitted: Fitted) -> Part:
    scale, offset = fitted.array("scale_", ndim=1), fitted.array("min_", ndim=1)
    if not (fitted.has("clip") and fitted.flag("clip")):
        return MinMax(scale, offset)
    low, high = (float(end) for end in fitted.items("feature_range"))
    return MinMax(scale, offset, low, high)


def _normalizer(fitted: Fitted) -> Part:
    norm = fitted.text("norm")
    if norm not in ("l1", "l2", "max"):
        raise fitted.unknown(f"its norm is {norm}")
    return Normalize(cast("Literal['l1', 'l2', 'max']", norm))


def _principal_components(fitted: Fitted) -> Part:
    components = fitted.array("components_", ndim=2)
    mean = fitted.array("mean_", ndim=1) if fitted.has("mean_") else None
    scale = None
    if fitted.flag("whiten"):
        scale = np.maximum(np.sqrt(fitted.array("explained_variance_", ndim=1)), np.finfo(np.float64).eps)
    if (mean is not None and len(mean) != components.shape[1]) or (scale is not None and len(scale) != len(components)):
        raise fitted.contradicts(f"components {components.shape} and another number of means or variances")
    return Project(components, mean, scale)


def _discriminants(fitted: Fitted) -> Part:
    """Linear discriminant analysis as a step: its axes, as many as it was asked for."""
    axes = fitted.array("scalings_", ndim=2)[:, : fitted.whole("_max_components")]
    return Project(np.ascontiguousarray(axes.T), fitted.array("xbar_", ndim=1) if fitted.has("xbar_") else None, None)


def _best_features(fitted: Fitted) -> Part:
    """SelectKBest: the k features of the highest scores, the later ones of equals."""
    count = fitted.value("k")
    scores = np.nan_to_num(fitted.numbers("scores_").astype(np.float64), nan=np.finfo(np.float64).min)
    kept = len(scores) if count == "all" else fitted.whole("k")
    if not 1 <= kept <= len(scores):
        raise fitted.contradicts(f"it keeps {kept} of {len(scores)} features")
    return Select(np.sort(np.argsort(scores, kind="stable")[-kept:]))


def _feature_selection(fitted: Fitted) -> Part:
    variances = fitted.array("variances_", ndim=1)
    return Select(np.flatnonzero(variances > fitted.number("threshold")))


def _divisor(fitted: Fitted) -> Doubles:
    scale = fitted.array("scale_", ndim=1)
    if (scale == 0).any():
        raise fitted.contradicts("it divides by 0")
    return scale


TRANSFORMS: dict[str, Callable[[Fitted], Part]] = {
    "StandardScaler": _standard_scaler,
    "MinMaxScaler": _min_max_scaler,
    "MaxAbsScaler": _max_abs_scaler,
    "RobustScaler": _robust_scaler,
    "Normalizer": _normalizer,
    "PCA": _principal_components,
    "LinearDiscriminantAnalysis": _discriminants,
    "SelectKBest": _best_features,
    "VarianceThreshold": _feature_selection,
}
