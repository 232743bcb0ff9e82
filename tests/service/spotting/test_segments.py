"""Decided windows → segments: boundaries, releases, gaps, and the laws that every answer keeps."""

import itertools
import pickle
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.pipelines.windows import windows_over
from service.spotting.merging import ClassSpan, NextStart, SpanCleaner
from service.spotting.segment import ScoredWindow, Segment, SpottingRules
from service.spotting.segments import REACH_S, Spotter, find_segments
from service.track import Window

LABELS = ("A", "B", "idle")
FPS = 30
RULES = SpottingRules(
    LABELS, 0.1, idle_labels=("idle",), threshold=0.5, min_duration_s=0.3, merge_gap_s=0.2, smoothing="viterbi"
)
Held = list[tuple[float, float, str]]


def _scored(
    held: Held, duration_s: float, seen: list[tuple[float, float]], window_s: float = 1.0
) -> list[ScoredWindow]:
    """Windows of a medium in which labels are held, scored by how much of what a window sees shows which label."""
    times_s = np.arange(round(duration_s * FPS)) / FPS
    present = np.zeros(len(times_s), bool)
    for start_s, end_s in seen:
        present |= (times_s >= start_s - 1e-9) & (times_s < end_s - 1e-9)
    shown = np.full(len(times_s), -1)
    for start_s, end_s, label in held:
        shown[(times_s >= start_s - 1e-9) & (times_s < end_s - 1e-9)] = LABELS.index(label)
    windows = []
    for window in windows_over(0.0, duration_s, window_s, RULES.stride_s):
        inside = (times_s >= window.start_s) & (times_s < window.end_s)
        judged = shown[inside & present]
        counted = np.array([(judged == index).sum() for index in range(3)], np.float32) / max(len(judged), 1)
        shares = (counted * 0.9 + (1 - counted.sum() * 0.9) / 3).astype(np.float32)
        windows.append(ScoredWindow(window, shares if len(judged) else None, times_s[inside], present[inside]))
    return windows


def _found(segments: tuple[Segment, ...]) -> list[tuple[str, float, float]]:
    return [(one.label, round(one.start_s, 2), round(one.end_s, 2)) for one in segments]


def test_a_sign_between_hands_at_rest_out_of_sight_begins_and_ends_with_the_hand() -> None:
    segments = find_segments(_scored([(1.0, 2.2, "A")], 4.0, [(1.0, 2.2)]), RULES)
    assert _found(segments) == [("A", 1.0, 2.2)]
    assert segments[0].confidence == pytest.approx(0.93, abs=0.02)


def test_boundaries_are_good_to_a_third_of_a_second_though_windows_are_a_second_long() -> None:
    held = [(1.03, 2.23, "A"), (2.9, 4.1, "B"), (4.1, 5.5, "A")]
    found = find_segments(_scored(held, 7.0, [(1.03, 2.3), (2.9, 5.6)]), RULES)
    assert [one.label for one in found] == ["A", "B", "A"]
    for segment, (start_s, end_s, _) in zip(found, held, strict=True):
        assert abs(segment.start_s - start_s) <= 0.3
        assert abs(segment.end_s - end_s) <= 0.3


def test_windows_too_empty_to_be_named_belong_to_the_sign_that_the_hand_came_for() -> None:
    windows = _scored([(1.0, 2.2, "A")], 4.0, [(1.0, 2.2)])
    shy = [
        replace(one, probabilities=np.array([0.35, 0.33, 0.32], np.float32))
        if one.probabilities is not None and not 1.2 < one.center_s < 2.0
        else one
        for one in windows
    ]
    assert _found(find_segments(shy, RULES)) == [("A", 1.0, 2.2)]


def test_the_hand_is_not_followed_over_windows_that_an_idle_label_won() -> None:
    windows = _scored([(0.0, 1.0, "idle"), (1.0, 2.0, "A"), (2.0, 3.0, "idle")], 3.0, [(0.8, 2.2)])
    (segment,) = find_segments(windows, RULES)
    assert segment.start_s == pytest.approx(1.0, abs=0.21)
    assert segment.end_s == pytest.approx(2.0, abs=0.21)


def test_a_letter_held_is_one_segment() -> None:
    assert _found(find_segments(_scored([(0.5, 20.0, "A")], 21.0, [(0.5, 20.0)]), RULES)) == [("A", 0.5, 20.0)]


def test_a_letter_released_and_made_again_is_two_segments_also_within_one_window() -> None:
    windows = _scored([(0.5, 1.5, "A"), (2.2, 3.2, "A")], 4.0, [(0.5, 1.5), (2.2, 3.2)])
    assert all(one.probabilities is not None for one in windows if 1.4 < one.center_s < 2.3)
    assert _found(find_segments(windows, RULES)) == [("A", 0.5, 1.5), ("A", 2.2, 3.2)]


def test_a_letter_released_into_an_idle_hand_and_made_again_is_two_segments() -> None:
    held = [(0.5, 2.0, "A"), (2.0, 3.6, "idle"), (3.6, 5.0, "A")]
    found = find_segments(_scored(held, 6.0, [(0.5, 5.0)]), RULES)
    assert [one.label for one in found] == ["A", "A"]


