"""Stream slots: further processes of the slots' kind, each held by one live session for as long as it lasts.

One is kept warm, so that a session begins at once; the others are started when sessions come. Requests and jobs never
wait for them, nor they for those.
"""

import asyncio
import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, TypeVar

import structlog
from pebble import ProcessExpired

from service.errors import SignError
from service.metrics import Metrics
from service.observe.live import LiveCall, LiveFrame, LiveObservation
from service.observe.request import LandmarkRequest
from service.settings import Settings
from service.workers.admission import shutting_down
from service.workers.process import WorkerLimits
from service.workers.restart import NOT_STARTED, start_at_last
from service.workers.slots import STOP_GRACE_S, WARM
from service.workers.worker import Worker

OPEN_S = 30.0
LOOK_S = 10.0
"""Longest that one frame may take; its process is killed then."""

RETRY_AFTER_S = 5.0
_TRIES = 3

R = TypeVar("R")

_log = structlog.get_logger(__name__)


class Stream:
    """A stream slot that a session holds: a process that remembers what it follows from frame to frame."""

    def __init__(self, worker: Worker) -> None:
        self._worker = worker
        self._running: asyncio.Future[Any] | None = None

    @property
    def pid(self) -> int:
        return self._worker.pid

    async def open(self, call: LiveCall) -> None:
        """Begin a session; what was followed before is forgotten. Raises as `observe` does."""
        await self._wait_for(lambda: self._worker.begin_live(call), OPEN_S)

    async def observe(self, frame: LiveFrame) -> LiveObservation:
        """Observe the next frame; one at a time.

        Raises SignError: what is wrong with the picture, after which the next may come; worker-died and
        deadline-exceeded, after which none can.
        """
        return await self._wait_for(lambda: self._worker.begin_live_frame(frame), LOOK_S)

    @property
    def is_idle(self) -> bool:
        """Whether nothing runs in the process for this session."""
        return self._running is None or self._running.done()

    async def end(self) -> bool:
        """Whether the process can serve another session, once what it does for this one has ended."""
        if self._running is not None and not await self._worker.finish(self._running, STOP_GRACE_S):
            return False
        return self._worker.alive

    async def _wait_for(self, begin: "Callable[[], asyncio.Future[R]]", most_s: float) -> R:
        try:
            running = self._running = begin()
            if await self._worker.finish(running, most_s):
                return running.result()
        except (ProcessExpired, RuntimeError) as error:
            raise _died() from error
        if self._worker.alive:
            raise SignError("deadline-exceeded", f"One frame took longer than {most_s:g} s.", limit=most_s)
        raise _died()


