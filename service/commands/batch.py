"""Batch: a command's work on many media, as many at a time as there are slots; a bar or lines show how far it is."""

import asyncio
import os
import sys
import time
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from errno import EEXIST
from typing import TypeVar

import typer
from rich.console import Console
from rich.progress import (
    BarColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from service.commands.environment import command_settings
from service.commands.inputs import InputFile, Inputs
from service.commands.outputs import Outputs
from service.context import AppContext, open_services
from service.errors import SignError
from service.registry.registry import ServedModel
from service.settings import Settings
from service.terminal import escape_answer, escape_controls, say

T = TypeVar("T")

OnProgress = Callable[[float], None]
"""Told how much more of a medium is done, as a share of all of it."""

Work = Callable[[int, InputFile, AppContext, ServedModel, OnProgress], Awaitable[None]]
"""What is done with each medium, of this number among all; SignError and OSError are its failures."""

_NAMES_SAID = 3
_SAID_EVERY_S = 5.0


class Batch:
    """How far the work is, and what of it failed.

    It shows a bar where standard error is a terminal; elsewhere, as in a log, it writes a line every few seconds.
    clock: the time in seconds.
    """

    def __init__(self, what: str, total: int, clock: Callable[[], float] = time.monotonic) -> None:
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
        self._what = what
        self._clock = clock
        self._began_s = self._said_s = clock()

    @contextmanager
    def show(self) -> Iterator[None]:
        """The bar, as long as the block lasts."""
        with self._bar:
            yield

    def expect(self, total: int) -> None:
        """How many things there are to do in all."""
        self._bar.update(self._task, total=total)

    def advance(self, share: float) -> None:
        """So much more of one thing is done."""
        self._bar.advance(self._task, share)
        self._say_how_far()

    def finish_one(self, rest: float) -> None:
        """One thing is done: what was left of it, too."""
        self._finished += 1
        self._bar.update(self._task, advance=rest, finished=self._finished)
        self._say_how_far()

    def _say_how_far(self) -> None:
        """A line for those who see no bar, unless one was written just now; the last one comes with the end itself."""
        now_s, total = self._clock(), self._bar.tasks[0].total or 0
        if not self._bar.disable or self.unread or now_s - self._said_s < _SAID_EVERY_S or self._finished >= total:
            return
        self._said_s = now_s
        done = self._bar.tasks[0].completed / total
        left = f", about {time_left((now_s - self._began_s) * (1 / done - 1))} left" if done > 0 else ""
        self.say(f"{self._what}: {self._finished}/{total:g} done, {done:.0%}{left}")

    def fail(self, who: object, problem: SignError | OSError) -> None:
        """Say what went wrong with one of them; the others go on."""
        self.failed += 1
        words = describe_problem(problem)
        self.say(words if words.startswith(f"{who}: ") else f"{who}: {words}")

    def say(self, sentence: str) -> None:
        """A sentence on standard error, above the bar."""
        self._console.print(escape_controls(sentence, keep="\n"), soft_wrap=True)

    def print(self, text: str) -> None:
        """Text on standard output, the bar taken away meanwhile. Where nobody reads it, it is noted as `unread`."""
        self._bar.stop()
        try:
            print(escape_answer(text), end="", flush=True)  # noqa: T201 - it is what was asked for
        except BrokenPipeError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # what Python flushes at its end
            self.unread = True
        self._bar.start()


def time_left(seconds: float) -> str:
    """A wait, roughly: seconds, then minutes, then hours."""
    if seconds < 90:
        return f"{max(1, round(seconds))} s"
    return f"{round(seconds / 60)} min" if seconds < 90 * 60 else f"{seconds / 3600:.1f} h"


def describe_problem(problem: SignError | OSError) -> str:
    """What went wrong, for a person: title and detail, or the file and what the system says of it."""
    if isinstance(problem, SignError):
        return f"{problem.title}: {problem.detail}"
    said = problem.strerror or str(problem)
    return f"{problem.filename}: {said}" if problem.filename else said


async def run_over_slots(things: Iterable[T], at_once: int, work: Callable[[T], Awaitable[None]]) -> None:
    """Do the work on each thing, so many at once, in their order; an error that it raises ends them all."""
    queue = iter(things)

    async def worker() -> None:
        for thing in queue:
            await work(thing)

    async with asyncio.TaskGroup() as group:
        for _ in range(at_once):
            group.create_task(worker())


def process_all(
    wanted: Sequence[InputFile],
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
        asyncio.run(_process_all(wanted, batch, settings, model, check, work))
    except SignError as error:  # of the model, so of all
        say(describe_problem(error), err=True)
        raise typer.Exit(1) from None


async def _process_all(
    wanted: Sequence[InputFile],
    batch: Batch,
    settings: Settings,
    model: tuple[str, int | None],
    check: Callable[[ServedModel, AppContext], None],
    work: Work,
) -> None:
    async with open_services(command_settings(settings, len(wanted)), only=model) as context:
        served = await context.registry.get(*model)
        check(served, context)

        async def do_one(number: int, input_file: InputFile, on_progress: OnProgress) -> None:
            await work(number, input_file, context, served, on_progress)

        await work_through(wanted, batch, context.settings.slots, do_one)


async def work_through(
    wanted: Sequence[InputFile],
    batch: Batch,
    at_once: int,
    work: Callable[[int, InputFile, OnProgress], Awaitable[None]],
) -> None:
    """Do the work on each, so many at once; what fails is counted in the batch, and the others go on."""

    async def do_one(numbered: tuple[int, InputFile]) -> None:
        if batch.unread:
            return
        number, input_file = numbered
        told = 0.0

        def on_progress(share: float) -> None:
            nonlocal told
            told += share
            batch.advance(share)

        try:
            await work(number, input_file, on_progress)
        except (SignError, OSError) as error:
            batch.fail(input_file.path, error)
        finally:
            batch.finish_one(1.0 - told)

    batch.expect(len(wanted))
    with batch.show():
        await run_over_slots(enumerate(wanted), at_once, do_one)


def say_left_out(inputs: Inputs) -> None:
    """Say which files of folders are not read, and which folders hold none that could be."""
    if inputs.left_out:
        names = ", ".join(path.name for path in inputs.left_out[:_NAMES_SAID])
        more = ", …" if len(inputs.left_out) > _NAMES_SAID else ""
        say(f"Left out, as no media: {len(inputs.left_out)} ({names}{more})", err=True)
    for folder in inputs.empty:
        say(f"{folder}: it holds no video, no picture and no .pose file.", err=True)


def is_wanted(input_file: InputFile, outputs: Outputs, batch: Batch) -> bool:
    """Whether there is something to do for it; what stands in the way is said."""
    try:
        if outputs.already_there(input_file):
            if outputs.skip_existing:
                batch.say(f"{input_file.path}: skipped, {outputs.paths[input_file]} is there.")
                return False
            if not outputs.overwrite:
                raise FileExistsError(
                    EEXIST,
                    "it is there already; --skip-existing leaves it, --overwrite replaces it.",
                    str(outputs.paths[input_file]),
                )
        input_file.kind()
    except (SignError, OSError) as error:
        batch.fail(input_file.path, error)
        return False
    return True
