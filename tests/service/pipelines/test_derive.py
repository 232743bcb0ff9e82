"""The arithmetic of layouts."""

from collections.abc import Sequence
from typing import Literal

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from service.pipelines.derive import bend_angles, rows_of
from service.pipelines.layouts import (
    LAYOUTS,
    Aspect,
    Distances,
    MinOrigin,
    PartLayout,
    Pixels,
    Scale,
    Standardize,
    Step,
    Trajectory,
    UnitBox,
    Velocity,
    WholePixels,
    WristOrigin,
    ZScore,
    row_width,
)
from service.track import PART_POINTS, MediaInfo

MEDIA = MediaInfo("video", "mp4", 640, 480, 1.0, 30.0)
HAND_XY = (PartLayout(part="hand", axes=("x", "y")),)

hands = hnp.arrays(np.float32, (3, 21, 4), elements=st.floats(0.0625, 0.9375, width=32))


def _rows(hand: npt.NDArray[np.float32], *steps: Step) -> npt.NDArray[np.float32]:
    return rows_of([hand], HAND_XY, steps, MEDIA)


def _some_hand(seed: int = 0, frames: int = 3) -> npt.NDArray[np.float32]:
    return np.random.default_rng(seed).uniform(0.2, 0.8, (frames, 21, 4)).astype(np.float32)


@pytest.mark.parametrize("name", LAYOUTS)
def test_each_layout_makes_rows_of_the_width_that_its_name_says(name: str) -> None:
    layout = LAYOUTS[name]
    blocks = [np.full((2, PART_POINTS[entry.part], 4), 0.5, np.float32) for entry in layout.parts]
    rows = rows_of(blocks, layout.parts, layout.derive, MEDIA)
    assert rows.shape == (2, layout.width)
    assert layout.width == int(name.rpartition("_")[2])


def test_points_come_in_the_asked_order_each_with_its_axes() -> None:
    hand = _some_hand()
    rows = rows_of([hand], (PartLayout(part="hand", points=(8, 4), axes=("y", "x")),), (), MEDIA)
    np.testing.assert_array_equal(rows[0], hand[0, [8, 8, 4, 4], [1, 0, 1, 0]])


@given(hand=hands, dx=st.floats(-2, 2), dy=st.floats(-2, 2))
def test_a_hand_from_its_wrist_does_not_depend_on_its_place(
    hand: npt.NDArray[np.float32], dx: float, dy: float
) -> None:
    moved = hand + np.array([dx, dy, 0, 0], np.float32)
    np.testing.assert_allclose(_rows(moved, WristOrigin()), _rows(hand, WristOrigin()), atol=1e-5)


@pytest.mark.parametrize("by", ["palm", "max", "box"])
def test_a_scaled_hand_does_not_depend_on_its_size(by: str) -> None:
    steps = (Aspect(), WristOrigin(), Scale.model_validate({"by": by}))
    hand = _some_hand()
    np.testing.assert_allclose(_rows(hand * np.float32(0.37), *steps), _rows(hand, *steps), atol=1e-5)


def test_scaled_by_max_the_largest_magnitude_is_one() -> None:
    rows = _rows(_some_hand(), WristOrigin(), Scale(by="max"))
    np.testing.assert_allclose(np.abs(rows).max(axis=1), 1.0, atol=1e-6)


def test_a_hand_of_no_size_gives_zeros_not_nan() -> None:
    assert (_rows(np.full((1, 21, 4), 0.5, np.float32), WristOrigin(), Scale(by="max")) == 0).all()


def test_whole_pixels_are_cut_not_rounded_and_end_inside_the_picture() -> None:
    hand = np.zeros((1, 21, 4), np.float32)
    hand[0, 0, :2] = (0.4999, 1.2)
    assert _rows(hand, WholePixels())[0, :2].tolist() == [319.0, 479.0]


