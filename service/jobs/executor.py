"""JobExecutor: one after the other until a job is over; what goes wrong with one, and how often it is tried again."""

import asyncio
import contextlib
import errno
import time
from collections import defaultdict
from typing import Final

import structlog

from service import tracing
from service.analysis.task import AnyTask, ChunkResult, TaskRequest, TaskState
from service.analysis.walk import Walk
from service.context import AppContext
from service.errors import SignError
from service.jobs.census import Census
from service.jobs.files import JobFiles
from service.jobs.replicas import JobLostError
from service.jobs.spec import ChunkNote, Job, State
from service.jobs.storage import StorageCalls, StorageError
from service.jobs.stored import answer_json, checkpoint_bytes, request_of, state_of, window_json
from service.jobs.table import JobTable
from service.jobs.tasks import TASKS
from service.jobs.work import NO_WORKS, Work, Works
from service.media.medium import Medium
from service.registry.registry import ServedModel
from service.workers.admission import Turn

AGAIN = ("busy", "model-loading", "shutting-down")
"""Errors that pass: the chunk is tried again after a while."""

MOST_LOST: Final = 10
"""A chunk that costs so many replicas, one after the other, is given up with its job."""

_AGAIN_S = 2.0
_LOOK_S = 1.0

_log = structlog.get_logger(__name__)


