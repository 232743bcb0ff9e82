"""Spotting: what is fed scored windows in order and says what is signed when, whatever kind of answers these are."""

import math
from typing import Protocol

from service.spotting.moments import MomentRules, MomentSpotter
from service.spotting.segment import ScoredWindow, Segment, SpottingRules
from service.spotting.segments import Spotter
from service.spotting.states import StateSpan
from service.track import Window


class Spotting(Protocol):
    """Gives segments, each as soon as nothing to come can change it. It can be pickled between two windows."""

    def add_gap(self, gap: Window) -> None:
        """A stretch in which the medium could not be read; known before the first window that ends after its start."""

    def push(self, scored: ScoredWindow) -> tuple[Segment, ...]:
        """Take the next window; the segments that are now final."""

    def finish(self) -> tuple[Segment, ...]:
        """The segments that were still open: nothing comes after the last window."""

    @property
    def growing(self) -> Segment | None:
        """The segment that may still grow, as far as it is known."""

    @property
    def state(self) -> StateSpan | None:
        """What the hand is doing, as far as it is known; None where the model does not tell it."""

    def take_states(self) -> tuple[StateSpan, ...]:
        """The spans of states that have ended since this was last asked."""


def spotter_for(rules: SpottingRules | MomentRules, from_s: float = -math.inf) -> Spotting:
    """A fresh spotter; nothing that it says starts before from_s."""
    return MomentSpotter(rules, from_s) if isinstance(rules, MomentRules) else Spotter(rules, from_s)
