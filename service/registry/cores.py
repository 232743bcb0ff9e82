"""Cores: how many inferences may run side by side now, as slots that read media need cores too."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field


class Cores:
    """The cores of this process, shared by all models. Belongs to one event loop.

    `count` of them; those that others hold at the moment are asked for each time, so that they are given back as soon
    as somebody else needs them: with the end of the inference that runs there.
    """

    def __init__(self, count: int) -> None:
        self._count = count
        self._others: list[Callable[[], int]] = []
        self._held = 0

    def share_with(self, busy: Callable[[], int]) -> None:
        """Leave as many cores alone as this says are busy."""
        self._others.append(busy)

    @property
    def idle(self) -> int:
        """Cores that nobody uses now."""
        return self._count - self._held - sum(busy() for busy in self._others)

    @contextmanager
    def hold(self, threads: int) -> Iterator[None]:
        """An inference of so many threads runs within the block."""
        self._held += threads
        try:
            yield
        finally:
            self._held -= threads


@dataclass(frozen=True, slots=True)
class Lanes:
    """How a model's inferences run: up to `most` side by side where cores are idle, each of `rows` rows at most.

    threads: cores that one takes. wait_s: how long the first of them waits for more rows, as long as there is room.
    """

    cores: Cores = field(default_factory=lambda: Cores(1))
    threads: int = 1
    most: int = 1
    rows: int = 1
    wait_s: float = 0.0


ROW_SHARE_S = 0.1
"""An inference on the CPU takes so many rows that it lasts about so long: more at once are no faster there, and a core
that somebody else needs is given back as late."""


@dataclass(frozen=True, slots=True)
class Rules:
    """What holds for the inferences of all models.

    batch_rows: rows of one inference at most. side_by_side: inferences of one model at most. wait_s: how long rows wait
    for more. most_s: the longest that an inference may be waited for.
    """

    cores: Cores
    batch_rows: int
    side_by_side: int
    wait_s: float
    most_s: float

    def lanes(self, *, most_rows: int, row_s: float, threads: int, batches: bool) -> Lanes:
        """How a model runs whose row takes row_s seconds, where most_rows rows fit into memory at a time.

        batches: rows together are faster than alone, as on a GPU: then all go together.
        """
        if batches or row_s * most_rows <= ROW_SHARE_S:
            return Lanes(self.cores, threads, 1, most_rows, self.wait_s)
        rows = max(1, min(most_rows, int(ROW_SHARE_S / row_s)))
        return Lanes(self.cores, threads, max(1, min(self.side_by_side, most_rows // rows)), rows, self.wait_s)
