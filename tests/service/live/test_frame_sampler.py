"""Pacing: the frames that a file's sampling takes, as they come."""

from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.live.frame_sampler import BACKWARDS_S, GAP_S, ClockError, FrameSampler, SampledFrame
from service.live.frames import SentFrame
from service.media.sampling import Rate, sample

RATES = st.sampled_from([2.0, 5.0, 10.0, 15.0, 30.0])
CAMERAS = st.sampled_from([10.0, 12.0, 15.0, 24.0, 25.0, 29.97, 30.0, 50.0, 60.0])


def frame(seq: int, time_s: float) -> SentFrame:
    return SentFrame(seq, time_s, b"", 0.0)


def taken(sampler: FrameSampler, times_s: list[float]) -> list[SampledFrame]:
    return [shown for seq, time_s in enumerate(times_s) for shown in sampler.push(frame(seq, time_s))]


@dataclass(frozen=True, slots=True)
class Filed:
    """A frame of a file."""

    seq: int
    time_s: float
    until_s: float


def taken_of_a_file(times_s: list[float], rate: float, last_s: float) -> list[int]:
    """The frames that a file's sampling looks at, each once."""
    ends = [*times_s[1:], times_s[-1] + last_s]
    frames = [Filed(seq, time_s, until_s) for seq, (time_s, until_s) in enumerate(zip(times_s, ends, strict=True))]
    return list(dict.fromkeys(found.seq for _, found in sample(frames, Rate(rate=rate), float("inf"))))


@given(CAMERAS, RATES, st.integers(1, 200), st.integers(0, 100_000))
def test_an_even_camera_gives_a_files_frames(camera: float, rate: float, count: int, start_ms: int) -> None:
    """But for the first point, before anything is known of the camera, and the last frame, whose end a file tells."""
    times_s = [start_ms / 1000 + seq / camera for seq in range(count)]
    sampler = FrameSampler(rate)
    found = [shown.frame.seq for shown in taken(sampler, times_s)]
    expected = taken_of_a_file(times_s, rate, 1 / camera)
    assert set(expected) ^ set(found) <= {0, 1, 2, count - 1}


@given(RATES, st.lists(st.floats(0.005, 0.3), min_size=1, max_size=100))
def test_whatever_its_pace_a_camera_gives_each_point_a_frame_near_it(rate: float, steps: list[float]) -> None:
    """In order, each at most once, and none that lies more than an interval of the camera before its point."""
    times_s = [0.0]
    for step in steps:
        times_s.append(times_s[-1] + step)
    sampler = FrameSampler(rate)
    shown = taken(sampler, times_s)
    seqs = [one.frame.seq for one in shown]
    assert seqs == sorted(set(seqs))
    assert all(one.until_s > one.time_s for one in shown)
    sampler.finish()
    assert len(shown) + sampler.skipped == len(times_s)
    points = [step / rate for step in range(int(times_s[-1] * rate) + 1)]
    for point in points:
        before = [time_s for time_s in times_s if time_s <= point + 1e-6]
        stands = max(one.time_s for one in shown if one.time_s <= point + 1e-6)
        assert stands >= before[-1] - max(steps) - 1e-6


def test_sixty_frames_a_second_are_looked_at_as_fifteen_are() -> None:
    sixty = [shown.time_s for shown in taken(FrameSampler(15), [seq / 60 for seq in range(240)])]
    fifteen = [shown.time_s for shown in taken(FrameSampler(15), [seq / 15 for seq in range(60)])]
    assert sixty == fifteen


def test_a_frame_is_looked_at_as_it_comes_and_not_one_later() -> None:
    sampler = FrameSampler(15)
    assert [len(sampler.push(frame(seq, seq / 30))) for seq in range(6)] == [1, 0, 1, 0, 1, 0]


def test_a_point_that_was_missed_has_the_frame_before_it() -> None:
    """The camera slows down: the frame that seemed to end before the point was still shown at it."""
    sampler = FrameSampler(5)
    taken(sampler, [seq / 100 for seq in range(12)])  # up to 0.11 s; the next point is 0.2
    assert [shown.time_s for shown in sampler.push(frame(12, 0.25))] == [0.11]


def test_a_pause_begins_anew() -> None:
    sampler = FrameSampler(15)
    first = taken(sampler, [0.0, 1 / 30, 2 / 30])
    assert [shown.discontinuity for shown in first] == [True, False]
    (after,) = sampler.push(frame(9, 2 / 30 + GAP_S + 0.04))
    assert after.discontinuity


def test_a_straggler_is_late_and_another_clock_is_refused() -> None:
    sampler = FrameSampler(15)
    taken(sampler, [5.0, 5.1])
    assert sampler.push(frame(2, 5.1)) == sampler.push(frame(3, 5.05)) == ()
    assert sampler.late == 2
    with pytest.raises(ClockError):
        sampler.push(frame(4, 5.1 - BACKWARDS_S - 0.01))
    sampler.reset()
    (shown,) = sampler.push(frame(5, 0.0))
    assert shown.discontinuity
