"""What is kept of a frame: the authors' crops, restated here as they wrote them."""

import math
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import pytest

from service.media.resize import Resize
from service.media.upright import Pixels
from service.observe.crop import crop_picture, draw_outline
from service.observe.landmarker import PartLandmarks
from service.observe.request import CenterSquare, ColorMode, HandCanvas, HandSquare, PictureRequest
from tests.mediapipe_reference import need_mediapipe

pytestmark = pytest.mark.filterwarnings("ignore")  # what MediaPipe's imports and protobuf warn of is not ours

CANVAS = Resize(w=300, h=300, method="nearest", library="opencv")
BOXES = {
    "tall": (0.40, 0.30, 0.15, 0.45),
    "wide": (0.20, 0.40, 0.50, 0.20),
    "square": (0.40, 0.40, 0.20, 0.20),
    "at the left top corner": (0.0, 0.01, 0.2, 0.3),
    "beyond the right bottom corner": (0.85, 0.80, 0.2, 0.25),
    "beyond the left edge": (-0.1, 0.3, 0.3, 0.3),
}
SIZES = [(640, 480), (480, 640), (1280, 720), (97, 131)]


def picture(width: int, height: int) -> Pixels:
    return np.random.default_rng(width).integers(0, 256, (height, width, 3), np.uint8)


def kept_picture(rgb: Pixels, points: PartLandmarks | None, request: PictureRequest) -> npt.NDArray[Any]:
    """What is kept of a frame that shows what the model needs."""
    kept = crop_picture(rgb, points, request)
    assert kept is not None
    return kept


def hand(x: float, y: float, w: float, h: float) -> PartLandmarks:
    """21 points that fill a box."""
    spread = np.random.default_rng(7).random((21, 4)).astype(np.float32)
    spread[0, :2], spread[1, :2] = (0, 0), (1, 1)
    return spread * np.array([w, h, 0.1, 0], np.float32) + np.array([x, y, 0, 0], np.float32)


def authors_canvas(image: npt.NDArray[np.uint8], points: PartLandmarks, drawn: bool) -> npt.NDArray[np.uint8]:
    """The tutorial's loop with cvzone's detector: find, draw, cut, stretch onto white; padded where it crashed."""
    height, width, _ = image.shape
    xs = [int(float(point[0]) * width) for point in points]
    ys = [int(float(point[1]) * height) for point in points]
    x, y = min(xs), min(ys)
    w, h = max(xs) - x, max(ys) - y
    image = image.copy()
    if drawn:
        import mediapipe as mp  # noqa: PLC0415
        from mediapipe.framework.formats import landmark_pb2  # noqa: PLC0415

        found = landmark_pb2.NormalizedLandmarkList()
        for point in points:
            found.landmark.add(x=float(point[0]), y=float(point[1]), z=float(point[2]))
        mp.solutions.drawing_utils.draw_landmarks(image, found, mp.solutions.hands.HAND_CONNECTIONS)
        cv2.rectangle(image, (x - 20, y - 20), (x + w + 20, y + h + 20), (255, 0, 255), 2)
        cv2.putText(image, "Right", (x - 30, y - 30), cv2.FONT_HERSHEY_PLAIN, 2, (255, 0, 255), 2)
    far = 400
    framed = cv2.copyMakeBorder(image, far, far, far, far, cv2.BORDER_CONSTANT, value=(255, 255, 255))
    crop = framed[y - 20 + far : y + h + 20 + far, x - 20 + far : x + w + 20 + far]
    white = np.ones((300, 300, 3), np.uint8) * 255
    if h / w > 1:
        k = 300 / h
        wide = math.ceil(k * w)
        small = cv2.resize(crop, (wide, 300))
        gap = math.ceil((300 - wide) / 2)
        white[:, gap : wide + gap] = small
    else:
        k = 300 / w
        high = math.ceil(k * h)
        small = cv2.resize(crop, (300, high))
        gap = math.ceil((300 - high) / 2)
        white[gap : high + gap, :] = small
    return white


@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize("box", BOXES)
@pytest.mark.parametrize(("color", "drawn"), [("bgr", True), ("bgr", False), ("rgb", True)])
def test_a_hand_on_white_is_the_authors_to_the_level(
    size: tuple[int, int], box: str, color: ColorMode, drawn: bool
) -> None:
    rgb, points = picture(*size), hand(*BOXES[box])
    if drawn:
        need_mediapipe()
    request = PictureRequest(CANVAS, color, HandCanvas(300, 20, draw=drawn))
    author = np.ascontiguousarray(rgb[..., ::-1]) if color == "bgr" else rgb
    before = rgb.copy()
    assert np.array_equal(kept_picture(rgb, points, request), authors_canvas(author, points, drawn))
    assert np.array_equal(rgb, before)


@pytest.mark.parametrize("size", SIZES[:3], ids=str)
@pytest.mark.parametrize("box", ["beyond the right bottom corner", "tall", "wide"])
def test_what_lies_beyond_the_right_and_the_bottom_can_be_cut_as_slices_do(size: tuple[int, int], box: str) -> None:
    width, height = size
    x, y, w, h = BOXES[box]
    points = hand(x, y, w, h)
    left, top = (round(float(points[:, k].min()) * size[k] - 0.5) for k in (0, 1))
    right, bottom = (round(float(points[:, k].max()) * size[k] - 0.5) for k in (0, 1))
    slices = picture(width, height)[top - 20 : bottom + 20, left - 20 : right + 20]
    request = PictureRequest(CANVAS, crop=HandCanvas(300, 20, False, cut=True))
    made = kept_picture(picture(width, height), points, request)
    tall = bottom - top > right - left
    long, short = (bottom - top, right - left) if tall else (right - left, bottom - top)
    stretched = math.ceil(300 / long * short)
    gap = math.ceil((300 - stretched) / 2)
    author = np.full((300, 300, 3), 255, np.uint8)
    if tall:
        author[:, gap : gap + stretched] = cv2.resize(slices, (stretched, 300))
    else:
        author[gap : gap + stretched] = cv2.resize(slices, (300, stretched))
    assert np.array_equal(made, author)