def test_a_hand_that_the_tracker_loses_for_a_moment_does_not_end_a_sign() -> None:
    assert _found(find_segments(_scored([(1.0, 3.0, "A")], 4.0, [(1.0, 1.8), (2.1, 3.0)]), RULES)) == [("A", 1.0, 3.0)]


def test_a_medium_shorter_than_a_window_is_one_segment_of_all_that_is_seen() -> None:
    assert _found(find_segments(_scored([(0.0, 0.6, "A")], 0.6, [(0.0, 0.6)]), RULES)) == [("A", 0.0, 0.6)]
    assert _found(find_segments(_scored([(0.1, 0.6, "A")], 0.6, [(0.1, 0.5)]), RULES)) == [("A", 0.1, 0.5)]


def test_a_sign_shown_from_the_first_to_the_last_frame_is_one_segment_of_the_whole_medium() -> None:
    assert _found(find_segments(_scored([(0.0, 5.25, "A")], 5.25, [(0.0, 5.25)]), RULES)) == [("A", 0.0, 5.25)]


def test_what_is_shorter_than_min_duration_is_left_out_and_what_lies_around_it_is_joined() -> None:
    plain = replace(RULES, smoothing="none", min_duration_s=0.3, merge_gap_s=0.3)
    windows = _scored([(0.0, 4.0, "A")], 4.0, [(0.0, 4.0)])
    blip = [
        replace(one, probabilities=np.array([0.1, 0.8, 0.1], np.float32)) if 1.95 < one.center_s < 2.15 else one
        for one in windows
    ]
    assert _found(find_segments(blip, plain)) == [("A", 0.0, 4.0)]
    assert [one.label for one in find_segments(blip, replace(plain, min_duration_s=0.1))] == ["A", "B", "A"]


def test_idle_and_declined_stretches_are_left_out() -> None:
    assert find_segments(_scored([(0.0, 3.0, "idle")], 3.0, [(0.0, 3.0)]), RULES) == ()
    assert find_segments(_scored([], 3.0, [(0.0, 3.0)]), RULES) == ()
    assert find_segments(_scored([], 3.0, []), RULES) == ()


def test_a_gap_in_a_damaged_video_is_never_closed_even_where_the_same_sign_goes_on() -> None:
    windows = _scored([(0.0, 6.0, "A")], 6.0, [(0.0, 6.0)])
    for gap in (Window(2.5, 2.6), Window(2.51, 2.515), Window(2.0, 3.7)):
        found = find_segments(windows, replace(RULES, merge_gap_s=5.0), [gap])
        before, after = found
        assert gap.start_s - RULES.stride_s <= before.end_s <= gap.start_s
        assert gap.end_s <= after.start_s <= gap.end_s + RULES.stride_s
        assert (before.start_s, after.end_s) == (0.0, 6.0)


def test_alternatives_are_the_next_labels_by_mean_probability_without_idle() -> None:
    (segment,) = find_segments(_scored([(0.0, 2.0, "A")], 2.0, [(0.0, 2.0)]), RULES)
    assert [(one.class_idx, one.label) for one in segment.alternatives] == [(1, "B")]
    assert segment.alternatives[0].confidence < segment.confidence


def test_a_segment_is_given_as_soon_as_nothing_can_change_it_and_grows_in_sight_until_then() -> None:
    spotter = Spotter(RULES)
    growing: list[float] = []
    given_at = None
    for scored in _scored([(1.0, 2.0, "A")], 6.0, [(1.0, 2.0)]):
        final = spotter.push(scored)
        if spotter.growing is not None:
            growing.append(spotter.growing.end_s)
        if final:
            given_at = scored.center_s
    assert growing == sorted(growing)
    assert given_at == pytest.approx(2.0 + RULES.merge_gap_s + REACH_S + RULES.stride_s, abs=0.11)
    assert spotter.finish() == ()


def test_a_segment_is_given_while_the_next_sign_is_still_held() -> None:
    spotter = Spotter(RULES)
    given_at = {
        segment.label: scored.center_s
        for scored in _scored([(1.0, 2.0, "A"), (2.0, 6.0, "B")], 8.0, [(1.0, 6.0)])
        for segment in spotter.push(scored)
    }
    assert given_at["A"] < 3.0
    assert given_at["B"] > 6.0


def test_a_fresh_spotter_after_a_flush_starts_nothing_before_it() -> None:
    windows = _scored([(0.5, 4.0, "A")], 5.0, [(0.5, 4.0)])
    first, second = Spotter(RULES), Spotter(RULES, from_s=2.0)
    before = [one for scored in windows[:16] for one in first.push(scored)] + list(first.finish())
    after = [one for scored in windows[16:] for one in second.push(scored)] + list(second.finish())
    assert after[0].start_s >= 2.0
    assert before[-1].end_s <= windows[15].window.end_s


