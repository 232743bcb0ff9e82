"""The one decoder of windows: a file, a job and a live session feed it window by window and decide alike."""

import math
from collections import deque
from typing import Annotated, Protocol

import numpy as np
import numpy.typing as npt

from service.spotting.segment import SpottingRules
from service.track import FloatArray

LAG_WINDOWS = 1

Doubles = npt.NDArray[np.float64]
Indices = npt.NDArray[np.int64]
States = Annotated[Doubles, "S: the probability of each sign, then of idle; sums to 1"]


class Decoder(Protocol):
    """Takes the windows' probabilities in order, and answers with decisions in the same order, some windows later.

    A decision is the class that the window shows, or None where it is idle.
    """

    def push(self, probabilities: FloatArray | None) -> tuple[int | None, ...]:
        """The decisions that one more window allows."""

    def finish(self) -> tuple[int | None, ...]:
        """The decisions that were still open."""


def decoder_for(rules: SpottingRules) -> Decoder:
    """A fresh decoder; what it does depends on `rules.smoothing`. It can be pickled between two windows."""
    return ViterbiDecoder(rules) if rules.smoothing == "viterbi" else PlainDecoder(rules)


def has_evidence(probabilities: FloatArray | None) -> bool:
    """Whether there was anything to judge: the registry answers zeros for a window without rows."""
    return probabilities is not None and bool(np.any(probabilities))


class ViterbiDecoder:
    """The most probable path through signs and idle, decided `lag` windows behind the newest one.

    A state stays with exp(−stride / min_duration) and changes to each other one alike. It never stays less readily
    than it would by chance (1/S), so a min_duration below the stride smooths nothing instead of forcing changes.
    Memory: one row of scores and `lag` rows of pointers, however long it runs.
    """

    def __init__(self, rules: SpottingRules, lag: int = LAG_WINDOWS) -> None:
        self._signs, self._idle = _sign_and_idle_indices(rules)
        self._threshold = rules.threshold
        states = len(self._signs) + 1
        stay = math.exp(-rules.stride_s / rules.min_duration_s) if rules.min_duration_s > 0 else 0.0
        stay = min(max(stay, 1 / states), 1 - 1e-12)
        self._log_stay = math.log(stay)
        self._log_change = math.log((1 - stay) / max(states - 1, 1))
        self._scores: Doubles | None = None
        self._pointers: deque[Indices] = deque(maxlen=lag)
        self._lag = lag

    def push(self, probabilities: FloatArray | None) -> tuple[int | None, ...]:
        states = state_probabilities(probabilities, self._signs, self._idle, self._threshold)
        with np.errstate(divide="ignore"):
            emission = np.log(states)
        if self._scores is None:
            self._scores = emission - emission.max()
            return ()
        best = int(self._scores.argmax())
        staying, changing = self._scores + self._log_stay, self._scores[best] + self._log_change
        self._pointers.append(np.where(staying >= changing, np.arange(len(staying)), best))
        scores = np.maximum(staying, changing) + emission
        self._scores = scores - scores.max()
        if len(self._pointers) < self._lag:
            return ()
        return (self._trace()[0],)

    def finish(self) -> tuple[int | None, ...]:
        if self._scores is None:
            return ()
        path = self._trace()
        open_windows = path if len(self._pointers) < self._lag else path[1:]
        self._scores = None
        self._pointers.clear()
        return tuple(open_windows)

    def _trace(self) -> list[int | None]:
        """The best path's classes from the oldest window that is remembered to the newest."""
        if self._scores is None:
            return []
        state = int(self._scores.argmax())
        path = [state]
        for pointers in reversed(self._pointers):
            state = int(pointers[state])
            path.append(state)
        return [None if state == len(self._signs) else int(self._signs[state]) for state in reversed(path)]


class PlainDecoder:
    """Each window for itself, as /predict answers it: idle where it would decline."""

    def __init__(self, rules: SpottingRules) -> None:
        self._idle = set(_sign_and_idle_indices(rules)[1].tolist())
        self._threshold = rules.threshold

    def push(self, probabilities: FloatArray | None) -> tuple[int | None, ...]:
        if probabilities is None or not has_evidence(probabilities):
            return (None,)
        best = int(probabilities.argmax())
        declined = best in self._idle or float(probabilities[best]) < self._threshold
        return (None if declined else best,)

    def finish(self) -> tuple[int | None, ...]:
        return ()


def state_probabilities(probabilities: FloatArray | None, signs: Indices, idle: Indices, threshold: float) -> States:
    """How probable each sign and idle are in one window, from its C probabilities.

    P(idle) is 1 without evidence; else the idle labels' mass m + (1 − m) × max(0, 1 − max p / threshold), the second
    term 0 where the threshold is 0. The signs share the rest in their proportions.
    """
    states = np.zeros(len(signs) + 1)
    if probabilities is None or not has_evidence(probabilities):
        states[-1] = 1.0
        return states
    every = probabilities.astype(np.float64)
    mass = min(float(every[idle].sum()), 1.0)
    doubt = max(0.0, 1 - float(every.max()) / threshold) if threshold > 0 else 0.0
    total = float(every[signs].sum())
    states[-1] = mass + (1 - mass) * doubt if total > 0 else 1.0
    if total > 0:
        states[:-1] = every[signs] / total * (1 - states[-1])
    return states


def _sign_and_idle_indices(rules: SpottingRules) -> tuple[Indices, Indices]:
    idle = np.array([label in rules.idle_labels for label in rules.labels])
    return np.flatnonzero(~idle), np.flatnonzero(idle)
