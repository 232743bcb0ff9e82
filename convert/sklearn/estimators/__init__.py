"""One function an estimator: what its pickle says of it → parts. Registered by class name; others are not known."""

from collections.abc import Callable

from convert.errors import RefusalError
from convert.sklearn.estimators.bayes import BAYES
from convert.sklearn.estimators.linear import LINEAR
from convert.sklearn.estimators.neighbors import NEIGHBORS
from convert.sklearn.estimators.networks import NETWORKS
from convert.sklearn.estimators.support import SUPPORT
from convert.sklearn.estimators.transforms import TRANSFORMS
from convert.sklearn.estimators.trees import TREES
from convert.sklearn.estimators.wrappers import WRAPPERS
from convert.sklearn.fitted import Fitted
from convert.sklearn.parts import Part

Reader = Callable[[Fitted], Part]

CLASSIFIERS: dict[str, Reader] = {**TREES, **SUPPORT, **LINEAR, **NEIGHBORS, **NETWORKS, **BAYES}
"""Classifiers that hold no others."""
KNOWN = tuple(sorted({*CLASSIFIERS, *WRAPPERS, *TRANSFORMS}))


def read_classifier(fitted: Fitted) -> Part:
    """The parts of a fitted classifier, wrappers and pipelines included. RefusalError where it is not known here."""
    _check_sklearn(fitted)
    if fitted.kind in CLASSIFIERS:
        _check_fitted(fitted)
        return CLASSIFIERS[fitted.kind](fitted)
    if fitted.kind in WRAPPERS:
        return WRAPPERS[fitted.kind](fitted, read_classifier, read_transform)
    raise fitted.unknown(f"known are {', '.join(sorted([*CLASSIFIERS, *WRAPPERS]))}")


def read_transform(fitted: Fitted) -> Part:
    """A step before the classifier. RefusalError where it is not known here."""
    _check_sklearn(fitted)
    if fitted.kind not in TRANSFORMS:
        raise fitted.unknown(f"steps that are known are {', '.join(sorted(TRANSFORMS))}")
    return TRANSFORMS[fitted.kind](fitted)


def is_classifier(fitted: Fitted) -> bool:
    """Whether the class is one that answers."""
    return fitted.kind in CLASSIFIERS or fitted.kind in WRAPPERS


def is_transform(fitted: Fitted) -> bool:
    return fitted.kind in TRANSFORMS


def _check_sklearn(fitted: Fitted) -> None:
    if fitted.of.module.split(".", 1)[0] != "sklearn":
        raise fitted.unknown("it is a class of another package")


def _check_fitted(fitted: Fitted) -> None:
    if "classes_" not in fitted.attributes:
        raise RefusalError(f"{fitted.where} ({fitted.kind}) was saved before it was fitted.", "Save it after fit().")
