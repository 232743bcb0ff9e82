"""Windows that are cut as a medium is looked at are those of the whole medium."""

from dataclasses import replace
from typing import cast

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.analysis.looking import Look, Part
from service.jobs.stretch import WARM_UP_S, Reached, Tally, _after, _pieces
from service.media.medium import MediaLimits, Medium
from service.media.sampling import Rate
from service.observe.call import ObserveCall, ObserveResult
from service.observe.request import LandmarkRequest
from service.pipelines.keypoints import KeypointsSection
from service.pipelines.layouts import PartLayout
from service.pipelines.windows import windows_over
from service.registry.registry import ServedModel
from service.track import MediaInfo, Track
from service.workers.deadline import Deadline

CALL = ObserveCall(
    Medium("", 0), LandmarkRequest("hands", ("hand",)), Rate(rate=10), 0.0, None, False, MediaLimits(1, 60, 1)
)
MEDIA = MediaInfo("video", "mp4", 640, 480, 60.0, 10.0)
NO_MODEL = cast(ServedModel, None)
LANDMARKS = KeypointsSection(
    source="hands", layout=(PartLayout(part="hand", axes=("x", "y", "z")),), sampling=Rate(rate=10)
)
NO_CLIPS = cast(Look, type("Seen", (), {"eye": LANDMARKS, "track": None})())


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
    seen = cast(Look, type("Seen", (), {"eye": LANDMARKS, "track": track(0, 100)})())
    reached = Reached(10.0)
    reached.let_go(seen, needed_from_s=9.0)
    assert reached.tail is not None
    assert reached.tail.times_s[0] == 8.0
    reached.let_go(seen, needed_from_s=5.0)
    assert reached.tail.times_s[0] == 5.0


def test_pieces_that_were_looked_at_side_by_side_are_one_result() -> None:
    first = ObserveResult(replace(track(0, 100), warnings=("odd",)), decode_s=1.0, at_end=False)
    second = ObserveResult(replace(track(80, 150), warnings=("odd", "even")), decode_s=0.5, at_end=True)
    whole = _after(first, second, until_s=10.0)
    assert np.array_equal(whole.track.values, track(0, 150).values)
    assert whole.track.warnings == ("odd", "even")
    assert (whole.decode_s, whole.at_end) == (1.5, True)


@given(start_s=st.floats(0, 100), step_s=st.floats(1, 10), lanes=st.integers(0, 8), span_s=st.floats(0.5, 100))
def test_pieces_cover_what_lies_before_the_end_and_begin_with_a_warm_up(
    start_s: float, step_s: float, lanes: int, span_s: float
) -> None:
    part = Part(Medium("", 0), Deadline.after(1), NO_MODEL, start_s=start_s, duration_s=span_s)
    call = replace(CALL, start_s=start_s, duration_s=step_s)
    pieces = _pieces(call, part, Reached(start_s), lanes)
    assert 1 <= len(pieces) <= max(1, lanes)
    assert pieces[-1].end_s <= start_s + span_s + 1e-9
    for number, piece in enumerate(pieces):
        news_s = start_s + number * step_s
        assert start_s <= piece.start_s <= news_s
        assert piece.start_s <= max(start_s, news_s - WARM_UP_S) + 1e-9
        assert piece.end_s == pytest.approx(min(news_s + step_s, start_s + span_s))
