"""serve: the service over HTTP."""

import socket
import sys
import time
from types import FrameType

import structlog
import typer
import uvicorn
from fastapi import FastAPI

from service import system
from service.app import create_app
from service.commands.environment import configure_logs
from service.live.protocol import StreamProtocol, ws_max_size
from service.settings import Settings

DRAIN_SHARE = 0.5
"""Of the grace time, what live sessions may take for their last words; requests run on meanwhile."""


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
        super().handle_exit(sig, frame)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        began = time.monotonic()
        grace_s = float(self.config.timeout_graceful_shutdown or 0)
        if hasattr(self._app.state, "live"):
            await self._app.state.live.drain(DRAIN_SHARE * grace_s)
        left_s = grace_s - (time.monotonic() - began)
        self.config.timeout_graceful_shutdown = max(1, int(left_s))
        await super().shutdown(sockets)


def address_to_open(config: uvicorn.Config) -> str:
    """Where a browser on this machine finds the page: not every address that is listened on can be opened."""
    host = "localhost" if config.host in ("0.0.0.0", "::") else config.host  # noqa: S104 - it is compared
    scheme = "https" if config.is_ssl else "http"
    return f"{scheme}://{f'[{host}]' if ':' in host else host}:{config.port}"


def serve(settings: Settings) -> None:
    """Answer until told to stop; ends the program with 1 where it could not start."""
    configure_logs(settings.log_level)
    if lacks := system.lacks():
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
