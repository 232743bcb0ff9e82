"""Worker: one life of a slot's process, from its start to its end."""

import asyncio
import multiprocessing
from collections.abc import Callable
from dataclasses import replace
from typing import ParamSpec, TypeVar

from pebble import ProcessPool

from service.observe.call import ObserveCall, ObserveResult
from service.observe.landmark_files import FOLDER as NETWORKS
from service.observe.live import LiveCall, LiveFrame, LiveObservation
from service.observe.request import LandmarkRequest
from service.workers.frame_buffer import SharedFrameBuffer
from service.workers.process import WorkerLimits, init_worker, observe_live_frame, open_live, run_call, warm_up
from service.workers.process_end import ProcessEnd

P = ParamSpec("P")
R = TypeVar("R")

START_S = 60.0


class Worker:
    """A pebble pool of one spawned process, which is never used for a second life.

    When the process ends, its pool is stopped; what pebble starts in its place is thrown away.
    """

    def __init__(self, limits: WorkerLimits, pixel_bytes: int) -> None:
        context = multiprocessing.get_context("spawn")
        self._stop = context.RawValue("Q", 0)
        if limits.media is not None:
            limits = replace(limits, media=(*limits.media, str(NETWORKS)))
        self._buffer = SharedFrameBuffer.create(pixel_bytes)
        self._pool = ProcessPool(
            max_workers=1,
            initializer=init_worker,
            initargs=(self._stop, limits, self._buffer),
            context=context,
        )
        self._end: ProcessEnd | None = None
        self._ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.pid = 0
        self.calls = 0

    async def start(self, warm: tuple[LandmarkRequest, ...], on_end: Callable[[], None]) -> None:
        """Wait until the process is warm; on_end is called once if it ends unasked.

        Raises RuntimeError, TimeoutError or what pebble raises where the process cannot be started.
        """
        ready = asyncio.wrap_future(self._pool.schedule(warm_up, args=(warm,)))
        self.pid = await asyncio.wait_for(ready, START_S)
        self._end = ProcessEnd(self.pid, lambda: self._note_end(on_end))

    @property
    def alive(self) -> bool:
        """Whether it can take a call: the process runs and pebble can reach it."""
        return not self._ended.done() and self._pool.active

    def begin(self, call: ObserveCall) -> "asyncio.Future[ObserveResult]":
        """Begin a call; its future must not be cancelled (pebble would kill the process): use stop_calls."""
        self.calls += 1
        return self._begin(run_call, self.calls, call)

    def begin_live(self, call: LiveCall) -> "asyncio.Future[None]":
        """Begin a session of live frames, as `begin` a call; it is one of this process's calls."""
        self.calls += 1
        return self._begin(open_live, call)

    def begin_live_frame(self, frame: LiveFrame) -> "asyncio.Future[LiveObservation]":
        """Begin to observe a session's next frame, as `begin` a call."""
        return self._begin(observe_live_frame, frame)

    def _begin(self, work: Callable[P, R], *args: P.args, **_: P.kwargs) -> "asyncio.Future[R]":
        running: asyncio.Future[R] = asyncio.wrap_future(self._pool.schedule(work, args=args))
        running.add_done_callback(_look_at)  # a call that nobody waits for may fail in silence
        return running

    async def finish(self, running: "asyncio.Future[R]", timeout_s: float) -> bool:
        """Wait for a call, at most so long and only while the process lives; whether it is done."""
        await asyncio.wait((running, self._ended), timeout=timeout_s, return_when=asyncio.FIRST_COMPLETED)
        return running.done()

    async def receive(self, result: ObserveResult, call: ObserveCall) -> ObserveResult:
        """The result of a call with its pictures, before the next call may begin."""
        if isinstance(call.request, LandmarkRequest):
            return result
        return await asyncio.to_thread(self._buffer.receive, result, call.request)

    def forget(self) -> None:
        """Give back the memory of the last call's pictures."""
        self._buffer.clear()

    def stop_calls(self) -> None:
        """Tell the process that nobody waits for its present call any more."""
        self._stop.value = self.calls

    async def close(self) -> None:
        """End the process, whatever it does."""
        self._pool.stop()  # type: ignore[no-untyped-call]
        if not self._ended.done():
            self._ended.set_result(None)
        if self._end is not None:
            self._end.kill()
            self._end = None
        try:
            await asyncio.to_thread(self._pool.join)
        finally:
            self._buffer.close()

    def _note_end(self, on_end: Callable[[], None]) -> None:
        self._pool.stop()  # type: ignore[no-untyped-call]  # before pebble starts another process in its place
        if not self._ended.done():
            self._ended.set_result(None)
            on_end()


def _look_at(running: "asyncio.Future[R]") -> None:
    if not running.cancelled():
        running.exception()
