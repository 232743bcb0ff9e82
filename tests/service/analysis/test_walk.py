"""Windows that are cut as a medium is looked at are those of the whole medium."""

from dataclasses import replace
from typing import cast

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.analysis.clip import ClipRequest, ObservedClip
from service.analysis.walk import Cursor, EvidenceCounter, _join, _side_by_side
from service.context import AppContext
from service.media.medium import MediaLimits, Medium
from service.media.sampling import Rate
from service.observe.call import ObserveCall, ObserveResult
from service.observe.request import LandmarkRequest
from service.pipelines.chunking import WARM_UP_S, Position
from service.pipelines.keypoints import KeypointsSection
from service.pipelines.layouts import PartLayout
from service.pipelines.windows import WindowRule, windows_over
from service.registry.registry import ServedModel
from service.track import MediaInfo, Track, Window
from service.workers.deadline import Deadline

CALL = ObserveCall(
    Medium("", 0), LandmarkRequest("hands", ("hand",)), Rate(rate=10), 0.0, None, False, MediaLimits(1, 60, 1)
)
MEDIA = MediaInfo("video", "mp4", 640, 480, 60.0, 10.0)
LANDMARKS = KeypointsSection(
    source="hands", layout=(PartLayout(part="hand", axes=("x", "y", "z")),), sampling=Rate(rate=10)
)
NO_MODEL = cast(ServedModel, None)
CLIP = ClipRequest(Medium("", 0), Deadline.after(1), NO_MODEL)
NOTHING = Track(np.zeros(0), np.zeros((0, 0), np.float32), np.zeros(0, bool), MEDIA)


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
    end_s, rule = start_s + span_s, WindowRule(start_s, window_s, stride_s)
    position = Position(start_s)
    found: list[Window] = []
    for step in steps:
        if position.covered_s + step >= end_s:
            break
        position = replace(position, covered_s=position.covered_s + step)
        due = LANDMARKS.due_windows(NOTHING, rule, position)
        position = replace(position, scored=position.scored + len(due))
        found += due
    found += LANDMARKS.due_windows(NOTHING, rule, replace(position, covered_s=end_s, end_s=end_s))
    assert found == windows_over(start_s, end_s, window_s, stride_s)


def test_tracks_of_one_medium_are_joined() -> None:
    both = track(0, 7).join(track(7, 20))
    assert np.array_equal(both.values, track(0, 20).values)
    assert np.array_equal(both.times_s, track(0, 20).times_s)
    assert both.handedness is not None
    assert len(both.handedness) == len(both.present) == 20


def test_evidence_adds_up() -> None:
    counter = EvidenceCounter()
    counter.add(track(0, 7))
    counter.add(track(7, 20))
    assert counter.evidence.frames_sampled == counter.evidence.hand_frames == 20
    assert counter.evidence.handedness == "right"
    assert EvidenceCounter().evidence.handedness is None


def test_what_no_window_needs_any_more_is_let_go_except_for_a_warm_up() -> None:
    clip = ObservedClip(NO_MODEL, LANDMARKS, track(0, 100), CLIP.deadline, cast(AppContext, None))
    for needed_from_s, kept_from_s in ((9.0, 8.0), (5.0, 5.0)):
        cursor = Cursor(Position(10.0))
        cursor.finish_chunk(clip, [], needed_from_s)
        assert cursor.position.context is not None
        assert cursor.position.context.times_s[0] == kept_from_s


def test_calls_side_by_side_are_one_result() -> None:
    first = ObserveResult(replace(track(0, 100), warnings=("odd",)), decode_s=1.0, at_end=False)
    second = ObserveResult(replace(track(80, 150), warnings=("odd", "even")), decode_s=0.5, at_end=True)
    whole = _join(first, second, until_s=10.0)
    assert np.array_equal(whole.track.values, track(0, 150).values)
    assert whole.track.warnings == ("odd", "even")
    assert (whole.decode_s, whole.at_end) == (1.5, True)


def test_a_call_that_found_no_frame_only_says_whether_the_medium_ends_there() -> None:
    first = ObserveResult(replace(track(0, 100), warnings=("odd",)), at_end=False)
    whole = _join(first, ObserveResult(NOTHING, at_end=True), until_s=10.0)
    assert whole.track is first.track
    assert whole.at_end


@given(start_s=st.floats(0, 100), step_s=st.floats(1, 10), lanes=st.integers(0, 8), span_s=st.floats(0.5, 100))
def test_calls_cover_what_lies_before_the_end_and_begin_with_a_warm_up(
    start_s: float, step_s: float, lanes: int, span_s: float
) -> None:
    calls = _side_by_side(replace(CALL, start_s=start_s, duration_s=step_s), start_s + span_s, start_s, lanes)
    assert 1 <= len(calls) <= max(1, lanes)
    assert calls[-1].end_s <= start_s + span_s + 1e-9
    for number, call in enumerate(calls):
        new_s = start_s + number * step_s
        assert start_s <= call.start_s <= new_s
        assert call.start_s <= max(start_s, new_s - WARM_UP_S) + 1e-9
        assert call.end_s == pytest.approx(min(new_s + step_s, start_s + span_s))
        assert call.may_be_empty == (number > 0)
