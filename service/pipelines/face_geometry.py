"""Kind `face_geometry`: how a face moves, in ten numbers a sample. No emotion is read from it.

All lengths are in the distance of the eyes' outer corners, so that neither the face's size nor its place in the picture
counts; shape is measured in three dimensions, so that turning the head counts little.
"""

from dataclasses import replace
from functools import partial
from typing import ClassVar, Final, Literal, Self

import numpy as np
import numpy.typing as npt
from pydantic import Field

from service.media.medium import ColorMatrix, Orientation
from service.media.sampling import Rate, Sampling
from service.observe.request import MOST_FACES, LandmarkRequest
from service.pipelines.frame_indices import FrameIndices, single_frames
from service.pipelines.kind import Faces, FeaturesKind, Measures
from service.pipelines.over_time import SampledOverTime
from service.pipelines.row_plan import RowPlan, plan_shared_rows
from service.section import Section
from service.track import FloatArray, Landmarks, PartName, Track, Window

Doubles = npt.NDArray[np.float64]

MEASURES: Final = ("mouth_opening", "smile_width", "brow_raise", "eye_opening", "head_motion")
CHANNELS: Final = (*MEASURES, *(f"{name}_deviation" for name in MEASURES))

# Points of MediaPipe's face mesh; the person's right side comes first in each pair.
_OUTER_EYES = (33, 263)
_INNER_EYES = (133, 362)
_UPPER_LIDS, _LOWER_LIDS = (159, 386), (145, 374)
_BROWS = (105, 334)
_LIPS = (13, 14)
_MOUTH_CORNERS = (61, 291)
_RIGID = (*_OUTER_EYES, 168, 6, 4)  # outer corners of the eyes, and the nose from between them to its tip

_FARTHEST = 2.0
"""Eye distances that a face moves from one sample to the next; what lies farther is another face, or another shot."""
_MOST_GROWTH = 1.5
_TIME_SLACK_S = 1e-6


class FaceGeometrySection(Section, SampledOverTime):
    """The manifest's `pipeline` of a model that reads the movements of faces; its rows vote.

    A row is CHANNELS: mouth opening, smile width (corner to corner), brow raise (above the eye's corners) and eye
    opening, in eye distances; head motion, in eye distances a second; and each one's deviation from its running median
    over median_s around the sample. faces: the largest one's, or the mean of all (up to MOST_FACES).
    """

    features: ClassVar[FeaturesKind] = "measures"

    kind: Literal["face_geometry"] = "face_geometry"
    faces: Faces = "largest"
    median_s: float = Field(30.0, gt=0, le=3600)
    min_detection_confidence: float = Field(0.5, ge=0, le=1)
    sampling: Sampling = Field(default_factory=lambda: Rate(rate=2))
    orientation: Orientation = "upright"
    yuv: ColorMatrix = "tagged"

    @property
    def votes(self) -> bool:
        """Each sample is an answer of its own."""
        return True

    @property
    def input_shape(self) -> tuple[int, ...]:
        """One input's shape without the batch."""
        return (len(CHANNELS),)

    @property
    def request(self) -> LandmarkRequest:
        """What a worker runs on each sampled frame."""
        face: PartName = "face"
        return LandmarkRequest(
            source="face_mesh",
            parts=(face,) * (1 if self.faces == "largest" else MOST_FACES),
            min_detection_confidence=self.min_detection_confidence,
            orientation=self.orientation,
            yuv=self.yuv,
        )

    @property
    def measures(self) -> Measures:
        """CHANNELS, of a track of MEASURES."""
        return Measures(CHANNELS, measured, partial(channels, median_s=self.median_s))

    def with_faces(self, faces: Faces) -> Self:
        """The same model, of these faces."""
        return self.model_copy(update={"faces": faces})

    def plan_rows(self, track: Track, windows: list[Window]) -> RowPlan:
        """All rows that the windows need, each once."""
        condensed = measured(track)
        frames = [single_frames(condensed, window) for window in windows]
        return plan_shared_rows(frames, partial(rows, channels(condensed, self.median_s)))


