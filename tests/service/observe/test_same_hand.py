"""One hand that is found twice counts once."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from service.observe.landmarker import DetectedHand, PartLandmarks
from service.observe.same_hand import MOST_OVERLAP, box_overlap, remove_duplicates
from service.track import Side

landmarks = arrays(np.float32, (21, 4), elements=st.floats(0, 1, width=32))
hands = st.lists(st.builds(DetectedHand, st.sampled_from(["left", "right"]), st.floats(0.5, 1), landmarks), max_size=4)


def hand_at(x: float, side: Side = "right", confidence: float = 0.9) -> DetectedHand:
    points = np.zeros((21, 4), np.float32)
    points[:, 0] = x + np.linspace(0, 0.1, 21)
    points[:, 1] = 0.5 + np.linspace(0, 0.2, 21)
    return DetectedHand(side, confidence, points)


def test_doubles_a_little_apart_are_one_hand_whatever_their_sides() -> None:
    sure, unsure = hand_at(0.4, "right", 0.95), hand_at(0.41, "left", 0.9)
    assert remove_duplicates([unsure, sure]) == (sure,)


def test_two_hands_side_by_side_stay_two() -> None:
    assert len(remove_duplicates([hand_at(0.3), hand_at(0.5, "left")])) == 2


@given(hands)
def test_no_two_hands_that_remain_lie_on_each_other(found: list[DetectedHand]) -> None:
    kept = remove_duplicates(found)
    for index, hand in enumerate(kept):
        assert all(box_overlap(hand.landmarks, other.landmarks) < MOST_OVERLAP for other in kept[:index])
    assert [hand.confidence for hand in kept] == sorted((hand.confidence for hand in kept), reverse=True)
    assert bool(kept) == bool(found)


@given(landmarks, landmarks)
def test_overlap_is_a_share_and_the_same_both_ways(first: PartLandmarks, second: PartLandmarks) -> None:
    assert 0 <= box_overlap(first, second) <= 1 + 1e-6
    assert box_overlap(first, second) == box_overlap(second, first)
