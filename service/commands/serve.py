"""serve: the service over HTTP."""

import os
import socket
import sys
import threading
import time
from types import FrameType

import structlog
import typer
import uvicorn
from fastapi import FastAPI

from service import system
from service.app import create_app
from service.commands.environment import configure_logs
from service.confinement.confine import describe_confinement
from service.live.protocol import StreamProtocol, ws_max_size
from service.settings import Settings

DRAIN_SHARE = 0.5
"""Of the grace time, what live sessions may take for their last words; requests run on meanwhile."""
CLOSING_SHARE = 0.2
"""Of the grace time, what is kept for closing, once the requests have ended or were cancelled."""
LEAST_GRACE_S = 2.0
"""What closing gets where the grace time is shorter."""
NOT_IN_TIME = 1
"""How the process ends where closing takes longer than all of it."""

log = structlog.get_logger()


class Server(uvicorn.Server):
    """uvicorn, but /readyz says so as soon as the service is asked to stop, and live sessions end before sockets do."""

    def __init__(self, config: uvicorn.Config, app: FastAPI) -> None:
        super().__init__(config)
        self._app = app

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets=sockets)
        if self.started:
            typer.echo(f"Open {address_to_open(self.config)} in a browser; Ctrl+C stops the service.")

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        if hasattr(self._app.state, "context"):
            self._app.state.context.shutting_down = True
        if not self.should_exit:
            _end_after(max(LEAST_GRACE_S, self._app.state.settings.grace_s))
        super().handle_exit(sig, frame)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        began = time.monotonic()
        grace_s = float(self.config.timeout_graceful_shutdown or 0) * (1 - CLOSING_SHARE)
        if hasattr(self._app.state, "live"):
            await self._app.state.live.drain(DRAIN_SHARE * grace_s)
        left_s = grace_s - (time.monotonic() - began)
        self.config.timeout_graceful_shutdown = max(1, int(left_s))
        await super().shutdown(sockets)


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


def serve(settings: Settings) -> None:
    """Answer until told to stop; ends the program with 1 where it could not start."""
    configure_logs(settings.log_level)
    if lacks := (*system.lacks(), *describe_confinement()):
        structlog.get_logger().warning("less_confined", system=sys.platform, lacks=lacks)
    app = create_app(settings)
    config = uvicorn.Config(
        app,
        host=settings.host,
        port=settings.port,
        log_level="warning",
        access_log=False,
        server_header=False,
        forwarded_allow_ips=settings.forwarded_allow_ips,
        ssl_certfile=settings.tls_cert,
        ssl_keyfile=settings.tls_key,
        timeout_graceful_shutdown=int(settings.grace_s),
        ws=StreamProtocol,
        ws_max_size=ws_max_size(settings),
        ws_per_message_deflate=False,  # pictures are compressed already
        lifespan="on",
    )
    server = Server(config, app)
    server.run()
    if not server.started:
        raise typer.Exit(1)
