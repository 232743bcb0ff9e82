"""Takes of made-up signs: landmarks of a person whose hand draws a figure, as .pose files that need no camera."""

import math
from typing import Final, Literal

import numpy as np

from service.features.gathering import Features
from service.features.points import point_names
from service.features.pose import features_to_pose
from service.lessons.observing import OBSERVING
from service.teaching.examples import NOTHING, PARTS, track_of
from service.track import Track

Sign = Literal["circle", "wave", "lift", "nothing"]
SIGNS: Final[tuple[Sign, ...]] = ("circle", "wave", "lift")
RATE: Final = 15.0
_FRAMES: Final = 24
_BODY: Final = {0: (0.5, 0.25), 11: (0.62, 0.45), 12: (0.38, 0.45), 13: (0.68, 0.65), 15: (0.66, 0.85)}


def take(sign: Sign, number: int = 0) -> Track:
    """One take; no two are the same: speed, size and place vary, as people's do."""
    random = np.random.default_rng([*sign.encode(), number])
    frames = _FRAMES + int(random.integers(-4, 5))
    size, shift = random.uniform(0.85, 1.15), random.normal(0, 0.02, 2)
    values = np.full((frames, 75, 4), np.nan, np.float32)
    for frame in range(frames):
        wrist = np.array([0.36, 0.55]) + size * np.array(_path(sign, frame / (frames - 1), random)) + shift
        hand = wrist + size * _HAND + random.normal(0, 0.002, (21, 2))
        values[frame, 21:42] = np.concatenate([hand, np.zeros((21, 1)), np.ones((21, 1))], axis=1)
        body = np.tile([0.5, 0.5, 0.0, 1.0], (33, 1))
        for point, place in _BODY.items():
            body[point, :2] = place
        body[14, :2], body[16, :2] = (np.array([0.32, 0.65]) + wrist) / 2, wrist
        body[:, :2] += random.normal(0, 0.001, (33, 2))
        values[frame, 42:] = body
    return track_of(values, np.arange(frames) / RATE, 640, 480)


def pose_file(sign: Sign, number: int = 0, *, hands: bool = True) -> bytes:
    """The same as a file that is sent, with its hands or without."""
    track = take(sign, number)
    if not hands:
        values = np.array(track.values, np.float32)
        values[:, :42] = np.nan
        track = track_of(values, track.times_s, 640, 480)
    return features_to_pose(Features(track, OBSERVING, points=point_names(PARTS)))


def _path(sign: Sign, at: float, random: np.random.Generator) -> tuple[float, float]:
    """Where the hand is, from 0 to 1 of the sign, in widths and heights of the picture."""
    turn = 2 * math.pi * at
    if sign == "circle":
        return 0.1 * math.cos(turn), 0.12 * math.sin(turn)
    if sign == "wave":
        return 0.12 * math.sin(2 * turn), -0.1
    if sign == NOTHING:
        return random.normal(0, 0.004), 0.25
    return 0.0, 0.15 - 0.3 * at


_HAND: Final = np.array(
    [(0.0, 0.0), *((0.014 * (finger - 2), -0.02 * joint - 0.02) for finger in range(5) for joint in range(4))]
)
