"""Region: a turned square of a picture, which a network looks at."""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Annotated, Any, Literal

import cv2
import numpy as np
import numpy.typing as npt

from service.media.upright import Pixels
from service.observe.engine.warp import warp, warp_quickly

Array = npt.NDArray[Any]
Points = Annotated[Array, "P × 2, in pixels of the picture or in fractions of a region's side"]
Border = Literal["black", "edge"]
"""What lies beyond the picture: nothing, or its outermost pixels again and again."""

_BORDERS = {"black": cv2.BORDER_CONSTANT, "edge": cv2.BORDER_REPLICATE}


@dataclass(frozen=True, slots=True)
class Region:
    """x, y: center; size: of a side; all in pixels. angle: clockwise, in radians."""

    x: float
    y: float
    size: float
    angle: float

    def crop(self, rgb: Pixels, side: int, border: Border) -> Pixels:
        """The region as a picture of side × side pixels, as MediaPipe cuts it."""
        x, y, size, angle = (float(np.float32(value)) for value in (self.x, self.y, self.size, self.angle))
        corners = cv2.boxPoints(((x, y), (size, size), math.degrees(angle)))
        return warp(rgb, corners, side, _BORDERS[border])

    def crop_quickly(self, rgb: Pixels, side: int, border: Border) -> Pixels:
        """The same at exact places between pixels, in a little less time."""
        return warp_quickly(rgb, self._matrix(side), side, _BORDERS[border])

    def _matrix(self, side: int) -> Array:
        """2 × 3: where each pixel of the crop lies in the picture."""
        half = side / 2
        scale = self.size / side
        cos, sin = scale * math.cos(self.angle), scale * math.sin(self.angle)
        left, top = self.x - half * cos + half * sin, self.y - half * sin - half * cos
        return np.array([[cos, -sin, left], [sin, cos, top]])

    def to_picture(self, points: Points) -> Points:
        """Points in fractions of the region, in pixels of the picture."""
        return (points - 0.5) @ _rotation(self.angle, self.size) + (self.x, self.y)

    def to_region(self, points: Points) -> Points:
        """Points in pixels of the picture, in pixels along the region's sides, from its center."""
        return (points - (self.x, self.y)) @ _rotation(-self.angle, 1.0)

    def shifted(self, up: float) -> "Region":
        """Moved by this share of its side towards its own top."""
        move = up * self.size
        return replace(self, x=self.x + move * math.sin(self.angle), y=self.y - move * math.cos(self.angle))

    def scaled(self, factor: float) -> "Region":
        return replace(self, size=self.size * factor)

    def overlap(self, other: "Region") -> float:
        """Shared area over the area of both together, as if neither were turned."""
        across = (self.size + other.size) / 2 - abs(self.x - other.x)
        down = (self.size + other.size) / 2 - abs(self.y - other.y)
        shared = max(0.0, min(across, self.size, other.size)) * max(0.0, min(down, self.size, other.size))
        return shared / (self.size**2 + other.size**2 - shared)


Cut = Callable[[Region, Pixels, int, Border], Pixels]
"""Region.crop or Region.crop_quickly."""


def whole_picture(rgb: Pixels) -> Region:
    """The smallest square around a picture."""
    height, width = rgb.shape[:2]
    return Region(width / 2, height / 2, max(width, height), 0.0)


def around(center: Points, reach: Points, upright_deg: float = 90.0) -> Region:
    """A square around a point, half as wide as another is far, and turned so that the other lies at that angle."""
    (x, y), (to_x, to_y) = center.tolist(), reach.tolist()
    size = 2 * math.hypot(to_x - x, to_y - y)
    return Region(x, y, size, turn((x, y), (to_x, to_y), upright_deg))


def turn(start: tuple[float, float], end: tuple[float, float], upright_deg: float) -> float:
    """The angle by which a picture is turned where the line from start to end should lie at upright_deg.

    0: to the right, 90: upwards.
    """
    return wrapped(math.radians(upright_deg) - math.atan2(start[1] - end[1], end[0] - start[0]))


def wrapped(angle: float) -> float:
    """The same angle, −π to π."""
    return angle - 2 * math.pi * math.floor((angle + math.pi) / (2 * math.pi))


def box_around(points: Points, angle: float) -> tuple[Points, float, float]:
    """(center, width, height) of the smallest box around points that is turned by an angle about their middle."""
    middle = (points.min(axis=0) + points.max(axis=0)) / 2
    level = (points - middle) @ _rotation(-angle, 1.0)
    least, most = level.min(axis=0), level.max(axis=0)
    width, height = (most - least).tolist()
    return ((least + most) / 2) @ _rotation(angle, 1.0) + middle, width, height


def _rotation(angle: float, scale: float) -> Array:
    """What rows of points are multiplied by to be turned clockwise."""
    cos, sin = scale * math.cos(angle), scale * math.sin(angle)
    return np.array([[cos, sin], [-sin, cos]])
