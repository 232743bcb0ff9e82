"""How a stored frame is turned upright: the eight cases of a display matrix."""

import struct
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Pixels = npt.NDArray[np.uint8]
_MATRIX = struct.Struct("=9i")


@dataclass(frozen=True, slots=True)
class Turn:
    """Exchange rows and columns, then flip left to right, then flip top to bottom."""

    transpose: bool = False
    flip_x: bool = False
    flip_y: bool = False

    def size(self, width: int, height: int) -> tuple[int, int]:
        """Width and height after the turn."""
        return (height, width) if self.transpose else (width, height)

    def apply(self, pixels: Pixels) -> Pixels:
        """The turned H × W × 3 picture, contiguous in memory."""
        if self.transpose:
            pixels = pixels.transpose(1, 0, 2)
        if self.flip_x:
            pixels = pixels[:, ::-1]
        if self.flip_y:
            pixels = pixels[::-1]
        return np.ascontiguousarray(pixels)


AS_STORED = Turn()


def read_turn(matrix: bytes) -> Turn:
    """The turn that a display matrix (nine 32-bit integers, FFmpeg's order) asks for.

    A stored point (x, y) is shown at (a·x + c·y, b·x + d·y). Slanted matrices count as the nearest quarter turn.
    """
    if len(matrix) < _MATRIX.size:
        return AS_STORED
    a, b, _, c, d, *_ = _MATRIX.unpack_from(matrix)
    if abs(a) + abs(d) >= abs(b) + abs(c):
        return Turn(False, flip_x=a < 0, flip_y=d < 0)
    return Turn(True, flip_x=c < 0, flip_y=b < 0)
