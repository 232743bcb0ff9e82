"""What a taught network reads: hands and arms in the signer's own measure, wherever they stand in the picture.

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
"""Shoulders' distance where no body is seen, in heights of the picture."""

HAND_SCALE: Final = 3.0
WIDTH: Final = 2 * (2 * HAND) + 2 * 2 + 2 * len(ARMS) + 2
"""Numbers a step: each hand's shape and wrist, the arms, and whether each hand is there."""


def landmark_section() -> KeypointsSection:
    """The pipeline of every taught model: STEPS even moments of a window, x and y in heights of the picture."""
    return KeypointsSection(
        source="holistic",
        layout=(
            PartLayout(part="left_hand", axes=("x", "y")),
            PartLayout(part="right_hand", axes=("x", "y")),
            PartLayout(part="pose", points=ARMS, axes=("x", "y")),
        ),
        derive=(Aspect(),),
        sampling=Rate(rate=RATE),
        missing="zero",
        length=Length(length=STEPS, resample=True, between="nearest"),
    )


def body_features(points: FloatArray) -> FloatArray:
    """N × STEPS × POINTS × 2 landmarks → N × STEPS × WIDTH, in widths of the shoulders from the middle between them.

    What is not seen is 0 in all its points, and stays 0. Where the shoulders are and how far apart is the mean over the
    steps in which a body is seen.
    """
    body = _seen(points[:, :, BODY])
    steps = np.maximum(body.sum(axis=1), 1)[:, None]
    one, two = points[:, :, SHOULDERS[0]], points[:, :, SHOULDERS[1]]
    apart = (np.sqrt(np.square(one - two).sum(axis=-1, keepdims=True)) * body).sum(axis=1)[:, None] / steps
    width = np.where(apart < LEAST_WIDTH, np.float32(USUAL_WIDTH), apart)[..., None]
    middle = (((one + two) / 2 * body).sum(axis=1)[:, None] / steps)[:, :, None]
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


def _seen(points: FloatArray) -> FloatArray:
    """N × STEPS × 1: 1 where any of these points is not 0."""
    return np.asarray(np.abs(points).sum(axis=(2, 3)) > 0, np.float32)[..., None]
