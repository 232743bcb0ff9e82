"""What a hand is doing over time: spelling, signing something else, or resting."""

from dataclasses import dataclass

from service.track import HandState

_SLACK_S = 1e-6


@dataclass(frozen=True, slots=True)
class StateSpan:
    """What the hand is doing over [start_s, end_s), seconds from the medium's start."""

    state: HandState
    start_s: float
    end_s: float


class StateTracker:
    """Takes the state of each moment in order, and gives spans; what lasts less than `least_s` is not told."""

    def __init__(self, least_s: float) -> None:
        self._least_s = least_s
        self._state: HandState | None = None
        self._start_s = 0.0
        self._next: HandState | None = None
        self._next_s = 0.0
        self._until_s = 0.0

    @property
    def growing(self) -> StateSpan | None:
        """The span that has not ended, as far as it is known; None before anything was told."""
        return None if self._state is None else StateSpan(self._state, self._start_s, self._until_s)

    def push(self, state: HandState, start_s: float, end_s: float) -> StateSpan | None:
        """A moment that stands for [start_s, end_s); the span that ended where it is now known that another began."""
        self._until_s = end_s
        if self._state is None:
            self._state, self._start_s = state, start_s
            return None
        if state == self._state:
            self._next = None
            return None
        if state != self._next:
            self._next, self._next_s = state, start_s
        if end_s - self._next_s < self._least_s - _SLACK_S:
            return None
        done = StateSpan(self._state, self._start_s, self._next_s)
        self._state, self._start_s, self._next = state, self._next_s, None
        return done

    def finish(self) -> StateSpan | None:
        """The span that was still open."""
        last = self.growing
        self._state = self._next = None
        return last if last is not None and last.end_s > last.start_s else None
