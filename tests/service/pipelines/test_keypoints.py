"""The keypoint pipeline: landmarks of a window → a model's input."""

from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from service.pipelines.keypoints import KeypointsSection, tensor
from service.pipelines.missing import fill_missing
from service.track import MediaInfo, Track, Window

MEDIA = MediaInfo("video", "mp4", 640, 480, 2.0, 30.0)
ALL = Window(0.0, 10.0)
HAND = {"part": "hand", "axes": ["x", "y"]}


def _section(**changes: Any) -> KeypointsSection:
    values = {"source": "hands", "layout": [HAND], "sampling": {"rate": 10}, "length": {"length": 4}}
    return KeypointsSection.model_validate({**values, **changes})


def _track(frames: int = 4, missing: tuple[int, ...] = (), side: float = 1.0) -> Track:
    values = np.random.default_rng(frames).uniform(0.2, 0.8, (frames, 21, 4)).astype(np.float32)
    present = np.ones(frames, bool)
    handedness = np.full(frames, side, np.float32)
    for index in missing:
        values[index], present[index], handedness[index] = np.nan, False, 0.0
    return Track(np.arange(frames) / 10, values, present, MEDIA, ("hand",), handedness)


def _mirrored(track: Track) -> Track:
    values = track.values * np.array([-1, 1, 1, 1], np.float32) + np.array([1, 0, 0, 0], np.float32)
    assert track.handedness is not None
    return Track(track.times_s, values, track.present, track.media, track.parts, -track.handedness)


def test_a_sequence_is_padded_and_masked() -> None:
    rows = tensor(_track(3), ALL, _section())
    assert rows.values.shape == (1, 4, 42)
    assert rows.mask is not None
    assert rows.mask.tolist() == [[1, 1, 1, 0]]


@pytest.mark.parametrize("length", [None, {"length": 4}])
def test_points_are_the_rows_values_one_point_a_row(length: Any) -> None:
    row, points = _section(length=length), _section(length=length, form="points")
    values = tensor(_track(4), ALL, points).values
    assert values.shape == ((4, 21, 2) if length is None else (1, 4, 21, 2))
    assert values.shape[1:] == points.input_shape
    np.testing.assert_array_equal(values.ravel(), tensor(_track(4), ALL, row).values.ravel())


@pytest.mark.parametrize("step", ["velocity", "angles", "trajectory"])
def test_points_take_no_step_that_adds_values(step: str) -> None:
    with pytest.raises(ValidationError, match="form"):
        _section(form="points", derive=[{"step": step}])


def test_only_observations_of_the_window_are_used() -> None:
    track = _track(10)
    rows = tensor(track, Window(0.2, 0.4), _section())
    np.testing.assert_allclose(rows.values[0, 0], track.values[2, :, :2].ravel())
    assert rows.mask is not None
    assert rows.mask.sum() == 2


def test_a_window_without_a_hand_gives_no_rows() -> None:
    assert len(tensor(_track(3, missing=(0, 1, 2)), ALL, _section())) == 0


def test_zero_keeps_the_frame_drop_leaves_it_out_hold_repeats_and_interpolate_goes_between() -> None:
    track = _track(3, missing=(1,))
    first, last = track.values[0, :, :2].ravel(), track.values[2, :, :2].ravel()

    def second_step(policy: str) -> Any:
        return tensor(track, ALL, _section(missing=policy)).values[0, 1]

    assert (second_step("zero") == 0).all()
    np.testing.assert_allclose(second_step("drop"), last)
    np.testing.assert_allclose(second_step("hold"), first)
    np.testing.assert_allclose(second_step("interpolate"), (first + last) / 2, atol=1e-6)


def test_nothing_is_held_before_something_was_seen() -> None:
    landmarks = np.full((3, 21, 4), np.nan, np.float32)
    landmarks[1] = 0.5
    held = fill_missing(landmarks, np.arange(3.0), "hold")
    assert np.isnan(held[0]).all()
    assert (held[2] == 0.5).all()


def test_with_mirror_left_a_left_hand_gives_the_numbers_of_its_mirrored_right_hand() -> None:
    section = _section(mirror_left=True, derive=[{"step": "aspect"}, {"step": "wrist_origin"}])
    right = _track(4)
    np.testing.assert_allclose(
        tensor(_mirrored(right), ALL, section).values, tensor(right, ALL, section).values, atol=1e-6
    )


def test_the_side_is_decided_once_for_the_window_by_the_sum_of_its_scores() -> None:
    section = _section(mirror_left=True)
    track = _track(4)
    assert track.handedness is not None
    track.handedness[:] = (0.9, -0.5, 0.9, -0.5)
    np.testing.assert_allclose(tensor(track, ALL, section).values[0, 1], track.values[1, :, :2].ravel())


def test_without_a_length_each_frame_with_evidence_is_a_row() -> None:
    rows = tensor(_track(5, missing=(1, 3)), ALL, _section(length=None))
    assert rows.values.shape == (3, 42)
    assert rows.times_s.tolist() == pytest.approx([0.0, 0.2, 0.4])


def test_cutting_what_is_too_long_is_said() -> None:
    (warning,) = tensor(_track(9), ALL, _section()).warnings
    assert "9 observations" in warning
    assert "5 more" in warning


def test_one_hand_asks_for_one_two_sides_for_two() -> None:
    both = [{"part": "left_hand", "axes": ["x"]}, {"part": "right_hand", "axes": ["x"]}]
    assert _section().request.max_hands == 1
    assert _section(layout=both).request.max_hands == 2


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"source": "holistic", "complexity": 3, "layout": [{"part": "pose", "axes": ["x"]}]}, "0, 1 and 2"),
        ({"complexity": 2}, "0 and 1"),
        ({"layout": [{"part": "pose", "axes": ["x"]}]}, "no pose"),
        ({"layout": [HAND, {"part": "left_hand", "axes": ["x"]}]}, "stands alone"),
        ({"source": "holistic"}, "stands alone"),
        ({"layout": [{"part": "left_hand", "axes": ["x"]}], "mirror_left": True}, "mirror_left"),
        ({"derive": [{"step": "standardize", "mean": [0] * 42, "std": [1] * 42}, {"step": "velocity"}]}, "last"),
        ({"lenght": None}, "Extra inputs"),
    ],
)
def test_a_section_that_cannot_be_served_is_refused_with_the_reason(changes: dict[str, Any], reason: str) -> None:
    with pytest.raises(ValidationError, match=reason):
        _section(**changes)
