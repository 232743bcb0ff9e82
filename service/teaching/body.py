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
"""Numbers a step: both hands' shapes, both wrists, the arms, and whether each hand is there."""


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
        missing="interpolate",
        length=Length(length=STEPS, resample=True),
    )


def body_features(points: FloatArray) -> FloatArray:
    """N × STEPS × POINTS × 2 landmarks → N × STEPS × WIDTH, in widths of the shoulders from the middle between them.

    A hand that is never seen is 0 in all points, and stays 0.
    """
    shoulders = points[:, :, SHOULDERS, :]
    apart = np.sqrt(np.square(shoulders[:, :, 0] - shoulders[:, :, 1]).sum(axis=-1)).mean(axis=1)
    width = np.where(apart < LEAST_WIDTH, USUAL_WIDTH, apart)[:, None, None, None].astype(np.float32)
    middle = shoulders.mean(axis=(1, 2))[:, None, None, :]
    placed = (points - middle) / width
    parts = []
    seen = []
    for hand in (LEFT, RIGHT):
        there = (np.abs(points[:, :, hand]).sum(axis=(1, 2, 3)) > 0).astype(np.float32)[:, None, None]
        wrist = placed[:, :, hand.start : hand.start + 1]
        shape = (placed[:, :, hand] - wrist) * np.float32(HAND_SCALE)
        parts += [shape.reshape(*shape.shape[:2], -1) * there, wrist[:, :, 0] * there]
        seen.append(np.broadcast_to(there, (*points.shape[:2], 1)))
    arms = placed[:, :, BODY]
    return np.concatenate([*parts, arms.reshape(*arms.shape[:2], -1), *seen], axis=-1).astype(np.float32)
