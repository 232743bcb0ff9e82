"""What a classifier's own numbers tell of the features that it was trained on: a hint, with its reason."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from convert.presets.preset import Match
from convert.presets.table import PRESETS, match_presets
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
    walk,
)

HAND_XY = 42
_CORNER, _WRIST, _PIXELS = "hand-min-origin", "hand-keypoints", "hand-pixels"
_DEVIATION, _BOX = "hand-zscore", "hand-box"
WITHOUT_PIXELS = 20.0
"""What no coordinate exceeds that is a fraction of the picture, or is scaled by a length of the hand."""
_CLOSE = 1e-6
ENOUGH = 62
"""Splits of which none looks at the first two of 42 numbers: by chance in one of twenty forests, (40 / 42)⁶²."""


@dataclass(frozen=True, slots=True)
class Compared:
    """Numbers that a model compares features with. what: their name for a person; rows: whole ones, if it has some."""

    what: str
    features: np.ndarray
    numbers: Doubles
    rows: Doubles | None = None


@dataclass(frozen=True, slots=True)
class Evidence:
    """Whether the numbers agree with a convention, and a sentence that says why."""

    agrees: bool
    reason: str


def rank_presets(part: Part, features: int) -> tuple[Match, ...] | None:
    """The presets of 42 numbers, those first that the model's own speak for; None for other inputs."""
    if features != HAND_XY:
        return None
    compared = _compared(part, features)
    others = [
        replace(match, standing="Possible")
        for match in match_presets((HAND_XY,))
        if match.preset.name not in (_CORNER, _WRIST)
    ]
    if compared is None:
        reason = "42 values: several presets fit, and nothing in the file tells which"
        return (*(Match(PRESETS[name], reason, "Possible") for name in (_CORNER, _WRIST)), *others)
    return _rank_by_numbers(compared, others)


def _rank_by_numbers(compared: Compared, others: Sequence[Match]) -> tuple[Match, ...]:
    largest = float(np.abs(compared.numbers).max())
    if largest > WITHOUT_PIXELS:
        reason = f"of the {compared.what} the largest is {largest:.3g}, as only pixels are"
        return _first(_PIXELS, reason)
    corner, wrist = _speaks_for_corner(compared), _speaks_for_wrist(compared)
    ranked = [(_CORNER, corner), (_WRIST, wrist)]
    if wrist.agrees and not corner.agrees:
        ranked.reverse()
    if not corner.agrees and not wrist.agrees:
        if _may_be_standardized(compared):
            below = f"of the {compared.what} some are below 0, and the first two numbers are used"
            return _first(_DEVIATION, f"{below}: only {_DEVIATION} has both")
        neither = f"42 values, but they speak for neither {_CORNER} nor {_WRIST}: "
        matches = (Match(PRESETS[name], neither + evidence.reason, "Possible") for name, evidence in ranked)
        return (*matches, *others)
    if corner.agrees and compared.rows is not None and _touch(compared.rows, 1.0, np.max):
        return _first(_BOX, f"each row of the {compared.what} reaches 0 and 1 on both axes")
    matches = (
        Match(PRESETS[name], evidence.reason, "Likely" if evidence.agrees else "Less likely")
        for name, evidence in ranked
    )
    return (*matches, *others)


def _first(name: str, reason: str) -> tuple[Match, ...]:
    """The preset that only is left, with its reason, and then the others by their shape."""
    others = (one for one in match_presets((HAND_XY,)) if one.preset.name != name)
    return (Match(PRESETS[name], reason), *(replace(one, standing="Less likely") for one in others))


def _uses_first_two(compared: Compared) -> bool:
    return bool((np.abs(compared.numbers[compared.features < 2]) > _CLOSE).any())


def _may_be_standardized(compared: Compared) -> bool:
    """Whether the numbers lie on both sides of 0 from the first on, and whole rows have the mean 0 and deviation 1."""
    if compared.rows is None:
        return _uses_first_two(compared) and float(compared.numbers.min()) < -_CLOSE
    return _touch(compared.rows, 0.0, np.mean) and _touch(compared.rows, 1.0, np.std)


def _speaks_for_corner(compared: Compared) -> Evidence:
    """Minus the least x and y, no number is below 0, and each row reaches 0 on both axes."""
    least = float(compared.numbers.min())
    if least < -_CLOSE:
        return Evidence(
            False, f"minus the least x and y none would be below 0; of the {compared.what} the least is {least:.2g}"
        )
    if compared.rows is not None and not _touch(compared.rows, 0.0, np.min):
        reason = (
            "minus the least x and y each row would reach 0; the stored rows do not (as they come: --set 'derive=[]')"
        )
        return Evidence(False, reason)
    return Evidence(True, f"none of the {compared.what} is below 0, as minus the least x and y")


def _speaks_for_wrist(compared: Compared) -> Evidence:
    """Minus the wrist, the first two numbers are always 0: nothing is to be compared there."""
    if _uses_first_two(compared):
        return Evidence(False, f"minus the wrist the first two numbers are always 0; the {compared.what} use them")
    if compared.numbers.size < ENOUGH:
        return Evidence(
            False, f"{compared.numbers.size} {compared.what} are too few to leave out the wrist but by chance"
        )
    return Evidence(True, f"the {compared.what} leave out the first two numbers, which minus the wrist are always 0")


def _touch(rows: Doubles, value: float, statistic: Callable[..., Doubles]) -> bool:
    """Whether a statistic of each row's points has this value on both axes."""
    found = statistic(rows.reshape(len(rows), -1, 2), axis=1)
    return bool((np.abs(found - value) <= _CLOSE).all())


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
