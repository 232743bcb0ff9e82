"""A turned square of a picture, cut as MediaPipe 0.10.21 cuts it: image_to_tensor_converter_opencv.cc with OpenCV 3.4.

Every step is done as there, since networks' inputs, and with them landmarks, hang on single grey levels: corners in
single precision, the way back by inverting a matrix, and places between pixels rounded to 1/32. OpenCV 5's own
`warpPerspective` reads at exact places; its `remap` still takes rounded ones.
"""

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


def warp(rgb: Pixels, corners: Array, side: int, border: int) -> Pixels:
    """The square as a picture of side × side pixels.

    corners: 4 × 2, in pixels, the lower left one first, clockwise; border: OpenCV's, of what lies beyond the picture.
    """
    ends = np.array([[0, side], [0, 0], [side, 0], [side, side]], np.float32)
    matrix = cv2.invert(cv2.getPerspectiveTransform(corners.astype(np.float32), ends))[1]
    x, y = _places(np.asarray(matrix, np.float64), side)
    pixels = np.empty((side, side, 2), np.int16)
    for axis, places in enumerate((x, y)):
        np.clip(places >> _BITS, _FARTHEST.min, _FARTHEST.max, out=pixels[..., axis], casting="unsafe")
    between = ((y & _PARTS - 1) << _BITS | (x & _PARTS - 1)).astype(np.uint16)
    return np.asarray(cv2.remap(rgb, pixels, between, cv2.INTER_LINEAR, borderMode=border))


def _places(matrix: Array, side: int) -> tuple[Array, Array]:
    """x and y of each pixel of the crop, in parts of a pixel of the picture, added up in OpenCV's order."""
    firsts, within, rows = np.arange(0, side, _BLOCK), np.arange(_BLOCK), np.arange(side)[:, None]
    across, down, scale = (
        ((line[0] * firsts + line[1] * rows + line[2])[..., None] + line[0] * within).reshape(side, -1)[:, :side]
        for line in matrix
    )
    np.divide(_PARTS, scale, out=scale)
    for line in (across, down):
        np.multiply(line, scale, out=line)
        np.rint(line, out=line)
    return across.astype(np.int32), down.astype(np.int32)