class JobExecutor:
    """Does the work of jobs on the service's event loop; belongs to it."""

    def __init__(
        self, context: AppContext, table: JobTable, files: JobFiles, calls: StorageCalls, works: Works = NO_WORKS
    ) -> None:
        self._context = context
        self._table = table
        self._files = files
        self._calls = calls
        self._works = works
        self.census = Census(context, table, files, calls)
        self._running: dict[str, asyncio.Task[bool]] = {}
        self._models: dict[str, ServedModel] = {}
        self._turns: defaultdict[str, Turn] = defaultdict(Turn)
        self._changed = asyncio.Event()

    async def begin(self, job_id: str) -> bool:
        """Note that work on a job begins, or begins again; whether nothing is left to do. Raises as `do_next`."""
        job = await self._calls.ask(self._table.begin, job_id)
        self._tell()
        if job is not None and job.lost >= MOST_LOST:
            detail = f"The service ended {job.lost} times while it worked on this part of the medium; it was given up."
            return await self._end(job, "failed", SignError("worker-died", detail))
        return job is None

    async def do_next(self, job_id: str) -> bool:
        """Do the job's next chunk and write it down; whether the job is over.

        Raises StorageError, and JobLostError where another replica works on the job by now.
        """
        try:
            is_over = await self._do_next(job_id)
        except JobLostError:
            _log.warning("job_is_lost", job=job_id)
            self._forget(job_id)
            raise
        if is_over:
            self._forget(job_id)
        return is_over

    def _forget(self, job_id: str) -> None:
        self._models.pop(job_id, None)
        self._turns.pop(job_id, None)

    async def _do_next(self, job_id: str) -> bool:
        job = await self._calls.ask(self._table.read, job_id)
        if job is None or job.has_ended:
            return True
        if not self._holds(job):
            raise JobLostError
        task = self._running[job_id] = asyncio.create_task(self._chunk(job))
        try:
            await self._until_forgotten(task, job_id)
            return await task
        except SignError as error:
            return await self._went_wrong(job, error)
        except (StorageError, JobLostError):
            raise  # it is not the job's: the chunk is done again when jobs can be stored, or by another replica
        except Exception as error:  # noqa: BLE001 - whatever it is, it is this job's end and nobody else's
            _log.error("job_fails", job=job_id, exc_info=error)
            return await self._end(job, "failed", _fault(error))
        finally:
            task.cancel()
            self._running.pop(job_id, None)
            self._tell()

    def cancel(self, job_id: str) -> None:
        """Stop the chunk that a job is at."""
        if task := self._running.get(job_id):
            task.cancel()
        self._tell()

    def close(self) -> None:
        """Stop all chunks."""
        for job_id in list(self._running):
            self.cancel(job_id)

    async def give_up(self, job_ids: list[str]) -> None:
        """End jobs that nobody works on any more."""
        for job_id in job_ids:
            job = await self._calls.ask(self._table.read, job_id)
            if job is None or job.has_ended or job_id in self._running:
                continue
            detail = f"The service ended {job.attempts} times while it worked on this job; it was given up."
            if (mine := await self._calls.ask(self._table.begin, job_id)) is not None:
                await self._end(mine, "failed", SignError("worker-died", detail))

    async def change(self, most_s: float) -> None:
        """Wait until some job changes, at most so long."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(most_s):
                await self._changed.wait()

    async def _until_forgotten(self, task: "asyncio.Task[bool]", job_id: str) -> None:
        """Wait for a chunk; it is cancelled when the job is forgotten, or taken over, by whichever replica."""
        while not task.done():
            await asyncio.wait([task], timeout=_LOOK_S)
            if not task.done():
                job = await self._calls.ask(self._table.read, job_id)
                if job is None or not self._holds(job):
                    task.cancel()

    def _holds(self, job: Job) -> bool:
        return job.replica == self._table.replicas.name

    async def _chunk(self, job: Job) -> bool:
        with tracing.root("job chunk", "consumer", sign_job=job.id, sign_kind=job.spec.kind, sign_chunk=job.chunks):
            return await self._do_chunk(job)

    async def _do_chunk(self, job: Job) -> bool:
        if (work := self._works.get(job.spec.kind)) is not None:
            return await self._work(job, work)
        began = time.monotonic()
        task, model = TASKS[job.spec.kind], await self._model_of(job)
        request = request_of(job.spec.request, task.request, await self._medium_of(job), model)
        walk = Walk.of_job(self._context, self._turns[job.id])
        checkpoint = await self._calls.ask(self._table.checkpoint, job.id)
        state = task.begin(request) if checkpoint is None else await asyncio.to_thread(state_of, checkpoint, model)
        if state is None:
            return await self._restart(job)
        if not state.cursor.is_over:
            result = await task.next_chunk(request, state, walk)
            if result is None:
                return False
            await self._write(job, state, result, model, time.monotonic() - began)
            if not state.cursor.is_over:
                return False
        return await self._finish(job, task, request, state, walk)

    async def _work(self, job: Job, work: Work) -> bool:
        """Do all of a job that walks through no medium; what an earlier try has noted is forgotten."""
        await self._calls.ask(self._table.restart, job.id)
        number, began = 0, time.monotonic()

        async def tell(progress: float) -> None:
            nonlocal number, began
            now = time.monotonic()
            note = ChunkNote(number, progress, (), job.attempts)
            await self._calls.ask(self._table.commit, job.id, note, b"", now - began)
            number, began = number + 1, now
            self._tell()

        return await self._succeed(job, await work(job, tell))

    async def _model_of(self, job: Job) -> ServedModel:
        """The job's model: looked up once and held until the job is over, whatever is loaded meanwhile."""
        model = self._models.get(job.id)
        if model is None:
            model = self._models[job.id] = await self._context.registry.get(job.spec.model, job.spec.version)
        return model

    async def _medium_of(self, job: Job) -> Medium:
        """The job's medium. SignError internal where it is gone."""
        try:
            return await self._calls.on_disk(self._files.medium, job.id)
        except FileNotFoundError:
            detail = "The job's medium is not in the jobs' folder any more; submit it again."
            raise SignError("internal", detail) from None

    async def _restart(self, job: Job) -> bool:
        """Begin anew where the checkpoint is of another release, or of a model that was replaced since."""
        _log.warning("job_restarts", job=job.id, chunks=job.chunks)
        await self._calls.ask(self._table.restart, job.id)
        await self._calls.on_disk(self._files.drop_windows, job.id)
        return False

    async def _write(self, job: Job, state: TaskState, result: ChunkResult, model: ServedModel, work_s: float) -> None:
        if job.spec.keeps_windows and result.windows:
            lines = await asyncio.to_thread(lambda: [window_json(window) for window in result.windows])
            await self._calls.ask(self._table.check_held, job.id)
            await self._calls.on_disk(self._files.write_windows, job.id, job.chunks, job.attempts, lines)
        note = ChunkNote(job.chunks, state.cursor.progress, tuple(result.segments), job.attempts)
        checkpoint = await asyncio.to_thread(checkpoint_bytes, state, model)
        if await self._calls.ask(self._table.commit, job.id, note, checkpoint, work_s):
            self._context.metrics.job_chunks.inc()

    async def _finish(self, job: Job, task: AnyTask, request: TaskRequest, state: TaskState, walk: Walk) -> bool:
        notes = await self._calls.ask(self._table.notes, job.id)
        segments = tuple(segment for note in notes for segment in note.segments)
        answer = await task.finish(request, state, segments, walk)
        return await self._succeed(job, await asyncio.to_thread(answer_json, answer, task))

    async def _succeed(self, job: Job, answer: bytes) -> bool:
        await self._calls.ask(self._table.check_held, job.id)
        await self._calls.on_disk(self._files.write_answer, job.id, job.attempts, answer)
        return await self._end(job, "succeeded")

    async def _went_wrong(self, job: Job, error: SignError) -> bool:
        if error.code in AGAIN:
            await asyncio.sleep(_AGAIN_S)
            return False
        if error.code == "worker-died":
            tries = await self._calls.ask(self._table.tried_in_vain, job.id)
            if tries < self._context.settings.jobs_attempts:
                return False
            where = f"about {job.progress:.0%} into the medium" if job.progress else "at the beginning of the medium"
            error = SignError("worker-died", f"{error.detail} It was tried {tries} times, {where}.")
        return await self._end(job, "failed", error)

    async def _end(self, job: Job, state: State, error: SignError | None = None) -> bool:
        size = await self._calls.on_disk(self._files.size, job.id)
        has_ended = await self._calls.ask(self._table.end, job.id, state, size, error)
        with contextlib.suppress(OSError):  # what stays is found later
            await asyncio.to_thread(self._files.drop_medium, job.id)
        if has_ended:
            seconds = time.time() - (job.started or job.created)
            self._context.metrics.job_seconds.labels(job.spec.kind).observe(seconds)
            if error is not None:
                self._context.metrics.errors.labels(error.code).inc()
        await self.census.count()
        self._tell()
        return True

    def _tell(self) -> None:
        """Wake whoever waits for a change."""
        self._changed.set()
        self._changed = asyncio.Event()


def _fault(error: Exception) -> SignError:
    """What the caller is told of an error that was not foreseen."""
    if isinstance(error, OSError) and error.errno == errno.EFBIG:
        return SignError("disk-full", "The answer is larger than a file may be here.")
    return SignError("internal", "The fault is logged under this job's id; the service goes on.")
