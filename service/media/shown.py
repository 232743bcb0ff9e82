"""Which of a moving medium's frames are shown in a window."""

from collections.abc import Callable, Generator, Iterator
from typing import Protocol, TypeVar

from service.track import Window


class Timed(Protocol):
    """A frame, or a picture of an animation; time_s: when it begins to be shown, from the medium's start."""

    @property
    def time_s(self) -> float: ...


TimedT = TypeVar("TimedT", bound=Timed)


def shown_in(
    window: Window,
    frames: Iterator[TimedT],
    check: Callable[[TimedT, Window], None],
    keep_going: Callable[[], None],
    *,
    counted: bool,
) -> Generator[TimedT, None, float | None]:
    """The frames shown in the window, of frames in order; at the end, when the first one behind it begins, if any does.

    The first is the last one shown by window.start_s, the last the first one after the window. counted: from the first
    of them all on. check and keep_going are called for each frame and may raise.
    """
    before: TimedT | None = None
    for frame in frames:
        keep_going()
        check(frame, window)
        if counted or frame.time_s > window.start_s:
            if before is not None:
                yield before
                before = None
            yield frame
        else:
            before = frame
        if frame.time_s >= window.end_s:
            return frame.time_s
    if before is not None:
        yield before
    return None
