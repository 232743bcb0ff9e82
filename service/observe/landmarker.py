"""Landmarker: what finds landmarks in a frame, whichever library does it."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Annotated, Protocol

import numpy as np

from service.media.upright import Pixels
from service.track import FloatArray, Side

PartLandmarks = Annotated[FloatArray, "P × 4: x, y, z, visibility"]


@dataclass(frozen=True, slots=True)
class DetectedHand:
    """One hand of a frame. side: the person's own; confidence: 0 to 1, how sure the side is."""

    side: Side
    confidence: float
    landmarks: PartLandmarks


@dataclass(frozen=True, slots=True)
class FaceBox:
    """Where a face was found. box: x, y, width, height; eyes: the one further left in the picture first.

    Both in fractions of the picture's width and height; the box may reach beyond its border. confidence: 0 to 1, how
    sure the detector is of it.
    """

    box: tuple[float, float, float, float]
    eyes: tuple[tuple[float, float], tuple[float, float]]
    confidence: float


@dataclass(frozen=True, slots=True)
class LandmarkFrame:
    """All landmarks of one frame, in fractions of its width and height (z over its width); the largest face first.

    face_boxes: where each of the faces was found, if by a detector.
    """

    hands: tuple[DetectedHand, ...] = ()
    pose: PartLandmarks | None = None
    faces: tuple[PartLandmarks, ...] = ()
    face_boxes: tuple[FaceBox, ...] = ()

    @property
    def face(self) -> PartLandmarks | None:
        """The largest face, or the only one."""
        return self.faces[0] if self.faces else None


class Landmarker(Protocol):
    """Finds landmarks in the frames of one medium after the other; belongs to one thread of one process."""

    def detect(self, rgb: Pixels) -> LandmarkFrame:
        """Landmarks of the next frame (H × W × 3) of the medium since the last reset."""

    def reset(self) -> None:
        """Forget all frames: what follows is another medium."""

    def close(self) -> None:
        """Give the graph's memory and threads back; nothing may follow."""


class _Point(Protocol):
    x: float
    y: float
    z: float
    visibility: float


class PointList(Protocol):
    """MediaPipe's NormalizedLandmarkList."""

    @property
    def landmark(self) -> Iterable[_Point]: ...


def to_landmarks(found: PointList) -> PartLandmarks:
    """MediaPipe's list of points as an array."""
    return np.array([(p.x, p.y, p.z, p.visibility) for p in found.landmark], dtype=np.float32)
