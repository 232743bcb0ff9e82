"""Jobs: what the doors ask of durable jobs. A job is submitted, watched, fetched and forgotten here."""

import asyncio
import contextlib
import re
import time
import uuid
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

from service.analysis.prediction import Prediction
from service.context import AppContext
from service.errors import SignError
from service.jobs.executor import JobExecutor
from service.jobs.files import JobFiles
from service.jobs.outage import Outage
from service.jobs.quota import DiskQuota, Reservation, answer_bytes
from service.jobs.spec import ChunkNote, Job, JobSpec, State
from service.jobs.storage import StorageCalls, StorageError
from service.jobs.stored import answer_of, window_of
from service.jobs.supervisor import Stores, Supervisor
from service.jobs.table import JobTable, database_url
from service.jobs.tasks import TASKS
from service.jobs.webhooks import Sender, Webhooks
from service.jobs.work import NO_WORKS, Works
from service.media.medium import Medium
from service.settings import Settings

P = ParamSpec("P")
R = TypeVar("R")

_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_LONGEST_WAIT_S = 60.0
"""What an estimate may ask a caller to wait before they look again."""


class Jobs:
    """All jobs of this service; `run` it as long as the service lives.

    While its folder or its database cannot be had (the disk is full, the database gone, another process holds them),
    calls are answered with SignError jobs-unavailable, but for those about jobs that have ended, where they can be
    read; the service answers everything else meanwhile.
    """

    def __init__(
        self, context: AppContext, works: Works = NO_WORKS, describe: Callable[[Job], dict[str, Any]] = lambda _: {}
    ) -> None:
        """works: the jobs that look at no medium. describe: a job as those are told of it who wait for its end."""
        settings = self._settings = context.settings
        self._files = _files(settings)
        self._quota = DiskQuota(self._files.root, settings.jobs_disk_bytes)
        url = database_url(settings.jobs_database_url, self._files.root)
        self._table = JobTable(url)
        self._calls = StorageCalls()
        self._outage = Outage(context.metrics.jobs_available)
        self._executor = JobExecutor(context, self._table, self._files, self._calls, works)
        stores = Stores(self._files, self._table, url)
        webhooks = None
        if settings.webhook_hosts:
            webhooks = Webhooks(Sender(settings), self._table, self._calls, context.metrics, describe).live
        self._supervisor = Supervisor(settings, stores, self._calls, self._executor, self._outage, webhooks)

    @contextlib.asynccontextmanager
    async def run(self) -> AsyncIterator["Jobs"]:
        """Open, run what is unfinished, and leave it resumable at the end of the block."""
        tried = asyncio.Event()
        life = asyncio.create_task(self._supervisor.live(tried))
        try:
            await tried.wait()  # whether they could be opened or not
            yield self
        finally:
            life.cancel()
            await asyncio.gather(life, return_exceptions=True)
            self._calls.close()

    @property
    def incoming(self) -> Path:
        """The private folder that uploads are written to; SignError jobs-unavailable where the jobs are not open."""
        if self._supervisor.incoming is None:
            raise self._outage.error()
        return self._supervisor.incoming

    @contextlib.asynccontextmanager
    async def reserve(self, expected: int) -> AsyncIterator[Reservation]:
        """DiskQuota for an upload of so many bytes and its answer.

        Raises SignError disk-full, busy, jobs-unavailable.
        """
        counts = await self._asked(self._table.counts)
        unfinished = counts.get("queued", 0) + counts.get("running", 0)
        if unfinished >= (limit := self._settings.jobs_unfinished):
            detail = f"{unfinished} jobs wait or run already; {limit} may."
            raise SignError("busy", detail, limit=limit, actual=unfinished, retry_after_s=60)
        stored = await self._asked(self._table.stored_bytes)
        with self._quota.reserve(stored, expected) as reservation:
            yield reservation

    async def submit(self, spec: JobSpec, uploaded: Medium | None = None) -> Job:
        """Keep the medium and queue the job; the first one where its idempotency key was used before.

        Raises SignError disk-full, jobs-unavailable.
        """
        _ = self.incoming
        job_id = str(uuid.uuid4())
        size = answer_bytes(spec.keeps_windows)
        if uploaded is None:
            await asyncio.to_thread(self._files.make_room, job_id)
        else:
            await asyncio.to_thread(self._files.keep_medium, job_id, Path(uploaded.path))
            size += uploaded.size
        try:
            job = await self._calls.ask(self._table.add, job_id, spec, size)
        except StorageError as error:  # whether it was added is not known; a medium without a job is found later
            raise self._doubted(error) from error
        except BaseException:
            await asyncio.to_thread(self._files.forget, job_id)
            raise
        if job.id != job_id:
            await asyncio.to_thread(self._files.forget, job_id)
            return job
        await self._supervisor.enqueue(job_id)
        return job

    async def first(self, owner: str, idempotency_key: str) -> Job | None:
        """The job that this key stands for, if it was used before."""
        return await self._asked(self._table.first, owner, idempotency_key)

    async def get(self, job_id: str, owner: str) -> Job:
        """The owner's job. Raises SignError job-unknown, jobs-unavailable."""
        job = await self._looked_up(job_id, owner) if _UUID.fullmatch(job_id) else None
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
        return await self._read(self._table.notes, job_id, from_number)

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
            return await self._calls.on_disk(self._files.answer, job.id, job.attempts)
        except StorageError as error:
            raise self._outage.error(str(error)) from error
        except FileNotFoundError:
            raise SignError("job-unknown", f"The answer of job {job.id} is not kept any more.") from None

    async def windows(self, job: Job) -> Iterator[Prediction]:
        """Each window's own answer, in order, one at a time; it reads files as it goes."""
        chunks = await self._read(self._table.attempts_of_chunks, job.id)
        return (window_of(line) for line in self._files.windows(job.id, chunks))

    async def remove(self, job: Job) -> None:
        """Cancel the job, if it has not ended, and forget it."""
        await self._read(self._table.forget, [job.id])
        self._executor.cancel(job.id)
        await asyncio.to_thread(self._files.forget, job.id)
        await self._supervisor.count()

    async def change(self, most_s: float) -> None:
        """Wait until some job changes, at most so long."""
        await self._executor.change(most_s)

    @property
    def _kept(self) -> str:
        return f"{self._settings.jobs_retention_h:g} h"

    def _is_over(self, job: Job) -> bool:
        kept_s = 3600 * self._settings.jobs_retention_h
        return job.ended is not None and job.ended + kept_s < time.time()

    async def _looked_up(self, job_id: str, owner: str) -> Job | None:
        """The job, while the jobs are not open only where it has ended: nothing else is known for sure then."""
        job = await self._read(self._table.read, job_id, owner)
        if not self._outage.is_over and (job is None or not job.has_ended):
            raise self._outage.error()
        return job

    async def _asked(self, question: Callable[P, R], *about: P.args, **named: P.kwargs) -> R:
        """Ask the table; SignError jobs-unavailable where the jobs are not open."""
        _ = self.incoming
        return await self._read(question, *about, **named)

    async def _read(self, question: Callable[P, R], *about: P.args, **named: P.kwargs) -> R:
        """The same where it can be asked, open or not; SignError jobs-unavailable."""
        if not self._supervisor.may_be_read:
            raise self._outage.error()
        try:
            return await self._calls.ask(question, *about, **named)
        except StorageError as error:
            raise self._doubted(error) from error

    def _doubted(self, error: StorageError) -> SignError:
        """What a caller is told of a call that failed; the jobs are looked at soon."""
        self._supervisor.doubt()
        return self._outage.error(str(error))


def _files(settings: Settings) -> JobFiles:
    if settings.jobs_store_url is None:
        return JobFiles(settings.jobs_dir)
    from service.jobs.remote_files import RemoteJobFiles  # noqa: PLC0415 - an extra

    return RemoteJobFiles(settings.jobs_dir, settings.jobs_store_url)
