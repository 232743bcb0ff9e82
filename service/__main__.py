"""The command line: serve, predict, models."""

import asyncio
import logging
import sys
from pathlib import Path
from types import FrameType
from typing import Annotated

import structlog
import typer
import uvicorn
from fastapi import FastAPI
from pydantic import ValidationError
from rich.console import Console
from rich.table import Table

from service.analysis.looking import Part
from service.analysis.predict import PredictRequest, predict
from service.api.answers import PredictBody
from service.app import create_app, open_house
from service.errors import RefusedError, SignError
from service.media.medium import Medium
from service.metrics import Metrics
from service.registry.store import Store
from service.settings import Settings
from service.workers.deadline import Deadline

cli = typer.Typer(no_args_is_help=True, add_completion=False, help=__doc__)


@cli.callback()
def _main() -> None:
    """Says what is signed in a video, and when."""


def configure_logs(level: str) -> None:
    """Readable lines on a terminal, JSON lines elsewhere."""
    numeric = getattr(logging, level.upper())
    renderer = structlog.dev.ConsoleRenderer() if sys.stderr.isatty() else structlog.processors.JSONRenderer()
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(numeric),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )


class Server(uvicorn.Server):
    """uvicorn, but /readyz says so as soon as the service is asked to stop."""

    def __init__(self, config: uvicorn.Config, app: FastAPI) -> None:
        super().__init__(config)
        self._app = app

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        if hasattr(self._app.state, "house"):
            self._app.state.house.shutting_down = True
        super().handle_exit(sig, frame)


def read_settings() -> Settings:
    """The settings from the environment; what is wrong with them is said, and the program ends with 2."""
    try:
        return Settings()
    except ValidationError as error:
        for finding in error.errors():
            name = "_".join(str(part) for part in finding["loc"]).upper()
            typer.echo(f"SIGN_{name}: {finding['msg']}", err=True)
        raise typer.Exit(2) from None


@cli.command()
def serve() -> None:
    """Answer over HTTP; every setting comes from the environment (SIGN_…, see docs/settings.md)."""
    settings = read_settings()
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


@cli.command("predict")
def predict_command(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, readable=True, help="Video or picture.")],
    model: Annotated[str | None, typer.Option(help="Name of the model.")] = None,
    version: Annotated[int | None, typer.Option(min=1)] = None,
    start_time: Annotated[float, typer.Option(min=0.0, help="Seconds.")] = 0.0,
    clip_duration: Annotated[float | None, typer.Option(min=0.0, help="Seconds.")] = None,
    mirrored: Annotated[bool, typer.Option(help="The picture is mirrored.")] = False,
) -> None:
    """Print the answer for one file as JSON, without a server."""
    settings = read_settings()
    configure_logs("warning")

    async def run() -> PredictBody:
        async with open_house(settings.model_copy(update={"slots": 1}), Metrics()) as house:
            await house.registry.settled()
            part = Part(
                medium=Medium(str(file), file.stat().st_size),
                deadline=Deadline.after(settings.request_timeout_s),
                model=model or settings.default_model,
                version=version,
                start_s=start_time,
                duration_s=clip_duration,
                mirrored=mirrored,
            )
            answer = await predict(PredictRequest(part), house)
            return PredictBody.of_answer(answer, top_k=5, with_probabilities=False, with_frames=False)

    try:
        typer.echo(asyncio.run(run()).model_dump_json(indent=2, exclude_unset=True))
    except SignError as error:
        typer.echo(f"{error.title}: {error.detail}", err=True)
        raise typer.Exit(1) from None


@cli.command("models")
def models_command() -> None:
    """List what the model store holds."""
    settings = read_settings()
    store = Store(settings.model_store)
    table = Table("model", "version", "task", "labels", "pipeline", "state")
    for found in store.versions():
        try:
            manifest = store.read(found.name, found.version).manifest
        except RefusedError as refusal:
            table.add_row(found.name, str(found.version), "", "", "", f"refused: {refusal}")
            continue
        count = str(len(manifest.labels or ()))
        table.add_row(found.name, str(found.version), manifest.task, count, manifest.pipeline.kind, "good")
    Console().print(table)


if __name__ == "__main__":
    cli()
