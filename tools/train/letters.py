"""The letters and digits as joint angles and turns: several ways of showing each, with natural ranges.

A way is (fingers, thumb, yaw, pitch, roll, extra): four codes of `CURLS`, index first; a code of `THUMBS`; the turn
in degrees, each as (mean, half range), see `hand.rotation`; extra spread of the fingers. Chosen from how signing
people show them: G, H, P and Q to either side of the picture, M and N as a fist or with hanging fingers, O upright or
lying.
"""

from dataclasses import dataclass
from typing import NamedTuple, TypedDict

import numpy as np

from .hand import Angles, Array, joints, rotation, turned

FAN = np.array([1.0, 0.05, -0.85, -1.8])

CURLS: dict[str, tuple[float, float, float]] = {
    "S": (4, 6, 4),  # straight
    "L": (16, 20, 12),  # loose
    "F": (78, 100, 58),  # fist
    "G": (66, 88, 48),  # loose fist
    "T": (62, 92, 30),  # fist over the thumb
    "t": (40, 88, 40),  # the index over the thumb, raised
    "H": (15, 88, 52),  # hooked
    "h": (16, 55, 34),  # hooked a little
    "x": (6, 42, 40),  # bent at the tip
    "k": (42, 72, 44),  # hooked and lowered
    "K": (45, 10, 6),  # forward from the knuckle
    "c": (22, 34, 26),  # round, wide open
    "C": (34, 44, 30),  # round
    "q": (43, 51, 34),  # round, nearly closed
    "O": (50, 58, 38),  # round, closed
    "f": (64, 34, 20),  # flat, closed
    "E": (58, 104, 58),  # tips on the thumb
    "e": (24, 100, 62),  # tips above the thumb, knuckles raised
    "D": (80, 82, 30),  # draped over the thumb
    "B": (80, 12, 8),  # straight, bent at the knuckle
    "R": (55, 72, 38),  # round, at the thumb's tip
    "P": (48, 62, 30),  # pinching
    "M": (30, 32, 18),  # half relaxed
}
THUMBS: dict[str, tuple[tuple[float, float], tuple[float, float], tuple[float, float]]] = {
    "beside": ((42, 30), (4, 14), (2, 2)),
    "across": ((28, 50), (-42, 6), (-62, -14)),
    "on_fingers": ((28, 48), (-44, 28), (-67, 7)),
    "on_middle": ((30, 46), (-36, 30), (-58, 8)),
    "on_pinky": ((28, 50), (-50, 24), (-74, 4)),
    "high": ((30, 42), (-26, 34), (-52, 18)),
    "low_middle": ((32, 46), (-14, 34), (-28, 20)),
    "out": ((62, 16), (78, 6), (84, 0)),
    "at_middle": ((34, 42), (-2, 34), (-6, 20)),
    "opposed": ((36, 56), (6, 52), (-12, 38)),
    "round": ((40, 60), (22, 60), (2, 44)),
    "wide": ((54, 20), (48, 8), (42, 2)),
    "along": ((50, 34), (22, 18), (8, 8)),
    "under": ((30, 34), (-40, 18), (-58, 6)),
    "between": ((38, 34), (-10, 22), (-16, 30)),
    "touch_pinky": ((24, 58), (-26, 44), (-48, 30)),
    "touch_ring": ((28, 58), (-14, 48), (-34, 34)),
    "touch_middle": ((34, 57), (0, 50), (-18, 36)),
    "touch_index": ((40, 54), (16, 46), (2, 28)),
}


class Turns(TypedDict, total=False):
    """How the hand is turned, as in a Way."""

    yaw: tuple[float, float]
    pitch: tuple[float, float]
    roll: tuple[float, float]


class Way(NamedTuple):
    """One way of showing a sign; turns are (mean, half range) in degrees; weight: how often."""

    fingers: str
    thumb: str
    yaw: tuple[float, float] = (5, 22)
    pitch: tuple[float, float] = (3, 28)
    roll: tuple[float, float] = (0, 15)
    fan: float = 1.0
    aside: tuple[float, float, float, float] = (0, 0, 0, 0)
    weight: float = 1.0


