"""Segment: what is signed from when to when, and what it is found by."""

from dataclasses import dataclass
from typing import Literal

from service.track import BoolArray, FloatArray, TimeArray, Window

Smoothing = Literal["none", "viterbi"]


@dataclass(frozen=True, slots=True)
class Alternative:
    """Another label that the windows of a segment might show, and how probable it is there on average."""

    class_idx: int
    label: str
    confidence: float


@dataclass(frozen=True, slots=True)
class Segment:
    """One sign over [start_s, end_s), seconds from the medium's start; confidence is its mean probability, 0 to 1."""

    start_s: float
    end_s: float
    class_idx: int
    label: str
    confidence: float
    alternatives: tuple[Alternative, ...] = ()

    @property
    def duration_s(self) -> float:
        return self.end_s - self.start_s


@dataclass(frozen=True, slots=True)
class ScoredWindow:
    """A window, its C probabilities, and when it was looked at.

    probabilities is None (or all zeros, as the registry answers for windows without rows) where nothing was to be
    judged. times_s are the sampled observations of the window, in order; present says which of them show what the
    model needs: `track.cut(window).times_s` and `.present`.
    """

    window: Window
    probabilities: FloatArray | None
    times_s: TimeArray
    present: BoolArray

    @property
    def center_s(self) -> float:
        return (self.window.start_s + self.window.end_s) / 2


@dataclass(frozen=True, slots=True)
class SpottingRules:
    """How windows become segments; times in seconds.

    labels are in the order of the probabilities; idle_labels are never shown. threshold: below it nothing is named.
    Segments shorter than min_duration_s are left out, equal ones up to merge_gap_s apart are one. alternatives: at
    most so many are reported with a segment.
    """

    labels: tuple[str, ...]
    stride_s: float
    idle_labels: tuple[str, ...] = ()
    threshold: float = 0.0
    min_duration_s: float = 0.0
    merge_gap_s: float = 0.0
    smoothing: Smoothing = "viterbi"
    alternatives: int = 4

    def __post_init__(self) -> None:
        if not self.labels:
            raise ValueError("rules without labels name nothing")
        if self.stride_s <= 0 or min(self.min_duration_s, self.merge_gap_s, self.alternatives) < 0:
            raise ValueError("stride_s must be positive; min_duration_s, merge_gap_s and alternatives not negative")
        if not 0 <= self.threshold <= 1:
            raise ValueError(f"threshold {self.threshold} is not between 0 and 1")
