"""Spans of segments: equal neighbors are joined, short ones left out, damage never bridged."""

from collections.abc import Callable
from dataclasses import dataclass

from service.spotting.decoder import Doubles

_SLACK_S = 1e-6

NextStart = Callable[[int], float]
"""Of a class: nothing of it that is still to come starts before this time."""


@dataclass(frozen=True, slots=True)
class ClassSpan:
    """A stretch that shows one class, from `count` windows whose probabilities add up to `total` (C numbers)."""

    start_s: float
    end_s: float
    class_idx: int
    total: Doubles
    count: int

    def join(self, later: "ClassSpan") -> "ClassSpan":
        """Both as one, with what lies between them."""
        return ClassSpan(self.start_s, later.end_s, self.class_idx, self.total + later.total, self.count + later.count)


class Merger:
    """Joins equal spans at most merge_gap_s apart, unless `damaged(from, to)` says that something is missing there."""

    def __init__(self, merge_gap_s: float, damaged: Callable[[float, float], bool]) -> None:
        self._gap_s = merge_gap_s
        self._damaged = damaged
        self._held: ClassSpan | None = None

    @property
    def held(self) -> ClassSpan | None:
        """The span that may still grow."""
        return self._held

    def push(self, span: ClassSpan) -> tuple[ClassSpan, ...]:
        """Take the next span in time; what can no longer grow comes back."""
        held = self._held
        if held is not None and held.class_idx == span.class_idx and self._near(held.end_s, span.start_s):
            self._held = held.join(span)
            return ()
        self._held = span
        return () if held is None else (held,)

    def advance(self, next_start_s: NextStart) -> tuple[ClassSpan, ...]:
        """What can no longer grow because nothing to come is near enough."""
        held = self._held
        if held is None or next_start_s(held.class_idx) - held.end_s <= self._gap_s + _SLACK_S:
            return ()
        return self.finish()

    def finish(self) -> tuple[ClassSpan, ...]:
        """What is still held."""
        held, self._held = self._held, None
        return () if held is None else (held,)

    def _near(self, end_s: float, start_s: float) -> bool:
        return start_s - end_s <= self._gap_s + _SLACK_S and not self._damaged(end_s, start_s)


class SpanCleaner:
    """Joins neighbors, leaves out spans shorter than min_duration_s, and joins again over what was left out."""

    def __init__(self, min_duration_s: float, merge_gap_s: float, damaged: Callable[[float, float], bool]) -> None:
        self._least_s = min_duration_s - _SLACK_S
        self._before = Merger(merge_gap_s, damaged)
        self._after = Merger(merge_gap_s, damaged)

    @property
    def held_from_s(self) -> float | None:
        """Where the oldest span begins that may still grow."""
        held = self._after.held or self._before.held
        return None if held is None else held.start_s

    def push(self, span: ClassSpan) -> list[ClassSpan]:
        return self._pass_on(self._before.push(span))

    def advance(self, next_start_s: NextStart) -> list[ClassSpan]:
        done = self._pass_on(self._before.advance(next_start_s))
        waits = self._before.held

        def next_one_s(class_idx: int) -> float:
            come_s = next_start_s(class_idx)
            return come_s if waits is None or waits.class_idx != class_idx else min(come_s, waits.start_s)

        done.extend(self._after.advance(next_one_s))
        return done

    def finish(self) -> list[ClassSpan]:
        return [*self._pass_on(self._before.finish()), *self._after.finish()]

    def _pass_on(self, spans: tuple[ClassSpan, ...]) -> list[ClassSpan]:
        long_enough = [span for span in spans if span.end_s - span.start_s >= self._least_s]
        return [done for span in long_enough for done in self._after.push(span)]
