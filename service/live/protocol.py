"""What uvicorn speaks on a WebSocket's connection: its own protocol, with an end that cannot be put off."""

import asyncio
from collections.abc import Callable
from typing import Final

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.frames import Frame

from service.live.frames import HEADER
from service.settings import Settings

ABORT_S = 10.0
"""After the session's end its connection is cut off, if the client has not let it go by then."""


MOST_BETWEEN: Final = 1000
"""Pings, pongs and continuations between two messages; a client of more is cut off: each costs as much as a message."""

_PIECE_BYTES: Final = 16 * 1024
"""What is parsed before it is looked at how many frames there are."""


def _nobody() -> None:
    """Where nobody listens."""


class StreamProtocol(WebSocketsSansIOProtocol):
    """Closing waits until all that was written has been read, which a client that reads nothing never does.

    Whoever handed the connection over counts it, and is told: on_message when a message is whole, on_done when the
    session is over, on_lost when the connection is gone.
    """

    on_message: Callable[[], None] = staticmethod(_nobody)
    on_done: Callable[[], None] = staticmethod(_nobody)
    on_lost: Callable[[], None] = staticmethod(_nobody)
    _between = 0

    def connection_lost(self, exc: Exception | None) -> None:
        self.on_lost()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        for begin in range(0, len(data), _PIECE_BYTES):
            super().data_received(data[begin : begin + _PIECE_BYTES])
            if self._between > MOST_BETWEEN:
                self.transport.abort()
                return

    def send_receive_event_to_app(self) -> None:
        self._between = 0
        self.on_message()
        super().send_receive_event_to_app()

    def handle_cont(self, event: Frame) -> None:
        self._between += 1
        super().handle_cont(event)

    def handle_pong(self, event: Frame) -> None:
        self._between += 1
        super().handle_pong(event)

    def handle_ping(self) -> None:
        self._between += 1
        if self.writable.is_set():
            super().handle_ping()
        else:  # nobody reads: what waits to be sent must not grow by what comes
            self.conn.data_to_send()

    async def run_asgi(self) -> None:
        await super().run_asgi()
        self.on_done()
        asyncio.get_running_loop().call_later(ABORT_S, self.transport.abort)


def ws_max_size(settings: Settings) -> int:
    """Messages that are larger are refused unread (1009); up to here the session itself says what to do."""
    return 2 * (settings.stream_frame_bytes + HEADER.size)
