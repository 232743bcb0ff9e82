"""What XGBoost's objectives make of sums of leaves, and what the stored base score means for each."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from convert.errors import RefusalError
from convert.xgboost.forest import Floats, Link


@dataclass(frozen=True, slots=True)
class Objective:
    """link: from margins to answers; margin: from the stored base score to the margin that sums start from."""

    link: Link
    margin: Callable[[Floats], Floats]


def _as_it_is(score: Floats) -> Floats:
    return score


def _logit(score: Floats) -> Floats:
    """As XGBoost computes it: in float32, but for a logarithm that is rounded once."""
    one = np.float32(1)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(-np.log((one / score - one).astype(np.float64)), np.float32)


def _logarithm(score: Floats) -> Floats:
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(np.log(score.astype(np.float64)), np.float32)


_VALUE = Objective("identity", _as_it_is)
_RATE = Objective("exp", _logarithm)
OBJECTIVES = {
    "binary:logistic": Objective("sigmoid", _logit),
    "reg:logistic": Objective("sigmoid", _logit),
    "binary:logitraw": _VALUE,
    "multi:softprob": Objective("softmax", _as_it_is),
    "multi:softmax": Objective("softmax", _as_it_is),
    "reg:squarederror": _VALUE,
    "reg:linear": _VALUE,
    "reg:squaredlogerror": _VALUE,
    "reg:absoluteerror": _VALUE,
    "reg:pseudohubererror": _VALUE,
    "reg:quantileerror": _VALUE,
    "count:poisson": _RATE,
    "reg:gamma": _RATE,
    "reg:tweedie": _RATE,
}


def find_objective(name: str) -> Objective:
    """RefusalError where it is not known."""
    if name not in OBJECTIVES:
        raise RefusalError(f"The objective {name[:60]!r} is not known here.", f"Known are {', '.join(OBJECTIVES)}.")
    return OBJECTIVES[name]
