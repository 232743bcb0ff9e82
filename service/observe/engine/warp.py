"""A turned square of a picture, cut as MediaPipe 0.10.21 cuts it: image_to_tensor_converter_opencv.cc with OpenCV 3.4.

Every step is done as there, since networks' inputs, and with them landmarks, hang on single grey levels: corners in
single precision, the way back by inverting a matrix, and places between pixels rounded to 1/32. OpenCV 5's own
`warpPerspective` reads at exact places; its `remap` still takes rounded ones.
"""

from functools import lru_cache
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from service.media.upright import Pixels

Array = npt.NDArray[Any]

_BITS = 5
_PARTS = 1 << _BITS
"""Places between two pixels that OpenCV's fixed-point interpolation knows."""

_BLOCK = 64
"""Columns of a block, within which OpenCV counts from the block's first."""

_FARTHEST = np.iinfo(np.int16)
_KEPT = 4
_AS_IT_IS = np.eye(3)
"""A camera that distorts nothing."""


def warp(rgb: Pixels, corners: Array, side: int, border: int) -> Pixels:
    """The square as a picture of side × side pixels.

    corners: 4 × 2, in pixels, the lower left one first, clockwise; border: OpenCV's, of what lies beyond the picture.
    """
    near = corners.astype(np.float32)
    pixels, between = _level_places(near.tobytes(), side) if _is_level(near) else _places(near, side)
    return np.asarray(cv2.remap(rgb, pixels, between, cv2.INTER_LINEAR, borderMode=border))


def warp_quickly(rgb: Pixels, matrix: Array, side: int, border: int) -> Pixels:
    """The same by OpenCV 5's own arithmetic; matrix: 2 × 3, where each pixel of the crop lies in the picture."""
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    return np.asarray(cv2.warpAffine(rgb, matrix, (side, side), flags=flags, borderMode=border))


def _is_level(corners: Array) -> bool:
    """Whether whole rows of places may lie halfway between two of 1/32, or some so far off that they must be cut."""
    return bool(corners[0, 0] == corners[1, 0] or np.abs(corners).max() >= _FARTHEST.max)


def _places(corners: Array, side: int) -> tuple[Array, Array]:
    """What `remap` takes: the pixel of the picture for each of the crop, and where between it and the next.

    OpenCV's map of a camera does the same arithmetic faster than NumPy, and adds up in another order: at the one place
    in some crops that lies halfway, either of two is right.
    """
    way = cv2.getPerspectiveTransform(corners, _ends(side))
    pixels, between = cv2.initUndistortRectifyMap(_AS_IT_IS, None, None, way, (side, side), cv2.CV_16SC2)
    return np.asarray(pixels), np.asarray(between)


@lru_cache(_KEPT)
def _level_places(corners: bytes, side: int) -> tuple[Array, Array]:
    """The same, added up in OpenCV's order. Kept, as what looks at the whole picture asks for it frame by frame."""
    way = cv2.getPerspectiveTransform(np.frombuffer(corners, np.float32).reshape(4, 2), _ends(side))
    matrix = np.asarray(cv2.invert(way)[1], np.float64)
    firsts, within, rows = np.arange(0, side, _BLOCK), np.arange(_BLOCK), np.arange(side)[:, None]
    x, y, scale = (
        ((line[0] * firsts + line[1] * rows + line[2])[..., None] + line[0] * within).reshape(side, -1)[:, :side]
        for line in matrix
    )
    x, y = (np.rint(line * (_PARTS / scale)).astype(np.int32) for line in (x, y))
    pixels = np.clip(np.stack([x, y], axis=-1) >> _BITS, _FARTHEST.min, _FARTHEST.max).astype(np.int16)
    return pixels, ((y & _PARTS - 1) << _BITS | (x & _PARTS - 1)).astype(np.uint16)


def _ends(side: int) -> Array:
    """The crop's own corners, in the same order."""
    return np.array([[0, side], [0, 0], [side, 0], [side, side]], np.float32)
