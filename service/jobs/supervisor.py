"""Supervisor: the life of jobs, from the opening of their folder and database to the end, over whatever fails in it.

Where the database or the disk fails, or this replica's lease is over, everything is closed as at the service's end, and
opened again when it serves: there is one way for jobs to go on, whatever stopped them.
"""

import asyncio
import contextlib
import sqlite3
import time
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import structlog

from service.jobs.executor import JobExecutor
from service.jobs.files import JobFiles
from service.jobs.outage import Outage
from service.jobs.runner import Runner
from service.jobs.spec import ENDED
from service.jobs.storage import StorageCalls, StorageError, raise_storage_error
from service.jobs.table import JobTable
from service.settings import Settings

WATCH_S: Final = 5.0
SWEEP_S: Final = 30.0
OPEN_AGAIN_S: Final = 1.0
IDLE_S: Final = 15.0
"""A job that this replica should be working on, and is not, is taken up after so long."""

_LEASES_PER_TAKEOVER: Final = 2
_LOOKS_PER_TAKEOVER: Final = 6
_BEATS_PER_TAKEOVER: Final = 12
"""Of SIGN_JOBS_TAKEOVER_S: how long a silent replica lives, how often the others look, how often each says it lives."""

_OPEN_S = 60.0
_STEADY_S = 60.0
_LONGEST_PAUSE_S = 30.0
"""Jobs that cannot be stored again soon after they were opened are left alone longer each time, at most so long."""

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Stores:
    """Where jobs are kept; url: the database's, as DBOS is told."""

    files: JobFiles
    table: JobTable
    url: str


