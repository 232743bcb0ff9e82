"""What a classifier's own numbers tell of the features that it was trained on: a hint, with its reason."""

from dataclasses import dataclass

import numpy as np

from convert.presets.preset import Match
from convert.presets.table import PRESETS
from convert.sklearn.parts import (
    Chain,
    Doubles,
    GaussianBayes,
    Neighbors,
    Part,
    Quadratic,
    Standardize,
    SupportVectors,
    Trees,
)
from convert.sklearn.trial import walk

HAND_XY = 42
_CORNER, _WRIST = "hand-min-origin", "hand-keypoints"
_CLOSE = 1e-6


@dataclass(frozen=True, slots=True)
class Compared:
    """Numbers that a model compares features with. what: their name for a person; rows: whole ones, if it has some."""

    what: str
    features: np.ndarray
    numbers: Doubles
    rows: Doubles | None = None


def rank_presets(part: Part, features: int) -> tuple[Match, ...] | None:
    """The presets of 42 numbers in the order that the model's own speak for; None for other inputs."""
    if features != HAND_XY:
        return None
    compared = _compared(part, features)
    if compared is None:
        reason = "42 values: either preset fits, and nothing in the file tells which"
        return tuple(Match(PRESETS[name], reason) for name in (_CORNER, _WRIST))
    least = float(compared.numbers.min())
    of_first_point = bool((np.abs(compared.numbers[compared.features < 2]) > _CLOSE).any())
    if least < -_CLOSE:
        reason = f"the least of the {compared.what} is {least:.2g}; minus the least x and y, none would be below 0"
        return tuple(Match(PRESETS[name], reason) for name in (_WRIST, _CORNER))
    reason = f"none of the {compared.what} is below 0"
    if of_first_point:
        reason += ", and the wrist's are used, which minus the wrist would always be 0"
    if compared.rows is not None and not _touch_zero(compared.rows):
        reason += "; but its rows do not reach 0: perhaps x and y as MediaPipe gives them (--set 'derive=[]')"
    return tuple(Match(PRESETS[name], reason) for name in (_CORNER, _WRIST))


def _touch_zero(rows: Doubles) -> bool:
    return bool((np.abs(rows.reshape(len(rows), -1, 2).min(axis=1)) <= _CLOSE).all())


def _compared(part: Part, features: int) -> Compared | None:
    """The numbers of the first part that meets the features as they come."""
    for one in walk(part):
        found = _numbers_of(one)
        if found is not None:
            return found if found.features.size and found.features.max() < features else None
        if isinstance(one, Chain) and not isinstance(one.steps[0], Standardize):
            return None
    return None


def _numbers_of(part: Part) -> Compared | None:
    match part:
        case Standardize(mean) if mean is not None:
            return Compared("scaler's means", np.arange(len(mean)), mean)
        case Trees():
            inner = np.flatnonzero((part.left >= 0) & (np.abs(part.threshold) < 1e30))
            return Compared("trees' thresholds", part.feature[inner], part.threshold[inner])
        case Neighbors():
            return _of_rows("stored points' numbers", part.points, part.points)
        case SupportVectors():
            return _of_rows("support vectors' numbers", part.vectors, part.vectors)
        case GaussianBayes() | Quadratic():
            return _of_rows("classes' means", part.means, None)
    return None


def _of_rows(what: str, table: Doubles, rows: Doubles | None) -> Compared:
    return Compared(what, np.tile(np.arange(table.shape[1]), len(table)), table.ravel(), rows)
