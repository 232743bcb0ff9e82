"""Seconds → ticks: no cue is empty, none overlaps."""

import itertools

from hypothesis import given
from hypothesis import strategies as st

from service.export.answer import SignsExport
from service.export.ticks import MILLISECONDS, ticks
from tests.service.export.answers_made import answers, lasting


@given(answer=answers(), per_second=st.sampled_from([1.0, 24.0, 29.97, 1000.0]))
def test_rounding_makes_no_cue_empty_and_none_overlap(answer: SignsExport, per_second: float) -> None:
    rounded = ticks(answer.signs, per_second)
    assert all(0 <= start < end for start, end in rounded)
    assert all(before[1] <= after[0] for before, after in itertools.pairwise(rounded))


@given(answer=lasting())
def test_cues_of_a_millisecond_or_more_move_by_a_millisecond_at_most(answer: SignsExport) -> None:
    for sign, (start, end) in zip(answer.signs, ticks(answer.signs, MILLISECONDS), strict=True):
        assert abs(start - sign.start_s * 1000) <= 1.0
        assert abs(end - sign.end_s * 1000) <= 1.0


def test_touching_cues_still_touch() -> None:
    class Span:
        def __init__(self, start_s: float, end_s: float) -> None:
            self.start_s, self.end_s = start_s, end_s

    assert ticks([Span(0.0, 0.3336), Span(0.3336, 1.0)], 1000) == [(0, 334), (334, 1000)]
