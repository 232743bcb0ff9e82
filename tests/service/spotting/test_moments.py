"""Answers for moments → segments and states: what is made again counts again, edges count, and the laws hold."""

import pickle
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.spotting.moments import MomentRules, MomentSpotter
from service.spotting.segment import ScoredWindow, Segment, SpottingRules
from service.spotting.states import StateSpan
from service.track import Window

LABELS = ("A", "B", "way", "words", "rest")
STEP_S = 1 / 15
AT_S = 1.4
SPOTTING = SpottingRules(LABELS, STEP_S, idle_labels=("way", "words", "rest"), threshold=0.5)
RULES = MomentRules(
    SPOTTING, AT_S, {"way": "spelling", "words": "signing"}, change_cost=1.0, lag_s=0.2, least_state_s=0.4
)
NOTHING = np.zeros(0), np.zeros(0, bool)


def _moments(shown: str, sure: float = 0.9, start_s: float = 0.0) -> list[ScoredWindow]:
    """A moment for each letter of `shown`: A and B, - a way, w words, . rest, and a blank where nothing is seen."""
    moments = []
    for index, one in enumerate(shown):
        window_s = start_s + index * STEP_S - AT_S
        chances = np.full(len(LABELS), (1 - sure) / (len(LABELS) - 1), np.float32)
        chances["AB-w.".find(one)] = sure
        moments.append(ScoredWindow(Window(window_s, window_s + 2.0), None if one == " " else chances, *NOTHING))
    return moments


def _spotted(moments: list[ScoredWindow], rules: MomentRules = RULES) -> tuple[list[Segment], list[StateSpan]]:
    spotter = MomentSpotter(rules)
    found = [segment for one in moments for segment in spotter.push(one)]
    return [*found, *spotter.finish()], list(spotter.take_states())


def _text(moments: list[ScoredWindow], rules: MomentRules = RULES) -> str:
    return "".join(one.label for one in _spotted(moments, rules)[0])


def test_a_sign_made_again_is_two_and_one_held_is_one() -> None:
    assert _text(_moments("..AAAA--AAAA--BBBB..")) == "AAB"
    assert _text(_moments("..AAAAAAAAAAAAAAAAAA..")) == "A"


def test_what_a_medium_begins_and_ends_within_counts() -> None:
    (first, last), _ = _spotted(_moments("AAA--BBB"))
    assert (first.label, first.start_s) == ("A", 0.0)
    assert last.label == "B"
    assert last.end_s > 7 * STEP_S


def test_a_run_begins_and_ends_halfway_between_two_moments() -> None:
    (segment,), _ = _spotted(_moments("....BBBB....", start_s=10.0))
    assert abs(segment.start_s - (10 + 3.5 * STEP_S)) < 1e-9
    assert abs(segment.end_s - (10 + 7.5 * STEP_S)) < 1e-9


def test_a_single_doubtful_moment_within_a_sign_does_not_part_it() -> None:
    moments = _moments("AAAAAAAA")
    moments[4] = _moments("B", 0.4, 4 * STEP_S)[0]
    assert _text(moments) == "A"


def test_the_shape_that_a_movement_begins_with_is_part_of_it() -> None:
    rules = replace(RULES, begins_as={"B": ("A",)})
    (segment,), _ = _spotted(_moments("..AAAABBBB.."), rules)
    assert segment.label == "B"
    assert segment.start_s == pytest.approx(1.5 * STEP_S)
    assert _text(_moments("..AAAA--BBBB.."), rules) == "AB"
    assert _text(_moments("..BBBBAAAA.."), rules) == "BA"


def test_what_never_is_sure_is_not_named() -> None:
    assert _text(_moments("..AAAA..", sure=0.45)) == ""
    assert _text(_moments("..AAAA..", sure=0.45), replace(RULES, spotting=replace(SPOTTING, threshold=0.4))) == "A"


def test_states_tell_spelling_from_signing_and_rest_and_leave_out_what_is_short() -> None:
    _, states = _spotted(_moments("." * 10 + "AAA--BBB--" + "w" * 10 + "." + "w" * 9))
    assert [one.state for one in states] == ["resting", "spelling", "signing"]
    assert all(one.end_s == after.start_s for one, after in zip(states, states[1:], strict=False))


def test_a_medium_without_a_hand_rests() -> None:
    segments, states = _spotted(_moments(" " * 30))
    assert segments == []
    assert [one.state for one in states] == ["resting"]


def test_nothing_is_said_of_a_damaged_stretch_and_no_sign_crosses_it() -> None:
    spotter = MomentSpotter(RULES)
    spotter.add_gap(Window(4 * STEP_S, 8 * STEP_S))
    found = [segment for one in _moments("A" * 14) for segment in spotter.push(one)]
    first, second = [*found, *spotter.finish()]
    assert first.end_s <= 4 * STEP_S
    assert second.start_s >= 7 * STEP_S


def test_nothing_begins_before_a_session_went_on() -> None:
    spotter = MomentSpotter(RULES, from_s=0.1)
    found = [segment for one in _moments("AAAAAAAA") for segment in spotter.push(one)]
    (segment,) = [*found, *spotter.finish()]
    assert segment.start_s >= 0.1


SHOWN = st.text("AB-w. ", max_size=60)


@settings(max_examples=150, deadline=None)
@given(SHOWN, st.floats(0.3, 0.95), st.floats(0, 3), st.floats(0, 0.6))
def test_segments_are_in_order_without_overlaps_within_the_medium(
    shown: str, sure: float, change_cost: float, lag_s: float
) -> None:
    segments, states = _spotted(_moments(shown, sure), replace(RULES, change_cost=change_cost, lag_s=lag_s))
    for spans in ([(one.start_s, one.end_s) for one in segments], [(one.start_s, one.end_s) for one in states]):
        assert all(0 <= start_s < end_s <= len(shown) * STEP_S + 1e-9 for start_s, end_s in spans)
        assert all(end_s <= start_s + 1e-9 for (_, end_s), (start_s, _) in zip(spans, spans[1:], strict=False))
    assert all(one.label in "AB" for one in segments)
    if states:
        assert states[0].start_s == 0.0
        assert sum(one.end_s - one.start_s for one in states) == pytest.approx(states[-1].end_s - states[0].start_s)


@settings(max_examples=60, deadline=None)
@given(SHOWN, st.integers(0, 60))
def test_a_spotter_that_was_put_away_goes_on_as_if_it_had_not_been(shown: str, at: int) -> None:
    moments = _moments(shown)
    whole = _spotted(moments)
    spotter = MomentSpotter(RULES)
    found = [segment for one in moments[:at] for segment in spotter.push(one)]
    spotter = pickle.loads(pickle.dumps(spotter))
    found += [segment for one in moments[at:] for segment in spotter.push(one)]
    assert ([*found, *spotter.finish()], list(spotter.take_states())) == whole


@settings(max_examples=60, deadline=None)
@given(SHOWN)
def test_a_longer_lag_never_parts_what_all_of_the_medium_would_not(shown: str) -> None:
    sure = _moments(shown, 0.97)
    assert _text(sure, replace(RULES, lag_s=0.2)) == _text(sure, replace(RULES, lag_s=5.0))
