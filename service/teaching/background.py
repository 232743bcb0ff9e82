"""The background: movements of other people that are none of the taught signs, for the class `unknown`."""

from collections.abc import Sequence
from typing import Final

import numpy as np

from service.teaching.augmentation import Take, Variety, plain_view, vary
from service.teaching.body import LEFT, RIGHT, STEPS, body_features
from service.track import FloatArray

STILL_SHARE: Final = 0.3
"""Of the background, how many are moments of the takes themselves, held still, or their hands away."""


def background_of(takes: Sequence[Take], count: int, variety: Variety, rng: np.random.Generator) -> FloatArray:
    """N × STEPS × WIDTH features of what is no sign, made of the takes: one's hands on another's way, held, or gone."""
    chosen = [takes[place] for place in rng.integers(0, len(takes), count)]
    others = [takes[place] for place in rng.integers(0, len(takes), count)]
    points, ways = vary(chosen, variety, rng), vary(others, variety, rng)
    for place in range(count):
        kind = rng.random()
        if kind < STILL_SHARE / 2:
            points[place] = points[place, int(rng.integers(STEPS))]
        elif kind < STILL_SHARE:
            points[place, :, LEFT] = points[place, :, RIGHT] = 0.0
        else:
            _transplant(points[place], ways[place], rng)
    return body_features(points)


def _transplant(points: FloatArray, way: FloatArray, rng: np.random.Generator) -> None:
    """The hands' shapes of one take on the ways of another, run backwards half of the time."""
    order = slice(None, None, -1) if rng.random() < 0.5 else slice(None)
    for hand in (LEFT, RIGHT):
        if not points[:, hand].any() or not way[:, hand].any():
            continue
        wrist, other = points[:, hand.start : hand.start + 1], way[order, hand.start : hand.start + 1]
        points[:, hand] = points[:, hand] - wrist + other


def plain(takes: Sequence[Take]) -> FloatArray:
    """N × STEPS × WIDTH features of takes as they are."""
    return body_features(np.stack([plain_view(take) for take in takes]))
