"""How observations become a sequence of a fixed length: padding, truncation, resampling."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
from pydantic import Field, model_validator

from service.section import Section
from service.track import FloatArray, TimeArray, Window

_SLACK_STEPS = 1e-4


class Length(Section):
    """The `length` section: L steps; what is too short is padded, what is too long is cut, or all is resampled.

    resample: to L points, evenly spaced in time, over the observations that are there; nothing is padded or cut then.
    between: what such a point is that lies between two observations: on the line from one to the other, or the nearest.
    in_time: each observation stands where it lies in the window, a step lasting an L-th of it; steps without one have
    `value`, and the mask says 0. Nothing is padded, cut or resampled then.
    """

    length: int = Field(ge=1, le=100_000)
    pad: Literal["pre", "post", "both", "none"] = "post"
    value: float = 0.0
    truncate: Literal["pre", "post", "center"] = "post"
    resample: bool = False
    between: Literal["linear", "nearest"] = "linear"
    in_time: bool = False

    @model_validator(mode="after")
    def _check_one_way(self) -> "Length":
        if self.in_time and self.resample:
            raise ValueError("length: steps are either in_time or resampled")
        if self.between != "linear" and not self.resample:
            raise ValueError("length: between says how observations are resampled; set resample, too")
        return self


@dataclass(frozen=True, slots=True)
class Fitted:
    """A sequence of the wanted length, a mask (1 where a step is real), and how many steps were cut."""

    values: FloatArray
    mask: FloatArray
    cut: int


def fit_length(values: FloatArray, times_s: TimeArray, section: Length, window: Window | None = None) -> Fitted:
    """Bring T × F values to L × F. window: what they were observed in, for steps that stand in time.

    Raises ValueError if there are no observations, or too few where padding is `none`.
    """
    total = len(values)
    if total == 0:
        raise ValueError("no observations to fit")
    if section.in_time and window is not None:
        return _in_time(values, times_s, section, window)
    if section.resample:
        return Fitted(_resample(values, times_s, section), np.ones(section.length, np.float32), 0)
    kept = _truncate(values, section)
    missing = section.length - len(kept)
    if missing and section.pad == "none":
        raise ValueError(f"{total} observations; the model needs {section.length}")
    before = {"pre": missing, "post": 0, "both": missing // 2, "none": 0}[section.pad]
    padded = np.full((section.length, *values.shape[1:]), section.value, np.float32)
    mask = np.zeros(section.length, np.float32)
    padded[before : before + len(kept)] = kept
    mask[before : before + len(kept)] = 1.0
    return Fitted(padded, mask, max(0, total - section.length))


def _in_time(values: FloatArray, times_s: TimeArray, section: Length, window: Window) -> Fitted:
    """Of several observations in one step the last stays."""
    shares = (times_s - window.start_s) / window.duration_s
    steps = np.floor(shares * section.length + _SLACK_STEPS).astype(np.intp).clip(0, section.length - 1)
    placed = np.full((section.length, *values.shape[1:]), section.value, np.float32)
    mask = np.zeros(section.length, np.float32)
    placed[steps] = values
    mask[steps] = 1.0
    return Fitted(placed, mask, 0)


def _truncate(values: FloatArray, section: Length) -> FloatArray:
    surplus = len(values) - section.length
    if surplus <= 0:
        return values
    first = {"pre": surplus, "post": 0, "center": surplus // 2}[section.truncate]
    return values[first : first + section.length]


def _resample(values: FloatArray, times_s: TimeArray, section: Length) -> FloatArray:
    grid = np.linspace(times_s[0], times_s[-1], section.length)
    if section.between == "nearest":
        return values[nearest(times_s, grid)]
    flat = values.reshape(len(values), -1).astype(np.float64)
    return _interpolate(grid, times_s, flat).astype(np.float32).reshape(section.length, *values.shape[1:])


def nearest(times_s: TimeArray, moments: TimeArray) -> npt.NDArray[np.intp]:
    """For each moment the index of the observation nearest in time, of two the earlier; times rise."""
    return np.searchsorted((times_s[1:] + times_s[:-1]) / 2, moments, side="left")


def _interpolate(at: TimeArray, times_s: TimeArray, values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Each column of values, N × C at times that rise, at these times within them: np.interp's own arithmetic.

    One call for all columns: a call for each of a hundred takes most of the time of a window's input.
    """
    if len(values) == 1:
        return np.repeat(values, len(at), axis=0)
    before = np.searchsorted(times_s, at, side="right").clip(1, len(times_s) - 1) - 1
    slopes = (values[before + 1] - values[before]) / (times_s[before + 1] - times_s[before])[:, None]
    found = slopes * (at - times_s[before])[:, None] + values[before]
    found[at >= times_s[-1]] = values[-1]
    exact = at == times_s[before]
    found[exact] = values[before[exact]]
    return np.asarray(found)