def test_a_hand_far_beyond_the_edge_shows_nothing_where_it_is_cut() -> None:
    request = PictureRequest(CANVAS, crop=HandCanvas(300, 20, draw=False, cut=True))
    assert crop_picture(picture(200, 100), hand(1.5, 0.2, 0.2, 0.2), request) is None


def test_the_stretch_is_that_of_the_box_without_its_offset() -> None:
    points = hand(0.25, 0.25, 120.5 / 640, 200.5 / 480)
    made = crop_picture(
        np.zeros((480, 640, 3), np.uint8), points, PictureRequest(CANVAS, crop=HandCanvas(300, 20, False))
    )
    assert made is not None
    columns = np.flatnonzero((made == 0).all(axis=(0, 2)))
    assert (columns[0], len(columns)) == (60, 180)


@pytest.mark.parametrize("side", [73, 146, 149, 292, 298])
def test_a_square_box_whose_stretch_rounds_past_the_canvas_fills_it(side: int) -> None:
    """300 / 73 · 73 is a little over 300 in binary, and its ceiling 301: there the author's code crashed."""
    made = crop_picture(
        np.zeros((480, 640, 3), np.uint8),
        hand(0.25, 0.25, (side + 0.5) / 640, (side + 0.5) / 480),
        PictureRequest(CANVAS, crop=HandCanvas(300, 20, draw=False)),
    )
    assert made is not None
    assert not made.any()


def test_no_hand_or_one_of_no_size_gives_no_picture() -> None:
    request = PictureRequest(CANVAS, crop=HandCanvas(300, 20, draw=False))
    point = np.tile(np.array([0.5, 0.5, 0, 0], np.float32), (21, 1))
    assert crop_picture(picture(64, 64), None, request) is None
    assert crop_picture(picture(64, 64), point, request) is None


def test_a_hand_square_is_its_box_enlarged_and_clipped_at_the_border() -> None:
    rgb = picture(200, 100)
    request = PictureRequest(Resize(w=28, h=28, method="area", library="opencv"), "grey", HandSquare(1.4, 64))
    grey = cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY)
    inside = crop_picture(rgb, hand(0.25, 0.25, 0.25, 0.5), request)  # 50 × 50 around (75, 50): 40 to 110, 15 to 85
    assert inside is not None
    assert np.array_equal(inside[..., 0], cv2.resize(grey[15:85, 40:110], (28, 28), interpolation=cv2.INTER_AREA))
    clipped = crop_picture(rgb, hand(0.0, 0.0, 0.25, 0.5), request)  # −10 to 60 in both
    assert clipped is not None
    assert np.array_equal(clipped[..., 0], cv2.resize(grey[0:60, 0:60], (28, 28), interpolation=cv2.INTER_AREA))


def test_a_small_picture_is_the_hand_itself_and_a_larger_one_without_a_hand_shows_nothing() -> None:
    request = PictureRequest(Resize(w=28, h=28, method="area", library="opencv"), "grey", HandSquare(1.4, 64))
    small = picture(64, 40)
    made = crop_picture(small, None, request)
    assert made is not None
    whole = cv2.resize(cv2.cvtColor(small, cv2.COLOR_RGB2GRAY), (28, 28), interpolation=cv2.INTER_AREA)
    assert np.array_equal(made[..., 0], whole)
    assert crop_picture(picture(65, 40), None, request) is None


def test_a_hand_outside_the_picture_shows_nothing() -> None:
    request = PictureRequest(CANVAS, crop=HandSquare(1.4, 0))
    assert crop_picture(picture(200, 100), hand(1.5, 0.2, 0.2, 0.2), request) is None


@pytest.mark.parametrize("size", [(7, 4), (4, 7), (5, 5), (1, 1), (641, 480)], ids=str)
def test_a_center_square_has_the_shorter_side(size: tuple[int, int]) -> None:
    side = min(size)
    resize = Resize(w=side, h=side, method="nearest", library="opencv")
    made = kept_picture(picture(*size), None, PictureRequest(resize, crop=CenterSquare()))
    left, top = (size[0] - side) // 2, (size[1] - side) // 2
    assert np.array_equal(made, picture(*size)[top : top + side, left : left + side])


def test_bgr_is_rgb_the_other_way_round() -> None:
    resize = Resize(w=112, h=112, method="area", library="opencv")
    rgb = picture(640, 480)
    author = cv2.resize(np.ascontiguousarray(rgb[..., ::-1]), (112, 112), interpolation=cv2.INTER_AREA)
    assert np.array_equal(kept_picture(rgb, None, PictureRequest(resize, "bgr")), author)


def test_outlines_are_those_of_the_tutorial() -> None:
    grey = cv2.cvtColor(picture(128, 96), cv2.COLOR_RGB2GRAY)
    blur = cv2.GaussianBlur(grey, (5, 5), 2)
    th3 = cv2.adaptiveThreshold(blur, 255, cv2.ADAPTIVE_THRESH_GAUSSIAN_C, cv2.THRESH_BINARY_INV, 11, 2)
    _, author = cv2.threshold(th3, 70, 255, cv2.THRESH_BINARY_INV + cv2.THRESH_OTSU)
    assert np.array_equal(draw_outline(grey[..., None])[..., 0], author)
