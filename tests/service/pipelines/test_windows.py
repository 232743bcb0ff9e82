"""Windows over time."""

import itertools
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.pipelines.windows import WindowRule, windows_over
from service.track import Window

seconds = st.floats(0.05, 50.0)


@given(start=st.floats(0, 100), span=seconds, window=seconds, stride=seconds)
def test_windows_lie_within_the_stretch_and_reach_both_of_its_ends(
    start: float, span: float, window: float, stride: float
) -> None:
    windows = windows_over(start, start + span, window, stride)
    assert windows[0].start_s == pytest.approx(start)
    assert windows[-1].end_s == pytest.approx(start + span)
    assert all(one.start_s >= start - 1e-9 and one.end_s <= start + span + 1e-5 for one in windows)


@given(span=seconds, window=seconds, stride=seconds)
def test_windows_of_a_long_stretch_have_the_asked_length_and_move_forward(
    span: float, window: float, stride: float
) -> None:
    windows = windows_over(0.0, span, window, stride)
    if len(windows) > 1:
        assert all(one.duration_s == pytest.approx(window, abs=1e-6) for one in windows)
    starts = [one.start_s for one in windows]
    assert starts == sorted(set(starts))


@given(span=seconds, window=seconds, overlap=st.floats(0.05, 1.0))
def test_with_a_stride_up_to_the_window_no_moment_is_left_out(span: float, window: float, overlap: float) -> None:
    windows = windows_over(0.0, span, window, window * overlap)
    for before, after in itertools.pairwise(windows):
        assert after.start_s <= before.end_s + 1e-6


def test_a_stretch_shorter_than_a_window_is_one_window_of_its_own_length() -> None:
    (only,) = windows_over(1.0, 1.5, 2.0, 0.5)
    assert (only.start_s, only.end_s) == (1.0, 1.5)


def test_the_last_full_window_is_kept_and_one_ends_at_the_end() -> None:
    windows = windows_over(0.0, 5.3, 2.0, 1.0)
    assert [one.start_s for one in windows] == pytest.approx([0.0, 1.0, 2.0, 3.0, 3.3])


@pytest.mark.parametrize(("start", "end", "window", "stride"), [(1, 1, 1, 1), (0, 1, 0, 1), (0, 1, 1, 0), (2, 1, 1, 1)])
def test_nonsense_is_refused(start: float, end: float, window: float, stride: float) -> None:
    with pytest.raises(ValueError, match=r"between|positive"):
        windows_over(start, end, window, stride)


@given(
    start=st.floats(0, 20),
    window=st.floats(0.2, 4),
    stride=st.floats(0.1, 2),
    before=st.floats(0.5, 8),
    leap=st.floats(10, 1000),
    after=st.floats(0.5, 8),
)
def test_of_a_leap_only_windows_that_show_something_are_left(
    start: float, window: float, stride: float, before: float, leap: float, after: float
) -> None:
    leapt = Window(start + before, start + before + leap)
    end = leapt.end_s + after
    everything = windows_over(start, end, window, stride)
    inside = [one for one in everything[:-1] if leapt.start_s <= one.start_s and one.end_s <= leapt.end_s]
    rule = WindowRule(start, window, stride, leaps=(leapt,))
    left = rule.windows(end)
    near = 1e-5  # a window that ends with the leap may count either way
    assert set(left) <= set(everything)
    for one in set(everything) - set(left):
        assert leapt.start_s - near <= one.start_s
        assert one.end_s <= leapt.end_s + near
    assert len(left) <= len(everything) - len(inside) + 2
    done = rule.complete(leapt.start_s)
    ahead = replace(rule, first=rule.number_after(done, 0))
    assert [*done, *ahead.windows(end)] == left
    assert [*done, *ahead.complete(end)] == left[: len(done) + len(ahead.complete(end))]


def test_a_leap_of_years_takes_no_time() -> None:
    rule = WindowRule(0.0, 1.0, 0.25, leaps=(Window(2.0, 1e9),))
    assert len(rule.windows(1e9 + 2)) < 30
    assert rule.number_after([Window(1.75, 2.75)], 0) == 3999999997
