"""Watchers: how many listen to events of jobs at a time, as each keeps a connection for as long as a job runs."""

from collections.abc import AsyncIterator
from typing import Final

from service.errors import SignError
from service.metrics import Metrics

_SHARE: Final = 4
_RETRY_S: Final = 5


class Watchers:
    """A quarter of the connections may listen; the others are left to those who ask and go."""

    def __init__(self, most_connections: int, metrics: Metrics) -> None:
        self._most = max(1, most_connections // _SHARE)
        self._metrics = metrics
        self._listening = 0

    def check(self) -> None:
        """Raise SignError busy where no more may listen."""
        if self._listening >= self._most:
            self._metrics.rejected.labels("connections").inc()
            detail = f"{self._listening} callers listen to events of jobs; no more may. GET /jobs/{{id}} tells as much."
            raise SignError("busy", detail, limit=self._most, actual=self._listening, retry_after_s=_RETRY_S)

    async def count(self, told: AsyncIterator[str]) -> AsyncIterator[str]:
        """What is told, counted as one listener until its end."""
        self._listening += 1
        try:
            async for event in told:
                yield event
        finally:
            self._listening -= 1
