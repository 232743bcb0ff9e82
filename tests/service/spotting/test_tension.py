"""Tension over time: unknown where no face is, and its change."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.spotting.tension import TensionPoint, changes, sample_times, tension_curve, tension_windows

RATE = 2.0


def test_a_point_stands_at_each_sample_before_the_end() -> None:
    assert sample_times(0.0, 2.0, RATE) == (0.0, 0.5, 1.0, 1.5)
    assert sample_times(1.0, 2.1, RATE) == (1.0, 1.5, 2.0)
    assert sample_times(0.0, 0.1, RATE) == (0.0,)
    with pytest.raises(ValueError, match="nothing is sampled"):
        sample_times(1.0, 1.0, RATE)


@given(rate=st.sampled_from([1.0, 2.0, 3.0, 10.0]), count=st.integers(1, 40), window=st.integers(1, 12))
def test_each_window_holds_the_same_number_of_samples_but_at_the_ends(rate: float, count: int, window: int) -> None:
    times_s = sample_times(0.0, count / rate, rate)
    grid = np.array(times_s)
    held = [
        int(((grid >= one.start_s) & (grid < one.end_s)).sum()) for one in tension_windows(times_s, window / rate, rate)
    ]
    assert all(1 <= number <= window for number in held)
    assert held[window // 2 : count - window // 2] == [window] * max(count - 2 * (window // 2), 0)


def test_a_frame_shown_a_little_before_its_moment_belongs_to_the_same_windows() -> None:
    times_s = sample_times(0.0, 10.0, RATE)
    shown = np.array([np.floor(time_s * 12 + 1e-9) / 12 for time_s in times_s])
    windows = tension_windows(times_s, 3.0, RATE)
    assert all(((shown >= one.start_s) & (shown < one.end_s)).sum() == 6 for one in windows[3:-3])


def test_the_tension_is_unknown_where_too_few_samples_show_a_face() -> None:
    points = tension_curve((0.0, 0.5, 1.0), (0.1, 0.2, 0.3), faces=(3, 2, 0), samples=(6, 6, 6), min_faces=3)
    assert [point.value for point in points] == [0.1, None, None]


def test_a_window_at_the_end_that_cannot_hold_so_many_needs_a_face_in_all_it_has() -> None:
    points = tension_curve((0.0, 0.5, 1.0), (0.1, 0.2, 0.3), faces=(2, 1, 0), samples=(2, 2, 0), min_faces=3)
    assert [point.value for point in points] == [0.1, None, None]


def test_an_answer_that_is_no_number_is_unknown() -> None:
    points = tension_curve((0.0, 0.5), (float("nan"), None), faces=(6, 6), samples=(6, 6), min_faces=3)
    assert [point.value for point in points] == [None, None]


def test_the_change_of_a_straight_line_is_what_it_gains_over_one_window_up_or_down() -> None:
    up = [TensionPoint(index / RATE, 0.1 * index) for index in range(10)]
    down = [TensionPoint(index / RATE, -0.1 * index) for index in range(10)]
    assert [point.value for point in changes(up, 3.0, RATE)] == pytest.approx([0.6] * 10)
    assert [point.value for point in changes(down, 3.0, RATE)] == pytest.approx([0.6] * 10)


def test_no_change_is_made_up_where_the_tension_is_unknown_or_stands_alone() -> None:
    points = [TensionPoint(0.0, None), TensionPoint(0.5, 1.0), TensionPoint(1.0, None), TensionPoint(1.5, None)]
    assert [point.value for point in changes(points, 1.0, RATE)] == [None] * 4
