"""Upload places: how many bodies are received at a time."""

import contextlib
from collections.abc import Iterator
from typing import Final

from service.errors import SignError
from service.metrics import Metrics

_RETRY_S: Final = 5


class UploadPlaces:
    """`most` uploads at a time; the next is refused before a byte of it is read."""

    def __init__(self, most: int, metrics: Metrics) -> None:
        self._most = most
        self._metrics = metrics
        self._taken = 0

    @contextlib.contextmanager
    def take(self) -> Iterator[None]:
        """A place for as long as the block lasts; SignError busy where none is free."""
        if self._taken >= self._most:
            self._metrics.rejected.labels("uploads").inc()
            detail = f"{self._taken} uploads are under way; no more than {self._most} may be."
            raise SignError("busy", detail, limit=self._most, actual=self._taken, retry_after_s=_RETRY_S)
        self._add(1)
        try:
            yield
        finally:
            self._add(-1)

    def _add(self, number: int) -> None:
        self._taken += number
        self._metrics.uploads.set(self._taken)
