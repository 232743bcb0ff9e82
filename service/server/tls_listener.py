"""HTTPS as it begins: a connection is counted when it is accepted, and its handshake has an end."""

import asyncio
import contextlib
import socket
import ssl
from collections.abc import Callable, Sequence
from typing import Final

import structlog

from service.errors import SignError
from service.server.protocol import DoorProtocol
from service.settings import BACKLOG, Settings

_AGAIN_S: Final = 1.0
"""After a failure to accept, as of a process that may open no more files."""

_MOST_REFUSED: Final = 32
"""Connections too many that are told so, after their handshake; more are closed."""

_log = structlog.get_logger(__name__)


def listening_sockets(host: str, port: int) -> list[socket.socket]:
    """Sockets that listen on every address of a host. Raises OSError."""
    families = {info[0]: info[4] for info in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)}
    found: list[socket.socket] = []
    with contextlib.ExitStack() as stack:
        for family, address in families.items():
            one = stack.enter_context(socket.create_server((address[0], port), family=family, backlog=BACKLOG))
            one.setblocking(False)
            found.append(one)
        stack.pop_all()
    return found


class TlsListener:
    """Accepts connections, and gives each to a protocol of its own once its handshake is done.

    asyncio's own listener tells a protocol of its connection only then: until that, nobody would count it, and none
    could make room.
    """

    def __init__(
        self,
        sockets: Sequence[socket.socket],
        context: ssl.SSLContext,
        make_protocol: Callable[[], DoorProtocol],
        settings: Settings,
    ) -> None:
        self._sockets = sockets
        self._context = context
        self._make_protocol = make_protocol
        self._handshake_s = settings.header_s
        self._accepting = [asyncio.create_task(self._accept(one)) for one in sockets]
        self._handshakes: set[asyncio.Task[None]] = set()
        self._refused: set[DoorProtocol] = set()

    def close(self) -> None:
        """Accept nobody more, and end the handshakes under way."""
        for task in (*self._accepting, *self._handshakes):
            task.cancel()
        for one in self._sockets:
            one.close()

    async def wait_closed(self) -> None:
        """Until all that `close` ends has ended."""
        await asyncio.gather(*self._accepting, *self._handshakes, return_exceptions=True)

    async def _accept(self, listening: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        while True:
            try:
                accepted, address = await loop.sock_accept(listening)
            except ConnectionAbortedError:
                continue
            except OSError as error:
                _log.error("connections_are_not_accepted", error=str(error))
                await asyncio.sleep(_AGAIN_S)
                continue
            self._begin(accepted, address[0])

    def _begin(self, accepted: socket.socket, address: str) -> None:
        protocol = self._make_protocol()
        task = asyncio.create_task(self._shake_hands(accepted, protocol))
        self._handshakes.add(task)
        task.add_done_callback(self._handshakes.discard)
        try:
            protocol.await_handshake(address, task.cancel)
        except SignError as error:
            if len(self._refused) >= _MOST_REFUSED:
                task.cancel()
                accepted.close()
                return
            self._refused.add(protocol)
            task.add_done_callback(lambda _: self._refused.discard(protocol))
            protocol.refuse_when_made(error)

    async def _shake_hands(self, accepted: socket.socket, protocol: DoorProtocol) -> None:
        """The handshake, in its time; one that fails is forgotten without a word."""
        loop = asyncio.get_running_loop()
        with contextlib.suppress(OSError, asyncio.CancelledError):
            await loop.connect_accepted_socket(
                lambda: protocol, accepted, ssl=self._context, ssl_handshake_timeout=self._handshake_s
            )
        protocol.end_handshake()
