"""What uvicorn speaks on a connection: its own HTTP/1.1, with an end to headers, to readers and to what nobody awaits.

An application sees a request only once its headers have come; what bounds them has to stand here.
"""

import asyncio
import json
import uuid
from collections.abc import Callable
from typing import Any, Final

import uvicorn
from fastapi import FastAPI
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol
from uvicorn.server import ServerState

from service.api.responses import PROBLEM_TYPE
from service.contract.problem_details import problem_details
from service.errors import SignError
from service.live.protocol import StreamProtocol
from service.metrics import Metrics
from service.server.connections import Connections
from service.server.startup import PlainStartup
from service.settings import BACKLOG, Settings

LINGER_S: Final = 1.0
"""For so long some of the rest of a refused request is thrown away: its sender would lose the answer otherwise."""

_MOST_LINGERING: Final = 32
_MOST_THROWN_AWAY: Final = 1024 * 1024


class DoorConfig(uvicorn.Config):
    """uvicorn's configuration, and what our protocol asks of the service."""

    def __init__(self, app: FastAPI, **options: Any) -> None:  # noqa: ANN401 - uvicorn's own
        super().__init__(PlainStartup(app), http=DoorProtocol, ws=StreamProtocol, backlog=BACKLOG, **options)
        self.settings: Settings = app.state.settings
        self.metrics: Metrics = app.state.metrics
        self.connections = Connections(self.settings, self.metrics)


