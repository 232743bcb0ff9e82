"""The stored spelling model reads words of a hand that is made, not filmed: pace, doubles, and what is no double."""

from pathlib import Path

import numpy as np
import pytest

from service.spotting.segment import Segment
from tools.train.data import FRAME_S
from tools.train.hand import Array, projected
from tools.train.letters import LETTERS
from tools.train.poses import made_shelf
from tools.train.spelling.measure import Reader

STORE = Path(__file__).parents[2] / "model_store" / "asl-spelling"
HOLD_S = 0.6
PLAIN = "ABCFILOUVWY"
"""Letters that this hand shows as everybody does."""


@pytest.fixture(scope="module")
def reader() -> Reader:
    return Reader(max(STORE.iterdir(), key=lambda folder: int(folder.name)))


@pytest.fixture(scope="module")
def hands() -> dict[str, Array]:
    """21 × 2 points of one hand a letter, y down, palm lengths."""
    shelf = made_shelf(LETTERS, 1, np.random.default_rng(7))
    return {name: projected(points, np.array([8.0]))[0] for name, points in shelf.hands.items()}


def shown(pose: Array, way: list[tuple[float, float]]) -> Array:
    """A pose that is held, carried along a way in palm lengths, frame by frame, and held again."""
    held = round(HOLD_S / FRAME_S)
    places = np.array([(0.0, 0.0)] * held + way + [way[-1]] * held)
    noise = np.random.default_rng(3).normal(0, 0.008, (len(places), 21, 2))
    return np.asarray(pose + places[:, None] + noise)


def text(segments: tuple[Segment, ...]) -> str:
    return "".join(one.label for one in segments)


SLID = [(0.2 * step, 0.0) for step in range(1, 5)]
BOUNCED = [(0.0, -0.25), (0.0, -0.5), (0.0, -0.25), (0.0, 0.0)]
STILL = [(0.0, 0.0)] * 8
DRIFTED = [(0.008 * step, 0.0) for step in range(1, 31)]


@pytest.mark.parametrize("way", [SLID, BOUNCED], ids=["slid", "bounced"])
def test_letters_made_twice_are_two(reader: Reader, hands: dict[str, Array], way: list[tuple[float, float]]) -> None:
    read = {letter: text(reader.segments(shown(hands[letter], way))) for letter in PLAIN}
    kept = [letter for letter, found in read.items() if found == 2 * letter]
    assert len(kept) >= 0.8 * len(PLAIN), read


@pytest.mark.parametrize("way", [STILL, DRIFTED], ids=["held", "drifting"])
def test_letters_that_are_held_are_one(reader: Reader, hands: dict[str, Array], way: list[tuple[float, float]]) -> None:
    read = {letter: text(reader.segments(shown(hands[letter], way))) for letter in PLAIN}
    kept = [letter for letter, found in read.items() if found == letter]
    assert len(kept) >= 0.9 * len(PLAIN), read
