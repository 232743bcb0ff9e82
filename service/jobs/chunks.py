"""Chunks: one after the other until a job is over; what goes wrong with one, and how often it is tried again."""

import asyncio
import contextlib
import errno
import pickle
import time

import structlog
from sqlalchemy.exc import SQLAlchemyError

from service.context import AppContext
from service.errors import SignError
from service.jobs.kinds import WORKS
from service.jobs.ledger import Ledger
from service.jobs.record import STATES, ChunkNote, Job, State
from service.jobs.shelf import Shelf
from service.jobs.work import AnyWork, Gained, WorkState, window_json
from service.registry.registry import ServedModel

AGAIN = ("busy", "model-loading", "shutting-down")
"""Errors that pass: the chunk is tried again after a while."""

_AGAIN_S = 2.0
_LOOK_S = 1.0

_log = structlog.get_logger(__name__)


class Chunks:
    """Does the work of jobs on the service's event loop; belongs to it."""

    def __init__(self, house: AppContext, ledger: Ledger, shelf: Shelf) -> None:
        self._house = house
        self._ledger = ledger
        self._shelf = shelf
        self._running: dict[str, asyncio.Task[bool]] = {}
        self._models: dict[str, ServedModel] = {}
        self._changed = asyncio.Event()

    async def begin(self, job_id: str) -> bool:
        """Note that work on a job begins, or begins again; whether nothing is left to do."""
        job = await asyncio.to_thread(self._ledger.begin, job_id)
        self._tell()
        return job is None

    async def do_next(self, job_id: str) -> bool:
        """Do the job's next chunk and write it down; whether the job is over. Only the database's errors are raised."""
        is_over = await self._do_next(job_id)
        if is_over:
            self._models.pop(job_id, None)
        return is_over

    async def _do_next(self, job_id: str) -> bool:
        job = await asyncio.to_thread(self._ledger.read, job_id)
        if job is None or job.has_ended:
            return True
        task = self._running[job_id] = asyncio.create_task(self._chunk(job))
        try:
            await self._until_forgotten(task, job_id)
            return await task
        except SignError as error:
            return await self._went_wrong(job, error)
        except SQLAlchemyError:
            raise  # the database's trouble is not the job's: the runner tries again
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
            job = await asyncio.to_thread(self._ledger.read, job_id)
            if job is not None and not job.has_ended and job_id not in self._running:
                detail = f"The service ended {job.attempts} times while it worked on this job; it was given up."
                await self._end(job, "failed", SignError("worker-died", detail))

    async def change(self, most_s: float) -> None:
        """Wait until some job changes, at most so long."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(most_s):
                await self._changed.wait()

    async def _until_forgotten(self, task: "asyncio.Task[bool]", job_id: str) -> None:
        """Wait for a chunk; it is cancelled when the job is forgotten, by whichever replica."""
        while not task.done():
            await asyncio.wait([task], timeout=_LOOK_S)
            if not task.done() and await asyncio.to_thread(self._ledger.read, job_id) is None:
                task.cancel()

    async def _chunk(self, job: Job) -> bool:
        began = time.monotonic()
        work = WORKS[job.draft.kind]
        request = work.request_of(job.draft.request, self._shelf.medium(job.id), await self._model_of(job))
        checkpoint = await asyncio.to_thread(self._ledger.checkpoint, job.id)
        state = work.begin(request) if checkpoint is None else pickle.loads(checkpoint)  # noqa: S301 - our own table
        if not state.over:
            gained = await work.chunk(request, state, self._house)
            if gained is None:
                return False
            await self._write(job, state, gained, time.monotonic() - began)
            if not gained.done:
                return False
        return await self._finish(job, work, request, state)

    async def _model_of(self, job: Job) -> ServedModel:
        """The job's model: looked up once and held until the job is over, whatever is loaded meanwhile."""
        model = self._models.get(job.id)
        if model is None:
            model = self._models[job.id] = await self._house.registry.get(job.draft.model, job.draft.version)
        return model

    async def _write(self, job: Job, state: WorkState, gained: Gained, work_s: float) -> None:
        if job.draft.keeps_windows and gained.windows:
            lines = [window_json(window) for window in gained.windows]
            await asyncio.to_thread(self._shelf.write_windows, job.id, job.chunks, lines)
        state.over = gained.done
        note = ChunkNote(job.chunks, gained.progress, tuple(gained.segments))
        await asyncio.to_thread(self._ledger.commit, job.id, note, pickle.dumps(state), work_s)

    async def _finish(self, job: Job, work: AnyWork, request: object, state: WorkState) -> bool:
        notes = await asyncio.to_thread(self._ledger.notes, job.id)
        segments = tuple(segment for note in notes for segment in note.segments)
        answer = await work.finish(request, state, segments, self._house)
        await asyncio.to_thread(self._shelf.write_answer, job.id, work.answer_json(answer))
        return await self._end(job, "succeeded")

    async def _went_wrong(self, job: Job, error: SignError) -> bool:
        if error.code in AGAIN:
            await asyncio.sleep(_AGAIN_S)
            return False
        if error.code == "worker-died":
            tries = await asyncio.to_thread(self._ledger.tried_in_vain, job.id)
            if tries < self._house.settings.jobs_attempts:
                return False
            where = f"about {job.progress:.0%} into the medium" if job.progress else "at the beginning of the medium"
            error = SignError("worker-died", f"{error.detail} It was tried {tries} times, {where}.")
        return await self._end(job, "failed", error)

    async def _end(self, job: Job, state: State, error: SignError | None = None) -> bool:
        def end() -> bool:
            ended = self._ledger.end(job.id, state, self._shelf.size(job.id), error)
            self._shelf.drop_medium(job.id)
            return ended

        if await asyncio.to_thread(end):
            seconds = time.time() - (job.started or job.created)
            self._house.metrics.job_seconds.labels(job.draft.kind).observe(seconds)
            if error is not None:
                self._house.metrics.errors.labels(error.code).inc()
        await self.count()
        self._tell()
        return True

    async def count(self) -> None:
        """Show how many jobs are in each state."""
        counts = await asyncio.to_thread(self._ledger.counts)
        for name in STATES:
            self._house.metrics.jobs.labels(name).set(counts.get(name, 0))

    def _tell(self) -> None:
        """Wake whoever waits for a change."""
        self._changed.set()
        self._changed = asyncio.Event()


def _fault(error: Exception) -> SignError:
    """What the caller is told of an error that was not foreseen."""
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        return SignError("disk-full", "The disk was full when the answer had to be stored.")
    return SignError("internal", "The fault is logged under this job's id; the service goes on.")
