"""What uvicorn speaks on a WebSocket's connection: its own protocol, with an end that cannot be put off."""

import asyncio
from collections.abc import Callable

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from service.live.frames import HEADER
from service.settings import Settings

ABORT_S = 10.0
"""After the session's end its connection is cut off, if the client has not let it go by then."""


class StreamProtocol(WebSocketsSansIOProtocol):
    """Closing waits until all that was written has been read, which a client that reads nothing never does."""

    on_lost: Callable[[], None] = staticmethod(lambda: None)
    """Told when the connection is gone; whoever handed it over counts it."""

    def connection_lost(self, exc: Exception | None) -> None:
        self.on_lost()
        super().connection_lost(exc)

    async def run_asgi(self) -> None:
        await super().run_asgi()
        asyncio.get_running_loop().call_later(ABORT_S, self.transport.abort)


def ws_max_size(settings: Settings) -> int:
    """Messages that are larger are refused unread (1009); up to here the session itself says what to do."""
    return 2 * (settings.stream_frame_bytes + HEADER.size)
