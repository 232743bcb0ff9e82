"""Kind `face_affect`: each face of a sample is a row; the rows of one sample are averaged to its numbers."""

from functools import partial
from typing import ClassVar, Literal, Self

import numpy as np
import numpy.typing as npt
from pydantic import Field

from service.media.resize import Resize
from service.media.sampling import Rate, Sampling
from service.observe.request import MOST_FACES, FaceRequest
from service.pipelines.frame_indices import FrameIndices, single_frames
from service.pipelines.image import Layout, in_layout, laid_out
from service.pipelines.kind import Faces, FeaturesKind
from service.pipelines.pixels import PixelSection
from service.pipelines.row_plan import RowPlan, plan_shared_rows
from service.track import FloatArray, Track, Window

SAMPLES_AT_ONCE = 8
"""Samples that go through a network together: of all their faces' inner pictures, hundreds of megabytes otherwise."""


class FaceAffectSection(PixelSection):
    """The manifest's `pipeline` of a model that reads emotions from faces, or their features.

    faces: the largest of a sample, or all of them (up to MOST_FACES), whose outputs are averaged. margin: how far each
    side of the face's box is moved outwards, as a share of its width or height. align `eyes`: the picture is turned
    until the eyes lie level. Pictures whose longer side has whole_up_to pixels or fewer are faces themselves.
    """

    features: ClassVar[FeaturesKind] = "outputs"

    kind: Literal["face_affect"] = "face_affect"
    resize: Resize = Field(default_factory=lambda: Resize(w=224, h=224, method="bilinear", library="pillow"))
    faces: Faces = "largest"
    margin: float = Field(0.0, ge=0, le=2)
    align: Literal["none", "eyes"] = "none"
    whole_up_to: int = Field(0, ge=0, le=1024)
    sampling: Sampling = Field(default_factory=lambda: Rate(rate=2))
    layout: Layout = "nchw"

    @property
    def votes(self) -> bool:
        """Each sample is an answer of its own."""
        return True

    @property
    def input_shape(self) -> tuple[int, ...]:
        """One input's shape without the batch."""
        return laid_out((self.resize.h, self.resize.w, self.channels), self.layout)

    @property
    def request(self) -> FaceRequest:
        """What a worker keeps of each sampled frame."""
        return FaceRequest(
            resize=self.resize,
            count=1 if self.faces == "largest" else MOST_FACES,
            color=self.color,
            margin=self.margin,
            level=self.align == "eyes",
            whole_up_to=self.whole_up_to,
            selfie=self.selfie,
            orientation=self.orientation,
            yuv=self.yuv,
        )

    def with_faces(self, faces: Faces) -> Self:
        """The same model, of these faces."""
        return self.model_copy(update={"faces": faces})

    def plan_rows(self, track: Track, windows: list[Window]) -> RowPlan:
        """All rows that the windows need, each once."""
        frames = [single_frames(track, window) for window in windows]
        return plan_shared_rows(frames, partial(rows, track, section=self), SAMPLES_AT_ONCE, partial(faces_of, track))


def faces_of(track: Track, frames: tuple[FrameIndices, ...]) -> npt.NDArray[np.int64]:
    """How many rows each sample has: one a face."""
    indices = [index for (index,) in frames]
    if track.faces is None:
        return np.ones(len(indices), np.int64)
    return track.faces[indices]


def rows(track: Track, frames: tuple[FrameIndices, ...], section: FaceAffectSection) -> FloatArray:
    """Rows of the model's input, one a face, those of a sample one after the other."""
    counts = faces_of(track, frames)
    indices = np.repeat([index for (index,) in frames], counts).astype(np.int64)
    numbers_of_faces = np.concatenate([np.arange(count) for count in counts]) if len(frames) else indices
    return in_layout(track.values[indices, numbers_of_faces], section, section.layout)
