"""The one file of what was gathered from many media: written as they come, whole at any time."""

import asyncio
import time
from collections.abc import Callable
from pathlib import Path

from service.commands.outputs import write_whole
from service.features.tables import Gathered

_MOST_SHARE = 0.1


class JointFile:
    """What was gathered so far, in the media's order, as one file.

    Each writing writes all of it, so it takes at most a tenth of the time. to_bytes: the file's content. clock: the
    time in seconds.
    """

    def __init__(
        self, path: Path, to_bytes: Callable[[list[Gathered]], bytes], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._path = path
        self._to_bytes = to_bytes
        self._clock = clock
        self._gathered: dict[int, Gathered] = {}
        self._written = 0
        self._writing = False
        self._due_s = clock()

    async def add(self, number: int, one: Gathered) -> None:
        """Take in the medium of this number, and write the file where that is due. OSError where it cannot be."""
        self._gathered[number] = one
        if self._writing or self._clock() < self._due_s:
            return
        self._writing = True
        began_s = self._clock()
        try:
            await asyncio.to_thread(self._write, self._in_order())
        finally:
            self._writing = False
            ended_s = self._clock()
            self._due_s = ended_s + (ended_s - began_s) * (1 / _MOST_SHARE - 1)

    def finish(self) -> None:
        """Write what is not in it yet. OSError where it cannot be written."""
        if self._written < len(self._gathered):
            self._write(self._in_order())

    def _in_order(self) -> list[Gathered]:
        return [one for _, one in sorted(self._gathered.items())]

    def _write(self, gathered: list[Gathered]) -> None:
        write_whole(self._path, self._to_bytes(gathered))
        self._written = len(gathered)
