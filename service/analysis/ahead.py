"""The chunk that is looked at while the one before it is scored: slots and inferences work at the same time."""

import asyncio
from collections.abc import Coroutine
from typing import Any, NamedTuple

from service.observe.call import ObserveResult
from service.pipelines.chunking import Chunk


class Seen(NamedTuple):
    """What a chunk showed, and up to where that is."""

    result: ObserveResult
    until_s: float


class Ahead:
    """At most one look ahead. Whoever walks closes it at the end."""

    def __init__(self) -> None:
        self._chunk: Chunk | None = None
        self._task: asyncio.Task[Seen | None] | None = None

    def begin(self, chunk: Chunk, looking: Coroutine[Any, Any, Seen | None]) -> None:
        """Look at this chunk in the background."""
        self.close()
        self._chunk, self._task = chunk, asyncio.create_task(looking)

    def take(self, chunk: Chunk) -> "asyncio.Task[Seen | None] | None":
        """The look that was begun at just this chunk; another one is given up."""
        if self._chunk != chunk:
            self.close()
        task, self._task, self._chunk = self._task, None, None
        return task

    def close(self) -> None:
        """Give up what nobody took."""
        if self._task is not None:
            self._task.cancel()
            self._task.add_done_callback(_look_at)
        self._chunk = self._task = None


def _look_at(task: "asyncio.Task[Seen | None]") -> None:
    """What was given up may fail in silence."""
    if not task.cancelled():
        task.exception()
