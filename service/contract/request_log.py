"""The request log: one line a request or live session, under the id that its caller was told.

It holds what a request cost and how it ended, never what was sent, answered or who asked beyond the name of their key.
"""

import logging
import time
from dataclasses import dataclass, field
from typing import Final

import structlog

from service.errors import Code
from service.registry.manifest import Manifest
from service.settings import Settings

PROBES: Final = ("/healthz", "/readyz", "/metrics", "/web/{digest}/{name:path}", "/docs/{name}")
"""Routes that machines ask all day, and the page's files: their lines are of the level debug."""

GONE: Final = 1006
"""How a live session ends whose client was gone before it could be closed (RFC 6455)."""

_ENDS_OF_SESSIONS: Final = (1000, GONE)
_FAULTS_OF_SESSIONS: Final = (1011, 1012, 1013)


@dataclass(slots=True)
class RequestRecord:
    """What is noted of a request, or of a live session, while it is answered. Stages in seconds.

    status: of HTTP, or the code that a live session was closed with. trace_id, traceparent: where traces are collected.
    """

    request_id: str
    method: str | None = None
    began: float = field(default_factory=time.perf_counter)
    status: int | None = None
    code: Code | None = None
    key: str | None = None
    model: str | None = None
    version: int | None = None
    address: str | None = None
    trace_id: str | None = None
    traceparent: str | None = None
    bytes_in: int = 0
    bytes_out: int = 0
    stages_s: dict[str, float] = field(default_factory=dict)

    @property
    def seconds(self) -> float:
        """How long it has taken so far."""
        return time.perf_counter() - self.began

    def note_model(self, manifest: Manifest) -> None:
        """Which model answers."""
        self.model, self.version = manifest.name, manifest.version


class RequestLog:
    """Writes the lines, those at least as severe as `SIGN_REQUEST_LOG` says."""

    def __init__(self, settings: Settings) -> None:
        self._is_on = settings.request_log != "off"
        self._shows_addresses = settings.request_log_addresses
        level = getattr(logging, settings.request_log.upper()) if self._is_on else logging.CRITICAL
        self._log = structlog.wrap_logger(None, wrapper_class=structlog.make_filtering_bound_logger(level))

    def write(self, record: RequestRecord, route: str) -> None:
        """The line of a request, or of a live session, that has ended."""
        if not self._is_on:
            return
        shown = {
            "request_id": record.request_id,
            "method": record.method,
            "route": route,
            "status": record.status,
            "code": record.code,
            "seconds": round(record.seconds, 4),
            "stages_s": {name: round(seconds, 4) for name, seconds in record.stages_s.items()} or None,
            "bytes_in": record.bytes_in,
            "bytes_out": record.bytes_out,
            "model": record.model,
            "version": record.version,
            "key": record.key,
            "trace_id": record.trace_id,
            "address": record.address if self._shows_addresses else None,
        }
        told = {name: value for name, value in shown.items() if value is not None}
        self._log.log(_level(route, record.status or 500), "request", **told)


def _level(route: str, status: int) -> int:
    """error: a fault of ours or of the moment; warning: refused; info: answered; debug: nobody's question."""
    if route in PROBES and status != 500:
        return logging.DEBUG
    if status in _FAULTS_OF_SESSIONS or 500 <= status < 600:
        return logging.ERROR
    return logging.INFO if status in _ENDS_OF_SESSIONS or status < 400 else logging.WARNING
