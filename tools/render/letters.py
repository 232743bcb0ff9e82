"""The shapes of the ASL manual alphabet and of some digits, as angles of a right hand.

With no turn the palm faces the camera and the fingers point up; in the unmirrored picture the thumb is on the
right. Signs that show another side (C, G, H, O, P, Q) carry a turn. J and Z begin as listed; their strokes are in
motion.py. M, N, R, S, T and E hide fingers behind others: hand trackers read them less well.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

import numpy as np

from .skeleton import FINGER_NAMES, FINGERS, Pose, pinch

Curl = tuple[float, float, float]
Thumb = tuple[tuple[float, float], tuple[float, float], tuple[float, float]]

STRAIGHT: Curl = (0, 3, 2)
LOOSE: Curl = (4, 6, 4)
FIST: Curl = (84, 106, 66)
HOOKED: Curl = (12, 88, 50)
FORWARD: Curl = (44, 8, 5)
ROUND: Curl = (30, 45, 32)
DRAPED: Curl = (80, 84, 30)

THUMB_BESIDE: Thumb = ((40, 34), (1, 16), (2, 0))
THUMB_ACROSS_PALM: Thumb = ((28, 52), (-42, 4), (-64, -18))
THUMB_ON_FINGERS: Thumb = ((28, 48), (-44, 27), (-67, 7))
THUMB_ON_MIDDLE: Thumb = ((30, 46), (-36, 30), (-60, 8))
THUMB_ON_PINKY: Thumb = ((28, 50), (-50, 24), (-76, 4))
THUMB_OUT: Thumb = ((62, 18), (82, 4), (86, 0))
THUMB_AT_MIDDLE: Thumb = ((34, 44), (-4, 34), (-8, 20))
THUMB_OPPOSED: Thumb = ((36, 57), (6, 52), (-12, 37))
THUMB_WIDE: Thumb = ((52, 22), (50, 6), (44, 0))


def hand(
    fingers: tuple[Curl, Curl, Curl, Curl],
    thumb: Thumb,
    *,
    fan: float = 0.0,
    aside: Mapping[str, float] | None = None,
    turn: tuple[float, float, float] = (0, 0, 0),
    touch: str | None = None,
) -> Pose:
    """A pose from its parts: curls of index to pinky, then the thumb.

    fan: how far the fingers spread; aside: extra abduction of single fingers; turn: of the whole hand (all degrees);
    touch: the finger whose tip the thumb meets.
    """
    aside = aside or {}
    sideways = [fan * finger.fan + aside.get(finger.name, 0.0) for finger in FINGERS]
    angles = (np.array(group, float) for group in (fingers, sideways, thumb, turn))
    pose = Pose(*angles)
    if touch is None:
        return pose
    if touch not in FINGER_NAMES:
        raise ValueError(f"touch is {touch!r}; it must be one of {', '.join(FINGER_NAMES)}")
    return pinch(pose, touch)


@cache
def shapes() -> dict[str, Pose]:
    """Every shape by its sign; "_" is a relaxed hand."""
    return {**closed_letters(), **open_letters(), **turned_letters(), **digits(), "_": relaxed()}


def relaxed() -> Pose:
    """A hand between words."""
    return hand(((22, 26, 16), (26, 30, 18), (30, 32, 19), (32, 34, 20)), ((46, 34), (30, 26), (20, 20)), fan=3)


def closed_letters() -> dict[str, Pose]:
    """Letters made with a fist or nearly so, palm forward."""
    e_finger: Curl = (55, 104, 60)
    return {
        "A": hand((FIST, FIST, FIST, FIST), THUMB_BESIDE),
        "E": hand((e_finger, e_finger, e_finger, e_finger), ((28, 42), (-54, 10), (-76, -4)), turn=(0, 18, 0)),
        "I": hand((FIST, FIST, FIST, STRAIGHT), THUMB_ON_FINGERS),
        "J": hand((FIST, FIST, FIST, STRAIGHT), THUMB_ON_FINGERS),
        "M": hand((DRAPED, DRAPED, DRAPED, (82, 100, 58)), ((30, 30), (-46, 14), (-66, 2))),
        "N": hand((DRAPED, DRAPED, FIST, FIST), ((30, 34), (-34, 16), (-44, 14))),
        "S": hand((FIST, FIST, FIST, FIST), ((30, 48), (-44, 34), (-70, 6))),
        "T": hand(((58, 96, 24), FIST, FIST, FIST), ((36, 34), (-12, 20), (-22, 34))),
        "X": hand((HOOKED, FIST, FIST, FIST), THUMB_ON_MIDDLE),
        "Y": hand((FIST, FIST, FIST, STRAIGHT), ((62, 16), (76, 2), (80, -4)), aside={"pinky": -16}),
        "Z": hand((STRAIGHT, FIST, FIST, FIST), THUMB_ON_MIDDLE),
    }


def open_letters() -> dict[str, Pose]:
    """Letters that raise fingers, palm forward."""
    return {
        "B": hand((STRAIGHT, STRAIGHT, STRAIGHT, STRAIGHT), THUMB_ACROSS_PALM, fan=1),
        "D": hand(
            (STRAIGHT, (52, 70, 38), (55, 72, 38), (58, 74, 38)), THUMB_OPPOSED, fan=1, turn=(0, 14, 0), touch="middle"
        ),
        "F": hand(((48, 62, 30), (10, 8, 5), LOOSE, LOOSE), ((40, 52), (18, 46), (2, 26)), fan=7, touch="index"),
        "K": hand((STRAIGHT, FORWARD, FIST, FIST), THUMB_AT_MIDDLE, fan=3),
        "L": hand((STRAIGHT, FIST, FIST, FIST), THUMB_OUT),
        "R": hand((STRAIGHT, (6, 4, 2), FIST, FIST), THUMB_ON_FINGERS, aside={"index": -7, "middle": 9}),
        "U": hand((STRAIGHT, STRAIGHT, FIST, FIST), THUMB_ON_FINGERS),
        "V": hand((STRAIGHT, STRAIGHT, FIST, FIST), THUMB_ON_FINGERS, fan=9, aside={"middle": -9}),
        "W": hand((STRAIGHT, STRAIGHT, STRAIGHT, (70, 98, 58)), THUMB_ON_PINKY, fan=9),
    }


def turned_letters() -> dict[str, Pose]:
    """Letters that show the hand's edge or back."""
    o_finger: Curl = (48, 58, 38)
    return {
        "C": hand((ROUND, ROUND, ROUND, ROUND), ((38, 62), (20, 62), (0, 42)), fan=1, turn=(0, 40, 0)),
        "G": hand((LOOSE, FIST, FIST, FIST), ((58, 14), (24, 4), (6, 0)), turn=(0, 165, -84)),
        "H": hand((STRAIGHT, STRAIGHT, FIST, FIST), ((30, 46), (-34, 30), (-60, 10)), turn=(0, 158, -84)),
        "O": hand((o_finger, o_finger, o_finger, o_finger), THUMB_OPPOSED, turn=(0, 34, 0), touch="middle"),
        "P": hand((STRAIGHT, FORWARD, FIST, FIST), THUMB_AT_MIDDLE, fan=3, turn=(0, 150, -125)),
        "Q": hand(((14, 8, 5), FIST, FIST, FIST), ((56, 18), (24, 10), (6, 4)), turn=(0, 160, -172)),
    }


def digits() -> dict[str, Pose]:
    """Some digits. One to five are counted with the palm towards the signer: the camera sees the back."""
    back = (0.0, 170.0, 0.0)
    return {
        "1": hand((STRAIGHT, FIST, FIST, FIST), THUMB_ON_MIDDLE, turn=back),
        "2": hand((STRAIGHT, STRAIGHT, FIST, FIST), THUMB_ON_FINGERS, fan=9, aside={"middle": -9}, turn=back),
        "3": hand((STRAIGHT, STRAIGHT, FIST, FIST), THUMB_WIDE, fan=9, aside={"middle": -7}, turn=back),
        "5": hand((LOOSE, LOOSE, LOOSE, LOOSE), THUMB_WIDE, fan=9, turn=back),
    }
