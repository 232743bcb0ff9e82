"""Windows that are cut as a medium is looked at are those of the whole medium."""

from typing import cast

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from service.analysis.looking import Look
from service.jobs.stretch import Reached, Tally
from service.pipelines.windows import windows_over
from service.track import MediaInfo, Track

MEDIA = MediaInfo("video", "mp4", 640, 480, 60.0, 10.0)
NO_CLIPS = cast(Look, type("Seen", (), {"eye": None})())


def track(first: int, stop: int) -> Track:
    """Observations first … stop − 1, ten a second; the hand is the person's own right."""
    count = stop - first
    values = np.arange(first, stop, dtype=np.float32)[:, None, None] * np.ones((1, 21, 4), np.float32)
    return Track(
        np.arange(first, stop) / 10, values, np.ones(count, bool), MEDIA, ("hand",), np.full(count, 0.5, np.float32)
    )


@given(
    start_s=st.floats(0, 20),
    span_s=st.floats(0.1, 60),
    window_s=st.floats(0.1, 5),
    stride_s=st.floats(0.05, 3),
    steps=st.lists(st.floats(0.1, 10), max_size=40),
)
def test_windows_cut_on_the_way_are_those_of_the_whole_part(
    start_s: float, span_s: float, window_s: float, stride_s: float, steps: list[float]
) -> None:
    end_s = start_s + span_s
    reached = Reached(start_s)
    found = []
    for step in steps:
        if reached.covered_s + step >= end_s:
            break
        reached.covered_s += step
        due = reached.due(NO_CLIPS, start_s, window_s, stride_s)
        reached.judged(due)
        found += due
    reached.covered_s = reached.end_s = end_s
    found += reached.due(NO_CLIPS, start_s, window_s, stride_s)
    assert found == windows_over(start_s, end_s, window_s, stride_s)


def test_tracks_of_one_medium_are_joined() -> None:
    both = track(0, 7).followed_by(track(7, 20))
    assert np.array_equal(both.values, track(0, 20).values)
    assert np.array_equal(both.times_s, track(0, 20).times_s)
    assert both.handedness is not None
    assert len(both.handedness) == len(both.present) == 20


def test_evidence_adds_up() -> None:
    tally = Tally()
    tally.add(track(0, 7))
    tally.add(track(7, 20))
    assert tally.evidence.frames_sampled == tally.evidence.hand_frames == 20
    assert tally.evidence.handedness == "right"
    assert Tally().evidence.handedness is None


def test_what_no_window_needs_any_more_is_let_go_except_for_a_warm_up() -> None:
    seen = cast(Look, type("Seen", (), {"eye": None, "track": track(0, 100)})())
    reached = Reached(10.0)
    reached.let_go(seen, needed_from_s=9.0)
    assert reached.tail is not None
    assert reached.tail.times_s[0] == 8.0
    reached.let_go(seen, needed_from_s=5.0)
    assert reached.tail.times_s[0] == 5.0
