"""Which frames are looked at."""

from dataclasses import dataclass
from itertools import pairwise

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from service.media.sampling import EveryNth, Rate, resolve_sampling, sample


@dataclass(frozen=True)
class Shown:
    time_s: float
    until_s: float


def frames_at(times: list[float], last_s: float = 0.1) -> list[Shown]:
    ends = [*times[1:], times[-1] + last_s]
    return [Shown(time, end) for time, end in zip(times, ends, strict=True)]


gaps = st.lists(st.floats(0.001, 0.3), min_size=1, max_size=60)
starts = st.floats(0, 1)
rates = st.floats(0.5, 60)


def film_of(start: float, lengths: list[float]) -> list[Shown]:
    times = [start]
    for length in lengths[:-1]:
        times.append(times[-1] + length)
    return frames_at(times, lengths[-1])


@given(starts, gaps, rates, st.floats(0.01, 20))
def test_a_grid_point_never_takes_a_later_frame(start: float, lengths: list[float], rate: float, end: float) -> None:
    film = film_of(start, lengths)
    for point, frame in sample(film, Rate(rate=rate), end):
        assert frame.time_s <= point + 1e-6
        assert point < frame.until_s + 1e-6


@given(starts, gaps, rates, st.floats(0.01, 20))
def test_the_grid_has_no_gaps_and_starts_at_zero(start: float, lengths: list[float], rate: float, end: float) -> None:
    film = film_of(start, lengths)
    steps = [round(point * rate) for point, _ in sample(film, Rate(rate=rate), end)]
    assert all(after - before == 1 for before, after in pairwise(steps))
    stop = min(film[-1].until_s, end)
    expected = [step for step in range(int(stop * rate) + 2) if film[0].time_s - 1e-6 <= step / rate < stop - 1e-6]
    assert steps == expected


@given(starts, gaps, rates)
def test_cutting_the_film_later_changes_nothing_before_the_cut(start: float, lengths: list[float], rate: float) -> None:
    film = film_of(start, lengths)
    middle = film[len(film) // 2].time_s
    whole = [(point, frame) for point, frame in sample(film, Rate(rate=rate), 1e9) if point < middle - 1e-5]
    cut = [(point, frame) for point, frame in sample(film, Rate(rate=rate), middle) if point < middle - 1e-5]
    assert whole == cut


@given(gaps, st.integers(1, 7))
def test_every_nth_counts_from_the_first(lengths: list[float], every: int) -> None:
    film = film_of(0.0, lengths)
    assert [frame for _, frame in sample(film, EveryNth(every=every), 1e9)] == film[::every]


@given(st.integers(1, 60), rates)
def test_twice_the_frame_rate_gives_the_same_grid(count: int, rate: float) -> None:
    slow = frames_at([index / 15 for index in range(count)], 1 / 15)
    fast = frames_at([index / 30 for index in range(2 * count)], 1 / 30)
    assume(abs(slow[-1].until_s - fast[-1].until_s) < 1e-9)
    grid = [point for point, _ in sample(slow, Rate(rate=rate), 1e9)]
    assert grid == [point for point, _ in sample(fast, Rate(rate=rate), 1e9)]


@pytest.mark.parametrize("frame_rate", [27.0, 29.97, 30.0, 33.0])
def test_a_rate_within_a_tenth_is_the_authors(frame_rate: float) -> None:
    assert resolve_sampling(EveryNth(every=2, fps=30), frame_rate) == (EveryNth(every=2, fps=30), None)


@pytest.mark.parametrize("frame_rate", [24.0, 60.0, None])
def test_another_rate_is_sampled_by_time_and_said(frame_rate: float | None) -> None:
    sampling, warning = resolve_sampling(EveryNth(every=2, fps=30), frame_rate)
    assert sampling == Rate(rate=15)
    assert warning is not None
    assert "15 times per second" in warning
