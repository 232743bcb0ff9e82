"""How observations become a sequence of a fixed length: padding, truncation, resampling."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from pydantic import Field

from service.section import Section
from service.track import FloatArray, TimeArray


class Length(Section):
    """The `length` section: L steps; what is too short is padded, what is too long is cut, or all is resampled.

    resample: linear in time to L points over the observations that are there; nothing is padded or cut then.
    """

    length: int = Field(ge=1, le=100_000)
    pad: Literal["pre", "post", "both", "none"] = "post"
    value: float = 0.0
    truncate: Literal["pre", "post", "center"] = "post"
    resample: bool = False


@dataclass(frozen=True, slots=True)
class Fitted:
    """A sequence of the wanted length, a mask (1 where a step is real), and how many steps were cut."""

    values: FloatArray
    mask: FloatArray
    cut: int


def fit_length(values: FloatArray, times_s: TimeArray, section: Length) -> Fitted:
    """Bring T × F values to L × F.

    Raises ValueError if there are no observations, or too few where padding is `none`.
    """
    total = len(values)
    if total == 0:
        raise ValueError("no observations to fit")
    if section.resample:
        return Fitted(_resample(values, times_s, section.length), np.ones(section.length, np.float32), 0)
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


def _truncate(values: FloatArray, section: Length) -> FloatArray:
    surplus = len(values) - section.length
    if surplus <= 0:
        return values
    first = {"pre": surplus, "post": 0, "center": surplus // 2}[section.truncate]
    return values[first : first + section.length]


def _resample(values: FloatArray, times_s: TimeArray, length: int) -> FloatArray:
    grid = np.linspace(times_s[0], times_s[-1], length)
    flat = values.reshape(len(values), -1)
    columns = [np.interp(grid, times_s, flat[:, k]) for k in range(flat.shape[1])]
    return np.stack(columns, axis=1).astype(np.float32).reshape(length, *values.shape[1:])
