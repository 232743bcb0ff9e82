"""Slots: the isolated processes in which media are read, and the queue for them."""

import asyncio
import contextlib
import os
import time
from dataclasses import replace
from pathlib import Path
from typing import Literal

import structlog
from pebble import ProcessExpired

from service import tracing
from service.errors import SignError
from service.metrics import Metrics
from service.observe.call import ObserveCall, ObserveResult
from service.observe.request import LandmarkRequest
from service.settings import Settings
from service.workers.admission import Admission, Turn, shutting_down
from service.workers.deadline import Deadline
from service.workers.process import WorkerLimits
from service.workers.restart import start_at_last
from service.workers.worker import START_S, Worker

Priority = Literal["job", "interactive"]
"""In which queue for a slot somebody stands."""

STOP_GRACE_S = 2.0
WARM = (LandmarkRequest(source="hands", parts=("hand",)),)

_log = structlog.get_logger(__name__)


class _ProcessEndedError(SignError):
    """A slot's process ended under a call, whatever ended it: worker-died."""


class _Slot:
    """A place for one process at a time."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.worker: Worker | None = None


class Slots:
    """`settings.slots` processes, each reading one medium at a time.

    A process that dies costs the call that it was on one try: an interactive call is tried once more, on the next
    slot that is free. One that does not stop when told to is killed. Either way it is replaced before its slot is
    lent again. Nothing is waited for without bound.
    """

    def __init__(
        self,
        settings: Settings,
        metrics: Metrics,
        warm: tuple[LandmarkRequest, ...] = WARM,
        media: tuple[Path, ...] | None = None,
    ) -> None:
        """media: the folders in which all media lie, so that the processes can read no others; None: anywhere."""
        self._settings = settings
        self._metrics = metrics
        self._warm = warm
        self._media = None if media is None else tuple(str(folder.absolute()) for folder in media)
        self._slots = [_Slot(number) for number in range(settings.slots)]
        self._admission: Admission[_Slot] = Admission(
            settings.max_waiting, metrics, settings.slots_for_jobs, self._preempt
        )
        self._restarting: set[asyncio.Task[None]] = set()
        self._busy = 0
        self._closed = False

    async def start(self) -> None:
        """Start all processes and wait until each is warm. Raises SignError `worker-died` where one cannot start."""
        try:
            async with asyncio.TaskGroup() as group:
                for slot in self._slots:
                    group.create_task(self._start_worker(slot))
        except BaseException as error:
            await self.close()
            if isinstance(error, ExceptionGroup):
                raise _not_started(error.exceptions[0]) from error
            raise
        for slot in self._slots:
            self._admission.release(slot)
        self._count()

    async def close(self) -> None:
        """Refuse who waits, end all processes; calls that still run fail with shutting-down."""
        self._closed = True
        self._admission.close()
        for task in self._restarting:
            task.cancel()
        await asyncio.gather(*self._restarting, return_exceptions=True)
        workers = [slot.worker for slot in self._slots if slot.worker is not None]
        await asyncio.gather(*(worker.close() for worker in workers))

    @property
    def ready(self) -> bool:
        """Whether at least one process is warm: a call can be answered now or when its turn comes."""
        return not self._closed and any(slot.worker is not None and slot.worker.alive for slot in self._slots)

    @property
    def busy(self) -> int:
        return self._busy

    @property
    def idle(self) -> int:
        return self._admission.idle

    def free_for(self, priority: Priority) -> int:
        """How many slots such a caller would get now without waiting."""
        return self._admission.idle if priority == "interactive" else self._admission.idle_for_jobs

    @property
    def waiting(self) -> int:
        return self._admission.waiting

    def reserve(self) -> contextlib.AbstractContextManager[None]:
        """A place for the calls within the block, taken before their medium has come; SignError busy as `observe`."""
        return self._admission.reserve(len(self._slots))

    async def observe(self, call: ObserveCall, deadline: Deadline) -> ObserveResult:
        """Observe a medium in a process of its own, waiting for a free one if need be.

        Cancelling it, or a passed deadline, stops the work in the process too. Raises SignError: busy,
        deadline-exceeded, worker-died (of two processes, one after the other), shutting-down, and whatever is wrong
        with the medium.
        """
        asked = time.monotonic()
        slot = await self._admission.acquire(deadline, len(self._slots))
        try:
            return await self._observe_in(slot, call, deadline, asked)
        except _ProcessEndedError:
            _log.warning("call_is_tried_again", slot=slot.number)
        outcome = "failed"
        try:
            slot = await self._admission.acquire_again(deadline)
            result = await self._observe_in(slot, call, deadline, asked)
            outcome = "answered"
        finally:
            self._metrics.retries.labels(outcome).inc()
        return result

    async def _observe_in(self, slot: _Slot, call: ObserveCall, deadline: Deadline, asked: float) -> ObserveResult:
        """An interactive call in a slot that it was given; asked: when it came, by the monotonic clock."""
        began = time.monotonic()
        result = await self._run(slot, call, deadline)
        self._admission.note_service_time(time.monotonic() - began)
        queue_s = began - asked
        self._metrics.stage_seconds.labels("queue").observe(queue_s)
        tracing.record_queue(queue_s, result.began_ns)
        return self._measure(replace(result, queue_s=queue_s))

    async def observe_low_priority(self, call: ObserveCall, deadline: Deadline, turn: Turn) -> ObserveResult:
        """As `observe`, for a job: behind all interactive calls, and ending early (preempted) when one waits.

        A job that has let others go first for `jobs_wait_s` goes before them once, and its call is not ended early.
        Raises ObservationCancelledError where it had to end before anything was observed.
        """
        due = turn.begin() + self._settings.jobs_wait_s
        slot = await self._admission.acquire_low_priority(deadline, due)
        while self._admission.waiting and self._admission.is_preemptible(slot):
            self._admission.release(slot)  # somebody came in the very moment in which the slot was given
            slot = await self._admission.acquire_low_priority(deadline, due)
        call = replace(call, preemptible=self._admission.is_preemptible(slot))
        result = await self._run(slot, call, deadline)
        if not result.preempted:
            turn.end()
        return self._measure(result)

    def _preempt(self) -> None:
        """Tell as many jobs to end their calls as interactive callers wait without a slot."""
        for slot in self._admission.preemptible[: self._admission.waiting]:
            if slot.worker is not None and slot.worker.alive:
                slot.worker.stop_calls()

    async def _run(self, slot: _Slot, call: ObserveCall, deadline: Deadline) -> ObserveResult:
        """One call in a slot that is held; it is given back on every path."""
        self._busy += 1
        self._count()
        running: asyncio.Future[ObserveResult] | None = None
        reason = "cancelled"
        try:
            worker = _worker_of(slot)
            running = worker.begin(call)
            too_slow, most_s = self._time_limit(deadline)
            if await worker.finish(running, most_s):
                return await worker.receive(running.result(), call)
            if worker.alive:
                reason = "timeout"
                raise too_slow
            reason = "died"
            raise self._ended()
        except (ProcessExpired, RuntimeError) as error:
            if _worker_of(slot).alive:
                raise
            reason = "died"
            raise self._ended() from error
        finally:
            self._busy -= 1
            self._give_back(slot, running, reason)
            self._count()

    def _give_back(self, slot: _Slot, running: "asyncio.Future[ObserveResult] | None", reason: str) -> None:
        worker = _worker_of(slot)
        fit = worker.alive and worker.calls < self._settings.slot_calls
        if fit and running is not None and running.done():
            worker.forget()
            self._admission.release(slot)
        else:
            worn = worker.alive and running is not None and running.done()
            self._restart(slot, running, "recycled" if worn else reason)

    def _restart(self, slot: _Slot, running: "asyncio.Future[ObserveResult] | None", reason: str) -> None:
        """See in the background that the slot can be lent again."""
        if self._closed:
            return
        task = asyncio.create_task(self._make_ready(slot, running, reason))
        self._restarting.add(task)
        task.add_done_callback(self._restarting.discard)

    async def _make_ready(self, slot: _Slot, running: "asyncio.Future[ObserveResult] | None", reason: str) -> None:
        worker = _worker_of(slot)
        stopped = False
        if running is not None and not running.done() and worker.alive:
            worker.stop_calls()
            stopped = await worker.finish(running, STOP_GRACE_S)
        if not (stopped and worker.alive and worker.calls < self._settings.slot_calls):
            self._metrics.slot_restarts.labels(reason).inc()
            _log.info("slot_restarts", slot=slot.number, reason=reason, calls=worker.calls, pid=worker.pid)
            await self._replace_worker(slot)
        _worker_of(slot).forget()
        self._admission.release(slot)
        self._count()

    async def _replace_worker(self, slot: _Slot) -> None:
        await _worker_of(slot).close()
        await start_at_last(lambda: self._start_worker(slot), "slot_does_not_start", slot=slot.number)

    async def _start_worker(self, slot: _Slot) -> None:
        given = self._settings
        limits = WorkerLimits(given.slot_memory_bytes, given.slot_call_s, os.getpid(), given.landmarks, self._media)
        worker = Worker(limits, given.pixel_bytes)
        try:
            await worker.start(self._warm, lambda: self._lost(slot, worker))
        except BaseException:
            await worker.close()
            raise
        slot.worker = worker

    def _lost(self, slot: _Slot, worker: Worker) -> None:
        """A process ended unasked; where a call was on it, that call sees to the slot."""
        if slot.worker is worker and self._admission.remove_idle(slot):
            self._restart(slot, None, "died")
            self._count()

    def _time_limit(self, deadline: Deadline) -> tuple[SignError, float]:
        """How long a call may run, and the error for one that runs longer."""
        most_s = self._settings.slot_call_s
        if deadline.remaining() <= most_s:
            return deadline.exceeded(), deadline.remaining()
        detail = f"Reading the medium took longer than {most_s:g} s."
        return SignError("deadline-exceeded", detail, limit=most_s), most_s

    def _ended(self) -> SignError:
        if self._closed:
            return shutting_down()
        return _ProcessEndedError(
            "worker-died", "The process that read the medium ended while doing so. It is being replaced."
        )

    def _measure(self, result: ObserveResult) -> ObserveResult:
        metrics = self._metrics
        _trace(result)
        for stage, seconds in (("decode", result.decode_s), ("observe", result.observe_s)):
            metrics.stage_seconds.labels(stage).observe(seconds)
        metrics.frames.labels("decoded").inc(result.decoded)
        metrics.frames.labels("observed").inc(result.observed)
        if len(result.track):
            metrics.media_seconds.inc(float(result.track.times_s[-1] - result.track.times_s[0]))
        return result

    def _count(self) -> None:
        self._metrics.slots.labels("busy").set(self._busy)
        self._metrics.slots.labels("idle").set(self._admission.idle)


def _trace(result: ObserveResult) -> None:
    """What the process did, as it says itself. Decoding and looking take turns: shown one after the other."""
    decoded_ns = result.began_ns + round(result.decode_s * 1e9)
    with tracing.part("slot", result.began_ns, result.ended_ns, process_pid=result.pid):
        tracing.record_at("decode", result.began_ns, decoded_ns, sign_frames=result.decoded)
        looked_ns = decoded_ns + round(result.observe_s * 1e9)
        tracing.record_at("landmarks", decoded_ns, looked_ns, sign_frames=result.observed)


def _not_started(error: Exception) -> SignError:
    """For whoever runs the service or a command: there is no caller yet."""
    why = f"it was not ready within {START_S:g} s" if isinstance(error, TimeoutError) else str(error)
    return SignError("worker-died", f"A process that reads media cannot start: {why or type(error).__name__}")


def _worker_of(slot: _Slot) -> Worker:
    if slot.worker is None:
        raise RuntimeError(f"slot {slot.number} was not started")
    return slot.worker
