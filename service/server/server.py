"""The server: uvicorn, as it begins, is asked to stop, and ends."""

import asyncio
import math
import os
import signal
import socket
import ssl
import sys
import threading
import time
from types import FrameType

import structlog
import typer
import uvicorn
from fastapi import FastAPI

from service.server.protocol import DoorConfig, DoorProtocol
from service.server.tls_listener import TlsListener, listening_sockets
from service.settings import Settings

DRAIN_SHARE = 0.5
"""Of the grace time, what live sessions may take for their last words; requests run on meanwhile."""
CLOSING_SHARE = 0.2
"""Of the grace time, what is kept for closing, once the requests have ended or were cancelled."""
LEAST_GRACE_S = 2.0
"""What closing gets where the grace time is shorter."""
LAST_WORDS_S = 1.0
"""What requests that are ended get to say so."""
TICK_S = 0.1
NOT_IN_TIME = 1
"""How the process ends where closing takes longer than all of it."""

log = structlog.get_logger()


class Server(uvicorn.Server):
    """uvicorn, but /readyz says so as soon as the service is asked to stop, and live sessions end before sockets do."""

    def __init__(self, config: DoorConfig, app: FastAPI) -> None:
        super().__init__(config)
        self._doors = config
        self._app = app
        self._listener: TlsListener | None = None
        self._closes_at = 0.0

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        if self._tls is None:
            await super().startup(sockets=sockets)
        else:
            await super().startup(sockets=[])
            await self._listen(self._tls)
        if self.started:
            typer.echo(f"Open {address_to_open(self.config)} in a browser; Ctrl+C stops the service.")

    @property
    def _tls(self) -> ssl.SSLContext | None:
        """What HTTPS is spoken by; None for HTTP."""
        return self.config.ssl if self.config.is_ssl else None

    async def _listen(self, tls: ssl.SSLContext) -> None:
        """Listen for HTTPS; ends the program as uvicorn does where somebody else listens there."""
        config = self._doors
        try:
            sockets = listening_sockets(config.host, config.port)
        except OSError as error:
            log.error("cannot listen", host=config.host, port=config.port, error=str(error))  # noqa: TRY400 - its trace says no more
            await self.lifespan.shutdown()
            sys.exit(uvicorn.config.STARTUP_FAILURE)

        def make_protocol() -> DoorProtocol:
            return DoorProtocol(config, self.server_state, self.lifespan.state)

        self._listener = TlsListener(sockets, tls, make_protocol, config.settings)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        settings: Settings = self._app.state.settings
        delay_s = settings.shutdown_delay_s if sig == signal.SIGTERM else 0.0  # nobody at a terminal waits for a proxy
        if not self.should_exit:
            self._closes_at = time.monotonic() + delay_s
            _end_after(delay_s + max(LEAST_GRACE_S, settings.grace_s))
        if hasattr(self._app.state, "context"):
            self._app.state.context.leaving = True
            self._app.state.context.shutting_down |= delay_s == 0
        super().handle_exit(sig, frame)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        while time.monotonic() < self._closes_at and not self.force_exit:
            await self.on_tick(0)  # answers go on, and with them the header field Date
            await asyncio.sleep(TICK_S)
        if hasattr(self._app.state, "context"):
            self._app.state.context.shutting_down = True
        began = time.monotonic()
        grace_s = self._app.state.settings.grace_s * (1 - CLOSING_SHARE)
        if hasattr(self._app.state, "live"):
            await self._app.state.live.drain(DRAIN_SHARE * grace_s)
        left_s = max(0.0, grace_s - (time.monotonic() - began))
        asyncio.get_running_loop().call_later(left_s, self._end_requests)
        self.config.timeout_graceful_shutdown = math.ceil(left_s + LAST_WORDS_S)
        if self._listener is not None:
            self._listener.close()
            await self._listener.wait_closed()
        await super().shutdown(sockets)

    def _end_requests(self) -> None:
        """Cancel what outlived the grace time; the middleware says so to its callers."""
        for task in self.server_state.tasks:
            task.cancel()


def _end_after(grace_s: float) -> None:
    """End the process after so long, whatever runs: slots end with it, jobs go on where they were at the next start."""

    def end() -> None:
        log.error("the service did not end within its grace time and is stopped as it is", grace_s=grace_s)
        os._exit(NOT_IN_TIME)

    last_resort = threading.Timer(grace_s, end)
    last_resort.daemon = True
    last_resort.start()


def address_to_open(config: uvicorn.Config) -> str:
    """Where a browser on this machine finds the page: not every address that is listened on can be opened."""
    host = "localhost" if config.host in ("0.0.0.0", "::") else config.host  # noqa: S104 - it is compared
    scheme = "https" if config.is_ssl else "http"
    return f"{scheme}://{f'[{host}]' if ':' in host else host}:{config.port}"
