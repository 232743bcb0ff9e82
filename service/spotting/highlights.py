"""Highlights: the moments of a tension curve that stand out."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Final

from service.spotting.tension import TensionPoint

HOLD_SHARE: Final = 0.8
"""A moment lasts while the tension stays above this share of the threshold that it had to reach (hysteresis)."""

_SLACK_S = 1e-6


@dataclass(frozen=True, slots=True)
class Highlight:
    """A moment over [start_s, end_s), the tension's largest value in it (score) and when that is first reached."""

    start_s: float
    end_s: float
    peak_s: float
    score: float


@dataclass(frozen=True, slots=True)
class HighlightRules:
    """What stands out; times in seconds.

    threshold: tension that a moment reaches. Moments up to merge_gap_s apart are one, those shorter than
    min_duration_s are left out, then those whose peak lies within half a window of a stronger one (they saw the same
    samples), then all but the top_k strongest.
    """

    threshold: float
    sample_rate: float
    window_s: float
    min_duration_s: float = 0.0
    merge_gap_s: float = 0.0
    top_k: int | None = None

    def __post_init__(self) -> None:
        if self.sample_rate <= 0 or min(self.window_s, self.min_duration_s, self.merge_gap_s) < 0:
            raise ValueError("sample_rate must be positive; window_s, min_duration_s and merge_gap_s not negative")
        if self.top_k is not None and self.top_k < 1:
            raise ValueError(f"top_k {self.top_k} must be at least 1")


def highlights(
    points: Sequence[TensionPoint], rules: HighlightRules, start_s: float, end_s: float
) -> tuple[Highlight, ...]:
    """The moments within [start_s, end_s) in order of time; they never overlap and hold no unknown point.

    A point speaks for the time up to halfway to its neighbors on the grid of sample_rate.
    """
    found: list[Highlight] = []
    for known, stretch in groupby(points, key=lambda point: point.value is not None):
        if known:
            found.extend(_merge(_moments(list(stretch), rules, start_s, end_s), rules.merge_gap_s))
    lasting = [one for one in found if one.end_s - one.start_s >= max(rules.min_duration_s - _SLACK_S, _SLACK_S)]
    strongest = _keep_apart(lasting, rules.window_s / 2)[: rules.top_k]
    return tuple(sorted(strongest, key=lambda one: one.start_s))


def _moments(stretch: list[TensionPoint], rules: HighlightRules, start_s: float, end_s: float) -> list[Highlight]:
    """Stretches above the lower threshold that reach the upper one."""
    held = rules.threshold * HOLD_SHARE if rules.threshold > 0 else rules.threshold
    half_s = 0.5 / rules.sample_rate
    moments: list[Highlight] = []
    for above, group in groupby(stretch, key=lambda point: _value(point) >= held):
        points = list(group)
        peak = max(points, key=_value)
        if above and _value(peak) >= rules.threshold:
            begin_s, stop_s = max(points[0].time_s - half_s, start_s), min(points[-1].time_s + half_s, end_s)
            moments.append(Highlight(begin_s, stop_s, peak.time_s, _value(peak)))
    return moments


def _merge(moments: list[Highlight], merge_gap_s: float) -> list[Highlight]:
    merged: list[Highlight] = []
    for moment in moments:
        if merged and moment.start_s - merged[-1].end_s <= merge_gap_s + _SLACK_S:
            before = merged.pop()
            peak = before if before.score >= moment.score else moment
            merged.append(Highlight(before.start_s, moment.end_s, peak.peak_s, peak.score))
        else:
            merged.append(moment)
    return merged


def _keep_apart(moments: list[Highlight], least_s: float) -> list[Highlight]:
    """Strongest first, without those whose peak is nearer than least_s to a stronger one (non-maximum suppression)."""
    chosen: list[Highlight] = []
    for moment in sorted(moments, key=lambda one: (-one.score, one.start_s)):
        if all(abs(moment.peak_s - other.peak_s) >= least_s - _SLACK_S for other in chosen):
            chosen.append(moment)
    return chosen


def _value(point: TensionPoint) -> float:
    return -float("inf") if point.value is None else point.value
