"""Windows over time: one function cuts them for files, jobs and live sessions alike."""

import math
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace

from service.track import MediaInfo, Window

_SLACK_S = 1e-6


def full_window(index: int, start_s: float, window_s: float, stride_s: float) -> Window:
    """The window number `index` (from 0) of a stretch that begins at start_s."""
    return Window(start_s + index * stride_s, start_s + index * stride_s + window_s)


def windows_over(
    start_s: float, end_s: float, window_s: float, stride_s: float, leaps: tuple[Window, ...] = ()
) -> list[Window]:
    """Windows of window_s at every stride_s from start_s, and one that ends at end_s if the last does not.

    A stretch shorter than a window is one window of its own length. Windows that lie in one of the leaps whole are
    left out. Raises ValueError unless start_s < end_s and window and stride are positive.
    """
    if not start_s < end_s:
        raise ValueError(f"nothing lies between {start_s} s and {end_s} s")
    if window_s <= 0 or stride_s <= 0:
        raise ValueError(f"window ({window_s} s) and stride ({stride_s} s) must be positive")
    span = end_s - start_s
    if span <= window_s + _SLACK_S:
        return [Window(start_s, end_s)]
    full = math.floor((span - window_s + _SLACK_S) / stride_s) + 1
    rule = WindowRule(start_s, window_s, stride_s, leaps=leaps)
    windows = [full_window(index, start_s, window_s, stride_s) for index in rule.indices(0, full)]
    if not windows or windows[-1].end_s < end_s - _SLACK_S:
        windows.append(Window(end_s - window_s, end_s))
    return windows


def moments_between(start_s: float, end_s: float, stride_s: float) -> int:
    """How many moments at every stride_s from start_s lie before end_s, one at least."""
    return max(1, math.ceil((end_s - start_s) / stride_s - _SLACK_S))


def spread_windows(start_s: float, end_s: float, window_s: float, count: int) -> list[Window]:
    """So many windows, evenly from the start to the end; one of its own length of a stretch that is shorter.

    As PyTorchVideo's ConstantClipsPerVideoSampler spreads them.
    """
    room_s = end_s - start_s - window_s
    if room_s <= _SLACK_S:
        return [Window(start_s, end_s)]
    begins = [start_s + room_s * index / max(1, count - 1) for index in range(count)]
    return [Window(begin_s, begin_s + window_s) for begin_s in begins]


@dataclass(frozen=True, slots=True)
class WindowRule:
    """How a part that begins at start_s is cut. window_s None: it is one window.

    spread: so many windows, evenly; 0: one every stride_s. first: how many of those were judged before. leaps:
    stretches over which timestamps leap: windows that lie in one whole are left out. answers_at_s: the moment in a
    window that its answer is about: the part's first window has it at start_s, and each moment every stride_s has its
    own window, which may begin before the part and end after it. None: windows lie in the part.
    """

    start_s: float
    window_s: float | None = None
    stride_s: float = 1.0
    spread: int = 0
    first: int = 0
    leaps: tuple[Window, ...] = ()
    answers_at_s: float | None = None

    def windows(self, end_s: float) -> list[Window]:
        """The windows of a part that ends there."""
        if self.window_s is None:
            return [Window(self.start_s, end_s)]
        if self.spread:
            return spread_windows(self.start_s, end_s, self.window_s, self.spread)
        if self.answers_at_s is not None:
            count = moments_between(self.start_s, end_s, self.stride_s)
            return [
                full_window(index, self._first_s, self.window_s, self.stride_s)
                for index in self.indices(self.first, count)
            ]
        judged = sum(1 for _ in self.indices(0, self.first))
        return windows_over(self.start_s, end_s, self.window_s, self.stride_s, self.leaps)[judged:]

    def complete(self, until_s: float) -> list[Window]:
        """The windows that are complete by then, of a part that goes on behind it."""
        if self.window_s is None or self.spread:
            return []
        count = max(0, math.floor((until_s - self._first_s - self.window_s) / self.stride_s)) + 2
        windows = (
            full_window(index, self._first_s, self.window_s, self.stride_s) for index in self.indices(self.first, count)
        )
        return [window for window in windows if window.end_s <= until_s]

    def indices(self, first: int, stop: int) -> Iterator[int]:
        """The numbers from first up to stop, without those of windows that lie in a leap whole."""
        index = first
        for leap in self.leaps:
            begins = math.ceil((leap.start_s - self._first_s - _SLACK_S) / self.stride_s)
            ends = math.floor((leap.end_s - self._first_s - (self.window_s or 0.0) + _SLACK_S) / self.stride_s) + 1
            if begins < ends:
                yield from range(index, min(begins, stop))
                index = max(index, ends)
        yield from range(index, stop)

    def number_after(self, windows: list[Window], scored: int) -> int:
        """The number of the window that follows these, or `scored` others where there are none; no leap holds it."""
        number = round((windows[-1].start_s - self._first_s) / self.stride_s) + 1 if windows else scored
        return next(self.indices(number, sys.maxsize))

    def over(self, media: MediaInfo, leaps: tuple[Window, ...]) -> "WindowRule":
        """The rule for a medium: it begins no sooner than that, and knows over what its timestamps leap."""
        return replace(self, start_s=max(self.start_s, media.start), leaps=leaps)

    @property
    def from_s(self) -> float:
        """From where on frames are needed. The last window may begin with the one that was judged last, not before."""
        return self._first_s + max(0, self.first - 1) * self.stride_s

    def begins_s(self, index: int) -> float:
        """Where window number `index` begins."""
        return self._first_s + index * self.stride_s

    @property
    def _first_s(self) -> float:
        """Where the first window begins."""
        return self.start_s - (self.answers_at_s or 0.0)