_LEFT: Turns = {"yaw": (0, 35), "pitch": (0, 25), "roll": (72, 38)}
_LEFT_UP: Turns = {"yaw": (0, 35), "pitch": (0, 25), "roll": (62, 36)}
_RIGHT_BACK: Turns = {"yaw": (155, 35), "pitch": (0, 25), "roll": (-82, 25)}
_RIGHT_EDGE: Turns = {"yaw": (70, 35), "pitch": (0, 20), "roll": (0, 25)}
_RIGHT_TILTED: Turns = {"yaw": (85, 40), "pitch": (0, 25), "roll": (-45, 35)}
_LEFT_EDGE: Turns = {"yaw": (-60, 35), "pitch": (0, 20), "roll": (18, 32)}
_LEFT_BACK: Turns = {"yaw": (-120, 40), "pitch": (0, 25), "roll": (50, 40)}
_HANGING: Turns = {"yaw": (0, 40), "pitch": (160, 35), "roll": (0, 25)}
_LEFT_DOWN: Turns = {"yaw": (-45, 45), "pitch": (0, 25), "roll": (110, 35)}
_RIGHT_DOWN: Turns = {"yaw": (150, 35), "pitch": (0, 25), "roll": (-130, 30)}
_TO_CAMERA: Turns = {"yaw": (0, 40), "pitch": (95, 35), "roll": (0, 30)}
_FACING: Turns = {"pitch": (35, 35)}

