"""What a taught network reads: hands and arms in the signer's own measure, wherever they stand in the picture.

Where no shoulders are seen, hands are measured by themselves.

The same arithmetic stands in the published graph (`graph.py`), so that a manifest's pipeline gives plain landmarks.
"""

from typing import Final

import numpy as np

from service.media.sampling import Rate
from service.pipelines.keypoints import KeypointsSection
from service.pipelines.layouts import Aspect, PartLayout
from service.pipelines.length import Length
from service.track import FloatArray

STEPS: Final = 32
RATE: Final = 15.0
HAND: Final = 21
ARMS: Final = (0, 11, 12, 13, 14, 15, 16)
"""Of the pose: nose, shoulders, elbows, wrists."""

POINTS: Final = 2 * HAND + len(ARMS)
LEFT, RIGHT, BODY = slice(0, HAND), slice(HAND, 2 * HAND), slice(2 * HAND, POINTS)
SHOULDERS: Final = (2 * HAND + 1, 2 * HAND + 2)
LEAST_WIDTH: Final = 0.02
USUAL_WIDTH: Final = 0.35
"""Shoulders' distance where nothing is seen to measure it by, in heights of the picture."""

KNUCKLES: Final = (5, 9, 17)
PALMS: Final = 3.8
"""Shoulders' distance in lengths of a palm, from the wrist to the farthest knuckle."""

HAND_SCALE: Final = 3.0
WIDTH: Final = 2 * (2 * HAND) + 2 * 2 + 2 * len(ARMS) + 2
"""Numbers a step: each hand's shape and wrist, the arms, and whether each hand is there."""


def landmark_section(*, has_body: bool = True) -> KeypointsSection:
    """The pipeline of every taught model: STEPS even moments of a window, x and y in heights of the picture.

    has_body: whether shoulders are looked for; without them hands are found that stand alone in the picture.
    """
    hands = (PartLayout(part="left_hand", axes=("x", "y")), PartLayout(part="right_hand", axes=("x", "y")))
    return KeypointsSection(
        source="holistic" if has_body else "hands",
        layout=(*hands, PartLayout(part="pose", points=ARMS, axes=("x", "y"))) if has_body else hands,
        derive=(Aspect(),),
        sampling=Rate(rate=RATE),
        missing="zero",
        length=Length(length=STEPS, resample=True, between="nearest"),
    )


def points_of(rows: FloatArray) -> FloatArray:
    """N × STEPS × POINTS × 2 of N × STEPS × numbers that the pipeline gives, with a body or without."""
    points = rows.reshape(len(rows), STEPS, rows.shape[-1] // 2, 2)
    return np.pad(points, ((0, 0), (0, 0), (0, POINTS - points.shape[2]), (0, 0)))


def body_features(points: FloatArray) -> FloatArray:
    """N × STEPS × POINTS × 2 landmarks → N × STEPS × WIDTH, in widths of the shoulders from the middle between them.

    What is not seen is 0 in all its points, and stays 0. Where the shoulders are and how far apart is the mean over the
    steps in which a body is seen; where none is, over those in which a hand is, from its wrist and its palm.
    """
    body = _seen(points[:, :, BODY])
    one, two = points[:, :, SHOULDERS[0]], points[:, :, SHOULDERS[1]]
    away = np.asarray(np.sqrt(np.square(one - two).sum(axis=-1, keepdims=True)), np.float32)
    apart = _mean([away], [body])
    hands = [_seen(points[:, :, hand]) for hand in (LEFT, RIGHT)]
    palm = _mean([_palm(points[:, :, hand]) for hand in (LEFT, RIGHT)], hands) * np.float32(PALMS)
    own = np.where(palm < LEAST_WIDTH, np.float32(USUAL_WIDTH), palm)
    unseen = apart < LEAST_WIDTH
    width = np.where(unseen, own, apart)[..., None]
    wrists = _mean([points[:, :, hand.start] for hand in (LEFT, RIGHT)], hands)
    shoulders = np.asarray((one + two) / 2, np.float32)
    middle = np.where(unseen, wrists, _mean([shoulders], [body]))[:, :, None]
    placed = (points - middle) / width
    parts, seen = [], []
    for hand in (LEFT, RIGHT):
        there = _seen(points[:, :, hand])
        wrist = placed[:, :, hand.start : hand.start + 1]
        shape = (placed[:, :, hand] - wrist) * np.float32(HAND_SCALE)
        parts += [shape.reshape(*shape.shape[:2], 2 * HAND) * there, wrist[:, :, 0] * there]
        seen.append(there)
    arms = placed[:, :, BODY]
    return np.concatenate([*parts, arms.reshape(*arms.shape[:2], 2 * len(ARMS)) * body, *seen], axis=-1).astype(
        np.float32
    )


def _mean(values: list[FloatArray], there: list[FloatArray]) -> FloatArray:
    """N × 1 × C, over the steps of N × STEPS × C at which N × STEPS × 1 is 1, of all of these together; 0 for none."""
    total = sum(((part * seen).sum(axis=1) for part, seen in zip(values, there, strict=True)), np.float32(0))
    count = sum((seen.sum(axis=1) for seen in there), np.float32(0))
    return np.asarray(total / np.maximum(count, 1), np.float32)[:, None]


def _palm(hand: FloatArray) -> FloatArray:
    """N × STEPS × 1, from the wrist to the farthest knuckle."""
    away = hand[:, :, KNUCKLES] - hand[:, :, :1]
    return np.asarray(np.sqrt(np.square(away).sum(axis=-1)).max(axis=-1, keepdims=True), np.float32)


def _seen(points: FloatArray) -> FloatArray:
    """N × STEPS × 1: 1 where any of these points is not 0."""
    return np.asarray(np.abs(points).sum(axis=(2, 3)) > 0, np.float32)[..., None]
