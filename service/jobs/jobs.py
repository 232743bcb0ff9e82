"""Jobs: what the doors ask of durable jobs. A job is submitted, watched, fetched and forgotten here."""

import asyncio
import contextlib
import re
import time
import uuid
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import ParamSpec, TypeVar

import structlog

from service.analysis.prediction import Prediction
from service.context import AppContext
from service.errors import SignError
from service.jobs.executor import JobExecutor
from service.jobs.files import JobFiles
from service.jobs.quota import DiskQuota, Reservation, answer_bytes
from service.jobs.runner import Runner
from service.jobs.spec import ChunkNote, Job, JobSpec, State
from service.jobs.stored import answer_of, window_of
from service.jobs.table import JobTable, database_url
from service.jobs.tasks import TASKS
from service.jobs.work import NO_WORKS, Works
from service.media.medium import Medium

P = ParamSpec("P")
R = TypeVar("R")

SWEEP_S = 30.0
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
OPEN_AGAIN_S = 1.0
_LONGEST_WAIT_S = 60.0
"""What an estimate may ask a caller to wait before they look again."""

_log = structlog.get_logger(__name__)


class Jobs:
    """All jobs of this service; `run` it as long as the service lives.

    Until its folder and its database can be had (another process may still hold them), every call is answered with
    SignError busy; the service answers everything else meanwhile.
    """

    def __init__(self, context: AppContext, works: Works = NO_WORKS) -> None:
        """works: the jobs that look at no medium."""
        settings = self._settings = context.settings
        self._files = JobFiles(settings.jobs_dir)
        self._quota = DiskQuota(self._files.root, settings.jobs_disk_bytes)
        self._url = database_url(settings.jobs_database_url, self._files.root)
        self._table = JobTable(self._url)
        self._executor = JobExecutor(context, self._table, self._files, works)
        self._runner: Runner | None = None
        self._incoming: Path | None = None
        self._trouble = "The jobs are being opened."

    @contextlib.asynccontextmanager
    async def run(self) -> AsyncIterator["Jobs"]:
        """Open, run what is unfinished, and leave it resumable at the end of the block."""
        opened = asyncio.Event()
        life = asyncio.create_task(self._live(opened))
        try:
            await opened.wait()
            yield self
        finally:
            life.cancel()
            await asyncio.gather(life, return_exceptions=True)

    @property
    def incoming(self) -> Path:
        """The private folder that uploads are written to; SignError busy where the jobs are not open."""
        if self._incoming is None:
            raise SignError("busy", f"Jobs cannot be taken now: {self._trouble}", retry_after_s=5)
        return self._incoming

    @contextlib.asynccontextmanager
    async def reserve(self, expected: int) -> AsyncIterator[Reservation]:
        """DiskQuota for an upload of so many bytes and its answer. Raises SignError disk-full, busy."""
        _ = self.incoming
        counts = await asyncio.to_thread(self._table.counts)
        unfinished = counts.get("queued", 0) + counts.get("running", 0)
        if unfinished >= (limit := self._settings.jobs_unfinished):
            detail = f"{unfinished} jobs wait or run already; {limit} may."
            raise SignError("busy", detail, limit=limit, actual=unfinished, retry_after_s=60)
        stored = await asyncio.to_thread(self._table.stored_bytes)
        with self._quota.reserve(stored, expected) as reservation:
            yield reservation

    async def submit(self, spec: JobSpec, uploaded: Medium | None = None) -> Job:
        """Keep the medium and queue the job; the first one where its idempotency key was used before."""
        job_id = str(uuid.uuid4())
        size = answer_bytes(spec.keeps_windows)
        if uploaded is None:
            await asyncio.to_thread(self._files.make_room, job_id)
        else:
            await asyncio.to_thread(self._files.keep_medium, job_id, Path(uploaded.path))
            size += uploaded.size
        try:
            job = await asyncio.to_thread(self._table.add, job_id, spec, size)
        except BaseException:
            await asyncio.to_thread(self._files.forget, job_id)
            raise
        if job.id != job_id:
            await asyncio.to_thread(self._files.forget, job_id)
            return job
        if self._runner is not None:  # else the next start finds it in the table
            await asyncio.to_thread(self._runner.enqueue, job_id)
        await self._executor.count()
        return job

    async def first(self, owner: str, idempotency_key: str) -> Job | None:
        """The job that this key stands for, if it was used before."""
        return await self._asked(self._table.first, owner, idempotency_key)

    async def get(self, job_id: str, owner: str) -> Job:
        """The owner's job; SignError job-unknown."""
        job = await self._asked(self._table.read, job_id, owner) if _UUID.fullmatch(job_id) else None
        if job is None or self._is_over(job):
            raise SignError("job-unknown", f"There is no job {job_id}; what has ended is kept {self._kept}.")
        return job

    async def newest(self, owner: str, limit: int, state: State | None, before: tuple[float, str] | None) -> list[Job]:
        """The owner's jobs, newest first, created before a (time, id)."""
        return await self._asked(self._table.newest, owner, limit, state, before)

    async def about(self, owner: str, kind: str, model: str) -> list[Job]:
        """The owner's jobs of a kind and a model, newest first."""
        return await self._asked(self._table.about, owner, kind, model)

    async def notes(self, job_id: str, from_number: int = 0) -> list[ChunkNote]:
        """What the job's chunks brought, in order, from this chunk on."""
        return await self._asked(self._table.notes, job_id, from_number)

    async def answer(self, job: Job) -> object:
        """The answer of a job that succeeded: what its use case answers, without single windows.

        Raises as `answer_text`.
        """
        return answer_of(await self.answer_text(job), TASKS[job.spec.kind])

    async def answer_text(self, job: Job) -> bytes:
        """The answer of a job that succeeded, as it is kept. Raises job-not-finished, or what the job failed with."""
        if job.error is not None:
            raise job.error
        if job.state != "succeeded":
            detail = f"The job is {job.state}; its progress is {job.progress:.0%}."
            raise SignError("job-not-finished", detail, retry_after_s=min(max(job.eta_s or 1.0, 1.0), _LONGEST_WAIT_S))
        try:
            return await asyncio.to_thread(self._files.answer, job.id)
        except FileNotFoundError:
            raise SignError("job-unknown", f"The answer of job {job.id} is not kept any more.") from None

    def windows(self, job: Job) -> Iterator[Prediction]:
        """Each window's own answer, in order, one at a time; it reads files as it goes."""
        return (window_of(line) for line in self._files.windows(job.id))

    async def remove(self, job: Job) -> None:
        """Cancel the job, if it has not ended, and forget it."""
        await asyncio.to_thread(self._table.forget, [job.id])
        self._executor.cancel(job.id)
        await asyncio.to_thread(self._files.forget, job.id)
        await self._executor.count()

    async def change(self, most_s: float) -> None:
        """Wait until some job changes, at most so long."""
        await self._executor.change(most_s)

    @property
    def _kept(self) -> str:
        return f"{self._settings.jobs_retention_h:g} h"

    def _is_over(self, job: Job) -> bool:
        kept_s = 3600 * self._settings.jobs_retention_h
        return job.ended is not None and job.ended + kept_s < time.time()

    async def _asked(self, question: Callable[P, R], *about: P.args, **named: P.kwargs) -> R:
        """Ask the table, in a thread; SignError busy where the jobs are not open."""
        _ = self.incoming
        return await asyncio.to_thread(question, *about, **named)

    async def _live(self, opened: asyncio.Event) -> None:
        while True:
            try:
                with self._files.opened(self._settings.jobs_replica) as incoming:
                    await self._work(incoming, opened)
            except BlockingIOError:
                self._trouble = f"another process uses {self._files.root} as {self._settings.jobs_replica}."
            except Exception as error:  # noqa: BLE001 - whatever the disk or the database has, all else is answered
                self._trouble = "their folder or their database cannot be opened."
                _log.warning("jobs_do_not_open", exc_info=error, again_in_s=OPEN_AGAIN_S)
            opened.set()  # who waits for it goes on without
            await asyncio.sleep(OPEN_AGAIN_S)

    async def _work(self, incoming: Path, opened: asyncio.Event) -> None:
        runner = Runner(self._executor.begin, self._executor.do_next, self._settings.slots_for_jobs)
        try:
            await asyncio.to_thread(self._open, runner)
            self._runner, self._incoming = runner, incoming
            opened.set()
            while True:
                await self._sweep(runner)
                await asyncio.sleep(SWEEP_S)
        finally:
            self._runner = self._incoming = None
            closing = asyncio.create_task(asyncio.to_thread(self._close, runner))
            self._executor.close()
            await closing

    def _open(self, runner: Runner) -> None:
        self._table.open()
        unfinished = self._table.unfinished()
        known = self._table.ids()
        self._files.clear(known, known - {job.id for job in unfinished})
        runner.open(self._url, self._settings.jobs_replica)
        for job in unfinished:
            runner.enqueue(job.id)

    def _close(self, runner: Runner) -> None:
        runner.close()
        self._table.close()

    async def _sweep(self, runner: Runner) -> None:
        """Forget what was kept long enough, end what the runner gave up, and count."""
        try:
            await asyncio.to_thread(self._forget_old)
            await self._executor.give_up(await asyncio.to_thread(self._given_up, runner))
            await asyncio.to_thread(runner.purge)
            await self._executor.count()
        except Exception as error:  # noqa: BLE001 - a database that is away for a while must not end the jobs
            _log.error("jobs_sweep_fails", exc_info=error)

    def _forget_old(self) -> None:
        over = self._table.ended_before(time.time() - 3600 * self._settings.jobs_retention_h)
        self._table.forget(job.id for job in over)
        for job in over:
            self._files.forget(job.id)

    def _given_up(self, runner: Runner) -> list[str]:
        running = [job.id for job in self._table.unfinished()]
        return runner.gave_up(running) if running else []
