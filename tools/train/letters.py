"""The letters and digits as joint angles and turns: several ways of showing each, with natural ranges.

A way is (fingers, thumb, yaw, pitch, roll, extra): four codes of `CURLS`, index first; a code of `THUMBS`; the turn
in degrees, each as (mean, half range), see `hand.rotation`; extra spread of the fingers. `python -m tools.train.draw`
draws them. Chosen from how signing
people show them: G, H, P and Q to either side of the picture, M and N as a fist or with hanging fingers, O upright or
lying.
"""

from dataclasses import dataclass

import numpy as np

from . import turns
from .hand import Angles, Array, joints, rotation, turned
from .shapes import CURLS, THUMBS, Way

FAN = np.array([1.0, 0.05, -0.85, -1.8])


LETTERS: dict[str, tuple[Way, ...]] = {
    "A": (
        Way("FFFF", "beside", weight=2),
        Way("GGGG", "beside"),
        Way("FFFF", "along", weight=0.6),
        Way("FFFF", "lying", weight=0.6),
        Way("FFFF", "beside", weight=0.5, **turns.TURNED_IN),
        Way("FFFF", "beside", weight=0.4, **turns.TURNED_OUT),
    ),
    "B": (
        Way("SSSS", "across"),
        Way("SSSS", "under", fan=0),
        Way("SSSS", "beside", fan=0, weight=0.4),
        Way("SSSS", "at_palm", fan=0, weight=0.5),
        Way("LLLL", "across", weight=0.5),
    ),
    "C": (
        Way("CCCC", "round", yaw=(30, 40)),
        Way("CCCC", "round", weight=0.4, **turns.LEFT_EDGE),
        Way("cccc", "round", yaw=(30, 45)),
        Way("qqqq", "round", fan=0, yaw=(50, 40)),
        Way("CCCC", "wide", fan=0, yaw=(50, 40), weight=0.5),
        Way("qqqq", "round", fan=0, weight=0.7, **turns.PROFILE),
        Way("cccc", "wide", fan=0, weight=0.7, **turns.PROFILE),
        Way("CCCC", "round", fan=0, yaw=(10, 30), pitch=(20, 25), weight=0.7),
        Way("CCCC", "lying", fan=0, yaw=(45, 35), weight=0.5),
    ),
    "D": (
        Way("SRRR", "opposed", yaw=(12, 30)),
        Way("SRFF", "touch_middle", yaw=(12, 30)),
        Way("SOOO", "opposed", yaw=(15, 40)),
        Way("SOOO", "touch_middle", yaw=(15, 40)),
        Way("SRRR", "touch_middle", weight=0.6, **turns.TURNED_IN),
        Way("SqqR", "touch_middle", yaw=(15, 40), weight=0.6),
        Way("SGGG", "touch_middle", yaw=(10, 35), weight=0.7),
    ),
    "E": (
        Way("EEEE", "on_fingers"),
        Way("EEEE", "under"),
        Way("EEEE", "across"),
        Way("eeee", "across"),
        Way("eeee", "under"),
        Way("eeee", "on_fingers", weight=0.6),
        Way("uuuu", "across", weight=0.7),
        Way("uuuu", "under", weight=0.6),
        Way("eeee", "low_across", weight=0.7),
        Way("EEEE", "low_across", weight=0.7),
        Way("uuuu", "on_fingers", weight=0.4),
    ),
    "F": (
        Way("PSSS", "touch_index", fan=7),
        Way("PLLL", "touch_index", fan=4),
        Way("OSSS", "opposed", fan=3, weight=0.6),
        Way("RSSS", "touch_index", fan=2, weight=0.6),
        Way("PLLL", "touch_index", fan=9, weight=0.6),
        Way("qSSS", "opposed", fan=5, weight=0.5),
        Way("PSSS", "touch_index", fan=4, weight=0.6, **turns.TURNED_IN),
    ),
    "G": (
        Way("SFFF", "along", **turns.LEFT_UP),
        Way("SFFF", "wide", **turns.LEFT_UP),
        Way("LFFF", "at_middle", weight=0.7, **turns.LEFT_UP),
        Way("SFFF", "along", **turns.RIGHT_BACK),
        Way("SFFF", "wide", weight=0.7, **turns.RIGHT_BACK),
        Way("SFFF", "at_middle", weight=0.7, **turns.RIGHT_BACK),
        Way("BFFF", "round", **turns.RIGHT_EDGE),
        Way("KFFF", "round", **turns.RIGHT_EDGE),
        Way("BFFF", "at_middle", weight=0.7, **turns.RIGHT_EDGE),
        Way("KFFF", "along", weight=0.7, **turns.RIGHT_TILTED),
        Way("SFFF", "at_middle", weight=0.7, **turns.RIGHT_TILTED),
        Way("BFFF", "along", **turns.LEFT_EDGE),
        Way("KFFF", "round", **turns.LEFT_EDGE),
        Way("SFFF", "along", weight=0.7, **turns.LEFT_BACK),
        Way("SFFF", "along", **turns.RIGHT),
        Way("SFFF", "parallel", **turns.RIGHT),
        Way("SFFF", "wide", weight=0.7, **turns.RIGHT),
        Way("LGGG", "parallel", weight=0.7, **turns.RIGHT),
        Way("SFFF", "parallel", **turns.LEFT_UP),
        Way("LGGG", "along", weight=0.7, **turns.LEFT_UP),
        Way("KFFF", "parallel", weight=0.7, **turns.RIGHT_EDGE),
        Way("SFFF", "on_middle", weight=0.4, **turns.LEFT),
        Way("SFFF", "on_middle", weight=0.4, **turns.RIGHT),
    ),
    "H": (
        Way("SSFF", "on_fingers", fan=0, **turns.LEFT),
        Way("SSFF", "beside", fan=0, **turns.LEFT),
        Way("SSFF", "on_middle", fan=0, **turns.RIGHT_BACK),
        Way("SSFF", "beside", fan=0, weight=0.7, **turns.RIGHT_BACK),
        Way("BBFF", "along", fan=0, **turns.RIGHT_EDGE),
        Way("BBFF", "on_middle", fan=0, weight=0.5, **turns.LEFT_EDGE),
        Way("BBFF", "on_fingers", fan=0, yaw=(90, 40), pitch=(0, 20), roll=(-20, 30)),
        Way("KKFF", "on_middle", fan=0, weight=0.7, **turns.RIGHT_TILTED),
        Way("KKFF", "beside", fan=0, weight=0.7, **turns.LEFT_BACK),
        Way("SSFF", "on_fingers", fan=0, **turns.RIGHT),
        Way("SSFF", "along", fan=0, weight=0.7, **turns.RIGHT),
        Way("SSGG", "parallel", fan=0, weight=0.6, **turns.RIGHT),
        Way("SSFF", "along", fan=0, weight=0.7, **turns.LEFT),
        Way("LLGG", "on_middle", fan=0, weight=0.6, **turns.LEFT),
    ),
    "I": (
        Way("FFFS", "on_fingers", weight=1.5),
        Way("FFFS", "on_middle", weight=1.5),
        Way("FFFS", "beside"),
        Way("GGGS", "along"),
        Way("FFFL", "under", weight=0.5),
        Way("FFFS", "lying", weight=1.5),
        Way("GGGS", "lying"),
        Way("FFFS", "along"),
        Way("FFFS", "high", weight=0.7),
        Way("FFFS", "on_middle", weight=0.5, **turns.TURNED_IN),
    ),
    "K": (
        Way("SKFF", "at_middle", fan=3, yaw=(15, 35)),
        Way("SKFF", "between", fan=6, yaw=(15, 30)),
        Way("SLFF", "at_middle", fan=6, yaw=(10, 40)),
        Way("SKFF", "low_middle", fan=5, yaw=(15, 40)),
        Way("SLFF", "low_middle", fan=8, yaw=(10, 35)),
        Way("SSFF", "at_middle", fan=6, yaw=(10, 35)),
        Way("SSFF", "low_middle", fan=7, yaw=(10, 35), weight=0.8),
        Way("SKFF", "at_palm", fan=6, yaw=(12, 40), weight=0.7),
        Way("SKFF", "along", fan=5, yaw=(15, 40), weight=0.5),
    ),
    "L": (
        Way("SFFF", "out", yaw=(0, 28)),
        Way("SGGG", "out", yaw=(0, 50), weight=0.5),
        Way("SFFF", "wide", weight=0.3),
        Way("SGGG", "wide", weight=0.4),
        Way("LFFF", "out", weight=0.5),
    ),
    "M": (
        Way("DDDF", "under"),
        Way("TTTF", "under"),
        Way("TTTT", "under", weight=0.6),
        Way("DDDG", "on_pinky", weight=0.6),
        Way("BBBF", "under", **turns.FACING),
        Way("BBBF", "across", **turns.FACING),
        Way("SSSF", "under", fan=0, **turns.HANGING),
        Way("KKKF", "under", fan=0, weight=0.7, **turns.HANGING),
        Way("LLLG", "across", fan=1, weight=0.7, **turns.HANGING),
        Way("SSSF", "across", fan=0, weight=0.7, **turns.HANGING),
        Way("SSSF", "under", fan=0, weight=0.7, **turns.HANGING_SIDE),
        Way("SSSF", "under", fan=0, weight=0.7, **turns.HANGING_EDGE),
        Way("KKKF", "on_pinky", fan=0, weight=0.7, **turns.HALF_HANGING),
        Way("LLLE", "on_pinky", fan=1, weight=0.6, **turns.HALF_HANGING),
        Way("BBBF", "on_pinky", weight=0.7, **turns.BENT_WRIST),
        Way("DDDF", "under", weight=0.6, **turns.TURNED_IN),
        Way("DDDF", "on_pinky", weight=0.6, **turns.TURNED_OUT),
    ),
    "N": (
        Way("DDFF", "between"),
        Way("TTFF", "under"),
        Way("TTFF", "low_middle"),
        Way("BBFF", "under", **turns.FACING),
        Way("BBFF", "on_middle", **turns.FACING),
        Way("SSFF", "under", fan=0, **turns.HANGING),
        Way("KKFF", "under", fan=0, weight=0.7, **turns.HANGING),
        Way("LLFF", "on_fingers", fan=1, weight=0.7, **turns.HANGING),
        Way("SSFF", "across", fan=0, weight=0.7, **turns.HANGING),
        Way("SSFF", "under", fan=0, weight=0.7, **turns.HANGING_SIDE),
        Way("SSFF", "under_two", fan=0, weight=0.7, **turns.HANGING_EDGE),
        Way("KKFF", "on_middle", fan=0, weight=0.7, **turns.HALF_HANGING),
        Way("LLFF", "under_two", fan=1, weight=0.6, **turns.HALF_HANGING),
        Way("BBFF", "under_two", weight=0.7, **turns.BENT_WRIST),
        Way("DDFF", "under_two"),
        Way("DDFF", "under_two", weight=0.6, **turns.TURNED_IN),
        Way("TTGG", "under_two", weight=0.6),
    ),
    "O": (
        Way("OOOO", "opposed", yaw=(28, 38), weight=2),
        Way("OOOO", "touch_middle", yaw=(10, 40), roll=(60, 40)),
        Way("OOOO", "opposed", yaw=(30, 40), roll=(60, 40)),
        Way("OOOO", "opposed", **turns.LEFT_EDGE),
        Way("RRRR", "touch_index", yaw=(40, 50), roll=(40, 50)),
        Way("ffff", "touch_middle", yaw=(25, 45)),
        Way("ffff", "opposed", yaw=(40, 45), weight=0.7),
        Way("OOOO", "touch_index", weight=0.6, **turns.PROFILE),
        Way("OOOO", "opposed", yaw=(5, 30), pitch=(20, 25), weight=0.7),
    ),
    "P": (
        Way("SKFF", "at_middle", fan=3, **turns.HANGING),
        Way("SKFF", "along", fan=3, **turns.HANGING),
        Way("SLFF", "at_middle", fan=4, **turns.HANGING),
        Way("SKFF", "between", fan=3, **turns.LEFT_DOWN),
        Way("SBFF", "at_middle", fan=3, **turns.LEFT),
        Way("SBFF", "at_middle", fan=3, **turns.LEFT_DOWN),
        Way("SKFF", "at_middle", fan=3, **turns.RIGHT_DOWN),
        Way("SKFF", "low_middle", fan=4, weight=0.7, **turns.LEFT_DOWN),
        Way("SKFF", "at_middle", fan=4, **turns.TO_CAMERA),
        Way("SBFF", "low_middle", fan=4, weight=0.7, **turns.TO_CAMERA),
        Way("SSFF", "at_middle", fan=6, **turns.HANGING),
        Way("SBFF", "between", fan=3, **turns.HANGING),
        Way("SKFF", "at_middle", fan=4, **turns.HALF_HANGING),
        Way("SKFF", "at_middle", fan=4, weight=0.7, **turns.HANGING_SIDE),
        Way("SKFF", "at_middle", fan=4, weight=0.7, **turns.HANGING_EDGE),
        Way("SKFF", "along", fan=3, weight=0.7, **turns.RIGHT_DOWN),
        Way("SBFF", "at_middle", fan=3, weight=0.7, **turns.RIGHT),
    ),
    "Q": (
        Way("SFFF", "along", **turns.HANGING),
        Way("KFFF", "round", yaw=(0, 40), pitch=(110, 35), roll=(0, 30)),
        Way("SFFF", "wide", yaw=(-40, 45), pitch=(0, 25), roll=(118, 26)),
        Way("LFFF", "along", yaw=(-30, 40), pitch=(20, 30), roll=(125, 25)),
        Way("SFFF", "along", yaw=(150, 35), pitch=(0, 25), roll=(-145, 25)),
        Way("SFFF", "wide", weight=0.7, **turns.HANGING),
        Way("KGGG", "at_middle", weight=0.7, **turns.HANGING),
        Way("SFFF", "parallel", **turns.HANGING),
        Way("SFFF", "along", weight=0.7, **turns.HANGING_SIDE),
        Way("SFFF", "along", weight=0.7, **turns.HANGING_EDGE),
        Way("LFFF", "parallel", weight=0.7, **turns.LEFT_DOWN),
        Way("LGGG", "along", weight=0.7, **turns.HALF_HANGING),
        Way("SFFF", "on_middle", weight=0.3, **turns.HANGING),
    ),
    "R": (
        Way("SSFF", "on_fingers", aside=(-8, 9, 0, 0)),
        Way("SLFF", "on_middle", aside=(-6, 6, 0, 0)),
        Way("LSFF", "across", aside=(-10, 10, 0, 0)),
        Way("SLFF", "touch_ring", aside=(-12, 10, 0, 0)),
        Way("SSFF", "on_fingers", aside=(-12, 12, 0, 0)),
        Way("SLFF", "on_fingers", aside=(-9, 9, 0, 0), weight=0.7, **turns.TURNED_IN),
        Way("SLFF", "beside", aside=(-9, 9, 0, 0), weight=0.5),
        Way("LyFF", "on_middle", aside=(-9, 10, 0, 0), weight=0.6),
    ),
    "S": (
        Way("FFFF", "on_fingers", weight=1.5),
        Way("FFFF", "on_middle", weight=1.5),
        Way("FFFF", "high"),
        Way("GGGG", "high"),
        Way("GGGG", "on_fingers"),
        Way("FFFF", "on_index"),
        Way("GGGG", "on_middle"),
        Way("FFFF", "on_fingers", weight=0.7, **turns.TURNED_IN),
        Way("FFFF", "on_middle", weight=0.7, **turns.TURNED_OUT),
        Way("FFFF", "across", weight=0.5),
        Way("GGGG", "on_index", weight=0.6),
    ),
    "T": (
        Way("TFFF", "between"),
        Way("tFFF", "between"),
        Way("tFFF", "beside", weight=0.5),
        Way("tGGG", "at_middle", weight=0.7),
        Way("BFFF", "between", weight=0.6, **turns.LEFT_EDGE),
        Way("BFFF", "out", weight=0.6, **turns.RIGHT_EDGE),
        Way("KFFF", "beside", weight=0.4, **turns.RIGHT_EDGE),
        Way("TFFF", "peeking"),
        Way("TGGG", "peeking", weight=0.6),
        Way("tFFF", "peeking", weight=0.8, **turns.TURNED_IN),
        Way("xFFF", "between", yaw=(-35, 35), roll=(35, 35), weight=0.7),
        Way("yFFF", "peeking", weight=0.7, **turns.LEFT),
        Way("KFFF", "between", weight=0.5, **turns.LEFT),
        Way("yFFF", "between", weight=0.5, **turns.RIGHT),
    ),
    "U": (
        Way("SSFF", "on_fingers", fan=0),
        Way("SSFF", "on_middle", fan=0),
        Way("SSGG", "touch_ring", fan=0),
        Way("LLFF", "across", fan=0, weight=0.7),
        Way("SSFF", "lying", fan=0, weight=0.5),
        Way("SSGG", "high", fan=0, weight=0.7),
        Way("SSFF", "on_middle", fan=0, weight=0.5, **turns.TURNED_IN),
    ),
    "V": (
        Way("SSFF", "on_fingers", fan=8, aside=(0, -8, 0, 0)),
        Way("SSFF", "on_middle", fan=10, aside=(0, -6, 0, 0)),
        Way("SSGG", "touch_ring", fan=9, aside=(0, -8, 0, 0)),
        Way("LSFF", "across", fan=6, aside=(0, -5, 0, 0), weight=0.7),
        Way("SSFF", "lying", fan=9, aside=(0, -6, 0, 0), weight=0.4),
        Way("SSGG", "high", fan=9, aside=(0, -7, 0, 0), weight=0.7),
    ),
    "W": (
        Way("SSSF", "on_pinky", fan=8),
        Way("SSSE", "touch_pinky", fan=10),
        Way("SSSR", "touch_pinky", fan=4),
        Way("LLLF", "across", fan=5, weight=0.6),
        Way("SSSF", "touch_pinky", fan=7),
        Way("SSSE", "across", fan=6, weight=0.6),
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
        Way("yFFF", "on_middle", yaw=(-10, 40)),
        Way("yFFF", "on_fingers", yaw=(20, 40), weight=0.7),
        Way("xFFF", "beside", yaw=(0, 40), weight=0.6),
        Way("hFFF", "lying", yaw=(0, 40), weight=0.5),
        Way("hGGG", "high", yaw=(0, 45)),
    ),
    "Y": (
        Way("FFFS", "out", aside=(0, 0, 0, -14), weight=2),
        Way("FFFS", "wide", aside=(0, 0, 0, -8)),
        Way("GGGL", "out", aside=(0, 0, 0, -10)),
        Way("FFFS", "out", aside=(0, 0, 0, -12), weight=0.6, **turns.TURNED_IN),
    ),
}
POINTING = (
    Way("SFFF", "on_middle", yaw=(5, 35)),
    Way("SFFF", "on_fingers", yaw=(5, 35)),
)

DIGITS: dict[str, tuple[Way, ...]] = {
    "0": (Way("OOOO", "opposed", yaw=(28, 38)), Way("OOOO", "touch_middle", yaw=(0, 50))),
    **{
        digit: tuple(
            Way(fingers, thumb, fan=fan, aside=aside, **side)
            for side in (turns.COUNTED, turns.BACK)
            for thumb in thumbs
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
    turned_by = np.array([[way.yaw, way.pitch, way.roll] for way in ways], dtype=float)[chosen]
    whole = rng.normal(0, 7 * loose, (count, 1, 3))
    flexion = np.clip(curls + whole + rng.normal(0, 6 * loose, (count, 4, 3)), -10, 115)
    spread = spread + rng.normal(0, 2.2 * loose, (count, 4)) + rng.normal(0, 1.5 * loose, (count, 1)) * FAN
    thumb = thumbs + rng.normal(0, 6 * loose, (count, 1, 2)) + rng.normal(0, 6 * loose, (count, 3, 2))
    turn = turned_by[..., 0] + turned_by[..., 1] * rng.uniform(-1, 1, (count, 3))
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
