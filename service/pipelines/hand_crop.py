"""Kind `hand_crop`: the hand's box, stretched onto a white square as cvzone's users do it, is one row; rows vote."""

from functools import partial
from typing import ClassVar, Literal

from pydantic import Field, model_validator

from service.observe.request import HandCanvas, PictureRequest
from service.pipelines.frame_indices import FrameIndices, single_frames
from service.pipelines.image import Layout, frame_rows, laid_out, one_hand
from service.pipelines.kind import Streams
from service.pipelines.pixels import PixelSection
from service.pipelines.row_plan import RowPlan, plan_shared_rows
from service.track import FloatArray, Track, Window


class HandCropSection(PixelSection):
    """The manifest's `pipeline` of a model that looks at a hand on a white square.

    canvas: side of the white square; border: pixels around the hand's box. draw `cvzone`: the hand's skeleton and a
    rectangle are drawn on the picture before it is cut. color: `bgr` for a loop over OpenCV's frames, `rgb` where the
    author's frames were RGB; what is drawn has the same numbers in both. edge: beyond the picture's right and bottom
    edge is white, or what lies there is `cut` away and the rest stretched, as their slices do. Beyond the left and the
    top is white either way: their slices were empty there, and their program ended.
    """

    streams: ClassVar[Streams | None] = "frames"

    kind: Literal["hand_crop"] = "hand_crop"
    canvas: int = Field(300, ge=16, le=2048)
    border: int = Field(20, ge=0, le=500)
    draw: Literal["cvzone", "none"] = "none"
    edge: Literal["white", "cut"] = "white"
    layout: Layout = "nhwc"

    @model_validator(mode="after")
    def _check_drawing(self) -> "HandCropSection":
        if self.color == "grey" and self.draw != "none":
            raise ValueError("what cvzone draws is colored: color rgb or bgr")
        if self.resize.library == "torch" and self.color == "grey":
            raise ValueError("the canvas has whole gray levels: gray by pillow or opencv")
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
        return PictureRequest(
            resize=self.resize,
            color=self.color,
            crop=HandCanvas(self.canvas, self.border, draw=self.draw == "cvzone", cut=self.edge == "cut"),
            detector=one_hand(self.selfie),
            selfie=self.selfie,
            orientation=self.orientation,
            yuv=self.yuv,
        )

    def plan_rows(self, track: Track, windows: list[Window]) -> RowPlan:
        """All rows that the windows need, each once."""
        frames = [single_frames(track, window) for window in windows]
        return plan_shared_rows(frames, partial(rows, track, section=self))


def rows(track: Track, frames: tuple[FrameIndices, ...], section: HandCropSection) -> FloatArray:
    """Rows of the model's input, one a frame."""
    return frame_rows(track, frames, section, section.layout)
