"""What happens around every request: an id, metrics, its line in the log, an end in time. Plain ASGI."""

import asyncio
import re
import uuid
from collections.abc import Iterable

from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service import tracing
from service.api.problem import fault_response, problem_response
from service.contract.request_log import RequestLog, RequestRecord
from service.metrics import Metrics
from service.workers.admission import shutting_down

_ON_EVERY_ANSWER = ((b"x-content-type-options", b"nosniff"), (b"cache-control", b"no-store"))
_UNTRACED = ("/healthz", "/readyz", "/metrics", "/web/", "/docs/")
"""Where what machines ask all day begins, and the page's files."""

_SANE_ID = re.compile(rb"^[A-Za-z0-9._:-]{1,128}$")


class RequestContextMiddleware:
    """Gives each request its X-Request-ID (the caller's, if it is a sane one); counts and logs it by its route.

    A request that outlives the grace time is cancelled by the server; it ends with `shutting-down` here.
    """

    def __init__(self, app: ASGIApp, metrics: Metrics, log: RequestLog) -> None:
        self.app = app
        self.metrics = metrics
        self.log = log

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        method = _method(scope)
        record = scope["record"] = RequestRecord(_request_id(scope), method, address=_address(scope))
        if not tracing.is_on() or str(scope["path"]).startswith(_UNTRACED):
            await self._answer(scope, receive, send, record)
            return
        given = tracing.header_fields(scope["headers"])
        with tracing.root(method, headers=given, http_request_method=method) as span:
            record.trace_id, record.traceparent = span.trace_id, span.traceparent
            try:
                await self._answer(scope, receive, send, record)
            finally:
                _describe(span, record, _route_template(scope))

    async def _answer(self, scope: Scope, receive: Receive, send: Send, record: RequestRecord) -> None:
        async def receive_counted() -> Message:
            message = await receive()
            record.bytes_in += len(message.get("body", b""))
            return message

        async def send_with_id(message: Message) -> None:
            if message["type"] == "http.response.start":
                record.status = message["status"]
                message["headers"] = _with_own_headers(message["headers"], record)
            record.bytes_out += len(message.get("body", b""))
            await send(message)

        try:
            await self.app(scope, receive_counted, send_with_id)
        except asyncio.CancelledError:
            if not _is_ending(scope):
                raise
            record.code = "shutting-down"
            if record.status is None:
                await problem_response(shutting_down(), Request(scope))(scope, receive, send_with_id)
        except Exception as error:
            response = fault_response(error, Request(scope))
            if record.status is not None:
                raise
            await response(scope, receive, send_with_id)
        finally:
            route = _route_template(scope)
            self.metrics.http_requests.labels(route, record.method or "other", str(record.status or 500)).inc()
            self.metrics.http_seconds.labels(route).observe(record.seconds)
            self.log.write(record, route)


class HeadMiddleware:
    """Answers HEAD as GET would be answered, without the body; what would send one for long is not waited for."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] != "HEAD":
            await self.app(scope, receive, send)
            return
        inner: Scope = {**scope, "method": "GET"}
        told = asyncio.Event()

        async def send_head(message: Message) -> None:
            if message["type"] == "http.response.start":
                scope["route"] = inner.get("route")
                await send(message)
                await send({"type": "http.response.body", "body": b"", "more_body": False})
                told.set()

        answering = asyncio.ensure_future(self.app(inner, receive, send_head))
        telling = asyncio.ensure_future(told.wait())
        try:
            await asyncio.wait({answering, telling}, return_when=asyncio.FIRST_COMPLETED)
            if answering.done():
                await answering
        finally:
            for task in (answering, telling):
                task.cancel()
            await asyncio.gather(answering, telling, return_exceptions=True)


def _describe(span: tracing.Span, record: RequestRecord, route: str) -> None:
    """Say of a request's span what its line in the log says."""
    status = record.status or 500
    span.rename(f"{record.method} {route}")
    span.note(http_route=route, http_response_status_code=status, sign_request=record.request_id)
    if record.model is not None:
        span.note(sign_model=record.model, sign_version=record.version or 0)
    if record.code is not None:
        span.note(error_type=record.code)
    if status >= 500:
        span.fail(record.code or "internal")


def _with_own_headers(headers: Iterable[tuple[bytes, bytes]], record: RequestRecord) -> list[tuple[bytes, bytes]]:
    """The header fields of an answer, with those that every answer has; nothing is kept unless a route says so."""
    told = [*headers, (b"x-request-id", record.request_id.encode())]
    if record.traceparent is not None:
        told.append((b"traceresponse", record.traceparent.encode()))
    names = {name.lower() for name, _ in told}
    return [*told, *((name, value) for name, value in _ON_EVERY_ANSWER if name not in names)]


def _request_id(scope: Scope) -> str:
    for name, value in scope["headers"]:
        if name == b"x-request-id" and _SANE_ID.match(value):
            return str(value.decode())
    return str(uuid.uuid4())


def _address(scope: Scope) -> str | None:
    return str(scope["client"][0]) if scope.get("client") else None


def _is_ending(scope: Scope) -> bool:
    """Whether the service ends, so that a cancelled request is one whose time is over."""
    return bool(scope["app"].state.context.shutting_down)


def _route_template(scope: Scope) -> str:
    """The route's template, never the caller's path: labels stay bounded."""
    return str(getattr(scope.get("route"), "path", "other"))


def _method(scope: Scope) -> str:
    method = str(scope["method"])
    return method if method in ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS") else "other"
