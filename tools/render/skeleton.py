"""A hand of 21 joints: its proportions, its poses, and where a pose puts the joints.

Everything is in the hand's own frame, in millimetres, for a right hand: x towards the thumb's side, y from the
wrist to the fingers, z out of the palm. Joints are numbered as MediaPipe numbers them: 0 wrist, 1-4 thumb,
5-8 index, 9-12 middle, 13-16 ring, 17-20 pinky. Only NumPy is needed here, so that ground truth can be had
without Blender.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Annotated

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
Joints = Annotated[FloatArray, "21x3, mm"]
Vector = Annotated[FloatArray, "3"]
Degrees = float

THUMB_BASE = np.array([20.0, 22.0, 9.0])
THUMB_LENGTHS = (44.0, 34.0, 27.0)
THUMB_RADII = (13.2, 11.2, 9.9, 7.9)


@dataclass(frozen=True, slots=True)
class Finger:
    """One finger's measures. Lengths and radii in mm; `fan` and `lean` are how it shares in spreading and fisting."""

    name: str
    knuckle: tuple[float, float, float]
    lengths: tuple[float, float, float]
    radii: tuple[float, float, float, float]
    fan: float
    lean: Degrees

    @property
    def first_joint(self) -> int:
        """Number of the knuckle among the 21 joints."""
        return 5 + 4 * FINGER_NAMES.index(self.name)


FINGER_NAMES = ("index", "middle", "ring", "pinky")
FINGERS = (
    Finger("index", (23.0, 92.0, -1.0), (45.0, 26.0, 22.0), (10.4, 8.9, 7.8, 6.7), 1.0, -2.0),
    Finger("middle", (2.5, 96.0, -3.0), (50.0, 31.0, 23.0), (10.6, 9.1, 8.0, 6.9), 0.05, 0.0),
    Finger("ring", (-16.5, 90.0, -2.0), (46.0, 29.0, 23.0), (9.9, 8.5, 7.5, 6.5), -0.85, 3.0),
    Finger("pinky", (-33.0, 79.0, 1.5), (36.0, 21.0, 20.0), (8.8, 7.4, 6.5, 5.6), -1.8, 7.0),
)


@dataclass(frozen=True, slots=True)
class Pose:
    """The angles of a hand, degrees.

    curl: 4x3, flexion of each finger's three joints (index first; 0 is straight).
    sideways: 4, abduction of each finger towards the thumb.
    thumb: 3x2, direction of its three bones: azimuth from +y towards +x, elevation out of the palm.
    turn: 3, pitch (fingers towards the viewer), yaw (palm towards the picture's right), roll (anticlockwise).
    """

    curl: FloatArray
    sideways: FloatArray
    thumb: FloatArray
    turn: FloatArray

    def blend(self, other: Pose, share: float) -> Pose:
        """The pose `share` (0..1) of the way to another."""
        pairs = zip(self.arrays(), other.arrays(), strict=True)
        return Pose(*(mine + share * (theirs - mine) for mine, theirs in pairs))

    def arrays(self) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
        """The four groups of angles, in the order in which Pose takes them."""
        return self.curl, self.sideways, self.thumb, self.turn

    def same_shape(self, other: Pose) -> bool:
        """Whether the two differ at most in how the whole hand is turned."""
        return all(np.array_equal(a, b) for a, b in zip(self.arrays()[:3], other.arrays()[:3], strict=True))


@dataclass(frozen=True, slots=True)
class Skeleton:
    """Joints of a posed hand (21x3, mm) and, for each of `BONES`, the unit vector of its palmar side (19x3)."""

    joints: Joints
    palmar: FloatArray


BONES: tuple[tuple[int, int], ...] = (
    *((k, k + 1) for k in (1, 2, 3)),
    *((finger.first_joint + k, finger.first_joint + k + 1) for finger in FINGERS for k in range(3)),
)


def unit(vector: FloatArray) -> FloatArray:
    """The vector at length 1 (a vector of length 0 stays)."""
    return vector / max(float(np.linalg.norm(vector)), 1e-9)


def flex(pose: Pose) -> Skeleton:
    """Forward kinematics: from angles to joints."""
    joints = np.zeros((21, 3))
    palmar: list[Vector] = []
    joints[1:5], sides = flex_thumb(pose.thumb)
    palmar.extend(sides)
    for row, finger in enumerate(FINGERS):
        first = finger.first_joint
        joints[first : first + 4], sides = flex_finger(finger, pose.curl[row], float(pose.sideways[row]))
        palmar.extend(sides)
    return Skeleton(joints, np.array(palmar))


def flex_finger(finger: Finger, curl_deg: FloatArray, sideways_deg: Degrees) -> tuple[FloatArray, list[Vector]]:
    """Four joints of a finger and the palmar side of its three bones.

    A finger bends in one plane; that of the outer fingers leans inwards, so that a fist converges on the thumb's root.
    """
    aside = math.radians(sideways_deg)
    straight = np.array([math.sin(aside), math.cos(aside), 0.0])
    bent = np.array([math.tan(math.radians(finger.lean)), 0.0, 1.0])
    bent = unit(bent - straight * (bent @ straight))
    joints, sides, total = [np.array(finger.knuckle)], [], 0.0
    for angle, length in zip(curl_deg, finger.lengths, strict=True):
        total += math.radians(float(angle))
        joints.append(joints[-1] + length * (math.cos(total) * straight + math.sin(total) * bent))
        sides.append(math.cos(total) * bent - math.sin(total) * straight)
    return np.array(joints), sides


def flex_thumb(directions_deg: FloatArray) -> tuple[FloatArray, list[Vector]]:
    """Four joints of the thumb and the palmar side of its three bones."""
    joints, sides = [THUMB_BASE], []
    pulp = np.array([-0.72, 0.0, 0.69])
    for (azimuth, elevation), length in zip(np.radians(directions_deg), THUMB_LENGTHS, strict=True):
        forward = math.cos(elevation)
        along = np.array([math.sin(azimuth) * forward, math.cos(azimuth) * forward, math.sin(elevation)])
        joints.append(joints[-1] + length * along)
        sides.append(unit(pulp - along * (pulp @ along)))
    return np.array(joints), sides


def pinch(pose: Pose, finger_name: str) -> Pose:
    """The pose nearest to the given one in which the thumb's pulp meets that finger's.

    Damped least squares over the thumb's six angles and the finger's first two.
    """
    row = FINGER_NAMES.index(finger_name)
    finger = FINGERS[row]
    gap_mm = finger.radii[3] + THUMB_RADII[3] - 2.0
    start = np.concatenate([pose.thumb.ravel(), pose.curl[row, :2]])
    stiffness = np.array([0.10] * 6 + [0.16] * 2)

    def moved(angles: FloatArray) -> Pose:
        curl = pose.curl.copy()
        curl[row, :2] = angles[6:]
        return Pose(curl, pose.sideways, angles[:6].reshape(3, 2), pose.turn)

    def strain(angles: FloatArray) -> FloatArray:
        hand = flex(moved(angles))
        pulp = hand.joints[finger.first_joint + 3] + gap_mm * hand.palmar[3 + 3 * row + 2]
        return np.concatenate([hand.joints[4] - pulp, stiffness * (angles - start)])

    angles = start.copy()
    for _ in range(40):
        now = strain(angles)
        slope = np.stack([(strain(angles + step) - now) / 0.5 for step in 0.5 * np.eye(8)], axis=1)
        angles = angles - 0.6 * np.linalg.solve(slope.T @ slope + 1e-3 * np.eye(8), slope.T @ now)
    return moved(angles)
