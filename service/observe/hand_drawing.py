"""A hand drawn as MediaPipe's drawing_utils draws it by default, to the level: authors' pictures were made so."""

import math

import cv2

from service.media.resizing import Picture
from service.observe.landmarker import PartLandmarks
from service.track import HAND_BONES

_BONE_COLOR = _RIM_COLOR = (224, 224, 224)
_POINT_COLOR = (0, 0, 255)
_THICKNESS = 2
_POINT_RADIUS = 2
_RIM_RADIUS = 3


def draw_hand(canvas: Picture, points: PartLandmarks) -> None:
    """Draw bones, then points, onto H × W × 3; a point outside the picture is left out, and with it its bones."""
    height, width = canvas.shape[:2]
    at = [_pixel(float(x), float(y), width, height) for x, y in points[:, :2]]
    for first, last in HAND_BONES:
        begin, end = at[first], at[last]
        if begin is not None and end is not None:
            cv2.line(canvas, begin, end, _BONE_COLOR, _THICKNESS)
    for point in at:
        if point is not None:
            cv2.circle(canvas, point, _RIM_RADIUS, _RIM_COLOR, _THICKNESS)
            cv2.circle(canvas, point, _POINT_RADIUS, _POINT_COLOR, _THICKNESS)


def _pixel(x: float, y: float, width: int, height: int) -> tuple[int, int] | None:
    """The pixel that a point lies in; None outside the picture."""
    if not (0 <= x <= 1 and 0 <= y <= 1):
        return None
    return min(math.floor(x * width), width - 1), min(math.floor(y * height), height - 1)
