"""Linear classifiers, linear discriminant analysis included → Linear."""

from collections.abc import Callable

from convert.sklearn.fitted import Fitted
from convert.sklearn.parts import Linear, Link, Model, Part


def _linear(fitted: Fitted) -> Linear:
    weights, bias = fitted.array("coef_", ndim=2), fitted.array("intercept_").ravel()
    classes = len(fitted.classes())
    rows = 1 if classes == 2 else classes
    if len(bias) == 1 and not bias[0] and rows > 1:  # fitted without an intercept
        bias = bias.repeat(rows)
    if len(weights) != rows or len(bias) != rows:
        raise fitted.contradicts(
            f"coef_ has {len(weights)} rows, intercept_ {len(bias)} numbers, for {classes} classes"
        )
    return Linear(weights, bias)


def _logistic_regression(fitted: Fitted) -> Part:
    """`multi_class` decided up to 1.7; since then several classes are always softmax."""
    linear = _linear(fitted)
    of_two = len(linear.bias) == 1
    kind = fitted.text("multi_class") if fitted.has("multi_class") else "auto"
    if kind not in ("auto", "warn", "deprecated", "ovr", "multinomial"):
        raise fitted.unknown(f"multi_class is {kind}")
    separate = kind in ("ovr", "warn") or (kind != "multinomial" and (of_two or fitted.text("solver") == "liblinear"))
    if separate:
        return Model(linear, _separate(of_two), "none")
    return Model(linear, "double_sigmoid" if of_two else "softmax", "none")


def _stochastic(fitted: Fitted) -> Part:
    linear = _linear(fitted)
    of_two = len(linear.bias) == 1
    if fitted.text("loss") in ("log", "log_loss"):
        return Model(linear, _separate(of_two), "none")
    if fitted.text("loss") == "modified_huber":
        raise fitted.unknown("its loss is modified_huber")
    return _scores(linear)


def _margins(fitted: Fitted) -> Part:
    return _scores(_linear(fitted))


def _discriminants(fitted: Fitted) -> Part:
    linear = _linear(fitted)
    return Model(linear, "sigmoid" if len(linear.bias) == 1 else "softmax", "none")


def _scores(linear: Linear) -> Part:
    return Model(linear, "pair" if len(linear.bias) == 1 else "none", "none")


def _separate(of_two: bool) -> Link:
    return "sigmoid" if of_two else "one_vs_rest"


LINEAR: dict[str, Callable[[Fitted], Part]] = {
    "LogisticRegression": _logistic_regression,
    "LogisticRegressionCV": _logistic_regression,
    "SGDClassifier": _stochastic,
    "LinearSVC": _margins,
    "Perceptron": _margins,
    "PassiveAggressiveClassifier": _margins,
    "RidgeClassifier": _margins,
    "RidgeClassifierCV": _margins,
    "LinearDiscriminantAnalysis": _discriminants,
}
