"""The codes of which ways of showing a sign are made: how a finger bends, where the thumb lies, how the hand turns."""

from typing import NamedTuple, TypedDict

CURLS: dict[str, tuple[float, float, float]] = {
    "S": (4, 6, 4),  # straight
    "L": (16, 20, 12),  # loose
    "F": (78, 100, 58),  # fist
    "G": (66, 88, 48),  # loose fist
    "T": (62, 92, 30),  # fist over the thumb
    "t": (40, 88, 40),  # the index over the thumb, raised
    "H": (15, 88, 52),  # hooked
    "h": (16, 55, 34),  # hooked a little
    "y": (10, 28, 22),  # half bent
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
    "u": (18, 84, 52),  # a claw: bent, the tips away from the thumb
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
    "parallel": ((46, 30), (6, 24), (0, 10)),
    "lying": ((50, 26), (36, 14), (28, 6)),
    "low_across": ((24, 54), (-58, 20), (-84, 0)),
    "at_palm": ((30, 50), (-26, 24), (-40, 6)),
    "on_index": ((32, 44), (-18, 38), (-44, 24)),
    "peeking": ((40, 34), (2, 30), (-4, 34)),
    "under_two": ((32, 36), (-26, 22), (-38, 14)),
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
