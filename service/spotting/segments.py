"""Decided windows → segments, window by window: the same for a file, a job in chunks and a live session.

Where a segment begins and ends:

1. A window speaks for its core, the stride-long stretch around its center; the first and the last window of a medium
   also for the rest of it. Neighboring cores that show one class are a run.
2. A window whose center lies in a damaged gap, or in an absence of the hand of more than RELEASE_S, says nothing:
   it only knows what surrounds it. So a run never crosses either.
3. A run begins no earlier than the hand is seen, and ends when it is no longer seen.
4. Where the hand came into sight (or left it) inside the run's first (or last) window and at most REACH_S outside of
   its cores, the run begins (or ends) there: the windows between were only too empty to be named. It never reaches
   over another sign, over windows that an idle label won, or over a gap.
5. Equal segments up to merge_gap_s apart are one, then what is shorter than min_duration_s is left out; damage is
   never bridged. A letter held is one segment; released and made again it is two.
"""

import math
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

import numpy as np

from service.spotting.decoder import Doubles, decoder_for, has_evidence
from service.spotting.merging import ClassSpan, SpanCleaner
from service.spotting.presence import PresenceIntervals
from service.spotting.segment import Alternative, ScoredWindow, Segment, SpottingRules
from service.spotting.states import StateSpan
from service.track import FloatArray, Window, merge_windows

REACH_S: Final = 0.3
"""How far outside of its cores a run may follow the hand to where it came from or went."""

SHORTEST_S: Final = 0.001
"""No segment is shorter: a millisecond is the resolution of the files that people open."""


def find_segments(
    scored: Iterable[ScoredWindow], rules: SpottingRules, gaps: Iterable[Window] = ()
) -> tuple[Segment, ...]:
    """The segments of a whole medium from its windows in order; gaps are its damaged stretches."""
    spotter = Spotter(rules)
    for gap in gaps:
        spotter.add_gap(gap)
    found = [segment for window in scored for segment in spotter.push(window)]
    return (*found, *spotter.finish())


@dataclass(slots=True)
class _Run:
    """Neighboring windows that show one class: their cores, and how far they may follow the hand."""

    class_idx: int
    total: Doubles
    start_s: float
    end_s: float
    first_center_s: float
    last_center_s: float
    earliest_s: float
    latest_s: float
    blocked_from_s: float = math.inf
    count: int = 1


