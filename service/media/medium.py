"""Medium: an upload that lies in a private folder and waits to be read."""

from dataclasses import dataclass
from typing import Literal

from service.errors import SignError

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

    frame_pixels: pixels of a picture or of one frame; seconds: length of the part that is analyzed; frames: how many
    sampled frames are looked at; pixel_bytes: memory that their pixels may take together, where a model needs pixels.
    """

    frame_pixels: int
    seconds: float
    frames: int
    pixel_bytes: int = DEFAULT_PIXEL_BYTES


MOST_SIDE = 32_767
"""Most pixels of a side: OpenCV and MediaPipe count them in 16 bits."""

SHORTER_PART = "Choose a part with start_time and clip_duration."
"""What a caller can do about a part of which too much would have to be read."""


def too_long(span_s: float, most_s: float, advice: str, *, is_least: bool = False) -> SignError:
    """The error for a part of span_s, or of at least that, where most_s are taken. advice: what the caller can do."""
    shown = f"{'at least ' if is_least else ''}{span_s:g} s"
    detail = f"The part to analyze lasts {shown}; {most_s:g} s at most are taken. {advice}"
    return SignError("media-too-long", detail, limit=most_s, actual=span_s)


def too_many_frames(count: int, most: int, advice: str) -> SignError:
    """The error for at least so many frames, where `most` are looked at. advice: what the caller can do."""
    detail = f"At least {count} frames would have to be looked at; {most} at most are taken. {advice}"
    return SignError("too-many-frames", detail, limit=most, actual=count)


def too_many_pixels(count: int, needed_bytes: int, most_bytes: int) -> SignError:
    """The error for frames whose pixels do not fit into the memory for them."""
    detail = (
        f"The pixels of {count} frames take {needed_bytes} bytes; {most_bytes} at most are kept at once. "
        "Choose a shorter part with start_time and clip_duration, or submit a job: it looks at them in chunks."
    )
    return SignError("too-many-frames", detail, limit=most_bytes, actual=needed_bytes)


def check_picture_size(width: int, height: int, limits: MediaLimits, what: str) -> None:
    """SignError picture-too-large for a picture or a frame (`what`) of more pixels, or longer sides, than are taken."""
    if max(width, height) > MOST_SIDE:
        detail = f"{what} has {width} × {height} pixels; a side may have {MOST_SIDE} at most."
        raise SignError("picture-too-large", detail, limit=MOST_SIDE, actual=max(width, height))
    if width * height > limits.frame_pixels:
        detail = f"{what} has {width} × {height} = {width * height} pixels; {limits.frame_pixels} at most are taken."
        raise SignError("picture-too-large", detail, limit=limits.frame_pixels, actual=width * height)
