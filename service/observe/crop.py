"""What is kept of a frame for models that look at pixels: color, crop, resize. Only workers import this."""

import math
from collections.abc import Callable

import cv2
import numpy as np

from service.media.resize import Library
from service.media.resizing import Box, Picture, resize_picture, to_gray
from service.media.upright import Pixels
from service.observe.hand_drawing import draw_hand
from service.observe.landmarker import PartLandmarks
from service.observe.request import (
    CenterSquare,
    ColorMode,
    Crop,
    FaceSquare,
    HandCanvas,
    HandSquare,
    PictureRequest,
    WholePicture,
)

WHITE = 255
_DRAWN_OFFSET = 20  # cvzone's, whatever its user crops afterwards
_DRAWN_COLOR = (255, 0, 255)


def crop_picture(rgb: Pixels, points: PartLandmarks | None, request: PictureRequest) -> Picture | None:
    """The picture that a model looks at, H × W × C; None where its hand or face is not there.

    points: landmarks of the hand or the face that the crop is around; None where it is not there.
    """
    picture = convert_color(rgb, request.color, request.resize.library)
    cut, box = _CROPS[type(request.crop)](picture, points, request.crop)
    if cut is None:
        return None
    if request.outline:
        cut, box = draw_outline(_cut_box(cut, box)), None
    return resize_picture(cut, request.resize, box)


def is_taken_whole(picture: Picture, crop: Crop) -> bool:
    """Whether a picture is small enough to be the hand or the face itself."""
    return isinstance(crop, HandSquare | FaceSquare) and max(picture.shape[:2]) <= crop.whole_up_to


def draw_outline(picture: Picture) -> Picture:
    """White outlines on black: blur, adaptive threshold, Otsu, as in the tutorials of ASL letters from webcams."""
    blurred = cv2.GaussianBlur(np.ascontiguousarray(picture[..., 0]), (5, 5), 2)
    lines = cv2.adaptiveThreshold(blurred, 255, cv2.ADAPTIVE_THRESH_GAUSSIAN_C, cv2.THRESH_BINARY_INV, 11, 2)
    _, outline = cv2.threshold(lines, 70, 255, cv2.THRESH_BINARY_INV + cv2.THRESH_OTSU)
    return np.asarray(outline, np.uint8)[..., None]


def pixel_box(points: PartLandmarks, width: int, height: int) -> tuple[int, int, int, int]:
    """x, y, w, h around landmarks, each cut to whole pixels as int() does."""
    xs = [int(float(x) * width) for x in points[:, 0]]
    ys = [int(float(y) * height) for y in points[:, 1]]
    return min(xs), min(ys), max(xs) - min(xs), max(ys) - min(ys)


Cut = tuple[Picture | None, Box | None]
"""What the crop is cut from and which part of it; None, None where there is nothing to cut."""


def _whole(picture: Picture, _points: PartLandmarks | None, _crop: Crop) -> Cut:
    return picture, None


def _center_square(picture: Picture, _points: PartLandmarks | None, _crop: Crop) -> Cut:
    height, width = picture.shape[:2]
    side = min(height, width)
    left, top = (width - side) / 2, (height - side) / 2
    return picture, (left, top, left + side, top + side)


def _square(picture: Picture, points: PartLandmarks | None, crop: Crop) -> Cut:
    if not isinstance(crop, HandSquare | FaceSquare) or is_taken_whole(picture, crop):
        return picture, None
    if points is None:
        return None, None
    height, width = picture.shape[:2]
    corners = points[:, :2].astype(np.float64) * (width, height)
    least, most = corners.min(axis=0), corners.max(axis=0)
    reach = float((most - least).max()) * crop.margin / 2
    (left, top), (right, bottom) = (least + most) / 2 - reach, (least + most) / 2 + reach
    box = (max(0, round(left)), max(0, round(top)), min(width, round(right)), min(height, round(bottom)))
    return (picture, box) if box[0] < box[2] and box[1] < box[3] else (None, None)


def _canvas(picture: Picture, points: PartLandmarks | None, crop: Crop) -> Cut:
    """The crop's width is that of the box with its offset, but its stretch that of the box without: so the author."""
    if points is None or not isinstance(crop, HandCanvas):
        return None, None
    height, width = picture.shape[:2]
    x, y, w, h = pixel_box(points, width, height)
    if w == 0 or h == 0:
        return None, None
    if crop.draw:
        picture = _draw_skeleton(picture, points, (x, y, w, h))
    right, bottom = x + w + crop.offset, y + h + crop.offset
    if crop.cut:
        right, bottom = min(right, width), min(bottom, height)
    if right <= x - crop.offset or bottom <= y - crop.offset:
        return None, None
    cut = _cut_padded(picture, x - crop.offset, y - crop.offset, right, bottom)
    side = crop.side
    canvas = np.full((side, side, picture.shape[2]), WHITE, np.uint8)
    if h / w > 1:
        stretched = math.ceil(side / h * w)
        gap = math.ceil((side - stretched) / 2)
        canvas[:, gap : gap + stretched] = cv2.resize(cut, (stretched, side))
    else:
        stretched = min(side, math.ceil(side / w * h))  # a square can round past it, where the author crashed
        gap = math.ceil((side - stretched) / 2)
        canvas[gap : gap + stretched] = cv2.resize(cut, (side, stretched))
    return canvas, None


_CROPS: dict[type[Crop], Callable[[Picture, PartLandmarks | None, Crop], Cut]] = {
    WholePicture: _whole,
    CenterSquare: _center_square,
    HandSquare: _square,
    FaceSquare: _square,
    HandCanvas: _canvas,
}


def _cut_padded(picture: Picture, left: int, top: int, right: int, bottom: int) -> Picture:
    """Rows top to bottom, columns left to right; white where they lie beyond the picture."""
    padded = np.full((bottom - top, right - left, picture.shape[2]), WHITE, np.uint8)
    inside = picture[max(top, 0) : max(bottom, 0), max(left, 0) : max(right, 0)]
    if inside.size:
        at_y, at_x = max(-top, 0), max(-left, 0)
        padded[at_y : at_y + inside.shape[0], at_x : at_x + inside.shape[1]] = inside
    return padded


def _draw_skeleton(picture: Picture, points: PartLandmarks, box: tuple[int, int, int, int]) -> Picture:
    """A copy with MediaPipe's default skeleton and cvzone's rectangle; cvzone's text lies above what is cropped.

    The numbers drawn are the same whichever way round the picture's channels are: the author's loop decides.
    """
    canvas = np.ascontiguousarray(picture).copy()
    draw_hand(canvas, points)
    x, y, w, h = box
    first, last = (x - _DRAWN_OFFSET, y - _DRAWN_OFFSET), (x + w + _DRAWN_OFFSET, y + h + _DRAWN_OFFSET)
    cv2.rectangle(canvas, first, last, _DRAWN_COLOR, 2)
    return canvas


def convert_color(rgb: Pixels, color: ColorMode, library: Library) -> Picture:
    """The picture in an author's colors; gray by the BT.601 weights, as the library rounds."""
    if color == "grey":
        return to_gray(rgb, library)
    return rgb if color == "rgb" else np.asarray(cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR), np.uint8)


def _cut_box(picture: Picture, box: Box | None) -> Picture:
    if box is None:
        return picture
    left, top, right, bottom = (int(edge) for edge in box)
    return picture[top:bottom, left:right]
