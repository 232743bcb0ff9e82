"""Micro-batching in front of a session: rows that wait while it runs go together into the next inference.

Unless it is told to wait for more, a row that finds the session idle is run at once, alone; where cores are idle,
several inferences run side by side. Callers who wait go before jobs, which get a turn nevertheless. An inference for
which nobody waits any more, or which takes too long, is stopped; a model that has to be stopped again and again is
given up.
"""

import asyncio
import contextlib
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from service import tracing
from service.errors import SignError
from service.registry.cores import Lanes
from service.registry.in_order import in_order
from service.registry.inference import Inference, Patience
from service.registry.threads import ReplaceableThreads
from service.track import FloatArray

MOST_WAITING = 1024
"""Callers that may wait in front of one session; each has at most one inference's rows in the queue."""

MOST_STOPS = 3
"""Inferences in a row that may have to be stopped before the model is given up."""
MOST_PASSED = 4
"""Inferences in a row that may go before a job's rows which wait."""
STOP_GRACE_S = 2.0
"""What an inference that was told to stop gets to reach its graph's next operation."""

Run = Callable[[FloatArray, FloatArray | None, Inference], FloatArray]
Observe = Callable[[int, float], None]
GiveUp = Callable[[str], None]
Outcome = FloatArray | BaseException

_GIVEN_UP_RETRY_S = 30.0
_ENDING = SignError("shutting-down", "The service ended before the model had run.", retry_after_s=5.0)


@dataclass(slots=True)
class _Waiting:
    """Rows of one caller that wait together since came_s (the loop's clock), where their outputs go, how they ran."""

    values: FloatArray
    mask: FloatArray | None
    outputs: "asyncio.Future[FloatArray]"
    came_s: float
    inference: Inference | None = None

    def __len__(self) -> int:
        return len(self.values)

    def joins(self, other: "_Waiting") -> bool:
        """Whether both can stand in one array."""
        if (self.mask is None) != (other.mask is None):
            return False
        return self.values.shape[1:] == other.values.shape[1:] and (
            self.mask is None or other.mask is None or self.mask.shape[1:] == other.mask.shape[1:]
        )


