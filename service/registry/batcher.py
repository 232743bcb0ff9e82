"""Micro-batching in front of a session: rows that wait while it runs go together into the next inference.

There is no artificial delay: a row that finds the session idle is run at once, alone. An inference for which nobody
waits any more, or which takes too long, is stopped; a model that has to be stopped again and again is given up.
"""

import asyncio
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from service import tracing
from service.errors import SignError
from service.registry.inference import Inference, Patience
from service.registry.threads import ReplaceableThreads
from service.track import FloatArray

MOST_WAITING = 1024
"""Callers that may wait in front of one session; each has at most one inference's rows in the queue."""

MOST_STOPS = 3
"""Inferences in a row that may have to be stopped before the model is given up."""
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
    """Rows of one caller that wait together, where their outputs go, and the inference that they are in."""

    values: FloatArray
    mask: FloatArray | None
    outputs: "asyncio.Future[FloatArray]"
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
    """One inference at a time through `run`, in one of `threads`, of at most `most_rows` rows and `most_s` seconds.

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
    ) -> None:
        self._run = run
        self._threads = threads
        self.most_rows = most_rows
        self._most_s = most_s
        self._observe = observe
        self._give_up = give_up
        self._patience = Patience(row_s)
        self._stops = 0
        self._given_up: SignError | None = None
        self._running: Inference | None = None
        self._queue: deque[_Waiting] = deque()
        self._drain: asyncio.Task[None] | None = None

    def close(self) -> None:
        """Stop what runs: the service ends."""
        if self._running is not None:
            self._running.stop()

    async def outputs(self, values: FloatArray, mask: FloatArray | None) -> FloatArray:
        """The session's outputs for R ≥ 1 rows, in their order.

        A caller with many rows takes turns with others. Raises SignError `busy` where too many callers wait,
        `model-failed` where the inference had to be stopped, and whatever `run` raised for these rows; other callers'
        rows of the same inference do not suffer from that.
        """
        pieces = []
        for start in range(0, len(values), self.most_rows):
            piece = slice(start, start + self.most_rows)
            pieces.append(await self._one(values[piece], None if mask is None else mask[piece]))
        return pieces[0] if len(pieces) == 1 else np.concatenate(pieces)

    async def _one(self, values: FloatArray, mask: FloatArray | None) -> FloatArray:
        if self._given_up is not None:
            raise self._given_up
        if len(self._queue) >= MOST_WAITING:
            raise SignError(
                "busy",
                f"{len(self._queue)} callers wait for this model; try again in a moment.",
                limit=MOST_WAITING,
                retry_after_s=1.0,
            )
        waiting = _Waiting(values, mask, asyncio.get_running_loop().create_future())
        self._queue.append(waiting)
        if self._drain is None:
            self._drain = asyncio.create_task(self._run_all())
        outputs = await waiting.outputs
        if (ran := waiting.inference) is not None:
            tracing.record_at("onnxruntime", ran.began_ns, ran.ended_ns, sign_rows=len(waiting), sign_batch=ran.rows)
        return outputs

    async def _run_all(self) -> None:
        """Run until nobody waits. Whoever was cancelled meanwhile is left out of what has not yet begun."""
        batch: list[_Waiting] = []
        try:
            while batch := self._next_batch():
                outcome = await self._infer(batch)
                if self._given_up is not None:
                    _give([*batch, *self._queue], self._given_up)
                    self._queue.clear()
                elif isinstance(outcome, BaseException) and len(batch) > 1 and not isinstance(outcome, _StoppedError):
                    for waiting in batch:
                        if not waiting.outputs.done():
                            _give([waiting], await self._infer([waiting]))
                else:
                    _give(batch, outcome)
        finally:
            self._drain = None
            _give([*batch, *self._queue], _ENDING)  # nobody is left there unless the loop or the executor ended
            self._queue.clear()

    def _next_batch(self) -> list[_Waiting]:
        """The callers that wait longest and fit together; empty when nobody waits."""
        batch: list[_Waiting] = []
        rows = 0
        while self._queue:
            waiting = self._queue[0]
            if waiting.outputs.done():
                self._queue.popleft()
                continue
            if batch and (rows + len(waiting) > self.most_rows or not waiting.joins(batch[0])):
                break
            batch.append(self._queue.popleft())
            rows += len(waiting)
        return batch

    async def _infer(self, batch: list[_Waiting]) -> Outcome:
        """The outputs of one inference, or what it raised: asked of the future, so that nothing need be caught."""
        values = [waiting.values for waiting in batch]
        masks = [waiting.mask for waiting in batch if waiting.mask is not None]
        inference = self._running = Inference(sum(map(len, batch)))
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
