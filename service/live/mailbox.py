"""Mailbox: what came and waits to be dealt with. The newest frame replaces the one that waits: latency never grows."""

from collections import deque
from collections.abc import Iterable
from dataclasses import replace
from typing import Literal

from service.contract.messages import ErrorMessage
from service.live.closing import ClosingError
from service.live.pacing import Shown

Wish = Literal["flush", "reset"]
Letter = Shown | Wish | ErrorMessage | ClosingError

MOST_WISHES = 64
"""A session that cannot keep up with more wishes than this does not get them."""


class Mailbox:
    """Letters in the order in which they are to be dealt with. A frame never replaces one from before a wish."""

    def __init__(self) -> None:
        self._letters: deque[Letter] = deque()
        self._wishes = 0
        self.dropped = 0

    def __len__(self) -> int:
        return len(self._letters)

    def put_frames(self, frames: Iterable[Shown]) -> None:
        """Frames that are to be looked at; each replaces the one that waits, and begins what that would have begun."""
        for frame in frames:
            waiting = self._letters[-1] if self._letters else None
            if isinstance(waiting, Shown):
                self._letters.pop()
                self.dropped += 1
                frame = replace(frame, anew=frame.anew or waiting.anew)  # noqa: PLW2901
            self._letters.append(frame)

    def put_wish(self, wish: Wish) -> bool:
        """What the sender asks for once all before it is done; False where too many wait. The same twice is once."""
        if self._letters and self._letters[-1] == wish:
            return True
        if self._wishes >= MOST_WISHES:
            return False
        self._letters.append(wish)
        self._wishes += 1
        return True

    def put_note(self, note: ErrorMessage) -> None:
        """What the client is to be told once all before it is done."""
        self._letters.append(note)

    def put_end(self, closing: ClosingError, *, at_once: bool) -> None:
        """The session's end, once all before it is done, or at once: what waits is dropped then."""
        if at_once:
            self.dropped += sum(isinstance(letter, Shown) for letter in self._letters)
            self._letters.clear()
        self._letters.append(closing)

    def take(self) -> Letter | None:
        """The next letter, None where nothing waits."""
        if not self._letters:
            return None
        letter = self._letters.popleft()
        if isinstance(letter, str):
            self._wishes -= 1
        return letter
