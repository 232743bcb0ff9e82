"""Kind `image`: each sampled frame is one row, and a window's rows vote."""

from functools import partial
from typing import ClassVar, Literal

import numpy as np
import numpy.typing as npt
from pydantic import Field, model_validator

from service.observe.request import (
    CenterSquare,
    Crop,
    FaceSquare,
    HandSquare,
    LandmarkRequest,
    PictureRequest,
    WholePicture,
)
from service.pipelines.frame_indices import FrameIndices, pictures_of, single_frames
from service.pipelines.kind import Streams
from service.pipelines.pixels import PixelSection, numbers
from service.pipelines.row_plan import RowPlan, plan_shared_rows
from service.track import FloatArray, Track, Window

Layout = Literal["nhwc", "nchw"]


class ImageSection(PixelSection):
    """The manifest's `pipeline` of a model that looks at single pictures.

    crop: `hand` is a square around the followed hand's box × margin, clipped at the border, and `face` one around the
    followed person's face; pictures whose longer side has whole_up_to pixels or fewer are taken whole, larger ones
    without a hand or a face show nothing. filter `outline`: white outlines on black by adaptive threshold and Otsu.
    """

    streams: ClassVar[Streams | None] = "frames"

    kind: Literal["image"] = "image"
    crop: Literal["none", "center_square", "hand", "face"] = "none"
    margin: float = Field(1.4, gt=0, le=10)
    whole_up_to: int = Field(0, ge=0, le=1024)
    filter: Literal["none", "outline"] = "none"
    layout: Layout = "nhwc"

    @model_validator(mode="after")
    def _check_filter(self) -> "ImageSection":
        if self.filter == "outline" and (self.color != "grey" or self.resize.library == "torch"):
            raise ValueError("outline needs gray pictures of whole levels: color grey, and no torch")
        return self

    @property
    def votes(self) -> bool:
        """Each frame is an answer of its own."""
        return True

    @property
    def input_shape(self) -> tuple[int, ...]:
        """One input's shape without the batch."""
        return laid_out((self.resize.h, self.resize.w, self.channels), self.layout)

    @property
    def request(self) -> PictureRequest:
        """What a worker keeps of each sampled frame."""
        crops: dict[str, Crop] = {
            "none": WholePicture(),
            "center_square": CenterSquare(),
            "hand": HandSquare(self.margin, self.whole_up_to),
            "face": FaceSquare(self.margin, self.whole_up_to),
        }
        finders = {
            "hand": one_hand(self.selfie),
            "face": LandmarkRequest("holistic", ("face",), selfie=self.selfie),
        }
        return PictureRequest(
            resize=self.resize,
            color=self.color,
            crop=crops[self.crop],
            outline=self.filter == "outline",
            detector=finders.get(self.crop),
            selfie=self.selfie,
            orientation=self.orientation,
            yuv=self.yuv,
        )

    def plan_rows(self, track: Track, windows: list[Window]) -> RowPlan:
        """All rows that the windows need, each once."""
        frames = [single_frames(track, window) for window in windows]
        return plan_shared_rows(frames, partial(rows, track, section=self))


def rows(track: Track, frames: tuple[FrameIndices, ...], section: ImageSection) -> FloatArray:
    """Rows of the model's input, one a frame."""
    return frame_rows(track, frames, section, section.layout)


def frame_rows(track: Track, frames: tuple[FrameIndices, ...], section: PixelSection, layout: Layout) -> FloatArray:
    """Rows of single frames, in the axes that the network takes."""
    return in_layout(pictures_of(track, frames)[:, 0], section, layout)


def in_layout(
    pictures: npt.NDArray[np.uint8] | npt.NDArray[np.float32], section: PixelSection, layout: Layout
) -> FloatArray:
    """R × H × W × C gray levels as a network's numbers, in the order of axes that it takes."""
    values = numbers(pictures, section)
    return np.ascontiguousarray(values if layout == "nhwc" else values.transpose(0, 3, 1, 2))


def laid_out(shape: tuple[int, int, int], layout: Layout) -> tuple[int, ...]:
    """Height, width, channels in the order of the layout."""
    height, width, channels = shape
    return shape if layout == "nhwc" else (channels, height, width)


def one_hand(selfie: bool) -> LandmarkRequest:
    """One followed hand, to crop around."""
    return LandmarkRequest("hands", ("hand",), selfie=selfie)
