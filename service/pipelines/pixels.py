"""What all models of pixels have in common: color, size, and from gray levels to a network's numbers."""

from typing import Literal

import numpy as np
import numpy.typing as npt
from pydantic import Field, model_validator

from service.media.medium import ColorMatrix, Orientation
from service.media.resize import Resize
from service.media.sampling import Rate, Sampling
from service.observe.request import ColorMode
from service.pipelines.over_time import SampledOverTime
from service.section import Section


class LevelSection(Section):
    """From the levels of a picture to a network's numbers: level · scale + offset, or (level · scale − mean) / std.

    mean and std: one a channel. dtype: what the graph takes. selfie: the author flipped each frame first.
    orientation, yuv: how the author's reader gave them the frames.
    """

    color: ColorMode = "rgb"
    scale: float = 1.0
    offset: float = 0.0
    mean: tuple[float, ...] | None = None
    std: tuple[float, ...] | None = None
    dtype: Literal["float32", "uint8"] = "float32"
    selfie: bool = False
    orientation: Orientation = "upright"
    yuv: ColorMatrix = "tagged"

    @model_validator(mode="after")
    def _check_numbers(self) -> "LevelSection":
        if (self.mean is None) != (self.std is None):
            raise ValueError("mean and std come together")
        if self.mean is not None and self.std is not None:
            if not len(self.mean) == len(self.std) == self.channels:
                raise ValueError(f"mean and std need {self.channels} numbers each, one a channel")
            if self.offset != 0.0:
                raise ValueError("offset and mean exclude each other")
            if 0.0 in self.std:
                raise ValueError("std: no channel may have 0")
        plain = (self.scale, self.offset, self.mean) == (1.0, 0.0, None)
        if self.dtype == "uint8" and not plain:
            raise ValueError("a graph that takes uint8 gets gray levels as they are: scale 1, no offset, no mean")
        return self

    @property
    def channels(self) -> int:
        return 1 if self.color == "grey" else 3


class PixelSection(LevelSection, SampledOverTime):
    """The fields that sections of single pictures share. color: grey is rounded as the library of `resize` does."""

    resize: Resize
    sampling: Sampling = Field(default_factory=lambda: Rate(rate=5))

    @model_validator(mode="after")
    def _check_library(self) -> "PixelSection":
        if self.dtype == "uint8" and self.resize.library == "torch":
            raise ValueError("a graph that takes uint8 gets whole gray levels as they are; torch gives fractions")
        return self


def numbers(
    pictures: npt.NDArray[np.uint8] | npt.NDArray[np.float32], section: LevelSection
) -> npt.NDArray[np.float32] | npt.NDArray[np.uint8]:
    """A network's numbers for gray levels (… × C), in the same places."""
    if section.dtype == "uint8":
        return pictures
    values = pictures.astype(np.float32)
    if section.scale != 1.0:
        values *= np.float32(section.scale)
    if section.mean is not None and section.std is not None:
        values -= np.array(section.mean, np.float32)
        values /= np.array(section.std, np.float32)
    if section.offset != 0.0:
        values += np.float32(section.offset)
    return values