class Batcher:
    """Inferences through `run`, in some of `threads`, of at most `most_rows` rows and `most_s` seconds.

    lanes: how many side by side, of how many rows of one caller; one at a time where that is not said.

    observe(rows, seconds) is called after each inference that ended, give_up(reason) once when the model has to be
    stopped for the MOST_STOPS-th time in a row, or cannot be stopped; nothing is run after that. row_s: what a row took
    on trial. Belongs to one event loop.
    """

    def __init__(
        self,
        run: Run,
        threads: ReplaceableThreads,
        *,
        most_rows: int,
        most_s: float,
        observe: Observe,
        give_up: GiveUp,
        row_s: float = 0.0,
        lanes: Lanes | None = None,
    ) -> None:
        self._run = run
        self._threads = threads
        self.most_rows = most_rows
        self.lanes = lanes or Lanes(rows=most_rows)
        self._most_s = most_s
        self._observe = observe
        self._give_up = give_up
        self._patience = Patience(row_s)
        self._stops = 0
        self._given_up: SignError | None = None
        self._running: set[Inference] = set()
        self._queue: deque[_Waiting] = deque()
        self._jobs: deque[_Waiting] = deque()
        self._passed = 0
        self._came = asyncio.Event()
        self._drains: set[asyncio.Task[None]] = set()

    def close(self) -> None:
        """Stop what runs: the service ends."""
        for inference in self._running:
            inference.stop()

    async def outputs(self, values: FloatArray, mask: FloatArray | None, *, is_job: bool = False) -> FloatArray:
        """The session's outputs for R ≥ 1 rows, in their order.

        A caller with many rows takes turns with others; a job's rows go behind those of all who wait. Raises SignError
        `busy` where too many callers wait, `model-failed` where the inference had to be stopped, and whatever `run`
        raised for these rows; other callers' rows of the same inference do not suffer from that.
        """
        pieces = [slice(start, start + self.lanes.rows) for start in range(0, len(values), self.lanes.rows)]
        works = [
            partial(self._one, values[piece], None if mask is None else mask[piece], is_job=is_job) for piece in pieces
        ]
        given = await in_order(works, self.lanes.most)
        return given[0] if len(given) == 1 else np.concatenate(given)

    async def _one(self, values: FloatArray, mask: FloatArray | None, *, is_job: bool) -> FloatArray:
        if self._given_up is not None:
            raise self._given_up
        if (callers := len(self._queue) + len(self._jobs)) >= MOST_WAITING:
            raise SignError(
                "busy",
                f"{callers} callers wait for this model; try again in a moment.",
                limit=MOST_WAITING,
                retry_after_s=1.0,
            )
        loop = asyncio.get_running_loop()
        waiting = _Waiting(values, mask, loop.create_future(), loop.time())
        (self._jobs if is_job else self._queue).append(waiting)
        self._came.set()
        self._open_lane()
        outputs = await waiting.outputs
        if (ran := waiting.inference) is not None:
            tracing.record_at("onnxruntime", ran.began_ns, ran.ended_ns, sign_rows=len(waiting), sign_batch=ran.rows)
        return outputs

    def _open_lane(self) -> None:
        """Another inference beside those that run, where rows wait and a core is idle; the first in any case."""
        if not self._drains or (
            len(self._drains) < self.lanes.most
            and any(not waiting.outputs.done() for waiting in (*self._queue, *self._jobs))
            and self.lanes.cores.idle >= self.lanes.threads
        ):
            drain = asyncio.create_task(self._run_all())
            self._drains.add(drain)

    def _goes_on(self) -> bool:
        """Whether this lane may take up another inference: its core is not needed, or it is the only lane."""
        return len(self._drains) == 1 or self.lanes.cores.idle >= self.lanes.threads

    async def _run_all(self) -> None:
        """Run until nobody waits. Whoever was cancelled meanwhile is left out of what has not yet begun."""
        batch: list[_Waiting] = []
        has_ended = False
        try:
            await self._wait_for_more()
            while self._goes_on() and (batch := self._next_batch()):
                with self.lanes.cores.hold(self.lanes.threads):
                    self._open_lane()
                    await self._run_batch(batch)
                await self._wait_for_more()
            has_ended = True
        finally:
            self._drains.discard(_this_task())
            if not has_ended:  # the loop ended
                _give([*batch, *self._queue, *self._jobs], _ENDING)
                self._queue.clear()
                self._jobs.clear()

    async def _run_batch(self, batch: list[_Waiting]) -> None:
        outcome = await self._infer(batch)
        if self._given_up is not None:
            _give([*batch, *self._queue, *self._jobs], self._given_up)
            self._queue.clear()
            self._jobs.clear()
        elif isinstance(outcome, BaseException) and len(batch) > 1 and not isinstance(outcome, _StoppedError):
            for waiting in batch:
                if not waiting.outputs.done():
                    _give([waiting], await self._infer([waiting]))
        else:
            _give(batch, outcome)

    async def _wait_for_more(self) -> None:
        """Let rows come for `wait_s` from the first one's arrival on, unless an inference is full before."""
        if not self.lanes.wait_s:
            return
        loop = asyncio.get_running_loop()
        while waiting := [one for one in (*self._queue, *self._jobs) if not one.outputs.done()]:
            left_s = min(one.came_s for one in waiting) + self.lanes.wait_s - loop.time()
            if left_s <= 0 or sum(map(len, waiting)) >= self.most_rows:
                return
            self._came.clear()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(left_s):
                    await self._came.wait()

    def _next_batch(self) -> list[_Waiting]:
        """The callers that wait longest and fit together, jobs behind the others; empty when nobody waits.

        After MOST_PASSED inferences without it, a job that waits is the first.
        """
        queues = [self._queue, self._jobs]
        if self._passed >= MOST_PASSED:
            queues.reverse()
        batch: list[_Waiting] = []
        has_job = False
        for queue in queues:
            before = len(batch)
            self._fill(batch, queue)
            has_job |= queue is self._jobs and len(batch) > before
        self._passed = self._passed + 1 if self._jobs and not has_job else 0
        return batch

    def _fill(self, batch: list[_Waiting], queue: deque[_Waiting]) -> None:
        """Add to a batch those at a queue's head who fit into it."""
        rows = sum(map(len, batch))
        while queue:
            waiting = queue[0]
            if waiting.outputs.done():
                queue.popleft()
                continue
            if batch and (rows + len(waiting) > self.lanes.rows or not waiting.joins(batch[0])):
                return
            batch.append(queue.popleft())
            rows += len(waiting)

    async def _infer(self, batch: list[_Waiting]) -> Outcome:
        """The outputs of one inference, or what it raised: asked of the future, so that nothing need be caught."""
        inference = Inference(sum(map(len, batch)))
        self._running.add(inference)
        try:
            return await self._finish(batch, inference)
        finally:
            self._running.discard(inference)

    async def _finish(self, batch: list[_Waiting], inference: Inference) -> Outcome:
        values = [waiting.values for waiting in batch]
        masks = [waiting.mask for waiting in batch if waiting.mask is not None]
        for waiting in batch:
            waiting.inference = inference
        try:
            loop = asyncio.get_running_loop()
            future = loop.run_in_executor(self._threads, self._run_timed, values, masks, inference)
        except RuntimeError:  # the threads were shut down
            return _ENDING
        everybody_left = _when_all_left(batch)
        ends: list[asyncio.Future[Any]] = [future, everybody_left]
        await asyncio.wait(ends, timeout=self._most_s, return_when=asyncio.FIRST_COMPLETED)
        everybody_left.cancel()
        if not future.done():
            return await self._stop(future, inference, sum(map(len, batch)))
        return _outcome(future)

    async def _stop(self, future: "asyncio.Future[FloatArray]", inference: Inference, rows: int) -> Outcome:
        """End an inference that takes far longer than those before it, and count it against its model.

        One that goes on nevertheless loses its thread to the others, and its model is given up. One that still waits
        for a thread is dropped: others are to blame.
        """
        if not inference.has_begun:
            inference.stop()  # should it begin in this very moment
            future.cancel()
            return _StoppedError("busy", "Other models keep all threads busy; try again.", retry_after_s=1.0)
        limit_s = min(self._patience.limit_s(rows), self._most_s)
        await asyncio.wait([future], timeout=max(0.0, limit_s - inference.seconds))
        if future.done():
            return _outcome(future)
        inference.stop()
        future.add_done_callback(_look_at)
        await asyncio.wait([future], timeout=max(0.0, limit_s - inference.seconds) + STOP_GRACE_S)
        ended, taken_s = future.done(), inference.seconds
        if ended and taken_s < limit_s:
            return _StoppedError("model-failed", f"The inference was stopped after {taken_s:.3g} s.")
        self._stops += 1
        said = f"an inference of {rows} row(s) did not end within {taken_s:.3g} s"
        if not ended:
            self._threads.replace_one()
            self._give_up_for(f"{said} and could not be stopped")
        elif self._stops >= MOST_STOPS:
            self._give_up_for(f"{said}, the last of {self._stops} in a row that had to be stopped")
        return _StoppedError("model-failed", f"The model is stopped: {said}.")

    def _give_up_for(self, reason: str) -> None:
        self._given_up = SignError("model-failed", f"The model is given up: {reason}.", retry_after_s=_GIVEN_UP_RETRY_S)
        self._give_up(reason)

    def _run_timed(self, values: list[FloatArray], masks: list[FloatArray], inference: Inference) -> FloatArray:
        together = _concatenate(values)
        inference.begin()
        began = time.perf_counter()
        outputs = self._run(together, _concatenate(masks) if masks else None, inference)
        inference.end()
        seconds = time.perf_counter() - began
        self._patience.note(len(together), seconds)
        self._stops = 0
        self._observe(len(together), seconds)
        return outputs


