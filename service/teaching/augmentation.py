"""Augmentation: a take as it might have been shown once more, nearer, faster, turned, or with a hand lost."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import numpy.typing as npt

from service.pipelines.length import nearest
from service.teaching.body import ARMS, BODY, KNUCKLES, LEAST_WIDTH, LEFT, PALMS, RIGHT, SHOULDERS, STEPS, USUAL_WIDTH
from service.track import BoolArray, FloatArray, TimeArray, Track

_LOW: Final = 1.35
"""A wrist so far below the shoulders, in their widths, rests."""

_KNOTS: Final = 4
_BETWEEN_KNOTS: Final = np.stack(
    [np.interp(np.linspace(0, _KNOTS - 1, STEPS), range(_KNOTS), row) for row in np.eye(_KNOTS)], axis=1
).astype(np.float32)


@dataclass(frozen=True, slots=True)
class Take:
    """A take as it is varied: T × POINTS × 2 points in heights of the picture, NaN where they were not seen.

    active: from when to when something is shown.
    """

    points: FloatArray
    times_s: TimeArray
    active: tuple[float, float]

    @property
    def span(self) -> tuple[float, float]:
        """Its first and last moment."""
        return float(self.times_s[0]), float(self.times_s[-1])

    @property
    def has_body(self) -> bool:
        """Whether shoulders are seen in it."""
        return bool(np.isfinite(self.points[:, SHOULDERS]).all(axis=(1, 2)).any())

    @property
    def hands_alone(self) -> "Take":
        """The same without the body."""
        points = self.points.copy()
        points[:, BODY] = np.nan
        return replace(self, points=points)


@dataclass(frozen=True, slots=True)
class Variety:
    """How much takes are varied. Angles in radians, lengths in widths of the shoulders, times in shares of a take."""

    turn: float = 0.4
    scale: float = 0.35
    lean: float = 0.12
    move: float = 0.4
    before: float = 0.3
    cut: float = 0.08
    warp: float = 0.2
    point_noise: float = 0.012
    hand_noise: float = 0.08
    lost: float = 0.25
    whole: float = 0.4
    mirrored: float = 0.35


def make_take(track: Track) -> Take:
    """A track of landmarks as a take."""
    blocks = [track.part("left_hand"), track.part("right_hand"), track.part("pose")[:, ARMS]]
    points = np.concatenate(blocks, axis=1)[..., :2] * np.array([track.media.aspect, 1.0], np.float32)
    return Take(points.astype(np.float32), track.times_s, active_span(track))


def active_span(track: Track) -> tuple[float, float]:
    """From when to when a hand is up; the whole take where none ever is."""
    up = raised(track)
    if not up.any():
        return float(track.times_s[0]), float(track.times_s[-1])
    places = np.flatnonzero(up)
    return float(track.times_s[places[0]]), float(track.times_s[places[-1]])


def raised(track: Track) -> BoolArray:
    """T: whether a hand is seen that does not rest far below the shoulders."""
    pose = track.part("pose")
    scale = np.array([track.media.aspect, 1.0], np.float32)
    width = np.linalg.norm((pose[:, 11, :2] - pose[:, 12, :2]) * scale, axis=-1)
    level = (pose[:, 11, 1] + pose[:, 12, 1]) / 2
    up = np.zeros(len(track), bool)
    for part in ("left_hand", "right_hand"):
        wrist = track.part(part)[:, 0, 1]
        rests = wrist - level > _LOW * width  # False where no body is seen
        up |= ~np.isnan(wrist) & ~rests
    return up


def plain_view(take: Take, span: tuple[float, float] | None = None) -> FloatArray:
    """STEPS × POINTS × 2 of a take as it is; NaN as 0, as the pipeline gives it."""
    start, end = span or take.span
    return np.nan_to_num(_at(take, np.linspace(start, end, STEPS)))


def vary(takes: Sequence[Take], variety: Variety, rng: np.random.Generator) -> FloatArray:
    """One more view of each take: N × STEPS × POINTS × 2."""
    points = np.stack([_at(take, _moments(take, variety, rng)) for take in takes])
    _lose_hands(points, variety, rng)
    width = shoulder_widths(points)
    points = _moved(points, width, variety, rng) + _noise(points.shape, width, variety, rng)
    for place in np.flatnonzero(rng.random(len(points)) < variety.mirrored):
        points[place] = mirror(points[place])
    return np.nan_to_num(points, copy=False)


def mirror(points: FloatArray) -> FloatArray:
    """STEPS × POINTS × 2, the same as shown by a signer who uses the other hand."""
    order = [*range(RIGHT.start, RIGHT.stop), *range(LEFT.start, LEFT.stop)]
    order += [BODY.start, *(BODY.start + place for place in (2, 1, 4, 3, 6, 5))]
    swapped = points[:, order].copy()
    shoulders = points[:, SHOULDERS, 0]
    middle = 0.5 if np.isnan(shoulders).all() else float(np.nanmean(shoulders))
    swapped[..., 0] = 2 * middle - swapped[..., 0]
    return swapped


def _at(take: Take, moments: TimeArray) -> FloatArray:
    """The points at these moments: those of the nearest frame, as the pipeline takes them."""
    return take.points[nearest(take.times_s, moments)]


def _moments(take: Take, variety: Variety, rng: np.random.Generator) -> TimeArray:
    if rng.random() < variety.whole:
        start, end = take.span
    else:
        start, end = take.active
    lasts = max(end - start, 1e-3)
    start += lasts * rng.uniform(-variety.before, variety.cut)
    end += lasts * rng.uniform(-variety.cut, variety.before)
    shares = np.linspace(0, 1, STEPS)
    bend = rng.uniform(-variety.warp, variety.warp) * np.sin(np.pi * shares)
    bend += rng.uniform(-variety.warp, variety.warp) / 2 * np.sin(2 * np.pi * shares)
    return np.asarray(start + (end - start) * (shares + bend))


def _lose_hands(points: FloatArray, variety: Variety, rng: np.random.Generator) -> None:
    """A hand is not found for a while."""
    for hand in (LEFT, RIGHT):
        for place in np.flatnonzero(rng.random(len(points)) < variety.lost):
            length = int(rng.integers(1, STEPS // 3))
            first = int(rng.integers(0, STEPS - length))
            points[place, first : first + length, hand] = np.nan


def _noise(shape: tuple[int, ...], width: FloatArray, variety: Variety, rng: np.random.Generator) -> FloatArray:
    """Noise of single points, and slow drift of hands and arms."""
    noise = rng.standard_normal(shape, np.float32) * np.float32(variety.point_noise)
    knots = rng.standard_normal((shape[0], _KNOTS, 3, 2), np.float32) * np.float32(variety.hand_noise)
    slow = np.einsum("sk,nkpa->nspa", _BETWEEN_KNOTS, knots)
    for part, place in enumerate((LEFT, RIGHT, BODY)):
        noise[:, :, place] += slow[:, :, part, None] * (0.5 if part == 2 else 1.0)
    return np.asarray(noise * width[:, None, None, None])


def _moved(points: FloatArray, width: FloatArray, variety: Variety, rng: np.random.Generator) -> FloatArray:
    """Turned, scaled and leaned as a whole; hands a little by themselves."""
    count = len(points)
    moved = _turned(points, 0.5, _matrices(count, variety, rng))
    for hand in (LEFT, RIGHT):
        own = _matrices(count, replace(variety, lean=0.0), rng)
        aside = (
            rng.standard_normal((count, 1, 1, 2), np.float32) * np.float32(variety.move) * width[:, None, None, None]
        )
        moved[:, :, hand] = _turned(moved[:, :, hand], moved[:, :, hand.start : hand.start + 1], own) + aside
    return moved


def _matrices(count: int, variety: Variety, rng: np.random.Generator) -> FloatArray:
    angle = rng.normal(0, variety.turn / 2, count)
    sides = np.exp(rng.normal(0, variety.scale / 2, (2, count)))
    lean = rng.normal(0, variety.lean / 2, count)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]).transpose(2, 0, 1)
    shape = np.array([[sides[0], lean], [np.zeros(count), sides[1]]]).transpose(2, 0, 1)
    return np.asarray(turn @ shape, np.float32)


def _turned(points: FloatArray, about: FloatArray | float, by: FloatArray) -> FloatArray:
    away = points - about
    return np.asarray((away.reshape(len(points), -1, 2) @ by.transpose(0, 2, 1)).reshape(points.shape) + about)


def shoulder_widths(points: FloatArray) -> FloatArray:
    """N, in heights of the picture; by the palms where no shoulders are seen."""
    apart = _seen_mean(np.linalg.norm(points[:, :, SHOULDERS[0]] - points[:, :, SHOULDERS[1]], axis=-1))
    palms = [
        np.linalg.norm(
            points[:, :, [hand.start + knuckle for knuckle in KNUCKLES]] - points[:, :, hand.start, None], axis=-1
        )
        for hand in (LEFT, RIGHT)
    ]
    palm = _seen_mean(np.concatenate([one.max(axis=-1) for one in palms], axis=1)) * PALMS
    own = np.where(palm < LEAST_WIDTH, USUAL_WIDTH, palm)
    return np.where(apart < LEAST_WIDTH, own, apart).astype(np.float32)


def _seen_mean(values: FloatArray) -> FloatArray:
    """N of N × M, NaN and 0 left out; 0 where all are."""
    known = np.nan_to_num(values)
    return np.asarray(known.sum(axis=1) / np.maximum((known > 0).sum(axis=1), 1))


def drawn_again(count: int, size: int, rng: np.random.Generator) -> Iterator[npt.NDArray[np.intp]]:
    """Indices in random order, `size` at a time, all of them before any again."""
    waiting = np.zeros(0, np.intp)
    while True:
        while len(waiting) < size:
            waiting = np.concatenate([waiting, rng.permutation(count)])
        chosen, waiting = waiting[:size], waiting[size:]
        yield chosen
