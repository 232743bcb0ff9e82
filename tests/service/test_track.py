"""Track: what was observed over time."""

import numpy as np
import pytest

from service.track import MediaInfo, Track, Window

MEDIA = MediaInfo("video", "mp4", 640, 480, 1.0, 30.0)


def _track() -> Track:
    values = np.full((4, 42, 4), np.nan, np.float32)
    values[1, :21] = 0.25
    values[2, 21:] = 0.75
    return Track(np.arange(4) / 4, values, np.array([0, 1, 1, 0], bool), MEDIA, ("left_hand", "right_hand"))


def test_a_part_is_found_by_its_name() -> None:
    assert (_track().part("right_hand")[2] == 0.75).all()
    with pytest.raises(KeyError):
        _track().part("face")


def test_a_cut_begins_at_its_start_and_ends_before_its_end() -> None:
    assert _track().cut(Window(0.25, 0.75)).times_s.tolist() == [0.25, 0.5]


def test_frames_with_any_of_the_parts_are_counted_once() -> None:
    assert _track().frames_with(("left_hand", "right_hand")) == 2
    assert _track().frames_with(("face",)) == 0


@pytest.mark.parametrize(("scores", "side"), [([0.9, -0.4], "right"), ([0.2, -0.6], "left"), ([0, 0], None)])
def test_the_sum_of_the_scores_decides_the_side(scores: list[float], side: str | None) -> None:
    track = Track(
        np.arange(2.0), np.zeros((2, 21, 4), np.float32), np.ones(2, bool), MEDIA, ("hand",), np.array(scores)
    )
    assert track.side() == side


def test_a_part_that_stands_several_times_is_that_of_several_persons() -> None:
    values = np.concatenate([np.full((2, 468, 4), 0.25, np.float32), np.full((2, 468, 4), np.nan, np.float32)], axis=1)
    track = Track(np.arange(2.0), values, np.ones(2, bool), MEDIA, ("face", "face"))
    assert [bool(np.isnan(face).all()) for face in track.part_of_each("face")] == [False, True]
    assert (track.part("face") == 0.25).all()
