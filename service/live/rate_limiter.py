"""RateLimiter: how fast a sender may send, with some patience for what a network delayed."""

BURST_S = 2.0
"""A sender may be ahead of its limit by so many seconds' worth of messages."""


class RateLimiter:
    """Messages a second, on average; monotonic times in seconds."""

    def __init__(self, per_second: float, now_s: float) -> None:
        self._per_second = per_second
        self._most = max(1.0, per_second * BURST_S)
        self._left = self._most
        self._at_s = now_s

    def allow(self, now_s: float) -> bool:
        """Whether one more message is allowed now."""
        self._left = min(self._most, self._left + (now_s - self._at_s) * self._per_second)
        self._at_s = now_s
        if self._left < 1.0:
            return False
        self._left -= 1.0
        return True