def test_pixels_keep_what_lies_outside_and_the_depth_and_may_exchange_the_sides() -> None:
    hand = np.zeros((1, 21, 4), np.float32)
    hand[0, 0, :3] = (-0.26, 1.25, -0.1)
    parts = (PartLayout(part="hand", points=(0,), axes=("x", "y", "z")),)
    assert rows_of([hand], parts, (Pixels(),), MEDIA)[0].tolist() == [-166.0, 600.0, -64.0]
    assert rows_of([hand], parts, (Pixels(swapped=True),), MEDIA)[0].tolist() == [-124.0, 800.0, -64.0]


def test_aspect_puts_both_axes_into_units_of_the_height() -> None:
    hand = np.ones((1, 21, 4), np.float32)
    assert _rows(hand, Aspect())[0, :2] == pytest.approx([640 / 480, 1.0])


def test_the_angle_of_a_straight_finger_is_zero_and_of_a_right_bend_ninety() -> None:
    hand = np.zeros((1, 21, 4))
    hand[0, :, 0] = np.arange(21)  # all points on a line
    hand[0, 8] = hand[0, 7] + (0, 1, 0, 0)  # but the index fingertip bends at right angles
    angles = bend_angles(hand, "degrees")[0]
    assert angles.shape == (15,)
    assert angles[5] == pytest.approx(90)
    assert angles[[0, 1, 2]] == pytest.approx([0, 0, 0], abs=1e-4)


@given(hand=hands, turn=st.floats(-np.pi, np.pi))
def test_angles_do_not_change_when_the_hand_turns(hand: npt.NDArray[np.float32], turn: float) -> None:
    rotation = np.array([[np.cos(turn), -np.sin(turn), 0], [np.sin(turn), np.cos(turn), 0], [0, 0, 1]])
    turned = hand[..., :3].astype(np.float64) @ rotation
    straight = hand[..., :3].astype(np.float64)
    np.testing.assert_allclose(
        np.cos(bend_angles(turned, "radians")), np.cos(bend_angles(straight, "radians")), atol=1e-6
    )


def test_a_trajectory_says_where_the_wrist_goes_in_palm_lengths() -> None:
    hand = np.zeros((3, 21, 4), np.float32)
    hand[:, 9, 1] = 0.1
    hand[:, :, 0] += np.array([[0.4], [0.5], [0.6]], np.float32)
    way = _rows(hand, Trajectory())[:, -2:]
    np.testing.assert_allclose(way, [[-1, 0], [0, 0], [1, 0]], atol=1e-5)


def test_distances_are_in_palm_lengths_pair_by_pair_in_order() -> None:
    hand = np.zeros((1, 21, 4), np.float32)
    hand[0, 9, 1] = 0.2  # the palm
    hand[0, 4, 0], hand[0, 8, 1] = 0.3, 0.4
    added = _rows(hand, Distances(points=(0, 4, 8)))[0, 42:]
    np.testing.assert_allclose(added, [1.5, 2.0, 2.5], atol=1e-6)


@given(hand=hands, turn=st.floats(-np.pi, np.pi), size=st.floats(0.5, 2))
def test_distances_do_not_change_when_the_hand_turns_in_the_picture_or_comes_nearer(
    hand: npt.NDArray[np.float32], turn: float, size: float
) -> None:
    hand[:, 9, :2] = hand[:, 0, :2] + 0.5  # a palm that is not nothing
    rotation = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    turned = hand.copy()
    turned[..., :2] = (hand[..., :2].astype(np.float64) @ rotation) * size
    step = Distances(points=(4, 8, 12, 17))
    np.testing.assert_allclose(_rows(turned, step)[:, 42:], _rows(hand, step)[:, 42:], atol=1e-4)


def test_distances_of_a_hand_without_a_palm_are_no_infinity() -> None:
    assert np.isfinite(_rows(np.full((1, 21, 4), 0.5, np.float32), Distances(points=(4, 8)))).all()


