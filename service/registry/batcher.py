"""Micro-batching in front of a session: rows that wait while it runs go together into the next inference.

There is no artificial delay: a row that finds the session idle is run at once, alone.
"""

import asyncio
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass

import numpy as np

from service.errors import SignError
from service.track import FloatArray

MOST_WAITING = 1024
"""Callers that may wait in front of one session; each has at most one inference's rows in the queue."""

Run = Callable[[FloatArray, FloatArray | None], FloatArray]
Observe = Callable[[int, float], None]
Outcome = FloatArray | BaseException

_ENDING = SignError("shutting-down", "The service ended before the model had run.", retry_after_s=5.0)


@dataclass(slots=True)
class _Waiting:
    """Rows of one caller that wait together, and where their outputs go."""

    values: FloatArray
    mask: FloatArray | None
    outputs: "asyncio.Future[FloatArray]"

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
    """One inference at a time through `run`, in a thread of `executor`, of at most `most_rows` rows.

    observe(rows, seconds) is called after each inference. Belongs to one event loop.
    """

    def __init__(self, run: Run, executor: Executor, *, most_rows: int, observe: Observe) -> None:
        self._run = run
        self._executor = executor
        self.most_rows = most_rows
        self._observe = observe
        self._queue: deque[_Waiting] = deque()
        self._drain: asyncio.Task[None] | None = None

    async def outputs(self, values: FloatArray, mask: FloatArray | None) -> FloatArray:
        """The session's outputs for R ≥ 1 rows, in their order.

        A caller with many rows takes turns with others. Raises SignError `busy` where too many callers wait, and
        whatever `run` raised for these rows; other callers' rows of the same inference do not suffer.
        """
        pieces = []
        for start in range(0, len(values), self.most_rows):
            piece = slice(start, start + self.most_rows)
            pieces.append(await self._one(values[piece], None if mask is None else mask[piece]))
        return pieces[0] if len(pieces) == 1 else np.concatenate(pieces)

    async def _one(self, values: FloatArray, mask: FloatArray | None) -> FloatArray:
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
        return await waiting.outputs

    async def _run_all(self) -> None:
        """Run until nobody waits. Whoever was cancelled meanwhile is left out of what has not yet begun."""
        batch: list[_Waiting] = []
        try:
            while batch := self._next_batch():
                outcome = await self._infer(batch)
                if isinstance(outcome, BaseException) and len(batch) > 1:
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
        try:
            future = asyncio.get_running_loop().run_in_executor(self._executor, self._run_timed, values, masks)
        except RuntimeError:  # the executor was shut down
            return _ENDING
        await asyncio.wait([future])
        problem = future.exception()
        return problem if problem is not None else future.result()

    def _run_timed(self, values: list[FloatArray], masks: list[FloatArray]) -> FloatArray:
        together = _concatenate(values)
        began = time.perf_counter()
        outputs = self._run(together, _concatenate(masks) if masks else None)
        self._observe(len(together), time.perf_counter() - began)
        return outputs


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
