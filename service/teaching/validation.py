"""Validation: each take answered by a network that has not seen it, and what is fitted on those answers."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from service.teaching.network import softmax
from service.track import FloatArray

MOST_FOLDS: Final = 5
TEMPERATURES: Final = np.geomspace(0.5, 4.0, 25)
RECALL: Final = 0.93
"""The share of right answers among takes left out that the threshold lets pass."""

LEAST_THRESHOLD, MOST_THRESHOLD = 0.35, 0.9
USUAL_TEMPERATURE, USUAL_THRESHOLD = 1.0, 0.6
"""Where there is nothing to fit them on."""

Indices = npt.NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class LeftOut:
    """Answers for takes by networks that have not seen them. truth: N; log_shares: N × classes, the last is unknown."""

    truth: Indices
    log_shares: FloatArray


@dataclass(frozen=True, slots=True)
class Fitted:
    """What makes a network's numbers mean what they say."""

    temperature: float
    threshold: float


@dataclass(frozen=True, slots=True)
class Figures:
    """How takes fared that were left out, one way or another. Shares from 0 to 1; None where none were left out.

    accuracy: of the most probable sign. coverage: how many are answered at the threshold. per_sign: accuracy of each.
    confusions: (label, other, how many of its takes were taken for it, of how many), the most frequent first.
    """

    takes: int
    protocol: str
    accuracy: float | None
    coverage: float | None
    per_sign: dict[str, float]
    confusions: tuple[tuple[str, str, int, int], ...]


def folds_of(truth: Indices, groups: Sequence[str] | None, most: int = MOST_FOLDS) -> list[Indices]:
    """Indices of takes to be left out together: a group at a time, else the n-th of every sign, `most` times at most.

    A sign's only take is never left out, unless its group is. Empty where nothing can be left out.
    """
    if groups is not None:
        names = sorted(set(groups))
        if len(names) < 2:
            return []
        return [np.array([place for place, own in enumerate(groups) if own == name], np.intp) for name in names]
    if most == 0:
        return []
    number = np.full(len(truth), -1, np.intp)
    for sign in np.unique(truth):
        own = np.flatnonzero(truth == sign)
        if len(own) > 1:
            number[own] = np.arange(len(own)) * min(most, len(own)) // len(own)
    return [np.flatnonzero(number == fold) for fold in range(int(number.max()) + 1)]


def fit(left_out: LeftOut) -> Fitted:
    """The temperature of the least log loss, and the threshold that lets RECALL of the right answers pass."""
    if len(left_out.truth) == 0:
        return Fitted(USUAL_TEMPERATURE, USUAL_THRESHOLD)
    rows = np.arange(len(left_out.truth))

    def loss(temperature: float) -> float:
        shares = softmax(left_out.log_shares / np.float32(temperature))
        return float(-np.log(np.maximum(shares[rows, left_out.truth], 1e-6)).mean())

    temperature = float(TEMPERATURES[int(np.argmin([loss(float(one)) for one in TEMPERATURES]))])
    shares = softmax(left_out.log_shares / np.float32(temperature))[:, :-1]
    right = shares.argmax(axis=1) == left_out.truth
    if not right.any():
        return Fitted(temperature, USUAL_THRESHOLD)
    threshold = float(np.quantile(shares.max(axis=1)[right], 1 - RECALL))
    return Fitted(temperature, float(np.clip(threshold, LEAST_THRESHOLD, MOST_THRESHOLD)))


def measure(left_out: LeftOut, fitted: Fitted, signs: Sequence[str], protocol: str) -> Figures:
    """The figures of these answers."""
    if len(left_out.truth) == 0:
        return Figures(0, protocol, None, None, {}, ())
    shares = softmax(left_out.log_shares / np.float32(fitted.temperature))
    top = shares[:, :-1].argmax(axis=1)
    answered = (shares[:, :-1].max(axis=1) >= fitted.threshold) & (shares.argmax(axis=1) < len(signs))
    right = top == left_out.truth
    per_sign = {
        sign: float(right[left_out.truth == place].mean())
        for place, sign in enumerate(signs)
        if (left_out.truth == place).any()
    }
    confusions = []
    for place, sign in enumerate(signs):
        own = left_out.truth == place
        for other in np.unique(top[own & ~right]):
            count = int((own & (top == other)).sum())
            confusions.append((sign, signs[int(other)], count, int(own.sum())))
    confusions.sort(key=lambda entry: (-entry[2] / entry[3], entry[0], entry[1]))
    return Figures(
        len(right), protocol, float(right.mean()), float((answered & right).mean()), per_sign, tuple(confusions)
    )
