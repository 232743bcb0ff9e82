"""Highlights: the moments of a tension curve that stand out."""

import itertools
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.spotting.highlights import HighlightRules, highlights
from service.spotting.tension import TensionPoint

RULES = HighlightRules(threshold=0.5, sample_rate=2.0, window_s=2.0)


def _curve(values: list[float | None]) -> list[TensionPoint]:
    return [TensionPoint(index / 2, value) for index, value in enumerate(values)]


def _found(values: list[float | None], rules: HighlightRules = RULES) -> list[tuple[float, float, float, float]]:
    found = highlights(_curve(values), rules, 0.0, len(values) / 2)
    return [(one.start_s, one.end_s, one.peak_s, one.score) for one in found]


def test_a_moment_lasts_while_the_tension_stays_above_the_lower_threshold() -> None:
    assert _found([0.1, 0.1, 0.45, 0.9, 0.42, 0.1, 0.45, 0.1]) == [(0.75, 2.25, 1.5, 0.9)]


def test_a_moment_at_the_end_of_the_medium_ends_with_it() -> None:
    assert _found([0.8, 0.1, 0.1, 0.9]) == [(0.0, 0.25, 0.0, 0.8), (1.25, 2.0 - 0.25, 1.5, 0.9)]


def test_an_unknown_point_ends_a_moment_and_is_never_bridged() -> None:
    rules = replace(RULES, merge_gap_s=10.0, window_s=0.0)
    assert [one[:2] for one in _found([0.8, 0.8, None, 0.8, 0.8], rules)] == [(0.0, 0.75), (1.25, 2.25)]
    assert _found([None, None]) == []


def test_moments_near_each_other_are_one_with_the_higher_peak() -> None:
    assert _found([0.6, 0.1, 0.9, 0.1], replace(RULES, merge_gap_s=0.5)) == [(0.0, 1.25, 1.0, 0.9)]


def test_a_weaker_peak_that_saw_the_same_samples_is_left_out() -> None:
    values: list[float | None] = [0.6, 0.1, 0.9, 0.1, 0.1, 0.7]
    assert [one[3] for one in _found(values, replace(RULES, window_s=2.5))] == [0.9, 0.7]
    assert [one[3] for one in _found(values, replace(RULES, window_s=2.0))] == [0.6, 0.9, 0.7]


def test_short_moments_are_left_out_and_only_the_strongest_kept_in_order_of_time() -> None:
    values: list[float | None] = [0.6, 0.6, 0, 0, 0.9, 0, 0, 0.7, 0.7, 0, 0, 0.8, 0.8]
    assert [one[3] for one in _found(values, replace(RULES, min_duration_s=0.75, top_k=2))] == [0.7, 0.8]


@given(
    values=st.lists(st.one_of(st.none(), st.floats(-1, 2)), max_size=60),
    threshold=st.floats(0, 1),
    min_duration_s=st.sampled_from([0.0, 0.6, 2.0]),
    merge_gap_s=st.sampled_from([0.0, 0.6, 3.0]),
    top_k=st.one_of(st.none(), st.integers(1, 4)),
)
def test_highlights_are_apart_in_order_known_within_the_medium_and_reach_the_threshold(
    values: list[float | None], threshold: float, min_duration_s: float, merge_gap_s: float, top_k: int | None
) -> None:
    rules = HighlightRules(threshold, 2.0, 2.0, min_duration_s, merge_gap_s, top_k)
    points = _curve(values)
    found = highlights(points, rules, 0.0, len(values) / 2)
    assert top_k is None or len(found) <= top_k
    for before, after in itertools.pairwise(found):
        assert before.end_s <= after.start_s
    for one in found:
        assert 0 <= one.start_s <= one.peak_s < one.end_s <= len(values) / 2
        assert one.end_s - one.start_s >= min_duration_s - 1e-5
        inside = [point.value for point in points if one.start_s <= point.time_s < one.end_s]
        assert None not in inside
        assert one.score == max(value for value in inside if value is not None) >= threshold


def test_rules_that_make_no_sense_are_refused() -> None:
    with pytest.raises(ValueError, match="sample_rate"):
        HighlightRules(0.5, 0.0, 1.0)
    with pytest.raises(ValueError, match="top_k"):
        HighlightRules(0.5, 2.0, 1.0, top_k=0)
