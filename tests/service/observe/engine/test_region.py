"""Regions: what is cut out, and the way back into the picture."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.observe.engine.region import Region, around, box_around, turn, whole_picture, wrapped

REGIONS = st.builds(Region, st.floats(-500, 500), st.floats(-500, 500), st.floats(1, 900), st.floats(-math.pi, math.pi))
POINTS = st.lists(st.tuples(st.floats(-400, 400), st.floats(-400, 400)), min_size=3, max_size=9)


def corners() -> np.ndarray:
    """Red, green, blue and white quarters."""
    picture = np.zeros((80, 120, 3), np.uint8)
    picture[:40, :60, 0] = picture[:40, 60:, 1] = picture[40:, :60, 2] = 255
    picture[40:, 60:] = 255
    return picture


def places(region: Region, side: int) -> tuple[np.ndarray, np.ndarray]:
    """x and y of each pixel of a crop, in 1/32 of a pixel of the picture."""
    cos, sin = (region.size / side * turned(region.angle) for turned in (math.cos, math.sin))
    column, row = np.meshgrid(np.arange(side) - side / 2, np.arange(side) - side / 2)
    return 32 * (region.x + cos * column - sin * row), 32 * (region.y + sin * column + cos * row)


def read_between_pixels(picture: np.ndarray, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """What lies at places in 1/32 of a pixel, by OpenCV 4's own arithmetic: weights in 1/1024, halves rounded up."""
    total = np.zeros((*x.shape, 3), int)
    for right in (0, 1):
        for below in (0, 1):
            weight = np.abs(1 - right - x % 32 / 32) * np.abs(1 - below - y % 32 / 32) * 1024
            rows = np.clip(y // 32 + below, 0, picture.shape[0] - 1)
            columns = np.clip(x // 32 + right, 0, picture.shape[1] - 1)
            total += weight.astype(int)[..., None] * picture[rows, columns]
    return (total + 512) // 1024


@given(st.integers(0, 2**32), st.floats(-200, 300), st.floats(-200, 300), st.floats(5, 700), st.floats(-3, 3))
def test_a_crop_is_rounded_as_mediapipe_rounds(seed: int, x: float, y: float, size: float, angle: float) -> None:
    picture = np.random.default_rng(seed).integers(0, 256, (90, 120, 3), dtype=np.uint8)
    region = Region(x, y, size, angle)
    exact = places(region, 32)
    wanted = read_between_pixels(picture, *(np.rint(axis).astype(int) for axis in exact))
    differs = (region.crop(picture, 32, "edge") != wanted).any(axis=-1)
    between = [np.abs(axis % 1 - 0.5) < 0.02 for axis in exact]  # two places of 1/32 are as near: either is right
    assert not (differs & ~(between[0] | between[1])).any()


@given(REGIONS, POINTS)
def test_a_point_goes_into_the_region_and_back(region: Region, points: list[tuple[float, float]]) -> None:
    found = region.to_picture(region.to_region(np.array(points)) / region.size + 0.5)
    np.testing.assert_allclose(found, points, atol=1e-6)


def test_a_crop_shows_what_lies_at_its_points() -> None:
    region = Region(60, 40, 60, math.radians(90))
    crop = region.crop(corners(), 60, "black")
    for place in ((0.25, 0.25), (0.75, 0.25), (0.25, 0.75), (0.75, 0.75)):
        x, y = region.to_picture(np.array([place]))[0]
        assert crop[round(place[1] * 60), round(place[0] * 60)].tolist() == corners()[round(y), round(x)].tolist()


@pytest.mark.parametrize(("border", "color"), [("black", [0, 0, 0]), ("edge", [255, 0, 0])])
def test_beyond_the_border_is_black_or_its_edge(border: str, color: list[int]) -> None:
    crop = Region(0, 0, 40, 0.0).crop(corners(), 40, border)  # type: ignore[arg-type]
    assert crop[5, 5].tolist() == color


@pytest.mark.parametrize("angle", [0.0, 0.3])
def test_far_beyond_the_picture_there_is_nothing(angle: float) -> None:
    crop = Region(2**16 + 60, 40, 40, angle).crop(corners(), 40, "black")
    assert not crop.any()


def test_the_whole_picture_is_the_square_around_it() -> None:
    assert whole_picture(corners()) == Region(60, 40, 120, 0.0)


def test_a_region_is_turned_so_that_the_other_point_is_up() -> None:
    region = around(np.array([10.0, 10.0]), np.array([20.0, 10.0]))
    assert (region.x, region.y, region.size) == (10, 10, 20)
    assert region.angle == pytest.approx(math.pi / 2)
    up = region.to_picture(np.array([[0.5, 0.0]]))[0]
    np.testing.assert_allclose(up, [20, 10], atol=1e-9)
    assert turn((0, 0), (0, -5), 90.0) == pytest.approx(0.0)


def test_a_shifted_region_moves_towards_its_own_top() -> None:
    assert Region(10, 10, 20, 0.0).shifted(0.5) == Region(10, 0, 20, 0.0)
    moved = Region(10, 10, 20, math.pi / 2).shifted(0.5)
    np.testing.assert_allclose([moved.x, moved.y], [20, 10])


def test_regions_overlap_by_their_shared_area() -> None:
    one = Region(0, 0, 2, 0.0)
    assert one.overlap(one) == 1.0
    assert one.overlap(Region(1, 0, 2, 0.0)) == pytest.approx(1 / 3)
    assert one.overlap(Region(9, 0, 2, 0.0)) == 0.0
    assert one.overlap(Region(0, 0, 1, 0.0)) == pytest.approx(1 / 4)


@given(st.floats(-50, 50))
def test_an_angle_is_brought_near_zero(angle: float) -> None:
    assert -math.pi <= wrapped(angle) <= math.pi
    assert math.cos(wrapped(angle)) == pytest.approx(math.cos(angle), abs=1e-9)


def test_a_turned_box_is_as_long_as_what_lies_along_it() -> None:
    angle = math.radians(30)
    along = np.array([[math.cos(angle), math.sin(angle)]]) * np.array([[-4.0], [0.0], [4.0]]) + (7, 5)
    center, width, height = box_around(along, angle)
    np.testing.assert_allclose(center, [7, 5], atol=1e-9)
    np.testing.assert_allclose([width, height], [8, 0], atol=1e-9)