class _StoppedError(SignError):
    """An inference that was stopped: those who still wait for it are told so, and none of its rows is tried again."""


def _this_task() -> "asyncio.Task[None]":
    task: asyncio.Task[None] | None = asyncio.current_task()
    if task is None:
        raise RuntimeError("no task runs")
    return task


def _when_all_left(batch: list[_Waiting]) -> "asyncio.Future[None]":
    """Done when no caller of the batch waits for its outputs any more."""
    left: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def look(_: "asyncio.Future[FloatArray]") -> None:
        if not left.done() and all(waiting.outputs.done() for waiting in batch):
            left.set_result(None)

    for waiting in batch:
        waiting.outputs.add_done_callback(look)
    return left


def _outcome(future: "asyncio.Future[FloatArray]") -> Outcome:
    problem = future.exception()
    return problem if problem is not None else future.result()


def _look_at(future: "asyncio.Future[FloatArray]") -> None:
    """An inference that nobody waits for may fail in silence."""
    if not future.cancelled():
        future.exception()


def _concatenate(arrays: list[FloatArray]) -> FloatArray:
    return arrays[0] if len(arrays) == 1 else np.concatenate(arrays)


def _give(batch: list[_Waiting], outcome: Outcome) -> None:
    start = 0
    for waiting in batch:
        stop = start + len(waiting)
        if not waiting.outputs.done():
            if isinstance(outcome, BaseException):
                waiting.outputs.set_exception(outcome)
                waiting.outputs.exception()  # seen: a caller that is cancelled now will not look
            else:
                waiting.outputs.set_result(outcome[start:stop])
        start = stop