class Supervisor:
    """Keeps jobs going. incoming: where uploads are written to while the jobs are open, else None."""

    def __init__(
        self,
        settings: Settings,
        stores: Stores,
        calls: StorageCalls,
        executor: JobExecutor,
        outage: Outage,
        beside: Callable[[], Coroutine[Any, Any, None]] | None = None,
    ) -> None:
        """beside: what goes on for as long as the jobs are open."""
        self._beside = beside
        self._settings = settings
        self._stores = stores
        self._calls = calls
        self._executor = executor
        self._outage = outage
        self._loop: asyncio.AbstractEventLoop
        self._runner: Runner | None = None
        self._failed: StorageError | None = None
        self._looked_at = asyncio.Event()
        self._idle_since: dict[str, float] = {}
        self.incoming: Path | None = None
        self.may_be_read = False

    async def live(self, tried: asyncio.Event) -> None:
        """Until it is cancelled. tried: set once it is known whether the jobs can be opened."""
        self._loop = asyncio.get_running_loop()
        files = self._stores.files
        while True:
            try:
                with files.opened(alone=not self._stores.table.replicas.is_shared) as incoming:
                    await self._serve(incoming, tried)
            except BlockingIOError:
                self._outage.begin(f"another process uses {files.root}")
            except OSError as error:
                self._outage.begin(f"their folder cannot be opened: {(error.strerror or 'unknown').lower()}", error)
            tried.set()
            await asyncio.sleep(OPEN_AGAIN_S)

    def doubt(self) -> None:
        """A call of the database failed: see soon whether it serves."""
        self._looked_at.set()

    async def enqueue(self, job_id: str) -> None:
        """See that a new job is run; where that fails, it is found later."""
        if self._runner is None:
            return
        try:
            await self._calls.ask(self._runner.enqueue, job_id)
        except StorageError:
            self.doubt()
        await self.count()

    async def count(self) -> None:
        """Show how many jobs are in each state, if that is known."""
        try:
            await self._executor.census.count()
        except StorageError:
            self.doubt()

    async def _serve(self, incoming: Path, tried: asyncio.Event) -> None:
        """Work, and again after each outage, as long as the folder is there."""
        pause_s = OPEN_AGAIN_S
        while incoming.is_dir():  # noqa: ASYNC240 - as cheap as asking for the time
            began = time.monotonic()
            try:
                await self._work(incoming, tried)
            except Exception as error:  # noqa: BLE001 - whatever the disk or the database has, all else is answered
                was_open, reason = self._outage.is_over, _reason_of(error)
                self._outage.begin(reason, error)
                flaps = was_open and time.monotonic() - began < _STEADY_S
                pause_s = min(2 * pause_s, _LONGEST_PAUSE_S) if flaps else OPEN_AGAIN_S
            self.may_be_read = await self._can_be_read()
            tried.set()
            await asyncio.sleep(pause_s)

    async def _work(self, incoming: Path, tried: asyncio.Event) -> None:
        runner = Runner(self._executor.begin, self._executor.do_next, self._settings.slots_for_jobs, self._interrupted)
        self._failed = None
        is_stopping = False
        try:
            await self._open_stores()
            await _together(self._live_on(), self._run(runner, incoming, tried))
        except asyncio.CancelledError:
            is_stopping = True
            raise
        finally:
            self._runner = self.incoming = None
            self.may_be_read = False
            self._executor.census.forget()
            closing = asyncio.create_task(self._close(runner, hands_over=is_stopping))
            self._executor.close()
            await closing

    async def _open_stores(self) -> None:
        table, calls = self._stores.table, self._calls
        await calls.within(_OPEN_S, table.open)
        await calls.on_disk(self._stores.files.check_room)
        await self._clear()
        await calls.ask(table.replicas.join, self._settings.jobs_takeover_s / _LEASES_PER_TAKEOVER)

    async def _live_on(self) -> None:
        """Say again and again that this replica lives, until that is not so: LeaseOverError."""
        while True:
            await asyncio.sleep(min(WATCH_S, self._settings.jobs_takeover_s / _BEATS_PER_TAKEOVER))
            await self._calls.ask(self._stores.table.replicas.renew)

    async def _run(self, runner: Runner, incoming: Path, tried: asyncio.Event) -> None:
        table, calls = self._stores.table, self._calls
        unfinished = [job.id for job in await calls.ask(table.unfinished)]
        await calls.within(_OPEN_S, runner.open, self._stores.url, table.replicas.name)
        await calls.within(_OPEN_S, runner.enqueue_all, unfinished)
        self._runner, self.incoming, self.may_be_read = runner, incoming, True
        self._outage.end()
        tried.set()
        beside = [] if self._beside is None else [self._beside()]
        await _together(self._watch(runner), *beside)

    async def _close(self, runner: Runner, *, hands_over: bool) -> None:
        await asyncio.to_thread(runner.close)
        if hands_over:
            try:
                await self._calls.ask(self._hand_over)
            except Exception as error:  # noqa: BLE001 - they are taken over a little later
                _log.warning("jobs_are_not_handed_over", error=str(error))
        await asyncio.to_thread(self._close_table)

    def _hand_over(self) -> None:
        """Leave what was being worked on to other replicas at once, or to the next start."""
        replicas = self._stores.table.replicas
        replicas.release()
        if replicas.is_shared:
            if jobs := Runner.hand_over(self._stores.url, replicas.name):
                _log.info("jobs_handed_over", jobs=jobs)
            replicas.leave()

    def _close_table(self) -> None:
        try:
            self._stores.table.close()
        except (OSError, sqlite3.Error) as error:
            _log.error("jobs_database_is_not_written_back", error=str(error))

    async def _watch(self, runner: Runner) -> None:
        """Take over, sweep, and look whether the database serves, until it does not: StorageError."""
        look_s = self._settings.jobs_takeover_s / _LOOKS_PER_TAKEOVER
        looked = swept = float("-inf")
        while True:
            if time.monotonic() - looked >= look_s:
                looked = time.monotonic()
                await self._do(self._take_over, runner)
            if time.monotonic() - swept >= SWEEP_S:
                await self._do(self._sweep, runner)
                swept = time.monotonic()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(min(WATCH_S, look_s)):
                    await self._looked_at.wait()
            if self._failed is not None:
                raise self._failed
            table = self._stores.table
            look = table.try_out if self._looked_at.is_set() else table.check
            self._looked_at.clear()
            await self._calls.ask(look)

    async def _do(self, work: Callable[[Runner], Awaitable[None]], runner: Runner) -> None:
        """Work that may fail without harm: what one leaves, the next may do. Raises StorageError alone."""
        try:
            await work(runner)
        except StorageError:
            raise
        except Exception as error:  # noqa: BLE001 - as said
            _log.error("jobs_sweep_fails", exc_info=error)

    async def _can_be_read(self) -> bool:
        try:
            await self._calls.ask(self._stores.table.check)
        except Exception:  # noqa: BLE001 - no, whatever it is
            return False
        return True

    async def _take_over(self, runner: Runner) -> None:
        jobs = await self._calls.ask(self._stores.table.replicas.take_over, runner.stranded, runner.resume)
        if jobs:
            _log.warning("jobs_taken_over", jobs=jobs)
            self._executor.census.taken_over(len(jobs))

    async def _sweep(self, runner: Runner) -> None:
        """Forget what was kept long enough, find what nobody works on or asks for, and count."""
        table, ask = self._stores.table, self._calls.ask
        await ask(self._forget_old)
        unfinished = [job.id for job in await ask(table.unfinished)]
        if unfinished:
            await self._executor.give_up(await ask(runner.gave_up, unfinished))
            await ask(runner.take_up, await self._idle_long(runner, unfinished))
        await self._clear()
        await ask(runner.purge)
        await self._executor.census.count()

    def _forget_old(self) -> None:
        over = self._stores.table.ended_before(time.time() - 3600 * self._settings.jobs_retention_h)
        self._stores.table.forget(job.id for job in over)
        for job in over:
            self._stores.files.forget(job.id)

    async def _idle_long(self, runner: Runner, unfinished: list[str]) -> list[str]:
        """Jobs that nobody has worked on for a while, although this replica should."""
        now = time.monotonic()
        idle = await self._calls.ask(runner.lost, unfinished, self._stores.table.replicas.name)
        self._idle_since = {job_id: self._idle_since.get(job_id, now) for job_id in idle}
        taken = [job_id for job_id, since in self._idle_since.items() if now - since > IDLE_S]
        if taken:
            _log.warning("jobs_taken_up", jobs=taken)
        return taken

    async def _clear(self) -> None:
        table, ask = self._stores.table, self._calls.ask
        ended = await ask(table.ids, ENDED)
        known = await ask(table.ids)
        cleared = await self._calls.on_disk(self._stores.files.clear, known, ended)
        if cleared:
            _log.warning("media_without_a_job_removed", folders=cleared)

    def _interrupted(self, job_id: str, error: Exception) -> None:
        """A chunk met trouble: of the database or the disk, which ends the work for now, or one not foreseen."""
        if isinstance(error, StorageError):
            self._failed = error
            self._loop.call_soon_threadsafe(self._looked_at.set)
        else:
            _log.error("job_interrupted", job=job_id, exc_info=error)


async def _together(*parts: Coroutine[Any, Any, None]) -> None:
    """Until one of them ends or fails; the others are cancelled then."""
    tasks = [asyncio.create_task(part) for part in parts]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    for task in done:
        task.result()


def _reason_of(error: Exception) -> str:
    """Why the jobs cannot be stored, for an error that ended the work: DBOS wraps what the database raised."""
    cause: BaseException | None = error
    while isinstance(cause, Exception):
        if isinstance(cause, StorageError):
            return str(cause)
        try:
            raise_storage_error(cause)
        except StorageError as known:
            return str(known)
        cause = cause.__cause__ or cause.__context__
    _log.error("jobs_do_not_open", exc_info=error)
    return "their database cannot be opened"