LETTERS: dict[str, tuple[Way, ...]] = {
    "A": (Way("FFFF", "beside", weight=2), Way("GGGG", "beside"), Way("FFFF", "along", weight=0.6)),
    "B": (Way("SSSS", "across"), Way("SSSS", "under", fan=0), Way("SSSS", "beside", fan=0, weight=0.4)),
    "C": (
        Way("CCCC", "round", yaw=(30, 40)),
        Way("CCCC", "round", weight=0.4, **_LEFT_EDGE),
        Way("cccc", "round", yaw=(30, 45)),
        Way("qqqq", "round", fan=0, yaw=(50, 40)),
        Way("CCCC", "wide", fan=0, yaw=(50, 40), weight=0.5),
    ),
    "D": (
        Way("SRRR", "opposed", yaw=(12, 30)),
        Way("SRFF", "touch_middle", yaw=(12, 30)),
        Way("SOOO", "opposed", yaw=(15, 40)),
        Way("SOOO", "touch_middle", yaw=(15, 40)),
    ),
    "E": (
        Way("EEEE", "on_fingers"),
        Way("EEEE", "under"),
        Way("EEEE", "across"),
        Way("eeee", "across"),
        Way("eeee", "under"),
        Way("eeee", "on_fingers", weight=0.6),
    ),
    "F": (
        Way("PSSS", "touch_index", fan=7),
        Way("PLLL", "touch_index", fan=4),
        Way("OSSS", "opposed", fan=3, weight=0.6),
        Way("RSSS", "touch_index", fan=2, weight=0.6),
    ),
    "G": (
        Way("SFFF", "along", **_LEFT_UP),
        Way("SFFF", "wide", **_LEFT_UP),
        Way("LFFF", "at_middle", weight=0.7, **_LEFT_UP),
        Way("SFFF", "along", **_RIGHT_BACK),
        Way("SFFF", "wide", weight=0.7, **_RIGHT_BACK),
        Way("SFFF", "at_middle", weight=0.7, **_RIGHT_BACK),
        Way("BFFF", "round", **_RIGHT_EDGE),
        Way("KFFF", "round", **_RIGHT_EDGE),
        Way("BFFF", "at_middle", weight=0.7, **_RIGHT_EDGE),
        Way("KFFF", "along", weight=0.7, **_RIGHT_TILTED),
        Way("SFFF", "at_middle", weight=0.7, **_RIGHT_TILTED),
        Way("BFFF", "along", **_LEFT_EDGE),
        Way("KFFF", "round", **_LEFT_EDGE),
        Way("SFFF", "along", weight=0.7, **_LEFT_BACK),
    ),
    "H": (
        Way("SSFF", "on_fingers", fan=0, **_LEFT),
        Way("SSFF", "beside", fan=0, **_LEFT),
        Way("SSFF", "on_middle", fan=0, **_RIGHT_BACK),
        Way("SSFF", "beside", fan=0, weight=0.7, **_RIGHT_BACK),
        Way("BBFF", "along", fan=0, **_RIGHT_EDGE),
        Way("BBFF", "on_middle", fan=0, weight=0.5, **_LEFT_EDGE),
        Way("BBFF", "on_fingers", fan=0, yaw=(90, 40), pitch=(0, 20), roll=(-20, 30)),
        Way("KKFF", "on_middle", fan=0, weight=0.7, **_RIGHT_TILTED),
        Way("KKFF", "beside", fan=0, weight=0.7, **_LEFT_BACK),
    ),
    "I": (
        Way("FFFS", "on_fingers", weight=1.5),
        Way("FFFS", "on_middle", weight=1.5),
        Way("FFFS", "beside"),
        Way("GGGS", "along"),
        Way("FFFL", "under", weight=0.5),
    ),
    "K": (
        Way("SKFF", "at_middle", fan=3, yaw=(15, 35)),
        Way("SKFF", "between", fan=6, yaw=(15, 30)),
        Way("SLFF", "at_middle", fan=6, yaw=(10, 40)),
        Way("SKFF", "low_middle", fan=5, yaw=(15, 40)),
        Way("SLFF", "low_middle", fan=8, yaw=(10, 35)),
    ),
    "L": (
        Way("SFFF", "out", yaw=(0, 28)),
        Way("SGGG", "out", yaw=(0, 50), weight=0.5),
        Way("SFFF", "wide", weight=0.3),
    ),
    "M": (
        Way("DDDF", "under"),
        Way("TTTF", "under"),
        Way("TTTT", "under", weight=0.6),
        Way("DDDG", "on_pinky", weight=0.6),
        Way("BBBF", "under", **_FACING),
        Way("BBBF", "across", **_FACING),
        Way("SSSF", "under", fan=0, **_HANGING),
        Way("KKKF", "under", fan=0, weight=0.7, **_HANGING),
        Way("LLLG", "across", fan=1, weight=0.7, **_HANGING),
    ),
    "N": (
        Way("DDFF", "between"),
        Way("TTFF", "under"),
        Way("TTFF", "low_middle"),
        Way("BBFF", "under", **_FACING),
        Way("BBFF", "on_middle", **_FACING),
        Way("SSFF", "under", fan=0, **_HANGING),
        Way("KKFF", "under", fan=0, weight=0.7, **_HANGING),
        Way("LLFF", "on_fingers", fan=1, weight=0.7, **_HANGING),
    ),
    "O": (
        Way("OOOO", "opposed", yaw=(28, 38), weight=2),
        Way("OOOO", "touch_middle", yaw=(10, 40), roll=(60, 40)),
        Way("OOOO", "opposed", yaw=(30, 40), roll=(60, 40)),
        Way("OOOO", "opposed", **_LEFT_EDGE),
        Way("RRRR", "touch_index", yaw=(40, 50), roll=(40, 50)),
        Way("ffff", "touch_middle", yaw=(25, 45)),
        Way("ffff", "opposed", yaw=(40, 45), weight=0.7),
    ),
    "P": (
        Way("SKFF", "at_middle", fan=3, **_HANGING),
        Way("SKFF", "along", fan=3, **_HANGING),
        Way("SLFF", "at_middle", fan=4, **_HANGING),
        Way("SKFF", "between", fan=3, **_LEFT_DOWN),
        Way("SBFF", "at_middle", fan=3, **_LEFT),
        Way("SBFF", "at_middle", fan=3, **_LEFT_DOWN),
        Way("SKFF", "at_middle", fan=3, **_RIGHT_DOWN),
        Way("SKFF", "low_middle", fan=4, weight=0.7, **_LEFT_DOWN),
        Way("SKFF", "at_middle", fan=4, **_TO_CAMERA),
        Way("SBFF", "low_middle", fan=4, weight=0.7, **_TO_CAMERA),
    ),
    "Q": (
        Way("SFFF", "along", **_HANGING),
        Way("KFFF", "round", yaw=(0, 40), pitch=(110, 35), roll=(0, 30)),
        Way("SFFF", "wide", yaw=(-40, 45), pitch=(0, 25), roll=(118, 26)),
        Way("LFFF", "along", yaw=(-30, 40), pitch=(20, 30), roll=(125, 25)),
        Way("SFFF", "along", yaw=(150, 35), pitch=(0, 25), roll=(-145, 25)),
        Way("SFFF", "wide", weight=0.7, **_HANGING),
        Way("KGGG", "at_middle", weight=0.7, **_HANGING),
    ),
    "R": (
        Way("SSFF", "on_fingers", aside=(-8, 9, 0, 0)),
        Way("SLFF", "on_middle", aside=(-6, 6, 0, 0)),
        Way("LSFF", "across", aside=(-10, 10, 0, 0)),
        Way("SLFF", "touch_ring", aside=(-12, 10, 0, 0)),
    ),
    "S": (
        Way("FFFF", "on_fingers", weight=1.5),
        Way("FFFF", "on_middle", weight=1.5),
        Way("FFFF", "high"),
        Way("GGGG", "high"),
        Way("GGGG", "on_fingers"),
    ),
    "T": (
        Way("TFFF", "between"),
        Way("tFFF", "between"),
        Way("tFFF", "beside", weight=0.5),
        Way("tGGG", "at_middle", weight=0.7),
        Way("BFFF", "between", weight=0.6, **_LEFT_EDGE),
        Way("BFFF", "out", weight=0.6, **_RIGHT_EDGE),
        Way("KFFF", "beside", weight=0.4, **_RIGHT_EDGE),
    ),
    "U": (
        Way("SSFF", "on_fingers", fan=0),
        Way("SSFF", "on_middle", fan=0),
        Way("SSGG", "touch_ring", fan=0),
        Way("LLFF", "across", fan=0, weight=0.7),
    ),
    "V": (
        Way("SSFF", "on_fingers", fan=8, aside=(0, -8, 0, 0)),
        Way("SSFF", "on_middle", fan=10, aside=(0, -6, 0, 0)),
        Way("SSGG", "touch_ring", fan=9, aside=(0, -8, 0, 0)),
        Way("LSFF", "across", fan=6, aside=(0, -5, 0, 0), weight=0.7),
    ),
    "W": (
        Way("SSSF", "on_pinky", fan=8),
        Way("SSSE", "touch_pinky", fan=10),
        Way("SSSR", "touch_pinky", fan=4),
        Way("LLLF", "across", fan=5, weight=0.6),
    ),
    "X": (
        Way("HFFF", "on_middle", yaw=(-20, 35)),
        Way("hFFF", "on_middle", yaw=(-20, 35), weight=1.5),
        Way("xFFF", "on_middle", yaw=(-15, 40)),
        Way("HFFF", "on_fingers", yaw=(-35, 35), roll=(20, 35)),
        Way("hFFF", "on_fingers", yaw=(15, 40), roll=(5, 25)),
        Way("xFFF", "on_fingers", yaw=(15, 45), weight=0.7),
        Way("HGGG", "high", yaw=(20, 40)),
        Way("kFFF", "on_middle", yaw=(30, 50)),
        Way("HFFF", "beside", yaw=(0, 45), weight=0.5),
    ),
    "Y": (
        Way("FFFS", "out", aside=(0, 0, 0, -14), weight=2),
        Way("FFFS", "wide", aside=(0, 0, 0, -8)),
        Way("GGGL", "out", aside=(0, 0, 0, -10)),
    ),
}
POINTING = (
    Way("SFFF", "on_middle", yaw=(5, 35)),
    Way("SFFF", "on_fingers", yaw=(5, 35)),
)

