"""One hand is one track."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from service.observe.followed_hand import LOST_AFTER_S, FollowedHand
from service.observe.landmarker import DetectedHand


def hand_at(x: float, y: float = 0.5, confidence: float = 0.9, size: float = 0.1) -> DetectedHand:
    points = np.zeros((21, 4), np.float32)
    points[:, 0] = x + np.linspace(0, size, 21)
    points[:, 1] = y - np.linspace(0, size, 21)
    return DetectedHand("right", confidence, points)


def test_it_begins_with_the_most_confident_hand() -> None:
    sure, unsure = hand_at(0.2, confidence=0.95), hand_at(0.6, confidence=0.8, size=0.3)
    assert FollowedHand(1.0).choose([unsure, sure], 0.0) is sure


def test_equally_confident_it_begins_with_the_larger() -> None:
    large, small = hand_at(0.2, size=0.2, confidence=0.951), hand_at(0.6, confidence=0.953)
    assert FollowedHand(1.0).choose([small, large], 0.0) is large


def test_it_follows_the_nearest_wrist_even_where_another_is_surer() -> None:
    followed = FollowedHand(1.0)
    followed.choose([hand_at(0.2)], 0.0)
    near, far = hand_at(0.25, confidence=0.5), hand_at(0.8, confidence=1.0)
    assert followed.choose([far, near], 0.1) is near


def test_another_hand_is_taken_up_only_after_half_a_second() -> None:
    followed = FollowedHand(1.0)
    followed.choose([hand_at(0.1)], 0.0)
    other = hand_at(0.8)
    assert followed.choose([other], 0.1) is None
    assert followed.choose([other], LOST_AFTER_S - 0.01) is None
    assert followed.choose([other], LOST_AFTER_S) is other


def test_a_wide_picture_counts_distances_as_they_are_seen() -> None:
    followed = FollowedHand(4.0)
    followed.choose([hand_at(0.1, size=0.05)], 0.0)
    assert followed.choose([hand_at(0.7, size=0.05)], 0.1) is None


@given(st.lists(st.lists(st.floats(0, 0.9), max_size=3), min_size=1, max_size=40), st.floats(0.01, 0.3))
def test_what_is_chosen_is_one_of_the_hands_and_never_a_leap_in_a_short_time(
    frames: list[list[float]], gap_s: float
) -> None:
    followed = FollowedHand(1.0)
    last: tuple[float, float] | None = None
    for index, places in enumerate(frames):
        hands = [hand_at(x) for x in places]
        hand = followed.choose(hands, index * gap_s)
        if hand is None:
            continue
        x = float(hand.landmarks[0, 0])
        assert any(hand is other for other in hands)
        if last is not None and index * gap_s - last[0] < LOST_AFTER_S - 1e-9:
            assert abs(x - last[1]) <= 2.5 * 0.1 + 1e-6
        last = (index * gap_s, x)
