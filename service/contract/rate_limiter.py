"""RateLimiter: how much may come over time, with some patience for what comes at once. A token bucket."""

from typing import Final

BURST_S: Final = 2.0
"""A sender may be ahead of its limit by so many seconds' worth, where nothing else is said."""


class RateLimiter:
    """So much a second, on average, and at most `burst` at once; monotonic times in seconds."""

    def __init__(self, per_second: float, now_s: float, burst: float | None = None) -> None:
        self._per_second = per_second
        self._most = max(1.0, per_second * BURST_S) if burst is None else burst
        self._left = self._most
        self._at_s = now_s

    def allow(self, now_s: float, amount: float = 1.0) -> bool:
        """Whether so much more is allowed now; it is counted where it is."""
        if self.wait_s(now_s, amount) > 0.0:
            return False
        self._left -= amount
        return True

    def wait_s(self, now_s: float, amount: float = 1.0) -> float:
        """After how long so much more is allowed, 0 where it is now; infinite where it never is."""
        self._left = min(self._most, self._left + (now_s - self._at_s) * self._per_second)
        self._at_s = now_s
        if amount <= self._left:
            return 0.0
        return float("inf") if amount > self._most else (amount - self._left) / self._per_second
