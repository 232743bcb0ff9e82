"""The skin around a skeleton, as a signed distance field.

The field is a smooth union of cones with round ends, one or more a bone. Distances are in millimetres, negative
inside.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .skeleton import FINGERS, THUMB_RADII, FloatArray, Skeleton

Point = FloatArray | tuple[float, float, float]

CLOTH_MM = 3.5


@dataclass(frozen=True, slots=True)
class Arm:
    """How far the forearm reaches below the wrist, and where its sleeve begins (mm, both counted downwards)."""

    length_mm: float = 150.0
    sleeve_mm: float = 62.0


@dataclass(frozen=True, slots=True)
class Cones:
    """A row of cones with round ends: axes from `start` to `end` (Bx3, mm), radius linear between the two (B, mm)."""

    start: FloatArray
    end: FloatArray
    start_radius: FloatArray
    end_radius: FloatArray

    @classmethod
    def of(cls, *rows: tuple[Point, Point, float, float]) -> Cones:
        """Cones from rows of (start, end, start radius, end radius)."""
        start, end, first, last = zip(*rows, strict=True)
        return cls(np.array(start, float), np.array(end, float), np.array(first, float), np.array(last, float))

    def distance(self, points: FloatArray) -> FloatArray:
        """Distance of N points to each cone, NxB."""
        axis = self.end - self.start
        reach = points @ axis.T - np.einsum("bk,bk->b", self.start, axis)
        length2 = np.einsum("bk,bk->b", axis, axis)
        share = np.clip(reach / length2, 0.0, 1.0)
        away2 = (points**2).sum(1)[:, None] - 2 * points @ self.start.T + (self.start**2).sum(1)
        away2 = away2 - 2 * share * reach + share**2 * length2
        radius = self.start_radius + (self.end_radius - self.start_radius) * share
        outside: FloatArray = np.sqrt(np.maximum(away2, 0.0)) - radius
        return outside


def bone_cones(hand: Skeleton) -> Cones:
    """One cone for each of `BONES`, in that order."""
    joints = hand.joints
    rows = [(joints[1 + k], joints[2 + k], THUMB_RADII[k], THUMB_RADII[k + 1]) for k in range(3)]
    for finger in FINGERS:
        at = finger.first_joint
        rows += [(joints[at + k], joints[at + k + 1], finger.radii[k], finger.radii[k + 1]) for k in range(3)]
    return Cones.of(*rows)


def fold_cones(hand: Skeleton) -> Cones:
    """Flesh that fills the eye of a folded finger, one cone each; buried or of no size while the finger is open."""
    rows = []
    for finger in FINGERS:
        knuckle, middle, last, tip = hand.joints[finger.first_joint : finger.first_joint + 4]
        eye, axis = (knuckle + middle + last + tip) / 4, 0.15 * (middle - knuckle)
        closed = np.clip((62.0 - np.linalg.norm(tip - knuckle)) / 20.0, 0.0, 1.0)
        radius = float(closed * (finger.radii[0] + 3.0) - 4.0)
        rows.append((eye - axis, eye + axis, radius, radius))
    return Cones.of(*rows)


def melt(first: FloatArray, second: FloatArray, width_mm: float) -> FloatArray:
    """Union of two distances with a fillet `width_mm` wide."""
    overlap = np.maximum(width_mm - np.abs(first - second), 0.0)
    return np.minimum(first, second) - overlap**2 / (4.0 * width_mm)


def melt_all(distances: FloatArray, width_mm: float) -> FloatArray:
    """Union of the columns of NxB, one after the other."""
    total = distances[:, 0]
    for column in distances.T[1:]:
        total = melt(total, column, width_mm)
    return total


class Skin:
    """The field of one posed hand."""

    def __init__(self, hand: Skeleton, arm: Arm) -> None:
        self.hand, self.arm = hand, arm
        self.bones, self.folds = bone_cones(hand), fold_cones(hand)
        self.metacarpals = Cones.of(
            *(
                ((x, 8.0, 0.0), np.array(finger.knuckle) - (0.0, 1.0, 0.0), wrist, finger.radii[0] + 1.0)
                for finger, x, wrist in zip(FINGERS, (15.0, 6.0, -5.0, -15.0), (12.5, 13.0, 12.5, 11.5), strict=True)
            )
        )
        root, knuckle = hand.joints[1], hand.joints[2]
        self.pads = Cones.of(
            ((-21.0, 20.0, 5.0), (-29.0, 60.0, 3.0), 13.0, 10.0),
            (root, root + 0.86 * (knuckle - root), 14.0, 11.6),
            (root + 0.62 * (knuckle - root), np.array(FINGERS[0].knuckle) - (0.0, 16.0, 0.0), 7.0, 7.5),
        )
        self.flatten = np.array([1.0, 1.0, 0.74])
        self.forearm = Cones.of(((0.0, 10.0, 0.0), (0.0, -arm.length_mm - 25.0, 0.0), 25.5, 37.0))

    def palm(self, points: FloatArray) -> FloatArray:
        """Distance to palm, pads and forearm."""
        total = melt_all(self.metacarpals.distance(points), 7.0)
        for pad, width in zip(self.pads.distance(points).T, (9.0, 10.0, 12.0), strict=True):
            total = melt(total, pad, width)
        # The forearm is oval: a round cone in flattened space; 0.8 keeps the stretched distance from overshooting.
        return melt(total, 0.8 * self.forearm.distance(points / self.flatten)[:, 0], 14.0)

    def distance(self, points: FloatArray) -> FloatArray:
        """Distance of N points to the skin, mm. Fingers that touch keep a crease between them."""
        bones = self.bones.distance(points)
        fingers = bones[:, 3:].reshape(-1, 4, 3)
        thumb = melt(bones[:, 1], bones[:, 2], 3.0)
        knuckles = melt_all(fingers[:, :, 0], 2.5)
        total = melt(melt(self.palm(points), bones[:, 1], 6.0), knuckles, 7.0)
        total = melt(total, thumb, 1.2)
        folds = self.folds.distance(points)
        for row in range(4):
            finger = melt_all(fingers[:, row], 3.0)
            total = melt(total, melt(finger, folds[:, row], 4.0), 0.9)
        return total

    def dressed_distance(self, points: FloatArray) -> FloatArray:
        """As `distance`, with the sleeve's cloth over the arm."""
        return self.distance(points) - np.where(points[:, 1] < -self.arm.sleeve_mm, CLOTH_MM, 0.0)

    def normals(self, points: FloatArray, step_mm: float = 0.6) -> FloatArray:
        """Unit gradients of the field, Nx3."""
        slope = np.stack([self.distance(points + e) - self.distance(points - e) for e in step_mm * np.eye(3)], axis=-1)
        length = np.maximum(np.linalg.norm(slope, axis=1, keepdims=True), 1e-9)
        return np.asarray(slope / length)

    def bounds(self) -> tuple[FloatArray, FloatArray]:
        """Two corners of a box around the hand, mm; it cuts the arm off."""
        low = np.minimum(self.hand.joints.min(axis=0) - 18.0, (-52.0, 0.0, -42.0))
        high = np.maximum(self.hand.joints.max(axis=0) + 18.0, (52.0, 0.0, 42.0))
        low[1] = -self.arm.length_mm
        return low, high
