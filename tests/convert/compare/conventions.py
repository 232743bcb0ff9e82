"""Features of one hand as people's scripts compute them, point by point, written from each convention's description.

A hand is 21 landmarks (x, y, z) as MediaPipe gives them; w and h are the picture's width and height.
"""

import math
from collections.abc import Callable, Sequence
from statistics import fmean, pstdev

Hand = Sequence[Sequence[float]]
FINGER_BASES = (1, 5, 9, 13, 17)


def minus_least(hand: Hand, _w: int, _h: int) -> list[float]:
    """The model.p tutorial: x − min(x_), y − min(y_)."""
    x_, y_ = [point[0] for point in hand], [point[1] for point in hand]
    data_aux: list[float] = []
    for x, y, *_ in hand:
        data_aux.append(x - min(x_))
        data_aux.append(y - min(y_))
    return data_aux


def pixels_from_wrist(hand: Hand, w: int, h: int) -> list[float]:
    """Pixels inside the picture, minus the first point, over the largest absolute value."""
    pixels = [(min(int(x * w), w - 1), min(int(y * h), h - 1)) for x, y, *_ in hand]
    relative = [value for x, y in pixels for value in (x - pixels[0][0], y - pixels[0][1])]
    largest = max(map(abs, relative))
    return [value / largest for value in relative]


def over_distance(hand: Hand, _w: int, _h: int) -> list[float]:
    """Minus the wrist, over the distance of the farthest point from it."""
    moved = [(x - hand[0][0], y - hand[0][1]) for x, y, *_ in hand]
    farthest = max(math.hypot(x, y) for x, y in moved)
    return [value / farthest for point in moved for value in point]


def minus_wrist(hand: Hand, _w: int, _h: int) -> list[float]:
    """x, y and z minus those of landmark 0."""
    return [point[axis] - hand[0][axis] for point in hand for axis in range(3)]


def over_distance_xyz(hand: Hand, w: int, h: int) -> list[float]:
    """Minus the wrist, over the distance of the farthest point from it, in three dimensions."""
    moved = minus_wrist(hand, w, h)
    farthest = max(math.hypot(*moved[start : start + 3]) for start in range(0, 63, 3))
    return [value / farthest for value in moved]


def over_base(hand: Hand, _w: int, _h: int) -> list[float]:
    """Minus the wrist, over the distance of the farthest finger's base from it."""
    moved = [(x - hand[0][0], y - hand[0][1]) for x, y, *_ in hand]
    farthest = max(math.hypot(*moved[base]) for base in FINGER_BASES)
    return [value / farthest for point in moved for value in point]


def in_box(hand: Hand, _w: int, _h: int) -> list[float]:
    """(x − min) / (max − min), y alike."""
    x_, y_ = [point[0] for point in hand], [point[1] for point in hand]
    return [
        value
        for x, y, *_ in hand
        for value in ((x - min(x_)) / (max(x_) - min(x_)), (y - min(y_)) / (max(y_) - min(y_)))
    ]


def standardized(hand: Hand, _w: int, _h: int) -> list[float]:
    """(x − mean) / standard deviation, y alike."""
    x_, y_ = [point[0] for point in hand], [point[1] for point in hand]
    return [value for x, y, *_ in hand for value in ((x - fmean(x_)) / pstdev(x_), (y - fmean(y_)) / pstdev(y_))]


def cvzone(hand: Hand, w: int, h: int) -> list[float]:
    """lmList of cvzone's HandDetector, flat: int(x · w), int(y · h), int(z · w)."""
    return [value for x, y, z, *_ in hand for value in (int(x * w), int(y * h), int(z * w))]


def exchanged_pixels(hand: Hand, w: int, h: int) -> list[list[float]]:
    """21 × 2, after `x, y, c = frame.shape`, whose x is the height: int(lm.x * x), int(lm.y * y)."""
    x, y = h, w
    return [[int(point[0] * x), int(point[1] * y)] for point in hand]


Convention = Callable[[Hand, int, int], list[float] | list[list[float]]]
CONVENTIONS: dict[str, Convention] = {
    "hand-min-origin": minus_least,
    "hand-keypoints": pixels_from_wrist,
    "hand-distance": over_distance,
    "hand-base": over_base,
    "hand-box": in_box,
    "hand-zscore": standardized,
    "hand-wrist-xyz": minus_wrist,
    "hand-distance-xyz": over_distance_xyz,
    "hand-cvzone": cvzone,
    "hand-pixels": exchanged_pixels,
}
"""Preset → the script that it stands for."""
