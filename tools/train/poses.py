"""Poses to build sequences from: hands of real people and of the kinematic hand, by label and by whose they are."""

from dataclasses import dataclass

import numpy as np

from .data import Clip
from .hand import Array
from .letters import LETTERS, POINTING, draw_angles, draw_natural, points_of
from .shapes import Way

MADE = "kinematic"
_FLIP = np.array([1.0, -1.0, -1.0])
BONE_FROM = np.array([0, 1, 2, 3, 0, 5, 6, 7, 0, 9, 10, 11, 0, 13, 14, 15, 0, 17, 18, 19])
# joints × bones: which bones lead from the wrist to each joint
CHAINS = np.zeros((21, 20))
for _joint in range(1, 21):
    CHAINS[_joint] = CHAINS[BONE_FROM[_joint - 1]]
    CHAINS[_joint, _joint - 1] = 1.0
_KNUCKLES = [5, 9, 17]
_NEAREST_SHARE = 0.5
# shapes that people make between letters or that are no letter: open and relaxed hands, 7, 8, I-love-you
OTHER_SHAPES = (
    Way("SSSS", "out", fan=9, weight=3),
    Way("SSSS", "wide", fan=7, weight=2),
    Way("LLLL", "wide", fan=5, weight=3),
    Way("MMMM", "wide", fan=3, weight=2),
    Way("MMMM", "along", fan=1, pitch=(60, 60)),
    Way("LLLL", "wide", fan=2, pitch=(160, 40)),
    Way("SSRS", "touch_ring", fan=8),
    Way("SRSS", "touch_middle", fan=8),
    Way("SFFS", "out", fan=3),
)


@dataclass(frozen=True, slots=True)
class Shelf:
    """One person's hands by label: N × 21 × 3, x right, y up, z towards the camera; from the wrist, in palm lengths."""

    person: str
    hands: dict[str, Array]

    def draw(self, label: str, rng: np.random.Generator) -> Array:
        stock = self.hands[label]
        return other_proportions(stock[rng.integers(len(stock))], rng)


def normalized(points: Array) -> Array:
    """Hands of clips (y down, z away) in the shelf's frame: wrist at 0, y up, the longest palm bone as unit."""
    hands = (points - points[:, :1]) * _FLIP
    size = np.linalg.norm(hands[:, _KNUCKLES], axis=-1).max(axis=1)
    return np.asarray(hands / size[:, None, None])


def real_shelves(clips: list[Clip]) -> list[Shelf]:
    """One shelf a person, of what they hold still."""
    persons: dict[str, dict[str, list[Array]]] = {}
    for clip in clips:
        if clip.kind == "held":
            persons.setdefault(clip.person, {}).setdefault(clip.label, []).append(normalized(clip.points))
    return [
        Shelf(person, {label: np.concatenate(parts) for label, parts in hands.items()})
        for person, hands in persons.items()
    ]


def made_shelf(ways: dict[str, tuple[Way, ...]], count: int, rng: np.random.Generator) -> Shelf:
    """`count` kinematic hands a label; for letters also "pointing", the hand that writes Z."""
    hands = {label: points_of(draw_angles(shown, count, rng), rng) for label, shown in ways.items()}
    if ways is LETTERS:
        hands["pointing"] = points_of(draw_angles(POINTING, count, rng), rng)
    return Shelf(MADE, hands)


def nothing_hands(ways: dict[str, tuple[Way, ...]], count: int, rng: np.random.Generator) -> Array:
    """Natural poses that are none of the signs: the nearest half of random ones to any kinematic sign are left out."""
    natural = points_of(draw_natural(int(count * 0.55 / (1 - _NEAREST_SHARE)), rng), rng)
    signs = np.concatenate([points_of(draw_angles(shown, 60, rng), rng) for shown in ways.values()])
    mine, theirs = _directions(natural), _directions(signs)
    nearest = np.concatenate([(part @ theirs.T).max(axis=1) for part in np.array_split(mine, max(1, len(mine) // 500))])
    natural = natural[nearest <= np.quantile(nearest, 1 - _NEAREST_SHARE)]
    shapes = tuple(way for way in OTHER_SHAPES if ways is LETTERS or way.fingers in ("LLLL", "MMMM", "SFFS"))
    return np.concatenate([natural, points_of(draw_angles(shapes, count - len(natural), rng, loose=1.3), rng)])


def between(first: Array, second: Array, share: Array) -> Array:
    """T × 21 × 3: a hand on its way from one pose to another (21 × 3 each); bones turn and keep their lengths."""
    start, stop = first[1:] - first[BONE_FROM], second[1:] - second[BONE_FROM]
    part = share[:, None, None]
    bones = start + part * (stop - start)
    lengths = np.linalg.norm(start, axis=-1) + share[:, None] * (
        np.linalg.norm(stop, axis=-1) - np.linalg.norm(start, axis=-1)
    )
    bones *= (lengths / np.maximum(np.linalg.norm(bones, axis=-1), 1e-6))[..., None]
    return np.asarray(CHAINS @ bones)


def other_proportions(hand: Array, rng: np.random.Generator) -> Array:
    """The same pose (21 × 3) of a hand with other finger lengths and another palm."""
    bones = hand[1:] - hand[BONE_FROM]
    fingers = np.exp(rng.normal(0, 0.06, 5)).repeat(4)
    single = np.exp(rng.normal(0, 0.035, 20))
    single[[4, 8, 12, 16]] /= fingers[[4, 8, 12, 16]]
    return np.asarray(CHAINS @ (bones * (fingers * single)[:, None]))


def _directions(hands: Array) -> Array:
    bones = hands[:, 1:] - hands[:, BONE_FROM]
    bones = bones / np.linalg.norm(bones, axis=-1, keepdims=True)
    return np.asarray(bones.reshape(len(hands), -1) / np.sqrt(20))
