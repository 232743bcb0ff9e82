"""What a worker is asked to observe on each sampled frame; plain values that cross a process border."""

import math
import mmap
from dataclasses import dataclass
from typing import Literal

from service.media.medium import ColorMatrix, Orientation
from service.media.resize import Resize, ShortSide
from service.track import PartName

ColorMode = Literal["rgb", "bgr", "grey"]
LandmarkSource = Literal["hands", "holistic", "face_mesh"]
LandmarkMode = Literal["faithful", "robust"]
"""How the engine finds hands: as MediaPipe decides, or so that fewer are lost."""

LandmarkLibrary = Literal["mediapipe", "engine"]
"""What finds landmarks: MediaPipe 0.10.21, or our engine with its networks."""

PAGE_BYTES = mmap.ALLOCATIONGRANULARITY
MOST_FACES = 4
"""Faces of one frame that are looked at, where several are."""


@dataclass(frozen=True, slots=True)
class LandmarkRequest:
    """Landmarks of the parts, in this order, by MediaPipe Hands, Holistic or FaceMesh.

    FaceMesh gives faces alone, each frame for itself; the part `face` may stand several times then: the largest face
    first, up to MOST_FACES.

    max_hands: for Hands, how many to ask for: 1 or 2. complexity: 0 or 1, of Holistic 2 as well; its 0 and 2 are the
    engine's in any case, since MediaPipe's package lacks their networks. mode: how the engine finds Hands; MediaPipe
    itself knows one way.
    selfie: the author flipped each frame before landmarks (a mirrored webcam loop): coordinates are of the flipped
    frame. Sides of Hands are always the person's own. Holistic's parts are those of the body that it sees, so with
    selfie they are the mirrored body's, pose points and hands alike: what the author's model was trained on.
    """

    source: LandmarkSource
    parts: tuple[PartName, ...]
    max_hands: int = 1
    complexity: int = 1
    min_detection_confidence: float = 0.5
    min_tracking_confidence: float = 0.5
    selfie: bool = False
    orientation: Orientation = "upright"
    yuv: ColorMatrix = "tagged"
    mode: LandmarkMode = "faithful"

    @property
    def kept_bytes(self) -> int:
        """Pixels that are kept of an observation: none."""
        return 0


@dataclass(frozen=True, slots=True)
class WholePicture:
    """All of the picture."""


@dataclass(frozen=True, slots=True)
class CenterSquare:
    """The largest square in the picture's middle."""


@dataclass(frozen=True, slots=True)
class HandSquare:
    """A square around the followed hand: its box × margin, clipped at the border.

    A picture whose longer side has whole_up_to pixels or fewer is taken whole.
    """

    margin: float
    whole_up_to: int


@dataclass(frozen=True, slots=True)
class FaceSquare:
    """A square around the face: its box × margin, clipped at the border.

    A picture whose longer side has whole_up_to pixels or fewer is taken whole.
    """

    margin: float
    whole_up_to: int


@dataclass(frozen=True, slots=True)
class HandCanvas:
    """The followed hand's box and `offset` pixels around it, stretched onto a white square of `side` pixels.

    draw: landmarks and a rectangle are drawn on the picture first, as cvzone's detector does. cut: what would lie
    beyond the right or the bottom edge is left out, and the rest stretched, as Python's slices do; else it is white.
    """

    side: int
    offset: int
    draw: bool
    cut: bool = False


Crop = WholePicture | CenterSquare | HandSquare | FaceSquare | HandCanvas


@dataclass(frozen=True, slots=True)
class PictureRequest:
    """A picture of each sampled frame: colored, cropped, outlined if asked, and resized, as its author did it.

    detector: the landmarks of the one part that the crop is around, None where it needs none. selfie: the author
    flipped each frame first.
    """

    resize: Resize | ShortSide
    color: ColorMode = "rgb"
    crop: Crop = WholePicture()
    outline: bool = False
    detector: LandmarkRequest | None = None
    selfie: bool = False
    orientation: Orientation = "upright"
    yuv: ColorMatrix = "tagged"

    @property
    def shape(self) -> tuple[int, int, int]:
        """Height, width and channels of what is kept."""
        return (self.resize.h, self.resize.w, 1 if self.color == "grey" else 3)

    @property
    def dtype(self) -> Literal["uint8", "float32"]:
        """PyTorch's arithmetic gives fractions of gray levels."""
        return _dtype(self.resize)

    @property
    def kept_bytes(self) -> int:
        """Memory that one picture takes where it is kept: whole pages."""
        return _whole_pages(self.shape, self.dtype)


@dataclass(frozen=True, slots=True)
class FaceRequest:
    """Pictures of the largest faces of each sampled frame, as their author cut, colored and resized them.

    count: faces that are kept of a frame, the largest first; the places of those that are not there stay 0. margin:
    how far each side of the box is moved outwards, as a share of the box's width or height; it ends at the picture's
    border. level: turned about the box's center until the eyes lie level. A picture whose longer side has whole_up_to
    pixels or fewer is a face itself. selfie: the author flipped each frame first.
    """

    resize: Resize
    count: int = 1
    color: ColorMode = "rgb"
    margin: float = 0.0
    level: bool = False
    whole_up_to: int = 0
    selfie: bool = False
    orientation: Orientation = "upright"
    yuv: ColorMatrix = "tagged"

    @property
    def detector(self) -> LandmarkRequest:
        """What finds the faces."""
        return LandmarkRequest("face_mesh", ())

    @property
    def shape(self) -> tuple[int, int, int, int]:
        """Faces, height, width and channels of what is kept."""
        return (self.count, self.resize.h, self.resize.w, 1 if self.color == "grey" else 3)

    @property
    def dtype(self) -> Literal["uint8", "float32"]:
        """PyTorch's arithmetic gives fractions of gray levels."""
        return _dtype(self.resize)

    @property
    def kept_bytes(self) -> int:
        """Memory that the faces of one frame take where they are kept: whole pages."""
        return _whole_pages(self.shape, self.dtype)


PixelRequest = PictureRequest | FaceRequest
"""What pixels are kept for, and cross in shared memory."""

ObserverRequest = LandmarkRequest | PixelRequest


def _dtype(resize: Resize | ShortSide) -> Literal["uint8", "float32"]:
    if isinstance(resize, ShortSide):
        return "uint8" if resize.whole else "float32"
    return "float32" if resize.library == "torch" else "uint8"


def _whole_pages(shape: tuple[int, ...], dtype: Literal["uint8", "float32"]) -> int:
    size = math.prod(shape) * (4 if dtype == "float32" else 1)
    return -(-size // PAGE_BYTES) * PAGE_BYTES
