"""RowPlan: each row that some windows of a track need, once, and which of them each window takes."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from service.pipelines.frame_indices import FrameIndices, WindowFrames
from service.pipelines.rows import ModelRows
from service.track import CountArray, FloatArray, TimeArray


@dataclass(frozen=True, slots=True)
class WindowRows:
    """Which rows a window takes, by their indices, None where nothing was seen; times_s: one for each."""

    indices: tuple[int | None, ...]
    times_s: TimeArray
    warnings: tuple[str, ...] = ()

    @property
    def seen(self) -> list[int]:
        return [index for index in self.indices if index is not None]

    @property
    def seen_times_s(self) -> TimeArray:
        return self.times_s[[index is not None for index in self.indices]]


@dataclass(frozen=True, slots=True)
class RowPlan:
    """count rows, made when they are needed: make(start, stop) gives some of them. at_once: how many it should be.

    sizes: where each of the count indices takes several rows, how many; what a model gives for them is averaged.
    """

    windows: tuple[WindowRows, ...]
    count: int
    make: Callable[[int, int], ModelRows]
    at_once: int | None = None
    sizes: CountArray | None = None

    def together(self) -> "RowPlan":
        """All windows as one, whose rows vote for one answer."""
        entry = WindowRows(
            tuple(index for window in self.windows for index in window.indices),
            np.concatenate([window.times_s for window in self.windows]),
            tuple(dict.fromkeys(text for window in self.windows for text in window.warnings)),
        )
        return replace(self, windows=(entry,))


def plan_own_rows(windows: list[ModelRows]) -> RowPlan:
    """Each window has rows of its own."""
    made = [entry for entry in windows if len(entry)]
    values = np.concatenate([entry.values for entry in made]) if made else np.zeros((0,), np.float32)
    masks = [entry.mask for entry in made if entry.mask is not None]
    mask = np.concatenate(masks) if masks else None
    taken, start = [], 0
    for entry in windows:
        taken.append(WindowRows(tuple(range(start, start + len(entry))), entry.times_s[: len(entry)], entry.warnings))
        start += len(entry)

    def make(first: int, last: int) -> ModelRows:
        part = slice(first, last)
        return ModelRows(values[part], None if mask is None else mask[part], np.zeros(last - first))

    return RowPlan(tuple(taken), start, make)


def plan_shared_rows(
    windows: list[WindowFrames],
    rows: Callable[[tuple[FrameIndices, ...]], FloatArray],
    at_once: int | None = None,
    sizes_of: Callable[[tuple[FrameIndices, ...]], CountArray] | None = None,
) -> RowPlan:
    """Windows share their rows: what several take is made once, as one row or as many as sizes_of says."""
    needed = tuple(dict.fromkeys(frames for entry in windows for frames in entry.seen))
    index_of = {frames: index for index, frames in enumerate(needed)}
    taken = tuple(
        WindowRows(
            tuple(None if frames is None else index_of[frames] for frames in entry.rows), entry.times_s, entry.warnings
        )
        for entry in windows
    )

    def make(first: int, last: int) -> ModelRows:
        values = rows(needed[first:last])
        return ModelRows(values, None, np.zeros(len(values)))

    return RowPlan(taken, len(needed), make, at_once, sizes_of(needed) if sizes_of else None)
