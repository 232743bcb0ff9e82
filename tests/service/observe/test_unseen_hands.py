"""What a caller is told where hands are not found: only what was measured."""

import numpy as np
import pytest

from service.observe.landmarker import DetectedHand
from service.observe.unseen_hands import CUT_OFF, DARK_LEVEL, SMALL_SHARE, TOO_DARK, TOO_SMALL, UnseenHands

BRIGHT = np.full((480, 640, 3), 128, np.uint8)
DARK = np.full((480, 640, 3), int(DARK_LEVEL) - 1, np.uint8)


def hand(share: float, left: float = 0.4) -> DetectedHand:
    landmarks = np.full((21, 4), 0.5, np.float32)
    landmarks[:, 0] = np.linspace(left, left + share, 21)
    return DetectedHand("right", 0.9, landmarks)


def hints(*frames: tuple[np.ndarray[tuple[int, ...], np.dtype[np.uint8]], tuple[DetectedHand, ...]]) -> tuple[str, ...]:
    unseen = UnseenHands()
    for rgb, hands in frames:
        unseen.note(rgb, hands)
    return unseen.hints


def test_nothing_is_told_of_no_frames_and_of_hands_that_are_mostly_seen() -> None:
    assert hints() == ()
    assert hints((BRIGHT, (hand(SMALL_SHARE / 2),)), (BRIGHT, (hand(0.05, -0.1),)), (DARK, ())) == ()


def test_darkness_is_told_where_the_frames_without_a_hand_are_dark() -> None:
    assert hints((DARK, ()), (BRIGHT, (hand(0.3),))) == (TOO_DARK,)
    assert hints((DARK, ()), (BRIGHT, ()), (BRIGHT, ())) == ()


@pytest.mark.parametrize(
    ("seen", "told"),
    [(hand(SMALL_SHARE - 0.01), (TOO_SMALL,)), (hand(0.3, -0.05), (CUT_OFF,)), (hand(0.3), ())],
    ids=["small", "cut off", "well seen"],
)
def test_hands_tell_by_where_they_are_seen_why_they_are_lost(seen: DetectedHand, told: tuple[str, ...]) -> None:
    assert hints((BRIGHT, (seen,)), (BRIGHT, ()), (BRIGHT, ())) == told


def test_a_dark_frame_of_small_hands_tells_both() -> None:
    assert hints((DARK, ()), (BRIGHT, (hand(0.05),))) == (TOO_DARK, TOO_SMALL)
