"""Answers for single moments → segments and states: for models that say of each moment what is shown, not of a window.

A moment's answer names a sign, or what is there instead: a way between signs, signing that is no spelling, or rest.
The most probable path through them, in which every change costs something, is decided a little behind the newest
moment. A run of one sign is a segment, so the same sign made again is two, if what lies between was seen. There is no
window's core to trim, and no hand's way to follow: a run begins and ends halfway between two moments, and at the
medium's own beginning and end.
"""

import math
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np

from service.spotting.decoder import Doubles, Indices, has_evidence
from service.spotting.merging import ClassSpan, SpanCleaner
from service.spotting.segment import ScoredWindow, Segment, SpottingRules
from service.spotting.segments import segment_of
from service.spotting.states import StateSpan, StateTracker
from service.track import HandState, Window, merge_windows

_SLACK_S = 1e-6
_LEAST = 1e-4
"""No answer is surer than this that something is not there: one moment alone never forbids a sign."""


@dataclass(frozen=True, slots=True)
class MomentRules:
    """How moments become segments and states.

    states: what a moment is that shows an idle label, rest where it is not named; one that shows a sign is spelling.
    change_cost: of each change on the path, in nats. lag_s: how far the decisions trail. least_state_s: a state that
    lasts less is part of the one before it. begins_as: the shapes that a sign's movement begins with: a run of one that
    goes over into it without a way between is part of it.
    """

    spotting: SpottingRules
    answers_at_s: float
    states: dict[str, HandState]
    change_cost: float
    lag_s: float
    least_state_s: float = 0.0
    begins_as: dict[str, tuple[str, ...]] = field(default_factory=dict)

    def state_of(self, label: str) -> HandState:
        """What a moment is that shows this label."""
        return self.states.get(label, "resting") if label in self.spotting.idle_labels else "spelling"


@dataclass(slots=True)
class _Run:
    """Neighboring moments that show one label."""

    class_idx: int
    total: Doubles
    start_s: float
    end_s: float
    surest: float
    count: int = 1


class PathDecoder:
    """The most probable path of labels, decided `lag` ≥ 1 moments behind the newest one.

    Memory: one row of scores and `lag` rows of pointers, however long it runs. It can be pickled between two moments.
    """

    def __init__(self, labels: int, change_cost: float, lag: int) -> None:
        self._cost = change_cost
        self._lag = lag
        self._labels = np.arange(labels)
        self._scores: Doubles | None = None
        self._pointers: deque[Indices] = deque()

    def push(self, emission: Doubles) -> int | None:
        """Take the C log-probabilities of one more moment; the label of the moment `lag` before it."""
        if self._scores is None:
            self._scores = emission
            return None
        best = int(self._scores.argmax())
        changing = self._scores[best] - self._cost
        self._pointers.append(np.where(self._scores >= changing, self._labels, best))
        scores = np.maximum(self._scores, changing) + emission
        self._scores = scores - scores.max()
        if len(self._pointers) < self._lag:
            return None
        said = self._path(self._scores)[0]
        self._pointers.popleft()
        return said

    def finish(self) -> list[int]:
        """The labels of the moments that were still open."""
        path = [] if self._scores is None else self._path(self._scores)
        self._scores = None
        self._pointers.clear()
        return path

    def _path(self, scores: Doubles) -> list[int]:
        label = int(scores.argmax())
        path = [label]
        for pointers in reversed(self._pointers):
            label = int(pointers[label])
            path.append(label)
        return path[::-1]


