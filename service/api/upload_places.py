"""Upload places: how many bodies are received at a time, and who makes room."""

import asyncio
import contextlib
import time
from collections.abc import Iterator
from typing import Final

from service.errors import SignError
from service.metrics import Metrics

SLOW_BYTES_S: Final = 64 * 1024
"""Who has sent less than this, on average and for FRESH_S at least, makes room for the next, the slowest first."""

FRESH_S: Final = 2.0
_RETRY_S: Final = 5


class UploadPlace:
    """One upload's place; `pause` is the present wait for its next bytes."""

    def __init__(self) -> None:
        self._began_s = time.monotonic()
        self._bytes = 0
        self.is_taken_away = False
        self.pause: asyncio.Timeout | None = None

    def note(self, size: int) -> None:
        """So many bytes more have come."""
        self._bytes += size

    @property
    def bytes_s(self) -> float:
        """How fast it is, on average; infinite while it is fresh."""
        age_s = time.monotonic() - self._began_s
        return float("inf") if age_s < FRESH_S else self._bytes / age_s

    def take_away(self) -> None:
        """End the upload where it waits for its next bytes."""
        self.is_taken_away = True
        if self.pause is not None:
            self.pause.reschedule(asyncio.get_running_loop().time())


class UploadPlaces:
    """`most` uploads at a time. A slow one makes room for the next, which else is refused before a byte is read."""

    def __init__(self, most: int, metrics: Metrics) -> None:
        self._most = most
        self._metrics = metrics
        self._taken: set[UploadPlace] = set()

    @contextlib.contextmanager
    def take(self) -> Iterator[UploadPlace]:
        """A place for as long as the block lasts; SignError busy where none is free."""
        if len(self._taken) >= self._most:
            self._make_room()
        place = UploadPlace()
        self._taken.add(place)
        self._metrics.uploads.set(len(self._taken))
        try:
            yield place
        finally:
            self._taken.discard(place)
            self._metrics.uploads.set(len(self._taken))

    def _make_room(self) -> None:
        slowest = min(self._taken, key=lambda place: place.bytes_s)
        if slowest.bytes_s < SLOW_BYTES_S:
            self._taken.discard(slowest)
            slowest.take_away()
            return
        self._metrics.rejected.labels("uploads").inc()
        taken = len(self._taken)
        detail = f"{taken} uploads are under way; no more than {self._most} may be."
        raise SignError("busy", detail, limit=self._most, actual=taken, retry_after_s=_RETRY_S)
