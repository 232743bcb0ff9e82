"""Answering: one use case asked of many media, its answers printed or written."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import typer

from service.analysis.house import House
from service.commands.batch import Batch
from service.commands.environment import configure_logs, read_settings
from service.commands.going import OnProgress, go_over, is_wanted, say_left_out
from service.commands.outputs import Outputs, write_whole
from service.commands.sources import Source, Sources
from service.jobs.foreground import Finished, work_through
from service.jobs.work import Work
from service.media.medium import Medium
from service.registry.registry import ServedModel
from service.settings import Settings

AnswerT = TypeVar("AnswerT")


@dataclass(frozen=True, slots=True)
class Question(Generic[AnswerT]):
    """What is asked of each medium.

    ask: the use case's request. check: raises where its model cannot answer it. file: an answer as its file's bytes;
    printed: what is shown of it, nothing where a file is all that is wanted.
    """

    what: str
    work: Work[Any, Any, AnswerT]
    model_of: Callable[[Settings], str]
    version: int | None
    ask: Callable[[Medium, House, ServedModel], Any]
    check: Callable[[Any], None]
    file: Callable[[Finished[AnswerT], Source], bytes]
    printed: Callable[[Finished[AnswerT], Source], str]
    keep_windows: bool = False


def answer_all(question: Question[AnswerT], sources: Sources, outputs: Outputs) -> None:
    """Ask it of all media; what fails is said, the others go on, and then the program ends with 1."""
    settings = read_settings()
    configure_logs("warning")
    say_left_out(sources)
    batch = Batch(question.what, len(sources.media))
    wanted = [source for source in sources.media if is_wanted(source, outputs, batch)]
    printer = _InOrder(batch, len(wanted))

    def check(model: ServedModel, house: House) -> None:
        question.check(question.ask(wanted[0].medium, house, model))

    async def answer(number: int, source: Source, house: House, model: ServedModel, on_progress: OnProgress) -> None:
        text = ""
        try:
            asked = question.ask(source.medium, house, model)
            finished = await work_through(
                question.work, asked, house, keep_windows=question.keep_windows, on_progress=on_progress
            )
            if (place := outputs.places[source]) is not None:
                content = await asyncio.to_thread(question.file, finished, source)
                await asyncio.to_thread(write_whole, place, content)
            text = question.printed(finished, source)
        finally:
            printer.give(number, text)

    go_over(wanted, batch, settings, (question.model_of(settings), question.version), check, answer)
    if batch.failed or batch.unread or sources.empty:
        raise typer.Exit(1)


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
