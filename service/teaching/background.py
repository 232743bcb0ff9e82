"""The background: movements of other people that are none of the taught signs, for the class `unknown`.

`background.npz` holds how they move, learned from free data (`tools/train/teaching`): of each word of each person the
mean and the spread of its clips, as principal components of a cosine transform over time. What is drawn from that is
nobody's clip.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from service.teaching.augmentation import Take, Variety, shoulder_widths, vary
from service.teaching.body import (
    ARMS,
    BODY,
    HAND,
    HAND_SCALE,
    LEAST_WIDTH,
    LEFT,
    POINTS,
    RIGHT,
    SHOULDERS,
    STEPS,
    WIDTH,
    body_features,
)
from service.track import BoolArray, FloatArray

FILE: Final = Path(__file__).with_name("background.npz")
WIDER: Final = 1.2
"""Spreads are taken so much wider: there are more people than those that were seen."""

ELBOWS: Final = (BODY.start + 3, BODY.start + 4)
WRISTS: Final = (BODY.start + 5, BODY.start + 6)
Indices = npt.NDArray[np.intp]

BETWEEN, BACKWARDS, MIRRORED = 0.4, 0.2, 0.3
"""Shares that lie between two words, run backwards, are shown with the other hand."""

NOISE: Final = 0.03
HALF: Final = 0.5
HELD, GONE, LOW = 0.2, 0.1, 0.3
"""Of what is made of the takes: shares in which they are held still, their hands are away, or rest far down."""

MOVES: Final = 0.3
"""How far wrists are apart, in shoulders' widths, on two ways that are not the same."""

RESTS: Final = (1.0, 2.0)
"""How far below the shoulders resting hands are, in shoulders' widths."""


@dataclass(frozen=True, slots=True)
class OtherPeople:
    """How other people move. mean: of all clips' waves; basis: components × waves; centers, spreads: a word each, by
    components; hands: which hands it is shown with."""

    mean: FloatArray
    basis: FloatArray
    centers: FloatArray
    spreads: FloatArray
    hands: FloatArray
    over_time: FloatArray

    def draw(self, count: int, rng: np.random.Generator) -> FloatArray:
        """N × STEPS × WIDTH features of movements like theirs."""
        first = rng.integers(0, len(self.centers), count)
        second = np.array([rng.choice(self._alike(place)) for place in first])
        share = np.where(rng.random(count) < BETWEEN, rng.random(count), 0.0).astype(np.float32)[:, None]
        latent = self.centers[first] * (1 - share) + self.centers[second] * share
        latent = latent + rng.standard_normal(latent.shape, np.float32) * self.spreads[first] * np.float32(WIDER)
        waves = (self.mean + latent @ self.basis).reshape(count, -1, WIDTH)
        moves = np.einsum("sw,nwf->nsf", self.over_time, waves)
        backwards = rng.random(count) < BACKWARDS
        moves[backwards] = moves[backwards, ::-1]
        seen = (moves[..., -2:] > HALF).astype(np.float32) * self.hands[first][:, None]
        moves = moves[..., :-2] + rng.standard_normal((count, STEPS, WIDTH - 2), np.float32) * np.float32(NOISE)
        features = np.concatenate([moves, seen], axis=-1).astype(np.float32)
        mirrored = rng.random(count) < MIRRORED
        features[mirrored] = _mirror(features[mirrored])
        features[..., :_ONE] *= features[..., -2:-1]
        features[..., _ONE : 2 * _ONE] *= features[..., -1:]
        return features

    def _alike(self, place: int) -> Indices:
        return np.flatnonzero((self.hands == self.hands[place]).all(axis=1))


_ONE: Final = 2 * HAND + 2
"""Numbers of one hand: its shape and its wrist."""


@cache
def other_people() -> OtherPeople:
    """What the file holds."""
    with FILE.open("rb") as opened, np.load(opened, allow_pickle=False) as file:
        arrays = {name: file[name].astype(np.float32) for name in file.files}
    return OtherPeople(
        arrays["mean"],
        arrays["basis"],
        arrays["centers"],
        arrays["spreads"],
        arrays["hands"],
        waves_over_time(int(arrays["waves"])),
    )


def hands_alone(features: FloatArray) -> FloatArray:
    """N × STEPS × WIDTH features of hands and bodies, as they would be of the hands without the body."""
    points = np.zeros((*features.shape[:2], POINTS, 2), np.float32)
    for number, hand in enumerate((LEFT, RIGHT)):
        own = features[..., number * _ONE : (number + 1) * _ONE]
        shape, wrist = own[..., : 2 * HAND].reshape(*own.shape[:2], HAND, 2), own[..., None, 2 * HAND :]
        there = features[..., number - 2, None, None]
        points[:, :, hand] = (shape / np.float32(HAND_SCALE) + wrist) * there
    return body_features(points)


