"""Fitting: the temperature and the threshold with which a model's confidence means what it says, on examined clips."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from service.evaluation.examining import NOTHING, Answers, Examined, answers
from service.registry.manifest import Manifest, Output

LEAST, MOST = 0.05, 20.0
"""Temperatures that are tried."""

_GRID: Final = 25
_GOLDEN: Final = (math.sqrt(5) - 1) / 2
_STEPS: Final = 30
_TINY: Final = float(np.finfo(np.float32).tiny)


@dataclass(frozen=True, slots=True)
class FittedTemperature:
    """The temperature with the least log loss, and the log loss at the one before and at this one."""

    temperature: float
    before: float
    after: float


@dataclass(frozen=True, slots=True)
class FittedThreshold:
    """The threshold, the share of answers that are right with it, and the share of clips with a sign it answers."""

    threshold: float
    precision: float
    coverage: float


class FitError(Exception):
    """Why nothing can be fitted, for a person to read."""


def log_loss(given: Answers) -> float:
    """Mean of −ln of the true label's probability, over clips in which something was judged."""
    judged = given.top != NOTHING
    return float(-np.log(np.maximum(given.true_share[judged], _TINY)).mean())


def fit_temperature(examined: Sequence[Examined], manifest: Manifest) -> FittedTemperature:
    """The temperature of the least log loss of the votes that answer; FitError where there is none.

    Searched in its logarithm: a grid, then the golden section around its best point.
    """
    output = manifest.output
    if output.activation == "none":
        raise FitError(f"The values of {manifest.name} have no activation, so no temperature changes them.")
    if not any(one.windows for one in examined):
        raise FitError("Nothing was judged in any clip.")

    def loss(log_temperature: float) -> float:
        tried = output.model_copy(update={"temperature": math.exp(log_temperature)})
        return log_loss(answers(examined, manifest, tried))

    grid = np.linspace(math.log(LEAST), math.log(MOST), _GRID)
    best = int(np.argmin([loss(point) for point in grid]))
    if best in (0, _GRID - 1):
        why = "they are all but never wrong" if best == 0 else "they say next to nothing"
        raise FitError(
            f"The log loss still falls at a temperature of {math.exp(grid[best]):g}: on these clips {why}. "
            "More clips, and harder ones, would tell."
        )
    found = _least(loss, float(grid[best - 1]), float(grid[best + 1]))
    before = log_loss(answers(examined, manifest, output))
    after = loss(found)
    if after >= before:  # nothing near is better than what stands there
        return FittedTemperature(output.temperature, before, before)
    return FittedTemperature(math.exp(found), before, after)


def threshold_for_precision(given: Answers, least: float) -> FittedThreshold:
    """The lowest confidence of a clip from which on a share of `least` of the answers is right: most are answered then.

    FitError where no threshold reaches it. `given` is what is answered with no threshold.
    """
    found = [entry for entry in _thresholds(given) if entry.precision >= least]
    if found:
        return max(found, key=lambda entry: (entry.coverage, -entry.threshold))
    every = _thresholds(given)
    best = max(every, key=lambda entry: (entry.precision, entry.coverage), default=None)
    reached = "Nothing is answered" if best is None else f"The best is {best.precision:.3f} at {best.threshold:.3f}"
    raise FitError(f"No threshold makes a share of {least:g} of the answers right. {reached}.")


def threshold_for_coverage(given: Answers, least: float) -> FittedThreshold:
    """The highest confidence of a clip from which on a share of `least` of the clips with a sign is answered."""
    found = [entry for entry in _thresholds(given) if entry.coverage >= least]
    if not found:
        raise FitError(f"Not even without a threshold is a share of {least:g} of the clips answered.")
    return max(found, key=lambda entry: entry.threshold)


def _thresholds(given: Answers) -> list[FittedThreshold]:
    """What each clip's confidence would do as the threshold."""
    right = given.top == given.truth
    signs = max(int(given.is_sign.sum()), 1)
    table = []
    for threshold in sorted({float(value) for value in given.confidence[given.answered]}):
        answered = given.answered & (given.confidence >= threshold)
        precision = float(right[answered].mean())
        table.append(FittedThreshold(threshold, precision, int((answered & given.is_sign).sum()) / signs))
    return table


def _least(function: Callable[[float], float], low: float, high: float) -> float:
    """Where the function is least between two points, by the golden section."""
    left, right = high - _GOLDEN * (high - low), low + _GOLDEN * (high - low)
    at_left, at_right = function(left), function(right)
    for _ in range(_STEPS):
        if at_left <= at_right:
            high, right, at_right = right, left, at_left
            left = high - _GOLDEN * (high - low)
            at_left = function(left)
        else:
            low, left, at_left = left, right, at_right
            right = low + _GOLDEN * (high - low)
            at_right = function(right)
    return (low + high) / 2


def without_threshold(output: Output) -> Output:
    """The output with which everything is answered that is no idle label."""
    return output.model_copy(update={"threshold": 0.0})
