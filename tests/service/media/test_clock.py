"""The clock: timestamps that begin late, begin anew or leap become times that never go back."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.media.clock import LEAP_S, Clock, leapt_s
from service.track import Window

FRAME_S = 1 / 30


def ticked(stamps_s: list[float], origin: Fraction = Fraction(0)) -> tuple[list[float], Clock]:
    clock = Clock(origin, FRAME_S)
    return [clock.tick(stamp_s, 0.0) for stamp_s in stamps_s], clock


@given(st.lists(st.floats(-50, 5000), min_size=1, max_size=60))
def test_times_never_go_back_and_leaps_never_overlap(stamps_s: list[float]) -> None:
    times_s, clock = ticked(stamps_s)
    assert times_s == sorted(times_s)
    assert all(leap.duration_s > LEAP_S for leap in clock.leaps)
    assert all(one.end_s <= two.start_s for one, two in zip(clock.leaps, clock.leaps[1:], strict=False))
    whole = Window(times_s[0], times_s[-1] + 1)
    assert 0 <= leapt_s(clock.leaps, whole) <= whole.duration_s


@given(first=st.integers(1, 200), second=st.integers(1, 200), late_s=st.floats(0, 40))
def test_time_goes_on_where_timestamps_begin_anew(first: int, second: int, late_s: float) -> None:
    stamps_s = [late_s + index * FRAME_S for index in (*range(first), *range(second))]
    times_s, clock = ticked(stamps_s)
    far_back = (first - 1) * FRAME_S > 0.3
    assert clock.restarts == (1 if far_back else clock.restarts)
    if far_back:
        assert times_s == pytest.approx([late_s + index * FRAME_S for index in range(first + second)])


def test_a_late_first_frame_is_late_and_no_leap() -> None:
    times_s, clock = ticked([30.0, 30.1])
    assert times_s == [30.0, 30.1]
    assert (clock.leaps, clock.restarts) == ([], 0)
    assert ticked([1.4, 1.5], Fraction(14, 10))[0] == pytest.approx([0.0, 0.1])


def test_a_leap_begins_with_the_end_of_the_frame_before_it_however_long_that_is_said_to_last() -> None:
    clock = Clock(Fraction(0), FRAME_S)
    clock.tick(1.0, 1000.0)  # as mp4 writes it
    clock.tick(1001.0, FRAME_S)
    assert clock.leaps == [Window(1.0 + FRAME_S, 1001.0)]


def test_a_frame_of_a_slide_show_is_shown_as_long_as_it_says() -> None:
    clock = Clock(Fraction(0), 15.0)
    clock.tick(0.0, 15.0)
    clock.tick(15.0, 40.0)
    clock.tick(55.0, 15.0)
    assert clock.leaps == []


def test_a_frame_without_a_timestamp_follows_the_one_before() -> None:
    clock = Clock(Fraction(0), 0.5)
    assert [clock.tick(stamp_s, 0.0) for stamp_s in (None, None, 2.0, None)] == [0.0, 0.5, 2.0, 2.5]