class DoorProtocol(HttpToolsProtocol):
    """One connection: its headers end in time and within their size, its reader reads, or it is closed."""

    _lingering = 0

    def __init__(
        self,
        config: DoorConfig,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self._doors = config.connections
        self._settings = config.settings
        self._metrics = config.metrics
        self._refusal: SignError | None = None
        self._is_refused = False
        self._is_upgraded = False
        self._awaits_headers = True
        self._is_body_whole = True
        self._unread_bytes = 0
        self._header_bytes = 0
        self._thrown_away = 0
        self._cancel_handshake: Callable[[], object] | None = None
        self._refused_before: SignError | None = None
        self._clock: asyncio.TimerHandle | None = None
        self._reader_clock: asyncio.TimerHandle | None = None

    # connections

    def await_handshake(self, address: str, cancel: Callable[[], object]) -> None:
        """Count the connection before its handshake, which `cancel` ends. Raises SignError busy: no room for it."""
        self._cancel_handshake = cancel
        self._doors.add(self, address)

    def refuse_when_made(self, error: SignError) -> None:
        """Say so once the handshake is done, and close."""
        self._refused_before = error

    def end_handshake(self) -> None:
        """The handshake is over: where it failed there is no connection to count."""
        if self.transport is None:
            self._doors.remove(self)

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        try:
            if self._refused_before is not None:
                raise self._refused_before
            if self._cancel_handshake is None:
                self._doors.add(self, self.client[0] if self.client else None)
        except SignError as error:
            self._refuse(error)
            return
        self._start_clock(self._settings.header_s, self._end_headers)

    def connection_lost(self, exc: Exception | None) -> None:
        self._doors.remove(self)
        self._stop_clock()
        self._stop_reader_clock()
        super().connection_lost(exc)

    def make_room(self) -> None:
        """Close, as another needs the place; whoever was in the middle of headers is told where that needs no wait.

        TLS waits for the other side's last word, and a transport for whoever has not read yet; a flood does neither,
        and holds the file meanwhile.
        """
        if self._cancel_handshake is not None:
            self._cancel_handshake()
        if self.transport is None:
            return
        if self._cancel_handshake is not None or self._is_upgraded or self.transport.get_write_buffer_size():
            self.transport.abort()
            return
        if self._unread_bytes and not self._is_refused:
            self._tell(SignError("request-timeout", "Others needed the place, and the headers had not come."))
        self.transport.close()

    def shutdown(self) -> None:
        """The service ends: an idle connection closes, and no other side's last word of TLS is waited for long."""
        super().shutdown()
        if self._cancel_handshake is not None and not self._is_answering:
            self.loop.call_later(LINGER_S, self.transport.abort)

    # what comes

    def data_received(self, data: bytes) -> None:
        if self._is_refused:
            self._thrown_away += len(data)
            if self._thrown_away > _MOST_THROWN_AWAY:
                self.transport.abort()
            return
        if self._awaits_headers and self._clock is None:
            self._start_clock(self._settings.header_s, self._end_headers)
        self._unread_bytes += len(data)
        super().data_received(data)
        if self._unread_bytes > self._settings.header_bytes and not self._is_refused:
            self._refuse(self._too_large())

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._header_bytes = 0
        self._is_body_whole = False
        if not self._is_answering:
            self._start_clock(self._settings.header_s, self._end_headers)

    def on_url(self, url: bytes) -> None:
        super().on_url(url)
        self._count_header(len(url))

    def on_header(self, name: bytes, value: bytes) -> None:
        super().on_header(name, value)
        self._count_header(len(name) + len(value))

    def on_headers_complete(self) -> None:
        self._unread_bytes = 0
        self._awaits_headers = False
        self._stop_clock()
        self._doors.begin_request(self)
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        self._unread_bytes = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        self._unread_bytes = 0
        self._is_body_whole = True
        super().on_message_complete()
        if not self._is_answering:  # the rest of what was answered early has come
            self._awaits_headers = True
            self._start_clock(self._settings.header_s, self._end_headers)

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if self.pipeline or self._is_answering:
            return
        self._awaits_headers = True
        self._doors.end_request(self)
        if not self._is_body_whole:  # answered before all of it had come: the rest is not waited for without end
            self._awaits_headers = False
            self._start_clock(self._settings.upload_stall_s, self.transport.close)

    def handle_websocket_upgrade(self) -> None:
        super().handle_websocket_upgrade()
        self._stop_clock()  # the parser takes the handshake for a whole message, and its end for a wait
        upgraded = self.transport.get_protocol()
        if isinstance(upgraded, StreamProtocol):
            self._is_upgraded = True
            self._doors.end_request(self)  # it makes room until its first message, and after its session
            upgraded.on_message = lambda: self._doors.begin_request(self)
            upgraded.on_done = lambda: self._doors.end_request(self)
            upgraded.on_lost = lambda: self._doors.remove(self)

    # what goes

    def pause_writing(self) -> None:
        super().pause_writing()
        self._watch_reader()

    def resume_writing(self) -> None:
        self._stop_reader_clock()
        super().resume_writing()

    def send_400_response(self, msg: str) -> None:
        self._refuse(self._refusal or SignError("request-malformed", f"This is not HTTP as it is read here: {msg}"))

    def _watch_reader(self) -> None:
        """Look again after a while, and abort where nothing of what waits to be read has been read."""
        self._stop_reader_clock()
        unsent = self.transport.get_write_buffer_size()
        self._reader_clock = self.loop.call_later(self._settings.upload_stall_s, self._check_reader, unsent)

    def _check_reader(self, unsent_before: int) -> None:
        if self.transport.get_write_buffer_size() < unsent_before:
            self._watch_reader()
        else:
            self.transport.abort()

    # refusals

    def _count_header(self, size: int) -> None:
        self._header_bytes += size
        if self._header_bytes > self._settings.header_bytes:
            self._refusal = self._too_large()
            raise self._refusal  # the parser stops, and has send_400_response called

    def _too_large(self) -> SignError:
        limit = self._settings.header_bytes
        return SignError("headers-too-large", f"The request's headers have more than {limit:,} bytes.", limit=limit)

    def _end_headers(self) -> None:
        """The headers' time is over: say so to who has begun them, close in any case."""
        self._clock = None
        limit_s = self._settings.header_s
        if self._unread_bytes:
            detail = f"The request's headers did not come within {limit_s:g} s."
            self._refuse(SignError("request-timeout", detail, limit=limit_s))
        else:
            self.transport.close()

    def _refuse(self, error: SignError) -> None:
        """Answer in the application's stead, and close; where it has the request already, it sees a caller hang up."""
        if self._is_refused or self.transport.is_closing():
            return
        is_told = self._tell(error)
        if not is_told:
            self.transport.abort()
        elif DoorProtocol._lingering < _MOST_LINGERING:
            DoorProtocol._lingering += 1
            if self.transport.can_write_eof():
                self.transport.write_eof()
            else:
                self.transport.close()
            self.loop.call_later(LINGER_S, self._close_refused)
        elif self._cancel_handshake is None:
            self.transport.close()
        else:
            self.transport.abort()

    def _tell(self, error: SignError) -> bool:
        """Write the answer, where none has begun, and say whether; what comes from now on is thrown away."""
        self._is_refused = True
        self._stop_clock()
        self._metrics.errors.labels(error.code).inc()
        if self._is_answering:
            if self.pipeline or self.cycle.response_started:
                return False
            self.cycle.disconnected = True  # what the application may yet say is not sent
        self.transport.write(_problem_bytes(error, self.server_state.default_headers))
        return True

    @property
    def _is_answering(self) -> bool:
        """Whether the application has a request of this connection."""
        return self.cycle is not None and not self.cycle.response_complete

    def _close_refused(self) -> None:
        DoorProtocol._lingering -= 1
        self.transport.abort()

    # clocks

    def _start_clock(self, seconds: float, end: Callable[[], None]) -> None:
        self._stop_clock()
        self._clock = self.loop.call_later(seconds, end)

    def _stop_clock(self) -> None:
        if self._clock is not None:
            self._clock.cancel()
            self._clock = None

    def _stop_reader_clock(self) -> None:
        if self._reader_clock is not None:
            self._reader_clock.cancel()
            self._reader_clock = None


def _problem_bytes(error: SignError, default_headers: list[tuple[bytes, bytes]]) -> bytes:
    """A whole answer that says the error."""
    request_id = str(uuid.uuid4())
    body = json.dumps(problem_details(error, request_id)).encode()
    headers = [
        *default_headers,
        (b"content-type", PROBLEM_TYPE.encode()),
        (b"content-length", str(len(body)).encode()),
        (b"connection", b"close"),
        (b"cache-control", b"no-store"),
        (b"x-content-type-options", b"nosniff"),
        (b"x-request-id", request_id.encode()),
    ]
    if error.retry_after_s is not None:
        headers.append((b"retry-after", str(int(error.retry_after_s)).encode()))
    lines = b"".join(name + b": " + value + b"\r\n" for name, value in headers)
    return STATUS_LINE[error.status] + lines + b"\r\n" + body
