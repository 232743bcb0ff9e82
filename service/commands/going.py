"""Going over media: one model, many media, as many at a time as there are slots; what fails is said."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from errno import EEXIST

import typer

from service.commands.batch import Batch, in_words, over_slots
from service.commands.environment import command_settings
from service.commands.outputs import Outputs
from service.commands.sources import Source, Sources
from service.context import AppContext, open_services
from service.errors import SignError
from service.registry.registry import ServedModel
from service.settings import Settings

OnProgress = Callable[[float], None]
"""Told how much more of a medium is done, as a share of all of it."""

Work = Callable[[int, Source, AppContext, ServedModel, OnProgress], Awaitable[None]]
"""What is done with each medium, of this number among all; SignError and OSError are its failures."""

_NAMES_SAID = 3


def go_over(
    wanted: Sequence[Source],
    batch: Batch,
    settings: Settings,
    model: tuple[str, int | None],
    check: Callable[[ServedModel, AppContext], None],
    work: Work,
) -> None:
    """Do the work on each; what fails is counted in the batch. Ends the program with 1 where the model cannot be asked.

    model: its name and version. check: raises SignError where the model cannot do it, before a medium is touched.
    """
    if not wanted:
        return
    try:
        asyncio.run(_go_over(wanted, batch, settings, model, check, work))
    except SignError as error:  # of the model, so of all
        typer.echo(in_words(error), err=True)
        raise typer.Exit(1) from None


async def _go_over(
    wanted: Sequence[Source],
    batch: Batch,
    settings: Settings,
    model: tuple[str, int | None],
    check: Callable[[ServedModel, AppContext], None],
    work: Work,
) -> None:
    async with open_services(command_settings(settings, len(wanted)), only=model) as context:
        served = await context.registry.get(*model)
        check(served, context)

        async def do_one(numbered: tuple[int, Source]) -> None:
            if batch.unread:
                return
            number, source = numbered
            told = 0.0

            def on_progress(share: float) -> None:
                nonlocal told
                told += share
                batch.advance(share)

            try:
                await work(number, source, context, served, on_progress)
            except (SignError, OSError) as error:
                batch.fail(source.path, error)
            finally:
                batch.finish_one(1.0 - told)

        batch.expect(len(wanted))
        with batch.shown():
            await over_slots(enumerate(wanted), context.settings.slots, do_one)


def say_left_out(sources: Sources) -> None:
    """Say which files of folders are not read, and which folders hold none that could be."""
    if sources.left_out:
        names = ", ".join(path.name for path in sources.left_out[:_NAMES_SAID])
        more = ", …" if len(sources.left_out) > _NAMES_SAID else ""
        typer.echo(f"Left out, as no media: {len(sources.left_out)} ({names}{more})", err=True)
    for folder in sources.empty:
        typer.echo(f"{folder}: it holds no video, no picture and no .pose file.", err=True)


def is_wanted(source: Source, outputs: Outputs, batch: Batch) -> bool:
    """Whether there is something to do for it; what stands in the way is said."""
    try:
        if outputs.already_there(source):
            if outputs.skip_existing:
                batch.say(f"{source.path}: skipped, {outputs.places[source]} is there.")
                return False
            if not outputs.overwrite:
                raise FileExistsError(
                    EEXIST,
                    "it is there already; --skip-existing leaves it, --overwrite replaces it.",
                    str(outputs.places[source]),
                )
        source.kind()
    except (SignError, OSError) as error:
        batch.fail(source.path, error)
        return False
    return True
