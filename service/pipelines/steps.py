"""Steps: a window of a track in units that a model answers one by one, so that windows share them."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from service.track import TimeArray, Track, Window

BLACK = -1
"""Stands in a unit for a black frame."""

Unit = tuple[int, ...]
"""The observations of a track, by their places in it, that make one row of a model's input."""


@dataclass(frozen=True, slots=True)
class Steps:
    """The units of a window in order of time, None where nothing was seen; times_s: one for each."""

    units: tuple[Unit | None, ...]
    times_s: TimeArray
    warnings: tuple[str, ...] = ()

    @property
    def seen(self) -> tuple[Unit, ...]:
        return tuple(unit for unit in self.units if unit is not None)


def frame_steps(track: Track, window: Window) -> Steps:
    """Each observation of the window is a unit of its own."""
    start, stop = track.places(window)
    units = tuple((place,) if track.present[place] else None for place in range(start, stop))
    return Steps(units, track.times_s[start:stop])


def pictures_of(track: Track, units: tuple[Unit, ...]) -> npt.NDArray[np.uint8] | npt.NDArray[np.float32]:
    """U × K × H × W × C pictures of U units of K observations each."""
    places = np.array(units, np.intp)
    pictures = track.values[np.maximum(places, 0)]
    pictures[places == BLACK] = 0
    return pictures
