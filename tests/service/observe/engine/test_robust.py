"""Hands that MediaPipe's decisions lose, and what is no hand."""

from collections.abc import Sequence

import numpy as np
import pytest

from service.media.upright import Pixels
from service.observe.engine.hands import FaithfulHands
from service.observe.engine.networks import Network
from service.observe.engine.robust import RobustHands
from service.observe.request import LandmarkRequest
from service.track import FloatArray
from tests.media_made import drawn_face, drawn_hand

ONE = LandmarkRequest("hands", ("hand",))
TWO = LandmarkRequest("hands", ("left_hand", "right_hand"), max_hands=2)
SIZE = np.array([640, 480])
EMPTY = np.full((480, 640, 3), 90, np.uint8)


def hand_at(x: float, size: float = 0.5) -> Pixels:
    return drawn_hand(640, 480, at=(x, 0.6), size=size)


def seen(landmarker: FaithfulHands | RobustHands, pictures: Sequence[Pixels]) -> list[int]:
    """How many hands are seen in each frame of a medium."""
    landmarker.reset()
    return [len(landmarker.detect(picture).hands) for picture in pictures]


def cropped(margin: float) -> tuple[Pixels, FloatArray]:
    """A picture cut to the hand's box and a share of it around, and where its landmarks are, in pixels."""
    picture = hand_at(0.5, size=0.9)
    points = FaithfulHands(ONE).detect(picture).hands[0].landmarks[:, :2] * SIZE
    least, most = points.min(axis=0), points.max(axis=0)
    (left, top), (right, bottom) = (
        (least - (most - least) * margin).astype(int),
        (most + (most - least) * margin).astype(int),
    )
    return np.ascontiguousarray(picture[top:bottom, left:right]), (points - (left, top)).astype(np.float32)


@pytest.mark.parametrize("margin", [0.0, 0.05, 0.1])
def test_a_hand_that_fills_the_picture_is_found(margin: float) -> None:
    picture, points = cropped(margin)
    assert seen(FaithfulHands(ONE), [picture]) == [0]
    (hand,) = RobustHands(ONE).detect(picture).hands
    found = hand.landmarks[:, :2] * picture.shape[1::-1]
    assert float(np.linalg.norm(found - points, axis=1).mean()) < 0.08 * np.ptp(points)


@pytest.mark.parametrize("step", [0.1, 0.15, 0.2, 0.25])
def test_a_hand_that_moves_fast_is_not_lost(step: float) -> None:
    way = [hand_at(min(0.15 + step * frame, 0.9)) for frame in range(8)]
    assert 0 in seen(FaithfulHands(ONE), way)
    assert seen(RobustHands(ONE), way) == [1] * 8


def test_a_hand_that_comes_into_an_empty_scene_is_seen_by_the_third_frame() -> None:
    way = [EMPTY] * 40 + [hand_at(0.5)] * 4
    assert seen(RobustHands(ONE), way)[:40] == [0] * 40
    assert seen(RobustHands(ONE), way)[42:] == [1, 1]


def test_a_second_hand_beside_one_that_was_long_alone_is_seen_by_the_fifth_frame() -> None:
    alone, both = (
        hand_at(0.25, size=0.4),
        np.hstack([hand_at(0.25, size=0.4)[:, :320], hand_at(0.75, size=0.4)[:, 320:]]),
    )
    found = seen(RobustHands(TWO), [alone] * 25 + [both] * 6)
    assert found[:25] == [1] * 25
    assert found[29:] == [2, 2]


def test_one_hand_is_never_two() -> None:
    assert max(seen(RobustHands(TWO), [hand_at(0.3 + 0.02 * frame) for frame in range(10)])) == 1


def test_a_face_is_no_hand() -> None:
    face = drawn_face(at=(0.5, 0.5), size=0.9, on=EMPTY)
    assert seen(RobustHands(TWO), [face] * 20) == [0] * 20


@pytest.fixture
def runs(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The network of each crop that is looked at from here on."""
    names: list[str] = []

    def counted(self: Network, crops: Sequence[Pixels]) -> list[FloatArray]:
        names.extend([self.name] * len(crops))
        return run(self, crops)

    run = Network.run
    monkeypatch.setattr(Network, "run", counted)
    return names


def test_an_empty_scene_costs_less_than_a_palm_detection_a_frame(runs: list[str]) -> None:
    seen(RobustHands(ONE), [EMPTY] * 90)
    assert len(runs) < 0.85 * 90


def test_while_one_of_two_hands_is_followed_the_other_is_looked_for_now_and_then(runs: list[str]) -> None:
    landmarker = RobustHands(TWO)
    seen(landmarker, [hand_at(0.5)] * 3)
    runs.clear()
    for _ in range(30):
        landmarker.detect(hand_at(0.5))
    assert runs.count("palm-full") <= 15
    assert runs.count("hand-full") <= 33


def noisy(picture: Pixels, number: int) -> Pixels:
    """As a camera gives it: no two frames are alike."""
    noise = np.random.default_rng(number).normal(0, 3, picture.shape)
    return np.clip(picture + noise, 0, 255).astype(np.uint8)


def test_a_hand_that_holds_still_is_looked_at_every_third_frame_and_stays_where_it_is(runs: list[str]) -> None:
    landmarker = RobustHands(ONE)
    held = hand_at(0.5)
    first = landmarker.detect(noisy(held, 0)).hands[0].landmarks[:, :2]
    runs.clear()
    for number in range(1, 31):
        (hand,) = landmarker.detect(noisy(held, number)).hands
        assert float(np.abs(hand.landmarks[:, :2] - first).mean()) < 0.02 * np.ptp(first)
    assert runs.count("hand-full") == 10


@pytest.mark.parametrize("step", [0.01, 0.05])
def test_a_hand_that_moves_is_looked_at_in_every_frame(runs: list[str], step: float) -> None:
    landmarker = RobustHands(ONE)
    landmarker.detect(noisy(hand_at(0.3), 0))
    runs.clear()
    for number in range(1, 9):
        landmarker.detect(noisy(hand_at(0.3 + step * number), number))
    assert runs.count("hand-full") >= 8


def test_a_hand_that_leaves_at_once_is_gone_at_once() -> None:
    held = hand_at(0.5)
    assert seen(RobustHands(ONE), [held, held, held, EMPTY]) == [1, 1, 1, 0]