def test_memory_does_not_grow_with_the_medium() -> None:
    spotter = Spotter(RULES)
    windows = _scored([(t, t + 0.7, "AB"[int(t) % 2]) for t in np.arange(0, 60, 1.5)], 60.0, [(0.0, 60.0)])
    sizes = []
    for repeat in range(4):
        for scored in windows:
            later = Window(scored.window.start_s + 60 * repeat, scored.window.end_s + 60 * repeat)
            spotter.push(replace(scored, window=later, times_s=scored.times_s + 60 * repeat))
        sizes.append(len(pickle.dumps(spotter)))
    assert max(sizes) < 1.5 * sizes[0]


@st.composite
def media(draw: st.DrawFn) -> tuple[list[ScoredWindow], SpottingRules, list[Window]]:
    """Any windows at all: random probabilities, hands that come and go, gaps."""
    seed = draw(st.integers(0, 2**31))
    rng = np.random.default_rng(seed)
    duration_s = draw(st.floats(0.2, 12.0))
    window_s, stride_s = draw(st.floats(0.1, 3.0)), draw(st.floats(0.05, 1.5))
    times_s = np.arange(max(round(duration_s * 15), 1)) / 15
    present = np.repeat(rng.random(len(times_s)) < draw(st.floats(0, 1)), draw(st.integers(1, 12)))[: len(times_s)]
    gaps = [
        Window(start_s, start_s + draw(st.floats(0, 2))) for start_s in draw(st.lists(st.floats(0, 12), max_size=3))
    ]
    scored = []
    for window in windows_over(0.0, duration_s, window_s, stride_s):
        inside = (times_s >= window.start_s) & (times_s < window.end_s)
        judged = rng.dirichlet([0.3] * 3).astype(np.float32) if present[inside].any() else None
        scored.append(ScoredWindow(window, judged, times_s[inside], present[inside]))
    rules = SpottingRules(
        LABELS,
        stride_s,
        idle_labels=draw(st.sampled_from([(), ("idle",)])),
        threshold=draw(st.sampled_from([0.0, 0.5, 0.8])),
        min_duration_s=draw(st.sampled_from([0.0, 0.3, 1.0])),
        merge_gap_s=draw(st.sampled_from([0.0, 0.2, 1.0])),
        smoothing=draw(st.sampled_from(["none", "viterbi"])),
    )
    return scored, rules, gaps


@settings(max_examples=200, deadline=None)
@given(medium=media())
def test_segments_never_overlap_are_in_order_and_last_and_stay_within_the_medium(
    medium: tuple[list[ScoredWindow], SpottingRules, list[Window]],
) -> None:
    scored, rules, gaps = medium
    found = find_segments(scored, rules, gaps)
    for before, after in itertools.pairwise(found):
        assert before.end_s <= after.start_s
        if before.label == after.label:
            damaged = any(gap.start_s < after.start_s and gap.end_s > before.end_s for gap in gaps if gap.duration_s)
            assert damaged or after.start_s - before.end_s > rules.merge_gap_s
    for segment in found:
        assert segment.end_s - segment.start_s >= max(rules.min_duration_s - 1e-5, 0.0009)
        assert scored[0].window.start_s <= segment.start_s
        assert segment.end_s <= scored[-1].window.end_s
        assert segment.label not in rules.idle_labels
        assert 0 <= segment.confidence <= 1
        assert not any(
            gap.start_s < segment.end_s and gap.end_s > segment.start_s for gap in gaps if gap.duration_s > 0
        )


@settings(max_examples=100, deadline=None)
@given(medium=media(), cuts=st.lists(st.integers(0, 200), max_size=5))
def test_a_file_a_job_in_chunks_and_a_live_session_decide_alike(
    medium: tuple[list[ScoredWindow], SpottingRules, list[Window]], cuts: list[int]
) -> None:
    scored, rules, gaps = medium
    spotter = Spotter(rules)
    waiting = sorted(gaps, key=lambda gap: gap.start_s)
    found: list[Segment] = []
    for index, window in enumerate(scored):
        if index in cuts:
            spotter = pickle.loads(pickle.dumps(spotter))
        while waiting and waiting[0].start_s <= window.window.end_s:
            spotter.add_gap(waiting.pop(0))
        found.extend(spotter.push(window))
    found.extend(spotter.finish())
    assert tuple(found) == find_segments(scored, rules, gaps)


@settings(max_examples=200, deadline=None)
@given(medium=media())
def test_segments_that_are_given_early_are_those_that_the_end_would_give(
    medium: tuple[list[ScoredWindow], SpottingRules, list[Window]],
) -> None:
    class Unhurried(SpanCleaner):
        def advance(self, _next_start_s: NextStart) -> list[ClassSpan]:
            return []

    scored, rules, gaps = medium
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("service.spotting.segments.SpanCleaner", Unhurried)
        late = find_segments(scored, rules, gaps)
    assert find_segments(scored, rules, gaps) == late


def test_rules_that_make_no_sense_are_refused() -> None:
    with pytest.raises(ValueError, match="labels"):
        SpottingRules((), 0.1)
    with pytest.raises(ValueError, match="positive"):
        SpottingRules(LABELS, 0.0)
    with pytest.raises(ValueError, match="threshold"):
        SpottingRules(LABELS, 0.1, threshold=2.0)
