"""The hands that the default models are trained on: made, photographed, and told as the service would tell them."""

import numpy as np
import pytest

from tools.train.data import track_of
from tools.train.features import STEPS, rows_of_stills, rows_of_track
from tools.train.letters import DIGITS, LETTERS, draw_angles, points_of
from tools.train.shapes import CURLS, THUMBS
from tools.train.stills import misread, photographed


def made_hands(count: int = 40) -> np.ndarray:
    rng = np.random.default_rng(3)
    return points_of(draw_angles(LETTERS["G"] + LETTERS["M"], count, rng), rng)


@pytest.mark.parametrize("kind", ["letters", "digits"])
def test_a_photograph_is_told_in_bulk_as_the_service_tells_it_alone(kind: str) -> None:
    points = photographed(made_hands(), np.random.default_rng(1))
    told = rows_of_stills(kind, points)
    for hand, row in zip(points, told, strict=True):
        alone = rows_of_track(kind, track_of(hand[None]))
        assert alone is not None
        np.testing.assert_allclose(alone, np.tile(row, (STEPS, 1)), atol=1e-5)


def test_every_way_is_made_of_known_codes() -> None:
    for ways in (*LETTERS.values(), *DIGITS.values()):
        for way in ways:
            assert len(way.fingers) == 4
            assert set(way.fingers) <= set(CURLS)
            assert way.thumb in THUMBS
            assert way.weight > 0


def test_every_letter_that_is_held_is_shown_in_several_ways() -> None:
    assert set(LETTERS) == set("ABCDEFGHIKLMNOPQRSTUVWXY")
    assert all(len(ways) > 1 for ways in LETTERS.values())


def test_photographs_are_the_same_from_the_same_seed() -> None:
    first, second = (photographed(made_hands(), np.random.default_rng(7)) for _ in range(2))
    np.testing.assert_array_equal(first, second)
    assert np.isfinite(first).all()


def test_a_misread_hand_keeps_its_palm() -> None:
    palm = [0, 1, 5, 9, 13, 17]
    points = made_hands(400)[..., :2]
    wrong = misread(points, np.random.default_rng(2))
    np.testing.assert_array_equal(wrong[:, palm], points[:, palm])
    changed = (wrong != points).any(axis=(1, 2)).mean()
    assert 0.03 < changed < 0.25
