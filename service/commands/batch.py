"""Batch: a command's work on many things at once, as many as there are slots, with a bar that shows how far it is."""

import asyncio
import os
import sys
from collections.abc import Awaitable, Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from rich.console import Console
from rich.progress import (
    BarColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from service.errors import SignError

T = TypeVar("T")


class Batch:
    """How far the work is, and what of it failed; it shows a bar where standard error is a terminal."""

    def __init__(self, what: str, total: int) -> None:
        self.failed = 0
        self.unread = False
        self._console = Console(stderr=True, highlight=False, markup=False, emoji=False)
        self._bar = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            TextColumn("{task.percentage:>3.0f}%"),
            TextColumn("{task.fields[finished]}/{task.total:g}"),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            console=self._console,
            transient=True,
            redirect_stdout=False,
            redirect_stderr=False,
            disable=not self._console.is_terminal,
        )
        self._task: TaskID = self._bar.add_task(what, total=total, finished=0)
        self._finished = 0

    @contextmanager
    def shown(self) -> Iterator[None]:
        """The bar, as long as the block lasts."""
        with self._bar:
            yield

    def expect(self, total: int) -> None:
        """How many things there are to do in all."""
        self._bar.update(self._task, total=total)

    def advance(self, share: float) -> None:
        """So much more of one thing is done."""
        self._bar.advance(self._task, share)

    def finish_one(self, rest: float) -> None:
        """One thing is done: what was left of it, too."""
        self._finished += 1
        self._bar.update(self._task, advance=rest, finished=self._finished)

    def fail(self, who: object, problem: SignError | OSError) -> None:
        """Say what went wrong with one of them; the others go on."""
        self.failed += 1
        words = in_words(problem)
        self.say(words if words.startswith(f"{who}: ") else f"{who}: {words}")

    def say(self, sentence: str) -> None:
        """A sentence on standard error, above the bar."""
        self._console.print(sentence, soft_wrap=True)

    def print(self, text: str) -> None:
        """Text on standard output, the bar taken away meanwhile. Where nobody reads it, it is noted as `unread`."""
        self._bar.stop()
        try:
            print(text, end="", flush=True)  # noqa: T201 - it is what was asked for
        except BrokenPipeError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # what Python flushes at its end
            self.unread = True
        self._bar.start()


def in_words(problem: SignError | OSError) -> str:
    """What went wrong, for a person: title and detail, or the file and what the system says of it."""
    if isinstance(problem, SignError):
        return f"{problem.title}: {problem.detail}"
    said = problem.strerror or str(problem)
    return f"{problem.filename}: {said}" if problem.filename else said


async def over_slots(things: Iterable[T], at_once: int, work: Callable[[T], Awaitable[None]]) -> None:
    """Do the work on each thing, so many at once, in their order; an error that it raises ends them all."""
    queue = iter(things)

    async def worker() -> None:
        for thing in queue:
            await work(thing)

    async with asyncio.TaskGroup() as group:
        for _ in range(at_once):
            group.create_task(worker())
