"""Photographs in bulk: hands of a shelf as a camera and a detector would give them, one frame each.

Every hand gets other proportions, a turn, a camera and the detector's errors; the parameters stand here. Turning its
joints a little at random as well taught nothing: people who were left out were read less well, U and C most of all.
"""

import numpy as np

from .hand import Array, projected, rotation
from .poses import BONE_FROM, CHAINS

FINGER_OF = np.array([0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5])
# degrees: the turn of yaw, pitch and roll; and, for a share of the hands, a camera far below, above or beside, or a
# forearm that is tilted
_TURN = np.array([16.0, 16.0, 11.0])
_ASKEW, _ASKEW_TURN = 0.12, np.array([40.0, 40.0, 30.0])
# palm lengths from the camera; for a share of the hands the lens is close
_AWAY, _CLOSE, _CLOSE_SHARE = (4.0, 15.0), (2.2, 4.0), 0.12
# the detector: shares of hands with a finger read as its neighbor, a fingertip pulled in, a thumb on the other side
_AS_NEIGHBOR, _PULLED, _THUMB_SWAPPED = 0.03, 0.04, 0.03


def photographed(hands: Array, rng: np.random.Generator) -> Array:
    """N × 21 × 2 points (y down, palm lengths) of N × 21 × 3 hands, each as in a photograph of its own."""
    count = len(hands)
    posed = _proportioned(hands, rng)
    turns = rng.normal(0, _TURN, (count, 3))
    askew = rng.random((count, 3)) < _ASKEW
    turns = np.where(askew, rng.uniform(-_ASKEW_TURN, _ASKEW_TURN, (count, 3)), turns)
    seen = np.matmul(posed, np.swapaxes(rotation(*turns.T), 1, 2))
    close = rng.random(count) < _CLOSE_SHARE
    distance = np.where(close, rng.uniform(*_CLOSE, count), rng.uniform(*_AWAY, count))
    points = misread(projected(seen, distance), rng)
    steady = rng.normal(0, 0.02, (count, 6, 2))[:, FINGER_OF] + rng.normal(0, 0.018, (count, 21, 2))
    return np.asarray(points * np.exp(rng.normal(0, 0.05, (count, 1, 2))) + steady)


def misread(points: Array, rng: np.random.Generator) -> Array:
    """The same hands (N × 21 × 2) with the gross errors of a detector in a share of them."""
    points = points.copy()
    for row in np.flatnonzero(rng.random(len(points)) < _AS_NEIGHBOR):
        finger, toward = rng.integers(1, 5), rng.choice((-1, 1))
        other = finger + toward if 1 <= finger + toward <= 4 else finger - toward
        mine, theirs = 1 + 4 * finger + np.arange(1, 4), 1 + 4 * other + np.arange(1, 4)
        points[row, mine] += rng.uniform(0.5, 1.0) * (points[row, theirs] - points[row, mine])
    for row in np.flatnonzero(rng.random(len(points)) < _PULLED):
        first = 1 + 4 * rng.integers(0, 5)
        outer = first + np.arange(1, 4)
        points[row, outer] += rng.uniform(0.2, 0.6) * (points[row, first] - points[row, outer])
    for row in np.flatnonzero(rng.random(len(points)) < _THUMB_SWAPPED):
        axis = points[row, 9] - points[row, 0]
        axis = axis / max(float(np.linalg.norm(axis)), 1e-6)
        away = points[row, 2:5] - points[row, 2]
        mirrored = 2 * (away @ axis)[:, None] * axis - away
        points[row, 2:5] = points[row, 2] + away + rng.uniform(0.4, 1.0) * (mirrored - away)
    return points


def _proportioned(hands: Array, rng: np.random.Generator) -> Array:
    """The same poses of hands with other finger lengths and other palms."""
    bones = hands[:, 1:] - hands[:, BONE_FROM]
    count = len(hands)
    fingers = np.exp(rng.normal(0, 0.06, (count, 5))).repeat(4, axis=1)
    single = np.exp(rng.normal(0, 0.035, (count, 20)))
    single[:, 4::4] /= fingers[:, 4::4]
    return np.asarray(CHAINS @ (bones * (fingers * single)[..., None]))