class Spotter:
    """Takes scored windows in order and gives segments, each as soon as nothing to come can change it.

    from_s: nothing starts before (a live session that was flushed goes on with a fresh spotter). It can be pickled
    between two windows, and its memory does not grow with the medium.
    """

    def __init__(self, rules: SpottingRules, from_s: float = -math.inf) -> None:
        self._rules = rules
        self._decoder = decoder_for(rules)
        self._waiting: deque[ScoredWindow] = deque()
        self._presence = PresenceIntervals()
        self._gaps: list[Window] = []
        self._cleaner = SpanCleaner(rules.min_duration_s, rules.merge_gap_s, self._damaged)
        self._run: _Run | None = None
        self._closing: _Run | None = None
        self._said_until_s = from_s
        self._blocked_until_s = from_s
        self._begun = False
        self._last: ScoredWindow | None = None

    def add_gap(self, gap: Window) -> None:
        """A stretch in which the medium could not be read; known before the first window that ends after its start.

        It may be told again, also longer or shorter than before.
        """
        self._gaps = list(merge_windows(*self._gaps, gap))

    def push(self, scored: ScoredWindow) -> tuple[Segment, ...]:
        """Take the next window; the segments that are now final."""
        self._presence.observe(scored.times_s, scored.present)
        self._waiting.append(scored)
        return self._decide(self._decoder.push(scored.probabilities))

    def finish(self) -> tuple[Segment, ...]:
        """The segments that were still open: nothing comes after the last window."""
        done = list(self._decide(self._decoder.finish()))
        run, last = self._run, self._last
        if run is not None and last is not None:
            if run.last_center_s == last.center_s:
                run.end_s = max(run.end_s, last.window.end_s)
                run.latest_s = run.end_s
            self._close_run()
        spans = [*self._resolve(math.inf), *self._cleaner.finish()]
        return (*done, *map(self._segment, spans))

    @property
    def state(self) -> StateSpan | None:
        """Windows do not tell what the hand is doing where they name no sign."""
        return None

    def take_states(self) -> tuple[StateSpan, ...]:
        """No spans of states."""
        return ()

    @property
    def growing(self) -> Segment | None:
        """The segment that the newest decided window belongs to, as far as it is known; it may still change."""
        run = self._run or self._closing
        span = None if run is None else self._span(run)
        return None if span is None else self._segment(span)

    def _decide(self, decisions: tuple[int | None, ...]) -> tuple[Segment, ...]:
        spans: list[ClassSpan] = []
        for class_idx in decisions:
            spans.extend(self._take(self._waiting.popleft(), class_idx))
        return tuple(map(self._segment, spans))

    def _take(self, scored: ScoredWindow, class_idx: int | None) -> list[ClassSpan]:
        center_s, window = scored.center_s, scored.window
        half_s = self._rules.stride_s / 2 if self._begun else math.inf
        start_s = max(center_s - half_s, window.start_s, self._said_until_s)
        end_s = max(min(center_s + self._rules.stride_s / 2, window.end_s), start_s)
        speaks = not self._presence.released_at(center_s) and not self._in_gap(center_s)
        shown = class_idx if speaks and end_s > start_s else None
        resting = speaks and self._rests(scored.probabilities)

        run = self._run
        if run is not None and (shown != run.class_idx or self._broken(run.last_center_s, center_s)):
            self._close_run()
        spans: list[ClassSpan] = []
        if shown is not None or resting:
            spans.extend(self._resolve(start_s))
            self._blocked_until_s, blocked_until_s = end_s, self._blocked_until_s
            if shown is not None and scored.probabilities is not None:
                self._extend(shown, scored.probabilities, scored, Window(start_s, end_s), blocked_until_s)
        elif self._closing is not None and end_s >= self._closing.latest_s:
            spans.extend(self._resolve(math.inf))
        self._begun, self._said_until_s, self._last = True, end_s, scored
        spans.extend(self._cleaner.advance(self._next_start_s))
        self._forget()
        return spans

    def _extend(
        self, class_idx: int, probabilities: FloatArray, scored: ScoredWindow, core: Window, blocked_until_s: float
    ) -> None:
        """Let the run grow by this window, or begin with it."""
        total = probabilities.astype(np.float64)
        latest_s = min(core.end_s + REACH_S, max(scored.window.end_s, core.end_s))
        if self._run is not None:
            self._run.total += total
            self._run.count += 1
            self._run.end_s, self._run.last_center_s, self._run.latest_s = core.end_s, scored.center_s, latest_s
            return
        reach_s = max(core.start_s - REACH_S, min(scored.window.start_s, core.start_s), blocked_until_s)
        self._run = _Run(
            class_idx, total, core.start_s, core.end_s, scored.center_s, scored.center_s, reach_s, latest_s
        )

    def _close_run(self) -> None:
        self._closing, self._run = self._run, None

    def _resolve(self, blocked_from_s: float) -> list[ClassSpan]:
        """The run that ended, now that it is known what stands in its way after it."""
        run, self._closing = self._closing, None
        if run is None:
            return []
        run.blocked_from_s = blocked_from_s
        span = self._span(run)
        return [] if span is None else self._cleaner.push(span)

    def _span(self, run: _Run) -> ClassSpan | None:
        """The run between its true ends; None where nothing was to be seen within its cores."""
        start_s, end_s = self._start_s(run), self._end_s(run)
        for gap in self._gaps:
            if gap.start_s < run.first_center_s:
                start_s = max(start_s, min(gap.end_s, run.first_center_s))
            if gap.end_s > run.last_center_s:
                end_s = min(end_s, max(gap.start_s, run.last_center_s))
        if end_s - start_s < SHORTEST_S:
            return None
        return ClassSpan(start_s, end_s, run.class_idx, run.total, run.count)

    def _start_s(self, run: _Run) -> float:
        seen = self._presence.around(run.start_s)
        if seen is None or seen[1] <= run.start_s:
            return self._presence.next_start_s(run.start_s)
        return seen[0] if seen[0] >= run.earliest_s else run.start_s

    def _end_s(self, run: _Run) -> float:
        seen = self._presence.around(run.end_s)
        if seen is None or seen[0] >= run.end_s:
            return self._presence.last_end_s(run.end_s)
        return seen[1] if seen[1] <= min(run.latest_s, run.blocked_from_s) else run.end_s

    def _horizon_s(self) -> float:
        """Nothing that is still to come starts before this time."""
        runs = [run.earliest_s for run in (self._run, self._closing) if run is not None]
        return min([self._said_until_s - REACH_S, *runs])

    def _next_start_s(self, class_idx: int) -> float:
        """Nothing of this class that is still to come starts before this time: a run of another stands in its way."""
        runs = [run for run in (self._run, self._closing) if run is not None]
        own_s = [run.earliest_s for run in runs if run.class_idx == class_idx]
        others_s = [run.end_s for run in runs if run.class_idx != class_idx]
        return min([max([self._said_until_s - REACH_S, *others_s]), *own_s])

    def _forget(self) -> None:
        held_s = self._cleaner.held_from_s
        before_s = min(self._horizon_s(), math.inf if held_s is None else held_s)
        self._presence.forget(before_s)
        self._gaps = [gap for gap in self._gaps if gap.end_s >= before_s]

    def _rests(self, probabilities: FloatArray | None) -> bool:
        """Whether an idle label won this window: the hand is there and rests."""
        if probabilities is None or not has_evidence(probabilities):
            return False
        return self._rules.labels[int(probabilities.argmax())] in self._rules.idle_labels

    def _broken(self, start_s: float, end_s: float) -> bool:
        return self._damaged(start_s, end_s) or self._presence.released_between(start_s, end_s)

    def _damaged(self, start_s: float, end_s: float) -> bool:
        return any(gap.start_s < end_s and gap.end_s > start_s for gap in self._gaps)

    def _in_gap(self, time_s: float) -> bool:
        return any(gap.start_s <= time_s < gap.end_s for gap in self._gaps)

    def _segment(self, span: ClassSpan) -> Segment:
        return segment_of(span, self._rules)


def segment_of(span: ClassSpan, rules: SpottingRules) -> Segment:
    """What a span shows, with its mean probability and the other signs that it might show."""
    labels, means = rules.labels, (span.total / span.count).clip(0.0, 1.0)
    order = [int(index) for index in (-means).argsort(kind="stable")]
    others = [i for i in order if i != span.class_idx and labels[i] not in rules.idle_labels and means[i] > 0]
    return Segment(
        start_s=span.start_s,
        end_s=span.end_s,
        class_idx=span.class_idx,
        label=labels[span.class_idx],
        confidence=float(means[span.class_idx]),
        alternatives=tuple(Alternative(i, labels[i], float(means[i])) for i in others[: rules.alternatives]),
    )
