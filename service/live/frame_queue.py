"""FrameQueue: what waits to be dealt with. The newest frame replaces the one that waits: latency never grows."""

from collections import deque
from collections.abc import Iterable
from dataclasses import replace
from typing import Literal

from service.contract.messages import ErrorMessage
from service.live.closing import ClosingError
from service.live.frame_sampler import SampledFrame

Command = Literal["flush", "reset"]
QueueItem = SampledFrame | Command | ErrorMessage | ClosingError

MOST_COMMANDS = 64
"""A session that cannot keep up with more commands than this does not get them."""


class FrameQueue:
    """Items in the order in which they are to be dealt with. A frame never replaces one from before a command."""

    def __init__(self) -> None:
        self._items: deque[QueueItem] = deque()
        self._commands = 0
        self.dropped = 0

    def __len__(self) -> int:
        return len(self._items)

    def put_frames(self, frames: Iterable[SampledFrame]) -> None:
        """Frames that are to be looked at; each replaces the one that waits, and begins what that would have begun."""
        for frame in frames:
            waiting = self._items[-1] if self._items else None
            if isinstance(waiting, SampledFrame):
                self._items.pop()
                self.dropped += 1
                frame = replace(frame, discontinuity=frame.discontinuity or waiting.discontinuity)  # noqa: PLW2901
            self._items.append(frame)

    def put_command(self, command: Command) -> bool:
        """What the sender asks for once all before it is done; False where too many wait. The same twice is once."""
        if self._items and self._items[-1] == command:
            return True
        if self._commands >= MOST_COMMANDS:
            return False
        self._items.append(command)
        self._commands += 1
        return True

    def put_note(self, note: ErrorMessage) -> None:
        """What the client is to be told once all before it is done."""
        self._items.append(note)

    def put_end(self, closing: ClosingError, *, at_once: bool) -> None:
        """The session's end, once all before it is done, or at once: what waits is dropped then."""
        if at_once:
            self.dropped += sum(isinstance(item, SampledFrame) for item in self._items)
            self._items.clear()
        self._items.append(closing)

    def take(self) -> QueueItem | None:
        """The next item, None where nothing waits."""
        if not self._items:
            return None
        item = self._items.popleft()
        if isinstance(item, str):
            self._commands -= 1
        return item
