"""Outage: whether jobs can be taken and go on, said once when that ends and once when it is so again."""

import time

import structlog
from prometheus_client import Gauge

from service.errors import SignError

RETRY_AFTER_S = 5.0
_OPENING = "they are being opened"

_log = structlog.get_logger(__name__)


class Outage:
    """What keeps the jobs from being stored, as one sentence; at first, that they are being opened."""

    def __init__(self, gauge: Gauge) -> None:
        self._gauge = gauge
        self._reason: str | None = _OPENING
        self._since = time.monotonic()
        self._said: set[str] = set()
        gauge.set(0)

    @property
    def is_over(self) -> bool:
        return self._reason is None

    def begin(self, reason: str, error: BaseException | None = None) -> None:
        """Jobs cannot be stored. Each reason is logged once, however often it is met until the outage is over."""
        if self._reason is None:
            self._since = time.monotonic()
        self._reason = reason
        self._gauge.set(0)
        if reason not in self._said:
            self._said.add(reason)
            cause = None if error is None else error.__cause__ or error
            _log.error("jobs_unavailable", reason=reason, cause=None if cause is None else _first_line(cause))

    def end(self) -> None:
        """They can be stored again."""
        if self._said:
            _log.info("jobs_available_again", after_s=round(time.monotonic() - self._since, 1))
        self._reason = None
        self._said.clear()
        self._gauge.set(1)

    def error(self, reason: str | None = None) -> SignError:
        """What a caller is told meanwhile; reason: of this one call, where the jobs are otherwise available."""
        why = reason or self._reason or _OPENING
        return SignError("jobs-unavailable", f"Jobs cannot be taken or shown now: {why}.", retry_after_s=RETRY_AFTER_S)


def _first_line(error: BaseException) -> str:
    return next(iter(str(error).splitlines()), type(error).__name__)
