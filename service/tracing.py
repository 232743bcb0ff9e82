"""Tracing: what a request went through and how long each stage took, for who collects traces. Off unless `start`ed.

What is noted elsewhere goes through here; OpenTelemetry itself is known to `service.otel` alone, which nothing imports
while tracing is off.
"""

import contextlib
import importlib
import time
from collections.abc import Iterable, Iterator, Mapping
from typing import Final, Protocol

from service.settings import Settings

Attribute = str | int | float | bool
Headers = Mapping[str, str]


class Span(Protocol):
    """Something under way."""

    def note(self, **attributes: Attribute) -> None:
        """Say more of it."""

    def rename(self, name: str) -> None:
        """What it is called, where that is known late."""

    def fail(self, why: str) -> None:
        """It has gone wrong."""

    @property
    def trace_id(self) -> str | None:
        """The trace that it is of, as others write it; None where none is collected."""

    @property
    def traceparent(self) -> str | None:
        """What continues the trace elsewhere (W3C Trace Context); None where none is collected."""


class Tracer(Protocol):
    """What collects spans."""

    def begin(
        self, name: str, kind: str, headers: Headers, attributes: Mapping[str, Attribute]
    ) -> contextlib.AbstractContextManager[Span]:
        """A span of its own, or of the trace that the header fields name; it lasts as long as the block."""

    def record(self, name: str, began_ns: int, ended_ns: int, attributes: Mapping[str, Attribute]) -> None:
        """A part of the present span that is over: from and to, in nanoseconds since the epoch."""

    def part(
        self, name: str, began_ns: int, ended_ns: int, attributes: Mapping[str, Attribute]
    ) -> contextlib.AbstractContextManager[None]:
        """The same, and what is recorded within the block is a part of it."""

    def headers(self) -> dict[str, str]:
        """What a request to somebody else says of the present trace."""

    def close(self) -> None:
        """Send what is left."""


class _NoSpan:
    trace_id = traceparent = None

    def note(self, **attributes: Attribute) -> None:
        """Nobody asks."""

    def rename(self, name: str) -> None:
        """Nobody asks."""

    def fail(self, why: str) -> None:
        """Nobody asks."""


_NOTHING: Final = _NoSpan()
_tracer: Tracer | None = None


def start(settings: Settings) -> None:
    """Collect spans from now on, where `SIGN_TRACES_URL` says to whom they are sent."""
    global _tracer  # noqa: PLW0603 - one for the process, as what is noted lies deep
    if settings.traces_url is not None and _tracer is None:
        _tracer = importlib.import_module("service.otel").open_tracer(settings.traces_url)


def stop() -> None:
    """Send what is left, and collect no more."""
    global _tracer
    tracer, _tracer = _tracer, None
    if tracer is not None:
        tracer.close()


def is_on() -> bool:
    return _tracer is not None


@contextlib.contextmanager
def root(name: str, kind: str = "server", headers: Headers | None = None, **attributes: Attribute) -> Iterator[Span]:
    """A request, or a job's chunk: the span that the stages within the block belong to."""
    if _tracer is None:
        yield _NOTHING
        return
    with _tracer.begin(name, kind, headers or {}, attributes) as span:
        yield span


def record(name: str, seconds: float, **attributes: Attribute) -> None:
    """A stage that has ended just now, after so long."""
    if _tracer is not None:
        ended_ns = time.time_ns()
        _tracer.record(name, ended_ns - round(seconds * 1e9), ended_ns, attributes)


def record_queue(waited_s: float, until_ns: int) -> None:
    """The wait for a slot, which ended when the slot began."""
    record_at("queue", until_ns - round(waited_s * 1e9), until_ns)


@contextlib.contextmanager
def part(name: str, began_ns: int, ended_ns: int, **attributes: Attribute) -> Iterator[None]:
    """As `record_at`; what is recorded within the block are parts of it."""
    if _tracer is None or not began_ns:
        yield
        return
    with _tracer.part(name, began_ns, ended_ns, attributes):
        yield


def record_at(name: str, began_ns: int, ended_ns: int, **attributes: Attribute) -> None:
    """A stage that lasted from then to then, by the clock of this machine."""
    if _tracer is not None and began_ns > 0:
        _tracer.record(name, began_ns, ended_ns, attributes)


def outgoing() -> dict[str, str]:
    """The header fields with which a request to somebody else goes on with the present trace."""
    return {} if _tracer is None else _tracer.headers()


def header_fields(raw: Iterable[tuple[bytes, bytes]]) -> dict[str, str]:
    """Of a request's header fields those that name its trace."""
    wanted = (b"traceparent", b"tracestate")
    return {name.decode(): value.decode("latin-1") for name, value in raw if name in wanted}