_COUNTED: Turns = {"yaw": (0, 25)}
_BACK: Turns = {"yaw": (175, 25)}
DIGITS: dict[str, tuple[Way, ...]] = {
    "0": (Way("OOOO", "opposed", yaw=(28, 38)), Way("OOOO", "touch_middle", yaw=(0, 50))),
    **{
        digit: tuple(
            Way(fingers, thumb, fan=fan, aside=aside, **side) for side in (_COUNTED, _BACK) for thumb in thumbs
        )
        for digit, fingers, thumbs, fan, aside in (
            ("1", "SFFF", ("on_middle", "on_fingers"), 1, (0, 0, 0, 0)),
            ("2", "SSFF", ("on_fingers", "on_middle"), 9, (0, -7, 0, 0)),
            ("3", "SSFF", ("out", "wide"), 9, (0, -7, 0, 0)),
            ("4", "SSSS", ("across", "under"), 8, (0, 0, 0, 0)),
            ("5", "SSSS", ("out", "wide"), 9, (0, 0, 0, 0)),
        )
    },
    "6": (Way("SSSE", "touch_pinky", fan=8), Way("SSSR", "touch_pinky", fan=8)),
    "7": (Way("SSRS", "touch_ring", fan=8),),
    "8": (Way("SRSS", "touch_middle", fan=8),),
    "9": (Way("PSSS", "touch_index", fan=7), Way("PLLL", "touch_index", fan=4)),
}


