"""Frame: one decoded frame of a video, and how it becomes the picture that a player shows."""

from dataclasses import dataclass
from fractions import Fraction
from typing import cast

import cv2
import numpy as np
from av.video.frame import VideoFrame
from av.video.reformatter import Colorspace, Interpolation

from service.media.decoding import decoding
from service.media.medium import ColorMatrix
from service.media.upright import Pixels, Turn

_THREADS = 1  # one process runs on each core: FFmpeg's own threads only get in the other slots' way
_MOST_ASPECT = 10

Size = tuple[int, int]
"""Width and height in pixels."""


@dataclass(frozen=True, slots=True)
class Look:
    """How the frames of one video are shown. turn: from how they are stored. size: of all of them, before the turn."""

    turn: Turn
    color: ColorMatrix
    pixel_aspect: Fraction
    size: Size

    @property
    def shown(self) -> Size:
        """Width and height after the turn."""
        return self.turn.size(*self.size)


@dataclass(frozen=True, slots=True)
class Frame:
    """One decoded frame, turned and converted to RGB only when its pixels are asked for.

    index: how many frames were decoded before it since the first or since the last seek. time_s: from the medium's
    start. until_s: when it ends, as far as the file says.
    """

    index: int
    time_s: float
    until_s: float
    look: Look
    stored: VideoFrame

    def pixels(self, most: float = float("inf")) -> Pixels:
        """The upright picture in its display size, H × W × 3, RGB; of a picture of more than `most` pixels, a smaller.

        A frame of another shape than the first is fitted into its size, with black beside it.
        """
        size = within(self.look.size, most)
        own = display_size(self.stored.width, self.stored.height, self.look.pixel_aspect)
        inner = size if own == self.look.size else _fitted(own, size)
        with decoding("The video begins well"):
            picture = self._converted(inner)
        if inner != size:
            left, top = (size[0] - inner[0]) // 2, (size[1] - inner[1]) // 2
            canvas = np.zeros((size[1], size[0], 3), np.uint8)
            canvas[top : top + inner[1], left : left + inner[0]] = picture
            picture = canvas
        return self.look.turn.apply(picture)

    def _converted(self, size: Size) -> Pixels:
        stored = (self.stored.width, self.stored.height)
        if self.look.color == "bt601":
            rgb = self.stored.reformat(  # OpenCV's arithmetic: bicubic where colors are stored at half of an odd height
                format="rgb24",
                src_colorspace=Colorspace.ITU601,
                dst_colorspace=Colorspace.ITU601,
                interpolation=Interpolation.BICUBIC,
                threads=_THREADS,
            )
            pixels = cast(Pixels, rgb.to_ndarray())
            return (
                pixels if size == stored else np.asarray(cv2.resize(pixels, size, interpolation=_method(size, stored)))
            )
        if size == stored:
            return cast(Pixels, self.stored.reformat(format="rgb24", threads=_THREADS).to_ndarray())
        rgb = self.stored.reformat(width=size[0], height=size[1], format="rgb24", threads=_THREADS)
        return cast(Pixels, rgb.to_ndarray())


def display_size(width: int, height: int, pixel_aspect: Fraction) -> Size:
    """The size at which players show stored pixels: the side that is too short grows, as in Chromium."""
    if pixel_aspect > 1:
        return round(width * pixel_aspect), height
    return width, round(height / pixel_aspect)


def sane_aspect(pixel_aspect: Fraction | None) -> Fraction:
    """A pixel's width over its height as a file says it; 1 where it says nothing, or what cannot be meant."""
    if not pixel_aspect or not Fraction(1, _MOST_ASPECT) <= pixel_aspect <= _MOST_ASPECT:
        return Fraction(1)
    return Fraction(pixel_aspect)


def within(size: Size, most: float) -> Size:
    """The size, or the largest of the same shape with at most so many pixels."""
    width, height = size
    if width * height <= most:
        return size
    scale = (most / (width * height)) ** 0.5
    return max(1, int(width * scale)), max(1, int(height * scale))


def _fitted(own: Size, size: Size) -> Size:
    scale = min(size[0] / own[0], size[1] / own[1])
    return min(size[0], max(1, round(own[0] * scale))), min(size[1], max(1, round(own[1] * scale)))


def _method(size: Size, stored: Size) -> int:
    return cv2.INTER_AREA if size[0] * size[1] < stored[0] * stored[1] else cv2.INTER_LINEAR