def waves_over_time(count: int) -> FloatArray:
    """STEPS × count: the first waves of the cosine transform (DCT-II, orthonormal), over the steps."""
    angle = np.pi / STEPS * (np.arange(STEPS)[:, None] + 0.5) * np.arange(count)
    return np.asarray(np.cos(angle) * np.sqrt(np.where(np.arange(count) == 0, 1.0, 2.0) / STEPS), np.float32)


def unsigned(
    takes: Sequence[Take], chosen: Indices, others: Indices, variety: Variety, rng: np.random.Generator
) -> FloatArray:
    """N × STEPS × WIDTH features of what is no sign, made of takes: held still, hands gone, or hands on other ways.

    chosen, others: N each, which takes' hands on which takes' ways.
    """
    points = vary([takes[place] for place in chosen], variety, rng)
    ways = vary([takes[place] for place in others], variety, rng)
    for place in range(len(points)):
        kind = rng.random()
        if kind < HELD:
            done = _hold(points[place], rng)
        elif kind < HELD + GONE:
            done = False
        elif kind < HELD + GONE + LOW:
            done = _lower(points[place], rng)
        else:
            done = _transplant(points[place], ways[place], rng)
        if not done:
            points[place, :, LEFT] = points[place, :, RIGHT] = 0.0
    return body_features(points)


def _hold(points: FloatArray, rng: np.random.Generator) -> bool:
    """One moment, all the time. False where the hands hardly move: that would be the sign itself."""
    held = points[int(rng.integers(STEPS))].copy()
    if _apart(points, np.broadcast_to(held, points.shape)) < MOVES:
        return False
    points[:] = held
    return True


def _apart(points: FloatArray, others: FloatArray) -> float:
    """How far wrists are from others, as the mean of the steps at which both are seen, in widths of the shoulders."""
    away = [
        np.linalg.norm(points[:, hand.start] - others[:, hand.start], axis=-1)[
            _is_seen(points[:, hand]) & _is_seen(others[:, hand])
        ]
        for hand in (LEFT, RIGHT)
    ]
    measured = np.concatenate(away)
    return float(measured.mean()) / float(shoulder_widths(points[None])[0]) if len(measured) else np.inf


def _transplant(points: FloatArray, way: FloatArray, rng: np.random.Generator) -> bool:
    """The hands' shapes of one take on the ways of another, often run backwards. False where the ways are alike."""
    order = slice(None, None, -1) if rng.random() < BETWEEN else slice(None)
    if _apart(points, way[order]) < MOVES:
        return False
    for hand in (LEFT, RIGHT):
        if not points[:, hand].any() or not way[:, hand].any():
            continue
        there = _is_seen(points[:, hand]) & _is_seen(way[order, hand])
        wrist, other = points[:, hand.start : hand.start + 1], way[order, hand.start : hand.start + 1]
        points[:, hand] = np.where(there[:, None, None], points[:, hand] - wrist + other, np.float32(0))
    return True


def _lower(points: FloatArray, rng: np.random.Generator) -> bool:
    """Hands and arms as they hang or rest in the lap, moving little. False where no body shows where that would be."""
    if not points[:, BODY].any():
        return False
    for hand, shoulder, elbow, end in zip((LEFT, RIGHT), SHOULDERS, ELBOWS, WRISTS, strict=True):
        at = points[:, shoulder].mean(axis=0)
        width = max(float(np.abs(points[:, SHOULDERS[0], 0] - points[:, SHOULDERS[1], 0]).mean()), LEAST_WIDTH)
        down = rng.uniform(*RESTS) * width
        rest = at + np.array([rng.normal(0, 0.25) * width, down])
        way = rest + (points[:, hand.start] - points[:, hand.start].mean(axis=0)) * rng.uniform(0, 0.3)
        seen = _is_seen(points[:, hand])
        moved = points[:, hand] - points[:, hand.start : hand.start + 1] + way[:, None]
        points[:, hand] = np.where(seen[:, None, None], moved, np.float32(0))
        points[:, end] = way
        points[:, elbow] = at + np.array([0.0, down / 2])
    return True


def _is_seen(points: FloatArray) -> BoolArray:
    return np.asarray(np.abs(points).sum(axis=(1, 2)) > 0)


def _mirror(features: FloatArray) -> FloatArray:
    left, right = features[..., :_ONE], features[..., _ONE : 2 * _ONE]
    arms = features[..., 2 * _ONE : -2].reshape(*features.shape[:-1], len(ARMS), 2)[..., [0, 2, 1, 4, 3, 6, 5], :]
    swapped = [right, left, arms.reshape(*features.shape[:-1], -1)]
    for part in swapped:
        part[...] = part * np.tile(np.array([-1, 1], np.float32), part.shape[-1] // 2)
    return np.concatenate([*swapped, features[..., [-1, -2]]], axis=-1)