class MomentSpotter:
    """Takes the moments' answers in order and gives segments, each as soon as nothing to come can change it.

    from_s: nothing starts before (a live session that was flushed goes on with a fresh spotter). It can be pickled
    between two moments, and its memory does not grow with the medium, once `take_states` is called.
    """

    def __init__(self, rules: MomentRules, from_s: float = -math.inf) -> None:
        spotting = rules.spotting
        self._rules = rules
        self._half_s = spotting.stride_s / 2
        self._lag = max(1, round(rules.lag_s / spotting.stride_s))
        self._decoder = PathDecoder(len(spotting.labels), rules.change_cost, self._lag)
        self._silent = self._silence()
        self._waiting: deque[tuple[float, Doubles]] = deque()
        self._gaps: list[Window] = []
        self._cleaner = SpanCleaner(spotting.min_duration_s, spotting.merge_gap_s, self._damaged)
        self._tracker = StateTracker(rules.least_state_s)
        self._states: list[StateSpan] = []
        self._run: _Run | None = None
        self._said_until_s = from_s

    def add_gap(self, gap: Window) -> None:
        """A stretch in which the medium could not be read; known before the first moment after its start."""
        self._gaps = list(merge_windows(*self._gaps, gap))

    def push(self, scored: ScoredWindow) -> tuple[Segment, ...]:
        """Take the next moment; the segments that are now final."""
        time_s = scored.window.start_s + self._rules.answers_at_s
        known = has_evidence(scored.probabilities) and not self._in_gap(time_s)
        shown = scored.probabilities.astype(np.float64) if known and scored.probabilities is not None else self._silent
        self._waiting.append((time_s, shown))
        label = self._decoder.push(np.log(np.maximum(shown, _LEAST)))
        return () if label is None else self._segments(self._take(label))

    def finish(self) -> tuple[Segment, ...]:
        """The segments that were still open: nothing comes after the last moment."""
        spans = [span for label in self._decoder.finish() for span in self._take(label)]
        spans += [*self._close(), *self._cleaner.finish()]
        if (state := self._tracker.finish()) is not None:
            self._states.append(state)
        return self._segments(spans)

    @property
    def growing(self) -> Segment | None:
        """The segment that the newest decided moment belongs to; it may still become longer or vanish."""
        run = self._run
        return None if run is None or not self._is_sure(run) else self._segment(_span(run))

    @property
    def state(self) -> StateSpan | None:
        """What the hand is doing up to the newest decided moment."""
        return self._tracker.growing

    def take_states(self) -> tuple[StateSpan, ...]:
        """The spans of states that have ended since this was last asked."""
        ended, self._states = tuple(self._states), []
        return ended

    def _take(self, label: int) -> list[ClassSpan]:
        """The next moment shows this label."""
        time_s, shown = self._waiting.popleft()
        begun = math.isfinite(self._said_until_s)
        start_s = max(time_s - self._half_s, self._said_until_s) if begun else time_s
        end_s = max(time_s + self._half_s, start_s)
        if not self._in_gap(time_s):
            start_s = max([start_s, *(gap.end_s for gap in self._gaps if gap.end_s <= time_s + _SLACK_S)])
            end_s = max(start_s, min([end_s, *(gap.start_s for gap in self._gaps if gap.start_s > time_s)]))
        name = self._rules.spotting.labels[label]
        if (state := self._tracker.push(self._rules.state_of(name), start_s, end_s)) is not None:
            self._states.append(state)
        spans: list[ClassSpan] = []
        run = self._run
        if run is not None and (run.class_idx != label or self._is_broken(run.end_s, start_s)):
            if self._goes_over(run, name, start_s):
                start_s, self._run = run.start_s, None
            spans += self._close()
        if name not in self._rules.spotting.idle_labels:
            self._extend(label, shown, start_s, end_s)
        self._said_until_s = end_s
        open_s = end_s if self._run is None else self._run.start_s
        spans += self._cleaner.advance(lambda _: open_s)
        self._gaps = [gap for gap in self._gaps if gap.end_s >= open_s - self._rules.spotting.merge_gap_s]
        return spans

    def _goes_over(self, run: _Run, name: str, start_s: float) -> bool:
        """Whether the run was but the beginning of the sign of this name."""
        before = self._rules.spotting.labels[run.class_idx]
        return before in self._rules.begins_as.get(name, ()) and not self._is_broken(run.end_s, start_s)

    def _extend(self, label: int, shown: Doubles, start_s: float, end_s: float) -> None:
        run = self._run
        if run is None:
            self._run = _Run(label, shown.copy(), start_s, end_s, float(shown[label]))
            return
        run.total += shown
        run.end_s = end_s
        run.surest = max(run.surest, float(shown[label]))
        run.count += 1

    def _close(self) -> list[ClassSpan]:
        run, self._run = self._run, None
        return [] if run is None or not self._is_sure(run) else self._cleaner.push(_span(run))

    def _is_sure(self, run: _Run) -> bool:
        return run.surest >= self._rules.spotting.threshold

    def _silence(self) -> Doubles:
        """What a moment shows in which nothing is to be seen: the first label that is rest, else any idle one."""
        spotting = self._rules.spotting
        resting = [name for name in spotting.idle_labels if self._rules.state_of(name) == "resting"]
        shown = np.zeros(len(spotting.labels))
        chosen = (*resting, *spotting.idle_labels)
        if chosen:
            shown[spotting.labels.index(chosen[0])] = 1.0
        return shown

    def _is_broken(self, end_s: float, start_s: float) -> bool:
        """Whether something is missing between two moments."""
        return start_s - end_s > _SLACK_S or self._damaged(end_s, start_s)

    def _damaged(self, start_s: float, end_s: float) -> bool:
        return any(gap.start_s < end_s and gap.end_s > start_s for gap in self._gaps)

    def _in_gap(self, time_s: float) -> bool:
        return any(gap.start_s - _SLACK_S <= time_s < gap.end_s - _SLACK_S for gap in self._gaps)

    def _segments(self, spans: Iterable[ClassSpan]) -> tuple[Segment, ...]:
        return tuple(map(self._segment, spans))

    def _segment(self, span: ClassSpan) -> Segment:
        return segment_of(span, self._rules.spotting)


def _span(run: _Run) -> ClassSpan:
    return ClassSpan(run.start_s, run.end_s, run.class_idx, run.total, run.count)
