"""Answering: one use case asked of many media, its answers printed or written."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import typer

from service.analysis.house import House
from service.commands.batch import Batch, in_words, over_slots
from service.commands.desk import open_desk
from service.commands.environment import configure_logs, read_settings
from service.commands.outputs import Outputs, write_whole
from service.commands.sources import Source, Sources
from service.errors import SignError
from service.jobs.foreground import Finished, work_through
from service.jobs.work import Work
from service.media.medium import Medium
from service.registry.registry import ServedModel
from service.settings import Settings

AnswerT = TypeVar("AnswerT")

_NAMES_SAID = 3


@dataclass(frozen=True, slots=True)
class Question(Generic[AnswerT]):
    """What is asked of each medium.

    ask: the use case's request. check: raises where the model cannot answer it. file: an answer as its file's bytes;
    printed: as it is shown where no file is asked for. model: None where the settings say which.
    """

    what: str
    work: Work[Any, Any, AnswerT]
    model: str | None
    version: int | None
    ask: Callable[[Medium, House], Any]
    check: Callable[[ServedModel], None]
    file: Callable[[Finished[AnswerT], Source], bytes]
    printed: Callable[[Finished[AnswerT], Source], str] | None
    default_model: Callable[[Settings], str] = lambda settings: settings.default_model
    keep_windows: bool = False


def answer_all(question: Question[AnswerT], sources: Sources, outputs: Outputs) -> None:
    """Ask it of all media; what fails is said, the others go on, and then the program ends with 1."""
    settings = read_settings()
    configure_logs("warning")
    say_left_out(sources)
    batch = Batch(question.what, len(sources.media))
    wanted = [source for source in sources.media if _is_wanted(source, outputs, batch)]
    if wanted:
        try:
            asyncio.run(_answer_wanted(question, wanted, outputs, settings, batch))
        except SignError as error:  # of the model, so of all
            typer.echo(in_words(error), err=True)
            raise typer.Exit(1) from None
    if batch.failed or sources.empty:
        raise typer.Exit(1)


def say_left_out(sources: Sources) -> None:
    """Say which files of folders are not read, and which folders hold none that could be."""
    if sources.left_out:
        names = ", ".join(path.name for path in sources.left_out[:_NAMES_SAID])
        more = ", …" if len(sources.left_out) > _NAMES_SAID else ""
        typer.echo(f"Left out, as no media: {len(sources.left_out)} ({names}{more})", err=True)
    for folder in sources.empty:
        typer.echo(f"{folder}: it holds no video, no picture and no .pose file.", err=True)


def _is_wanted(source: Source, outputs: Outputs, batch: Batch) -> bool:
    """Whether there is something to do for it; what stands in the way is said."""
    try:
        if outputs.already_there(source):
            if outputs.skip_existing:
                batch.say(f"{source.path}: skipped, {outputs.places[source]} is there.")
                return False
            if not outputs.overwrite:
                raise FileExistsError(
                    None,
                    "The output is there already; --skip-existing leaves it, --overwrite replaces it",
                    str(outputs.places[source]),
                )
        source.kind()
    except (SignError, OSError) as error:
        batch.fail(source.path, error)
        return False
    return True


async def _answer_wanted(
    question: Question[AnswerT], wanted: Sequence[Source], outputs: Outputs, settings: Settings, batch: Batch
) -> None:
    model = question.model or question.default_model(settings)
    async with open_desk(settings, model, question.version, len(wanted)) as house:
        question.check(await house.registry.get(model, question.version))
        printer = _InOrder(batch, len(wanted))

        async def answer(numbered: tuple[int, Source]) -> None:
            number, source = numbered
            text = await _answer(question, source, outputs, house, batch)
            printer.give(number, text)

        batch.expect(len(wanted))
        with batch.shown():
            await over_slots(enumerate(wanted), house.settings.slots, answer)


async def _answer(question: Question[AnswerT], source: Source, outputs: Outputs, house: House, batch: Batch) -> str:
    """What is to be printed of one medium: nothing where its answer is a file, or where it fails."""
    told = 0.0

    def on_progress(share: float) -> None:
        nonlocal told
        told += share
        batch.advance(share)

    try:
        finished = await work_through(
            question.work,
            question.ask(source.medium, house),
            house,
            keep_windows=question.keep_windows,
            on_progress=on_progress,
        )
        if (place := outputs.places[source]) is not None:
            content = await asyncio.to_thread(question.file, finished, source)
            await asyncio.to_thread(write_whole, place, content)
        return question.printed(finished, source) if question.printed else ""
    except (SignError, OSError) as error:
        batch.fail(source.path, error)
        return ""
    finally:
        batch.finish_one(1.0 - told)


class _InOrder:
    """Prints what comes in any order in the order of its numbers."""

    def __init__(self, batch: Batch, total: int) -> None:
        self._batch = batch
        self._texts: list[str | None] = [None] * total
        self._next = 0

    def give(self, number: int, text: str) -> None:
        """The text of one number; it and those that waited for it are printed."""
        self._texts[number] = text
        while self._next < len(self._texts) and (ready := self._texts[self._next]) is not None:
            if ready:
                self._batch.print(ready)
            self._texts[self._next] = ""
            self._next += 1
