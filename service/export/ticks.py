"""Seconds → whole ticks of a format, so that rounding never makes an empty or an overlapping cue."""

from collections.abc import Iterable
from typing import Protocol

MILLISECONDS = 1000


class Span(Protocol):
    """Anything that lasts from start_s to end_s."""

    @property
    def start_s(self) -> float: ...
    @property
    def end_s(self) -> float: ...


def ticks(spans: Iterable[Span], per_second: float) -> list[tuple[int, int]]:
    """Start and end of each span in whole ticks (milliseconds, frames), to the nearest.

    Spans are in order and do not overlap; so are and do the results, each at least one tick long. Only where a span
    is shorter than a tick or follows such a one do its ends lie more than half a tick from the true ones.
    """
    rounded: list[tuple[int, int]] = []
    free = 0
    for span in spans:
        start = max(round(span.start_s * per_second), free)
        free = max(round(span.end_s * per_second), start + 1)
        rounded.append((start, free))
    return rounded
