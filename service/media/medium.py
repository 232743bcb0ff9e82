"""Medium: an upload that lies in a private folder and waits to be read."""

from dataclasses import dataclass
from typing import Literal

Orientation = Literal["upright", "as_stored"]
"""Whether a picture is turned as its file asks (EXIF, display matrix), or left as the author's reader left it."""

ColorMatrix = Literal["tagged", "bt601"]
"""How a video's YUV becomes RGB: as its tag says, or by BT.601 as OpenCV 4 and PyAV up to 12 did with every video."""

DEFAULT_PIXEL_BYTES = 512 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Medium:
    """A spooled upload. The path has no extension on purpose: only the bytes say what it is."""

    path: str
    size: int


@dataclass(frozen=True, slots=True)
class MediaLimits:
    """What a medium may cost.

    frame_pixels: pixels of a picture or of one frame; seconds: length of the part that is analysed; frames: how many
    sampled frames are looked at; pixel_bytes: memory that their pixels may take together, where a model needs pixels.
    """

    frame_pixels: int
    seconds: float
    frames: int
    pixel_bytes: int = DEFAULT_PIXEL_BYTES
