"""A kinematic hand: from joint angles to 21 points, for many hands at once.

The hand's own frame: x towards the thumb's side, y from the wrist to the fingers, z out of the palm; lengths in palm
lengths (wrist to the middle finger's knuckle). With no turn a right hand shows its palm to the camera, fingers up, so
in the unmirrored picture its thumb is on the right. Points are numbered as MediaPipe numbers them.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

KNUCKLES = np.array([[0.25, 0.95, 0.0], [0.03, 1.0, -0.02], [-0.17, 0.94, -0.01], [-0.34, 0.83, 0.02]])
BONES = np.array([[0.46, 0.27, 0.22], [0.51, 0.32, 0.24], [0.47, 0.30, 0.24], [0.37, 0.22, 0.21]])
THUMB_BASE = np.array([0.21, 0.23, 0.09])
THUMB_BONES = np.array([0.46, 0.35, 0.28])
LEAN_DEG = np.array([-2.0, 0.0, 4.0, 8.0])
FINGERTIPS = (8, 12, 16, 20)


@dataclass(frozen=True, slots=True)
class Angles:
    """Joint angles of N hands, in degrees.

    flexion: N × 4 × 3, of each finger's three joints, index first, 0 is straight. spread: N × 4, of each finger
    towards the thumb. thumb: N × 3 × 2, the direction of its three bones: azimuth from the fingers' direction towards
    the thumb's side, elevation out of the palm.
    """

    flexion: Array
    spread: Array
    thumb: Array

    def mixed(self, other: "Angles", share: Array) -> "Angles":
        """The angles `share` (N, 0 to 1) of the way to another's."""
        part = share[:, None]
        return Angles(
            self.flexion + part[..., None] * (other.flexion - self.flexion),
            self.spread + part * (other.spread - self.spread),
            self.thumb + part[..., None] * (other.thumb - self.thumb),
        )


def joints(angles: Angles, rng: np.random.Generator, variation: float = 0.07) -> Array:
    """N × 21 × 3 points of hands whose bones differ by `variation` (relative) from each other."""
    count = len(angles.flexion)
    points = np.zeros((count, 21, 3))
    size = np.exp(rng.normal(0, variation, (count, 1, 1)))
    knuckles = KNUCKLES * np.exp(rng.normal(0, variation / 2, (count, 4, 3)))
    bones = BONES * size * np.exp(rng.normal(0, variation / 2, (count, 4, 3)))
    points[:, 5::4] = knuckles
    spread = np.radians(angles.spread)
    lean = np.radians(LEAN_DEG)
    along = np.stack([np.sin(spread), np.cos(spread), np.zeros_like(spread)], axis=-1)
    out = np.stack([np.sin(lean), np.zeros(4), np.cos(lean)], axis=-1)
    bend = np.radians(np.cumsum(angles.flexion, axis=2))
    position = knuckles
    for bone in range(3):
        turn = bend[:, :, bone, None]
        position = position + bones[:, :, bone, None] * (np.cos(turn) * along + np.sin(turn) * out)
        points[:, 6 + bone :: 4] = position
    base = THUMB_BASE * np.exp(rng.normal(0, variation, (count, 3)))
    lengths = THUMB_BONES * size[:, :, 0] * np.exp(rng.normal(0, variation / 2, (count, 3)))
    azimuth, elevation = np.moveaxis(np.radians(angles.thumb), -1, 0)
    flat = np.cos(elevation)
    steps = np.stack([flat * np.sin(azimuth), flat * np.cos(azimuth), np.sin(elevation)], axis=-1)
    points[:, 1] = base
    points[:, 2:5] = base[:, None] + np.cumsum(lengths[..., None] * steps, axis=1)
    return points


def rotation(yaw_deg: Array, pitch_deg: Array, roll_deg: Array) -> Array:
    """N × 3 × 3 rotations: yaw about the hand's long axis (palm towards the picture's right), then pitch (fingers
    towards the camera; 180 is a hanging hand seen from its back), then roll in the picture (anticlockwise).
    """
    a, b, c = np.radians(yaw_deg), np.radians(pitch_deg), np.radians(roll_deg)
    zero, one = np.zeros_like(a), np.ones_like(a)
    yaw = _matrix([[np.cos(a), zero, np.sin(a)], [zero, one, zero], [-np.sin(a), zero, np.cos(a)]])
    pitch = _matrix([[one, zero, zero], [zero, np.cos(b), -np.sin(b)], [zero, np.sin(b), np.cos(b)]])
    roll = _matrix([[np.cos(c), -np.sin(c), zero], [np.sin(c), np.cos(c), zero], [zero, zero, one]])
    return roll @ pitch @ yaw


def _matrix(rows: list[list[Array]]) -> Array:
    return np.stack([np.stack(row, axis=-1) for row in rows], axis=-2)


def turned(points: Array, by: Array) -> Array:
    """N × 21 × 3 points turned by N × 3 × 3 rotations about the wrist."""
    turned_points: Array = np.einsum("nij,npj->npi", by, points)
    return turned_points


def projected(points: Array, distance: Array) -> Array:
    """N × 21 × 2 picture points, y down, of points seen from `distance` (N, palm lengths) in front of the wrist."""
    nearer = distance[:, None] / (distance[:, None] - points[..., 2])
    return np.stack([points[..., 0] * nearer, -points[..., 1] * nearer], axis=-1)