@dataclass(frozen=True, slots=True)
class Posed:
    """N posed hands: angles, and turns in degrees (N × 3: yaw, pitch, roll)."""

    angles: Angles
    turns: Array


def draw_angles(ways: tuple[Way, ...], count: int, rng: np.random.Generator, loose: float = 1.0) -> Posed:
    """Draw hands that show a sign in one of its ways; `loose` scales the natural deviation of the angles."""
    weights = np.array([way.weight for way in ways])
    chosen = rng.choice(len(ways), count, p=weights / weights.sum())
    curls = np.array([[CURLS[code] for code in way.fingers] for way in ways])[chosen]
    thumbs = np.array([THUMBS[way.thumb] for way in ways], dtype=float)[chosen]
    spread = np.array([way.fan * FAN + np.array(way.aside) for way in ways])[chosen]
    turns = np.array([[way.yaw, way.pitch, way.roll] for way in ways], dtype=float)[chosen]
    whole = rng.normal(0, 7 * loose, (count, 1, 3))
    flexion = np.clip(curls + whole + rng.normal(0, 6 * loose, (count, 4, 3)), -10, 115)
    spread = spread + rng.normal(0, 2.2 * loose, (count, 4)) + rng.normal(0, 1.5 * loose, (count, 1)) * FAN
    thumb = thumbs + rng.normal(0, 6 * loose, (count, 1, 2)) + rng.normal(0, 6 * loose, (count, 3, 2))
    turn = turns[..., 0] + turns[..., 1] * rng.uniform(-1, 1, (count, 3))
    return Posed(Angles(flexion, spread, thumb), turn)


def draw_natural(count: int, rng: np.random.Generator) -> Posed:
    """Random natural poses: fingers bend together, the thumb somewhere in its range, the hand turned in any way."""
    common = rng.uniform(0, 1, (count, 1))
    share = np.clip(common + rng.normal(0, 0.22, (count, 4)), 0, 1)
    knuckle = 5 + 75 * np.clip(share + rng.normal(0, 0.25, (count, 4)), 0, 1)
    middle = 6 + 95 * np.clip(share + rng.normal(0, 0.15, (count, 4)), 0, 1)
    flexion = np.stack([knuckle, middle, 0.6 * middle + rng.normal(0, 6, (count, 4))], axis=-1)
    spread = rng.uniform(-2, 12, (count, 1)) * FAN * (1 - share) + rng.normal(0, 2, (count, 4))
    azimuth = rng.uniform(20, 62, (count, 1)) + np.cumsum(rng.normal(-4, 18, (count, 3)), axis=1)
    elevation = rng.uniform(10, 55, (count, 1)) + np.cumsum(rng.normal(-6, 12, (count, 3)), axis=1)
    turns = np.stack([rng.uniform(-180, 180, count), rng.normal(20, 60, count), rng.normal(0, 60, count)], axis=-1)
    return Posed(Angles(flexion, spread, np.stack([azimuth, elevation], axis=-1)), turns)


def points_of(posed: Posed, rng: np.random.Generator) -> Array:
    """N × 21 × 3 points of posed hands, turned; x right, y up, z towards the camera."""
    return turned(joints(posed.angles, rng), rotation(*posed.turns.T))
