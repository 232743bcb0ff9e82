"""Pictures: one upright RGB array from a file that nobody vouches for. Only workers import this."""

import struct
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import numpy as np
import pillow_heif
from PIL import Image, ImageOps, UnidentifiedImageError

from service.errors import SignError
from service.media.medium import MediaLimits, Medium, Orientation
from service.media.sniff import MediaType
from service.media.upright import Pixels
from service.track import MediaInfo

# One reader for each kind: Pillow would otherwise try all of its forty on bytes that look a little like this one.
_READERS = {"jpeg": "JPEG", "png": "PNG", "webp": "WEBP", "bmp": "BMP", "heic": "HEIF", "avif": "AVIF", "gif": "GIF"}
_SIXTEEN_BIT = ("I;16", "I;16B", "I;16L", "I;16N", "I")
# What Pillow's readers raise on damaged files.
_BROKEN = (
    UnidentifiedImageError,
    OSError,
    EOFError,
    SyntaxError,
    ValueError,
    TypeError,
    IndexError,
    OverflowError,
    ZeroDivisionError,
    struct.error,
)

pillow_heif.register_heif_opener()


def read_picture(
    medium: Medium, kind: MediaType, limits: MediaLimits, orientation: Orientation = "upright"
) -> tuple[Pixels, MediaInfo]:
    """The picture, H × W × 3, RGB, transparency laid on white; its size is checked before it is decoded.

    upright: EXIF orientation is applied; pillow-heif opens HEIC upright either way and says so in the EXIF it hands on.
    Raises SignError: picture-too-large, media-corrupt, media-unsupported.
    """
    with Path(medium.path).open("rb") as file:
        return decode_picture(file, kind, limits, orientation)


def decode_picture(
    file: BinaryIO, kind: MediaType, limits: MediaLimits, orientation: Orientation = "upright"
) -> tuple[Pixels, MediaInfo]:
    """As `read_picture`, from an open file or bytes in memory."""
    try:
        with _opened(file, _READERS[kind.format]) as image:
            _check_pixels(image, limits)
            turned = ImageOps.exif_transpose(image) if orientation == "upright" else image
            pixels = np.ascontiguousarray(np.asarray(_rgb(turned), dtype=np.uint8))
    except Image.DecompressionBombError as error:
        detail = f"{error}".partition(",")[0]  # Pillow looks at the size first where it is beyond its own limit
        raise SignError(
            "picture-too-large",
            f"{detail}; {limits.frame_pixels} pixels at most are taken.",
            limit=limits.frame_pixels,
        ) from error
    except _BROKEN as error:
        raise SignError("media-corrupt", f"The file begins as a {kind.format} picture, but is damaged.") from error
    except KeyError as error:
        raise SignError("media-unsupported", f"This installation reads no {kind.format} pictures.") from error
    height, width = pixels.shape[:2]
    return pixels, MediaInfo("picture", kind.format, width, height, None, None)


def is_still(medium: Medium) -> bool:
    """Whether a gif holds one picture only; a gif that Pillow cannot read is left to the video's reader."""
    try:
        with Path(medium.path).open("rb") as file, _opened(file, "GIF") as image:
            return not getattr(image, "is_animated", False)
    except (*_BROKEN, Image.DecompressionBombError):
        return False


@contextmanager
def _opened(file: BinaryIO, reader: str) -> Iterator[Image.Image]:
    """Open a picture without decoding it; Pillow's own limit of pixels warns of what ours is checked for."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with Image.open(file, formats=[reader]) as image:
            yield image


def _check_pixels(image: Image.Image, limits: MediaLimits) -> None:
    width, height = image.size
    if width * height > limits.frame_pixels:
        raise SignError(
            "picture-too-large",
            f"The picture has {width} × {height} = {width * height} pixels; {limits.frame_pixels} at most are taken.",
            limit=limits.frame_pixels,
            actual=width * height,
        )


def _rgb(image: Image.Image) -> Image.Image:
    if image.mode in _SIXTEEN_BIT:
        gray = np.asarray(image).astype(np.int64) >> 8
        return Image.fromarray(np.clip(gray, 0, 255).astype(np.uint8)).convert("RGB")
    if image.has_transparency_data:
        rgba = image.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", rgba.size, "white"), rgba).convert("RGB")
    return image.convert("RGB")
