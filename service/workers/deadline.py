"""Deadline: when an answer is of no use any more. It travels with a request."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from service.errors import SignError


@dataclass(frozen=True, slots=True)
class Deadline:
    """A point of the monotonic clock, in seconds; total_s is what the caller was given."""

    at: float
    total_s: float

    @classmethod
    def after(cls, seconds: float) -> "Deadline":
        """The deadline that lies so many seconds ahead."""
        return cls(time.monotonic() + seconds, seconds)

    def remaining(self) -> float:
        """Seconds left, at least 0."""
        return max(0.0, self.at - time.monotonic())

    def check(self) -> None:
        """Raise SignError deadline-exceeded if it has passed."""
        if self.remaining() <= 0.0:
            raise self.exceeded()

    @asynccontextmanager
    async def enforce(self) -> AsyncIterator[None]:
        """Cancel what runs inside when it passes, as SignError deadline-exceeded."""
        try:
            async with asyncio.timeout(self.remaining()):
                yield
        except TimeoutError:
            raise self.exceeded() from None

    def exceeded(self) -> SignError:
        """The error for what did not end in time."""
        return SignError(
            "deadline-exceeded",
            f"No answer within {self.total_s:g} s. Send a shorter part (clip_duration) or allow more with timeout_s.",
            limit=self.total_s,
        )
