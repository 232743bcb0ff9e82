"""What every command needs from its surroundings: settings, readable logs, options checked as the routes check them."""

import logging
import sys
from typing import TypeVar

import structlog
import typer
from pydantic import BaseModel, ValidationError

from service.findings import describe_finding
from service.settings import Settings
from service.terminal import say

OptionsT = TypeVar("OptionsT", bound=BaseModel)

MISUSED = 2
"""Exit code where the command itself was wrong; 1: something of what it was asked failed."""


_LIBRARIES = ("uvicorn", "dbos")
"""Libraries that bring handlers of their own, unless there are some already."""


def configure_logs(level: str) -> None:
    """Readable lines on a terminal, JSON lines elsewhere."""
    numeric = getattr(logging, level.upper())
    structlog.configure(
        processors=[structlog.contextvars.merge_contextvars, *_processors()],
        wrapper_class=structlog.make_filtering_bound_logger(numeric),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )


def configure_libraries_logs() -> None:
    """What libraries log looks as our own lines do, tracebacks too; only errors of theirs are shown."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setLevel(logging.ERROR)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *_processors()],
        )
    )
    logging.getLogger().handlers = [handler]
    for name in _LIBRARIES:
        logging.getLogger(name).handlers = [handler]
        logging.getLogger(name).propagate = False


def _processors() -> list[structlog.typing.Processor]:
    return [
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        structlog.dev.ConsoleRenderer() if sys.stderr.isatty() else structlog.processors.JSONRenderer(),
    ]


def read_settings(**options: str | int | None) -> Settings:
    """The settings from the environment; what is wrong with them is said, and the program ends with 2.

    options: settings that the command line takes as well, where they were given (not None); they go before.
    """
    given = {name: value for name, value in options.items() if value is not None}
    try:
        return Settings.model_validate(given)
    except ValidationError as error:
        for finding in error.errors():
            name = "_".join(str(part) for part in finding["loc"])
            place = f"--{name}" if name in given else f"SIGN_{name.upper()}"
            say(f"{place}: {describe_finding(finding)}", err=True)
        raise typer.Exit(MISUSED) from None


def command_settings(settings: Settings, most_slots: int) -> Settings:
    """The settings for a command's own work: it takes all slots, but starts no more than it has media.

    No limit of length applies to what is read piece by piece.
    """
    slots = max(1, min(settings.slots, most_slots))
    return settings.model_copy(update={"slots": slots, "jobs_slots": slots, "jobs_seconds": float("inf")})


def check_options(model: type[OptionsT], /, **values: object) -> OptionsT:
    """A route's options with what was given; what is wrong with them is said, and the program ends with 2."""
    given = {name: value for name, value in values.items() if value is not None}
    try:
        return model.model_validate(given)
    except ValidationError as error:
        for finding in error.errors():
            say(f"{flag(str(finding['loc'][0]))}: {describe_finding(finding)}", err=True)
        raise typer.Exit(MISUSED) from None


def misused(sentence: str) -> typer.Exit:
    """Say what is wrong with the command; raise what this gives."""
    say(sentence, err=True)
    return typer.Exit(MISUSED)


def flag(name: str) -> str:
    """How the command line writes an option."""
    return "--" + name.replace("_", "-")
