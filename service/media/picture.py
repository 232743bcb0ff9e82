"""Pictures: one upright RGB array from a file that nobody vouches for. Only workers import this."""

import math
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import numpy as np
import pillow_heif
from PIL import Image, ImageOps

from service.errors import SignError
from service.media.decoding import decoding
from service.media.medium import MediaLimits, Medium, Orientation, check_picture_size
from service.media.sniff import MediaType
from service.media.upright import Pixels
from service.track import MediaInfo

# One reader for each kind: Pillow would otherwise try all of its forty on bytes that look a little like this one.
_READERS = {"jpeg": "JPEG", "png": "PNG", "webp": "WEBP", "bmp": "BMP", "heic": "HEIF", "avif": "AVIF", "gif": "GIF"}
_SIXTEEN_BIT = ("I;16", "I;16B", "I;16L", "I;16N", "I")
_ANIMATED = ("gif", "webp", "png", "avif")

pillow_heif.register_heif_opener()
Image.MAX_IMAGE_PIXELS = None  # ours is checked before anything is decoded, and is the one that callers are told


def read_picture(
    medium: Medium,
    kind: MediaType,
    limits: MediaLimits,
    orientation: Orientation = "upright",
    most: float = float("inf"),
) -> tuple[Pixels, MediaInfo]:
    """The picture, H × W × 3, RGB, transparency laid on white; its size is checked before it is decoded.

    upright: EXIF orientation is applied; pillow-heif opens HEIC upright either way and says so in the EXIF it hands on.
    most: of a picture of more pixels, a smaller one; its info tells the full size.
    Raises SignError: picture-too-large, media-corrupt, media-unsupported.
    """
    with Path(medium.path).open("rb") as file:
        return decode_picture(file, kind, limits, orientation, most)


def decode_picture(
    file: BinaryIO,
    kind: MediaType,
    limits: MediaLimits,
    orientation: Orientation = "upright",
    most: float = float("inf"),
) -> tuple[Pixels, MediaInfo]:
    """As `read_picture`, from an open file or bytes in memory."""
    with decoding(f"The file begins as a {kind.format} picture"), opened_picture(file, kind) as image:
        check_picture_size(*image.size, limits, "The picture")
        turned = ImageOps.exif_transpose(image) if orientation == "upright" else image
        width, height = turned.size
        pixels = rgb_pixels(turned, most)
    return pixels, MediaInfo("picture", kind.format, width, height, None, None)


def is_still(medium: Medium, kind: MediaType) -> bool:
    """Whether a picture that may be animated is not; a gif that Pillow cannot read is left to the video's reader."""
    if kind.format not in _ANIMATED:
        return kind.kind == "picture"
    try:
        with (
            decoding("The picture begins well"),
            Path(medium.path).open("rb") as file,
            opened_picture(file, kind) as image,
        ):
            return not getattr(image, "is_animated", False)
    except SignError:
        return kind.kind == "picture"


@contextmanager
def opened_picture(file: BinaryIO, kind: MediaType) -> Iterator[Image.Image]:
    """Open a picture without decoding it, by its one reader."""
    if _READERS[kind.format] not in Image.OPEN:
        Image.init()
    if _READERS[kind.format] not in Image.OPEN:
        raise SignError("media-unsupported", f"This installation reads no {kind.format} pictures.")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with Image.open(file, formats=[_READERS[kind.format]]) as image:
            yield image


def rgb_pixels(image: Image.Image, most: float) -> Pixels:
    """H × W × 3, RGB, transparency laid on white; where that is more than `most` pixels, each the mean of several."""
    rgb = _rgb(image)
    if (pixels := rgb.width * rgb.height) > most:
        rgb = rgb.reduce(math.ceil((pixels / most) ** 0.5))
    return np.ascontiguousarray(np.asarray(rgb, dtype=np.uint8))


def _rgb(image: Image.Image) -> Image.Image:
    if image.mode in _SIXTEEN_BIT:
        gray = np.asarray(image).astype(np.int64) >> 8
        return Image.fromarray(np.clip(gray, 0, 255).astype(np.uint8)).convert("RGB")
    if image.has_transparency_data:
        rgba = image.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", rgba.size, "white"), rgba).convert("RGB")
    return image.convert("RGB")
