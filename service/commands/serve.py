"""serve: the service over HTTP."""

from types import FrameType

import typer
import uvicorn
from fastapi import FastAPI

from service.app import create_app
from service.commands.environment import configure_logs
from service.settings import Settings


class Server(uvicorn.Server):
    """uvicorn, but /readyz says so as soon as the service is asked to stop."""

    def __init__(self, config: uvicorn.Config, app: FastAPI) -> None:
        super().__init__(config)
        self._app = app

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        if hasattr(self._app.state, "house"):
            self._app.state.house.shutting_down = True
        super().handle_exit(sig, frame)


def serve(settings: Settings) -> None:
    """Answer until told to stop; ends the program with 1 where it could not start."""
    configure_logs(settings.log_level)
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
        lifespan="on",
    )
    server = Server(config, app)
    server.run()
    if not server.started:
        raise typer.Exit(1)
