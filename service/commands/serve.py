"""serve: the service over HTTP."""

import os
import sys

import structlog
import typer

from service import system
from service.app import create_app
from service.commands.environment import configure_libraries_logs, configure_logs
from service.confinement.confine import describe_confinement
from service.live.protocol import ws_max_size
from service.server.protocol import DoorConfig
from service.server.server import Server
from service.settings import Settings


def serve(settings: Settings) -> None:
    """Answer until told to stop; ends the program with 1 where it could not start."""
    os.umask(0o077)  # media, answers and the jobs' database are nobody else's
    configure_logs(settings.log_level)
    configure_libraries_logs()
    if lacks := (*system.lacks(), *describe_confinement()):
        structlog.get_logger().warning("less_confined", system=sys.platform, lacks=lacks)
    app = create_app(settings)
    config = DoorConfig(
        app,
        host=settings.host,
        port=settings.port,
        log_config=None,  # ours: configure_logs
        log_level="error",  # what callers send wrongly is answered and counted, not logged
        access_log=False,
        server_header=False,
        forwarded_allow_ips=settings.forwarded_allow_ips,
        ssl_certfile=settings.tls_cert,
        ssl_keyfile=settings.tls_key,
        ws_max_size=ws_max_size(settings),
        ws_per_message_deflate=False,  # pictures are compressed already
        lifespan="on",
    )
    server = Server(config, app)
    server.run()
    if not server.started:
        raise typer.Exit(1)