def measured(track: Track) -> Track:
    """A track of face landmarks as one of MEASURES: T × 5, with the first face's boxes, 0 where none is seen.

    Several faces are averaged. Head motion is 0 where the sample before shows no face, or another one. A track that is
    one of MEASURES stays as it is.
    """
    if not track.parts:
        return track
    points = [_in_heights(face, track.media.aspect) for face in track.part_of_each("face")]
    shapes = np.stack([_shape(face) for face in points])  # faces × T × 4
    motion = np.stack([_motion(face, points, track) for face in points])
    each = np.concatenate([shapes, motion[..., None]], axis=2)
    seen = ~np.isnan(each).any(axis=2)
    count = seen.sum(axis=0)
    total = np.where(seen[..., None], each, 0.0).sum(axis=0)
    values = (total / np.maximum(count, 1)[:, None]).astype(np.float32)
    boxes = _boxes_around(track.part("face"))
    return replace(track, values=values, present=count > 0, parts=(), shows="face", boxes=boxes)


def channels(measures: Track, median_s: float) -> FloatArray:
    """T × 10 of a track of MEASURES: CHANNELS, 0 where no face is seen."""
    values = np.asarray(measures.values, np.float64)
    deviations = np.zeros_like(values)
    seen = np.flatnonzero(measures.present)
    times_s = measures.times_s[seen]
    firsts = np.searchsorted(times_s, times_s - median_s / 2 - _TIME_SLACK_S)
    lasts = np.searchsorted(times_s, times_s + median_s / 2 + _TIME_SLACK_S)
    for index, first, last in zip(seen, firsts, lasts, strict=True):
        deviations[index] = values[index] - np.median(values[seen[first:last]], axis=0)
    return np.concatenate([values, deviations], axis=1).astype(np.float32)


def rows(values: FloatArray, frames: tuple[FrameIndices, ...]) -> FloatArray:
    """Rows of the model's input, one a sample, of T × 10 CHANNELS."""
    return values[[index for (index,) in frames]]


def _boxes_around(face: Landmarks) -> FloatArray:
    """T × 4: x, y, width and height around T × P × 4 landmarks, in fractions of the picture; NaN where missing."""
    least, most = face[..., :2].min(axis=1), face[..., :2].max(axis=1)
    return np.concatenate([least, most - least], axis=1)


def _in_heights(face: Landmarks, aspect: float) -> Doubles:
    """T × P × 3 in heights of the picture, so that all axes have one unit."""
    return np.asarray(face[..., :3].astype(np.float64) * np.array([aspect, 1.0, aspect]))


def _shape(face: Doubles) -> Doubles:
    """T × 4: mouth opening, smile width, brow raise, eye opening, in eye distances."""
    eyes = (face[:, _OUTER_EYES] + face[:, _INNER_EYES]) / 2
    lengths = np.stack(
        [
            _distance(face[:, _LIPS[0]], face[:, _LIPS[1]]),
            _distance(face[:, _MOUTH_CORNERS[0]], face[:, _MOUTH_CORNERS[1]]),
            _distance(face[:, _BROWS], eyes).mean(axis=1),
            _distance(face[:, _UPPER_LIDS], face[:, _LOWER_LIDS]).mean(axis=1),
        ],
        axis=1,
    )
    return np.asarray(lengths / _eye_distance(face)[:, None])


def _motion(face: Doubles, before: list[Doubles], track: Track) -> Doubles:
    """T: how fast a face's rigid points moved since the sample before, where the nearest face of that is taken."""
    moved = np.zeros(len(face))
    moved[np.isnan(face[:, 0, 0])] = np.nan
    if len(face) < 2:
        return moved
    size = _eye_distance(face)
    now = face[1:, _RIGID, :2]
    steps = np.stack([_step(other, now, size[1:]) for other in before])
    nearest = np.where(np.isnan(steps), np.inf, steps).min(axis=0)
    same = nearest <= _FARTHEST
    per_second = nearest[same] / np.diff(track.times_s)[same]
    moved[1:][same] = per_second
    return moved


def _step(other: Doubles, now: Doubles, size_now: Doubles) -> Doubles:
    """T − 1: how far `now`'s points lie from another face's a sample before, in eye distances; NaN where none is."""
    size = (_eye_distance(other)[:-1] + size_now) / 2
    growth = size_now / _eye_distance(other)[:-1]
    far = _distance(now, other[:-1, _RIGID, :2]).mean(axis=1) / size
    return np.where((growth < _MOST_GROWTH) & (growth > 1 / _MOST_GROWTH), far, np.nan)


def _eye_distance(face: Doubles) -> Doubles:
    return np.maximum(_distance(face[:, _OUTER_EYES[0]], face[:, _OUTER_EYES[1]]), 1e-9)


def _distance(one: Doubles, two: Doubles) -> Doubles:
    return np.asarray(np.linalg.norm(one - two, axis=-1))
