"""From the hand's frame to the picture: turns, places, and the perspective of the camera.

Millimetres in the picture's axes: x to the right, y up, z towards the camera, which looks at the origin.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from .skeleton import FloatArray, Joints, Vector

HAND_MIDDLE = np.array([0.0, 82.0, 8.0])
MIRROR = np.diag([-1.0, 1.0, 1.0])
FILM_MM = 36.0


@dataclass(frozen=True, slots=True)
class Camera:
    """A camera: picture size in pixels, distance to the hand and focal length in mm (film 36 mm wide)."""

    width: int = 320
    height: int = 240
    distance_mm: float = 620.0
    focal_mm: float = 50.0

    def project(self, points: FloatArray) -> FloatArray:
        """Points (Nx3, mm) in the picture, Nx2, fractions of width and height from the upper left corner."""
        scale = self.focal_mm / FILM_MM / (self.distance_mm - points[:, 2])
        return np.stack([0.5 + scale * points[:, 0], 0.5 - scale * points[:, 1] * self.width / self.height], axis=1)


@dataclass(frozen=True, slots=True)
class Placement:
    """Where a hand is: a turn (3x3) and then a shift (3, mm); a left hand is mirrored first."""

    turn: FloatArray
    shift: Vector
    left: bool

    def apply(self, points: Joints) -> Joints:
        """Points of the hand's frame in the picture's axes."""
        own = points @ MIRROR if self.left else points
        return own @ self.turn.T + self.shift


def turn_matrix(pitch_deg: float, yaw_deg: float, roll_deg: float) -> FloatArray:
    """Yaw about y, then pitch about x, then roll about z, as one 3x3 matrix."""
    angles = (math.radians(angle) for angle in (pitch_deg, yaw_deg, roll_deg))
    (cp, sp), (cy, sy), (cr, sr) = ((math.cos(angle), math.sin(angle)) for angle in angles)
    pitch = np.array([[1, 0, 0], [0, cp, -sp], [0, sp, cp]])
    yaw = np.array([[cy, 0, sy], [0, 1, 0], [-sy, 0, cy]])
    roll = np.array([[cr, -sr, 0], [sr, cr, 0], [0, 0, 1]])
    return np.asarray(roll @ pitch @ yaw)


def place(turn_deg: FloatArray, at_mm: FloatArray, left: bool) -> Placement:
    """A hand whose middle is at `at_mm`, turned by pitch, yaw and roll; a left hand does the mirror image."""
    turn = turn_matrix(*(float(a) for a in turn_deg))
    shift = np.asarray(at_mm, float) - turn @ HAND_MIDDLE
    if left:
        turn, shift = MIRROR @ turn @ MIRROR, MIRROR @ shift
    return Placement(turn, shift, left)
