"""Faces of a frame as a model looks at them: colored, cut out, leveled if asked, resized. For workers only."""

import math

import cv2
import numpy as np

from service.media.resizing import Picture, resize_picture
from service.media.upright import Pixels
from service.observe.crop import convert_color
from service.observe.landmarker import FaceBox
from service.observe.request import FaceRequest

_ALL_OF_IT = FaceBox((0.0, 0.0, 1.0, 1.0), ((0.3, 0.4), (0.7, 0.4)), 1.0)


def is_a_face(rgb: Pixels, request: FaceRequest) -> bool:
    """Whether a picture is small enough to be a face itself."""
    height, width, _ = rgb.shape
    longer: int = max(height, width)
    return longer <= request.whole_up_to


def crop_faces(rgb: Pixels, faces: tuple[FaceBox, ...], request: FaceRequest) -> list[tuple[FaceBox, Picture]]:
    """The first `count` faces and their pictures, H × W × C each; a box without a pixel in the picture is no face."""
    picture = convert_color(rgb, request.color, request.resize.library)
    if is_a_face(rgb, request):
        return [(_ALL_OF_IT, resize_picture(picture, request.resize))]
    cuts = [(face, _cut(picture, face, request)) for face in faces]
    there = [(face, cut) for face, cut in cuts if cut is not None]
    return [(face, resize_picture(cut, request.resize)) for face, cut in there[: request.count]]


def _cut(picture: Picture, face: FaceBox, request: FaceRequest) -> Picture | None:
    """The box, its edges cut to whole pixels as int() does and clipped at the picture's border."""
    height, width = picture.shape[:2]
    x, y, w, h = face.box
    around_x, around_y = request.margin * w, request.margin * h
    left, right = max(0, int((x - around_x) * width)), min(width, int((x + w + around_x) * width))
    top, bottom = max(0, int((y - around_y) * height)), min(height, int((y + h + around_y) * height))
    if left >= right or top >= bottom:
        return None
    if not request.level:
        return picture[top:bottom, left:right]
    return _level_eyes(picture, face, (left, top, right, bottom))


def _level_eyes(picture: Picture, face: FaceBox, box: tuple[int, int, int, int]) -> Picture:
    """The box of the picture turned about the box's center; beyond the border its edge goes on."""
    height, width = picture.shape[:2]
    left, top, right, bottom = box
    (x0, y0), (x1, y1) = face.eyes
    turn = math.degrees(math.atan2((y1 - y0) * height, (x1 - x0) * width))
    matrix = cv2.getRotationMatrix2D(((left + right) / 2, (top + bottom) / 2), turn, 1.0)
    matrix[:, 2] -= (left, top)
    turned = cv2.warpAffine(
        np.ascontiguousarray(picture),
        matrix,
        (right - left, bottom - top),
        flags=cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_REPLICATE,
    )
    return np.asarray(turned).reshape(bottom - top, right - left, picture.shape[2])
