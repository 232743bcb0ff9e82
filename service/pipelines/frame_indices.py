"""Which observations of a track make which row of a model's input, so that windows share rows."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from service.track import TimeArray, Track, Window

BLACK = -1
"""Stands for a black frame."""

FrameIndices = tuple[int, ...]
"""The observations of a track, by their indices in it, that make one row of a model's input."""


@dataclass(frozen=True, slots=True)
class WindowFrames:
    """The frames of each row of a window, in order of time, None where nothing was seen; times_s: one for each row."""

    rows: tuple[FrameIndices | None, ...]
    times_s: TimeArray
    warnings: tuple[str, ...] = ()

    @property
    def seen(self) -> tuple[FrameIndices, ...]:
        return tuple(frames for frames in self.rows if frames is not None)


def single_frames(track: Track, window: Window) -> WindowFrames:
    """Each observation of the window is a row of its own."""
    start, stop = track.indices(window)
    rows = tuple((index,) if track.present[index] else None for index in range(start, stop))
    return WindowFrames(rows, track.times_s[start:stop])


def pictures_of(track: Track, rows: tuple[FrameIndices, ...]) -> npt.NDArray[np.uint8] | npt.NDArray[np.float32]:
    """R × K × H × W × C pictures of R rows of K observations each."""
    indices = np.array(rows, np.intp)
    pictures = track.values[np.maximum(indices, 0)]
    pictures[indices == BLACK] = 0
    return pictures
