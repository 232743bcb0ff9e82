"""What a graph may take while it is loaded and tried out in this process: time, and memory."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from service.registry.memory_mark import MemoryMark

_LOOK_S = 0.02


@dataclass(slots=True)
class Stopped:
    """Why a block was stopped, None while it was not; and the most memory that the process was seen to have in it."""

    why: str | None = None
    most_resident: int = 0

    def look(self) -> int:
        """The process's memory at this moment."""
        resident = MemoryMark.now().resident
        self.most_resident = max(self.most_resident, resident)
        return resident


@contextmanager
def limited(seconds: float, most_bytes: int, stop: Callable[[], None]) -> Iterator[Stopped]:
    """Call `stop` from another thread if the block takes longer, or the process grows by more than most_bytes in it.

    What is stopped ends between two operations of a graph: one that asks for all the memory at once has it by then.
    """
    stopped, over, began = Stopped(), threading.Event(), MemoryMark.now()
    until = time.monotonic() + seconds

    def watch() -> None:
        while not over.wait(_LOOK_S):
            grown_bytes = stopped.look() - began.resident
            if time.monotonic() > until:
                stopped.why = f"it did not end within {seconds:g} s"
            elif grown_bytes > most_bytes:
                stopped.why = f"it took more than the {most_bytes >> 20} MiB of memory that are free"
            if stopped.why is not None:
                stop()
                return

    thread = threading.Thread(target=watch, name="trial's limits", daemon=True)
    thread.start()
    try:
        yield stopped
    finally:
        stopped.look()
        over.set()
        thread.join()
