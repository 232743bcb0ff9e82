"""k nearest neighbors → Neighbors: the points themselves, whatever tree was grown over them."""

from collections.abc import Callable
from typing import Literal

from convert.pickles.values import StandIn, Value
from convert.sklearn.fitted import Fitted
from convert.sklearn.parts import Model, Neighbors, Part

Metric = Literal["euclidean", "manhattan", "chebyshev", "minkowski", "cosine"]
_METRICS: dict[str, Metric] = {
    "euclidean": "euclidean",
    "l2": "euclidean",
    "manhattan": "manhattan",
    "cityblock": "manhattan",
    "l1": "manhattan",
    "chebyshev": "chebyshev",
    "cosine": "cosine",
    "minkowski": "minkowski",
}
MAX_NUMBERS = 20_000_000
"""Of all points together: each answer compares a row with every one of them."""


def _neighbors(fitted: Fitted) -> Part:
    points = fitted.array("_fit_X", ndim=2)
    classes = fitted.whole_numbers("_y").ravel()
    width = len(fitted.classes())
    count = fitted.whole("n_neighbors")
    if max(points.size, len(points) * width) > MAX_NUMBERS:
        raise fitted.unknown(
            f"it keeps {len(points)} points of {points.shape[1]} numbers; at most {MAX_NUMBERS} are taken"
        )
    if len(classes) != len(points) or not 1 <= count <= len(points) or (classes < 0).any() or (classes >= width).any():
        raise fitted.contradicts(f"{len(points)} points, {len(classes)} classes of theirs, {count} neighbors")
    metric, power = _metric(fitted)
    return Model(Neighbors(points, classes, width, count, metric, power, _by_distance(fitted)), "shares")


def _by_distance(fitted: Fitted) -> bool:
    weights = fitted.attributes.get("weights")
    if weights not in (None, "uniform", "distance"):
        raise fitted.unknown("its weights are a function")
    return bool(weights == "distance")


def _metric(fitted: Fitted) -> tuple[Metric, float]:
    name = fitted.text("metric")
    if name not in _METRICS:
        raise fitted.unknown(f"its metric is {name}")
    settings = _settings(fitted.attributes.get("metric_params"))
    if set(settings) - {"p"}:
        raise fitted.unknown(f"its metric has the settings {', '.join(map(str, settings))}")
    metric = _METRICS[name]
    power = float(settings.get("p", fitted.number("p")))
    if metric != "minkowski":
        return metric, 2.0
    known: dict[float, Metric] = {1.0: "manhattan", 2.0: "euclidean", float("inf"): "chebyshev"}
    return known.get(power, "minkowski"), power


def _settings(value: Value) -> dict[Value, Value]:
    if value is None:
        return {}
    return value.entries if isinstance(value, StandIn) else dict(value)


NEIGHBORS: dict[str, Callable[[Fitted], Part]] = {"KNeighborsClassifier": _neighbors}