class StreamSlots:
    """At most `settings.stream_slots` sessions at a time; belongs to one event loop."""

    def __init__(self, settings: Settings, metrics: Metrics, warm: tuple[LandmarkRequest, ...] = WARM) -> None:
        self._settings = settings
        self._metrics = metrics
        self._warm = warm
        self._taken = 0
        self._spare: asyncio.Task[Worker] | None = None
        self._leaving: set[asyncio.Task[None]] = set()
        self._workers: set[Worker] = set()
        self._closed = False

    @property
    def taken(self) -> int:
        return self._taken

    def start(self) -> None:
        """Begin to warm up the first process; nobody waits for it until a session comes."""
        self._keep_spare()

    async def close(self) -> None:
        """End all processes; sessions that still run fail."""
        self._closed = True
        tasks = [*self._leaving, *([] if self._spare is None else [self._spare])]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await asyncio.gather(*(worker.close() for worker in tuple(self._workers)))
        self._workers.clear()

    @asynccontextmanager
    async def lease(self, call: LiveCall) -> AsyncIterator[Stream]:
        """A stream slot for one session, ready for its frames.

        Raises SignError: busy (all are taken), worker-died, deadline-exceeded, shutting-down.
        """
        if self._closed:
            raise shutting_down()
        if self._taken >= self._settings.stream_slots:
            self._metrics.rejected.labels("busy").inc()
            raise self._busy()
        self._taken += 1
        try:
            worker, stream = await self._open(call)
        except BaseException:
            self._taken -= 1
            self._keep_spare()
            raise
        self._keep_spare()
        try:
            yield stream
        finally:
            # the place is free at once: who reloads a page must not find it taken by themselves
            self._taken -= 1
            if not (stream.is_idle and self._keep_as_spare(worker)):
                leaving = asyncio.create_task(self._take_back(worker, stream))
                self._leaving.add(leaving)
                leaving.add_done_callback(self._leaving.discard)

    async def _open(self, call: LiveCall) -> tuple[Worker, Stream]:
        """A process that has begun the session. One that had died unnoticed costs nobody: the next is taken."""
        for left in reversed(range(_TRIES)):
            worker = await self._warm_worker()
            stream = Stream(worker)
            try:
                await stream.open(call)
            except BaseException as error:
                await self._end(worker)
                if not (left and isinstance(error, SignError) and error.code == "worker-died"):
                    raise
                self._metrics.slot_restarts.labels("died").inc()
            else:
                return worker, stream
        raise _died()

    def _keep_as_spare(self, worker: Worker) -> bool:
        """Whether a process that rests is now the spare one: it is fit, and there is no other."""
        worn = worker.calls >= self._settings.slot_calls
        if self._closed or worn or not worker.alive or self._spare is not None:
            return False
        self._spare = asyncio.create_task(_already_started(worker))
        return True

    async def _take_back(self, worker: Worker, stream: Stream) -> None:
        """Keep the process once it rests, or end it."""
        is_idle = await stream.end()
        if is_idle and self._keep_as_spare(worker):
            return
        worn = worker.calls >= self._settings.slot_calls
        if not is_idle or worn:
            reason = "recycled" if is_idle else "died"
            self._metrics.slot_restarts.labels(reason).inc()
            _log.info("stream_slot_ends", reason=reason, sessions=worker.calls, pid=worker.pid)
        self._keep_spare()
        await self._end(worker)

    async def _warm_worker(self) -> Worker:
        """The spare process, or one that is started now."""
        while True:
            spare, self._spare = self._spare, None
            if spare is None:
                spare = asyncio.create_task(self._start_worker())
            try:
                worker = await asyncio.shield(spare)
            except NOT_STARTED as error:
                _log.warning("stream_slot_does_not_start", error=str(error))
                raise SignError("worker-died", "The process for live frames could not be started.") from error
            except asyncio.CancelledError:
                if self._spare is None and not self._closed:
                    self._spare = spare
                raise
            if worker.alive:
                return worker
            await self._end(worker)

    def _keep_spare(self) -> None:
        """See that one process is warm, as long as another session may come."""
        if not self._closed and self._spare is None and self._taken < self._settings.stream_slots:
            self._spare = asyncio.create_task(start_at_last(self._start_worker, "stream_slot_does_not_start"))

    async def _start_worker(self) -> Worker:
        given = self._settings
        limits = WorkerLimits(given.slot_memory_bytes, LOOK_S, os.getpid(), given.landmarks, media=())
        worker = Worker(limits, given.pixel_bytes)
        self._workers.add(worker)
        try:
            await worker.start(self._warm, lambda: self._lost(worker))
        except BaseException:
            await self._end(worker)
            raise
        return worker

    def _lost(self, worker: Worker) -> None:
        """A process ended unasked; a session that holds it sees to that itself."""
        spare = self._spare
        here = spare is not None and spare.done() and not spare.cancelled() and spare.exception() is None
        if spare is not None and here and spare.result() is worker:
            self._metrics.slot_restarts.labels("died").inc()
            self._spare = None
            self._keep_spare()

    async def _end(self, worker: Worker) -> None:
        self._workers.discard(worker)
        await worker.close()

    def _busy(self) -> SignError:
        limit = self._settings.stream_slots
        detail = f"As many live sessions as may run do so already: {limit}. Try again later."
        return SignError("busy", detail, limit=limit, actual=self._taken, retry_after_s=RETRY_AFTER_S)


async def _already_started(worker: Worker) -> Worker:
    return worker


def _died() -> SignError:
    return SignError("worker-died", "The process that looked at the frames ended while doing so. Start again.")
