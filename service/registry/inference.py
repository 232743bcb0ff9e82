"""One inference under way, how it is ended from outside, and when it counts as one that does not end."""

import time
from collections.abc import Callable
from dataclasses import dataclass

LEAST_S = 2.0
TIMES_THE_LONGEST = 20
"""An inference that is stopped counts against its model after so long, and so many times the longest row measured:
callers who go away early must not be able to take a slow model from the others."""


class Inference:
    """Told to stop by the event loop, bound to a run by the thread that runs it, in whichever order that happens.

    rows: of all callers together. began_ns, ended_ns: of the run, in nanoseconds since the epoch.
    """

    def __init__(self, rows: int = 0) -> None:
        self.rows = rows
        self._began_s: float | None = None
        self.began_ns = self.ended_ns = 0
        self._end: Callable[[], None] | None = None
        self._stopped = False

    def begin(self) -> None:
        """The thread has taken it up."""
        self._began_s = time.monotonic()
        self.began_ns = time.time_ns()

    def end(self) -> None:
        """The graph has run."""
        self.ended_ns = time.time_ns()

    @property
    def has_begun(self) -> bool:
        return self._began_s is not None

    @property
    def seconds(self) -> float:
        """How long it has run; 0 before it began."""
        return 0.0 if self._began_s is None else time.monotonic() - self._began_s

    @property
    def stopped(self) -> bool:
        return self._stopped

    def bind(self, end: Callable[[], None]) -> None:
        """What ends the run; called at once where it was stopped before."""
        self._end = end
        if self._stopped:
            end()

    def stop(self) -> None:
        """End it between two operations of its graph; nothing happens where it has ended."""
        self._stopped = True
        if self._end is not None:
            self._end()


@dataclass(slots=True)
class Patience:
    """What is known of a model's speed. longest_row_s: the slowest row of all inferences that ended."""

    longest_row_s: float = 0.0

    def note(self, rows: int, seconds: float) -> None:
        """An inference has ended."""
        self.longest_row_s = max(self.longest_row_s, seconds / max(1, rows))

    def limit_s(self, rows: int) -> float:
        """How long an inference of so many rows may take before being stopped counts against its model."""
        return max(LEAST_S, TIMES_THE_LONGEST * rows * self.longest_row_s)
