"""PresenceIntervals: when the hand (or whatever the model needs) was there to be seen."""

import math
from typing import Final

from service.track import BoolArray, TimeArray

RELEASE_S: Final = 0.5
"""Out of sight for longer, a hand was released; shorter, the tracker lost it (the followed hand waits as long)."""


class PresenceIntervals:
    """Stretches [start, end) of a medium in which something was there, written down as it is observed.

    A stretch begins with the first observation that shows it and ends with the first one that does not; absences of
    at most RELEASE_S are bridged. The last stretch ends at infinity while it is still seen. Memory:
    what `forget` leaves.
    """

    def __init__(self) -> None:
        self._stretches: list[tuple[float, float]] = []
        self._first_s = math.inf
        self._last_s = -math.inf

    def observe(self, times_s: TimeArray, present: BoolArray) -> None:
        """Note what one window saw. Overlapping windows bring the same observations: each counts once."""
        for time_s, seen in zip(times_s.tolist(), present.tolist(), strict=True):
            if time_s > self._last_s:
                self._note(time_s, seen)

    def _note(self, time_s: float, seen: bool) -> None:
        self._first_s = min(self._first_s, time_s)
        self._last_s = time_s
        start_s, end_s = self._stretches[-1] if self._stretches else (time_s, -math.inf)
        if seen and time_s - end_s > RELEASE_S:
            self._stretches.append((time_s, math.inf))
        elif seen and end_s < math.inf:
            self._stretches[-1] = (start_s, math.inf)
        elif not seen and end_s == math.inf:
            self._stretches[-1] = (start_s, time_s)

    def around(self, time_s: float) -> tuple[float, float] | None:
        """The stretch with start ≤ time ≤ end, the earlier one where two touch; None where nothing was seen."""
        return next((one for one in self._stretches if one[0] <= time_s <= one[1]), None)

    def next_start_s(self, time_s: float) -> float:
        """When something is next seen after this time; infinity where that is not known to happen."""
        return next((start_s for start_s, _ in self._stretches if start_s > time_s), math.inf)

    def last_end_s(self, time_s: float) -> float:
        """Until when something was last seen before this time; minus infinity where it was not."""
        return next((end_s for _, end_s in reversed(self._stretches) if end_s < time_s), -math.inf)

    def released_at(self, time_s: float) -> bool:
        """Whether this moment lies in an absence of more than RELEASE_S, as far as has been observed."""
        if self.around(time_s) is not None:
            return False
        begin_s = max(self.last_end_s(time_s), self._first_s)
        end_s = min(self.next_start_s(time_s), self._last_s)
        return end_s - begin_s > RELEASE_S

    def released_between(self, start_s: float, end_s: float) -> bool:
        """Whether something seen at start_s was released and is seen again by end_s."""
        return any(start_s <= ended_s and self.next_start_s(ended_s) <= end_s for _, ended_s in self._stretches)

    def forget(self, before_s: float) -> None:
        """Let go of stretches that ended before this time, except the last."""
        kept = [one for one in self._stretches[:-1] if one[1] >= before_s]
        self._stretches = kept + self._stretches[-1:]