def test_a_row_with_distances_is_as_wide_as_the_layout_says() -> None:
    step = Distances(points=(4, 8, 12, 16, 20))
    assert _rows(_some_hand(), step).shape[1] == row_width(HAND_XY, (step,)) == 42 + 10


def test_velocity_is_the_difference_from_the_observation_before() -> None:
    hand = _some_hand()
    rows = _rows(hand, Velocity())
    assert (rows[0, 42:] == 0).all()
    np.testing.assert_allclose(rows[1:, 42:], np.diff(rows[:, :42], axis=0), atol=1e-6)


def test_what_is_missing_becomes_zero_after_all_arithmetic() -> None:
    hand = _some_hand()
    hand[1] = np.nan
    rows = _rows(hand, Trajectory(), WristOrigin(), Scale(by="palm"), Velocity())
    assert np.isfinite(rows).all()
    assert (rows[1] == 0).all()


def test_standardize_is_applied_to_the_whole_row() -> None:
    mean, std = tuple(float(k) for k in range(42)), (2.0,) * 42
    hand = _some_hand()
    np.testing.assert_allclose(
        _rows(hand, Standardize(mean=mean, std=std)), (_rows(hand) - np.array(mean)) / 2, atol=1e-6
    )


def test_a_standardize_of_another_width_is_refused_with_both_figures() -> None:
    with pytest.raises(ValueError, match="41 means and 41 deviations for a row of 42"):
        row_width(HAND_XY, (Standardize(mean=(0.0,) * 41, std=(1.0,) * 41),))


def test_points_that_a_part_does_not_have_are_refused() -> None:
    with pytest.raises(ValueError, match="0 to 20"):
        PartLayout(part="hand", points=(21,), axes=("x",))


@given(hand=hands)
def test_minus_the_least_is_what_the_model_p_tutorial_does(hand: npt.NDArray[np.float32]) -> None:
    """computervisioneng/sign-language-detector-python: `x - min(x_)`, `y - min(y_)`, point after point."""
    rows = _rows(hand, MinOrigin())
    for frame, row in zip(hand.astype(np.float64), rows, strict=True):
        xs, ys = frame[:, 0].tolist(), frame[:, 1].tolist()
        wanted = [value for x, y in zip(xs, ys, strict=True) for value in (x - min(xs), y - min(ys))]
        np.testing.assert_array_equal(row, np.asarray(wanted, np.float32))


@given(hand=hands)
def test_a_unit_box_reaches_from_0_to_1(hand: npt.NDArray[np.float32]) -> None:
    rows = _rows(hand, UnitBox()).reshape(-1, 21, 2)
    flat = np.ptp(hand[..., :2].astype(np.float64), axis=1) == 0
    np.testing.assert_array_equal(rows.min(axis=1), 0)
    np.testing.assert_array_equal(rows.max(axis=1), np.where(flat, 0, 1))


def test_a_z_score_has_mean_0_and_deviation_1() -> None:
    rows = _rows(_some_hand(), ZScore()).reshape(-1, 21, 2).astype(np.float64)
    np.testing.assert_allclose(rows.mean(axis=1), 0, atol=1e-6)
    np.testing.assert_allclose(rows.std(axis=1), 1, atol=1e-6)


@pytest.mark.parametrize(("by", "points"), [("distance", range(21)), ("base", (1, 5, 9, 13, 17))])
def test_a_hand_over_its_largest_distance(by: Literal["distance", "base"], points: Sequence[int]) -> None:
    hand = _some_hand()
    rows = _rows(hand, WristOrigin(), Scale(by=by)).reshape(-1, 21, 2)
    away = hand[..., :2].astype(np.float64) - hand[:, :1, :2]
    lengths = np.hypot(*np.moveaxis(away, -1, 0))[:, list(points)].max(axis=1)
    np.testing.assert_allclose(rows, away / lengths[:, None, None], atol=1e-6)
