"""Sequences as a camera and MediaPipe would give them: held signs, signs after a rise, words, strokes, and nothing."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .data import FRAME_S
from .hand import Array, projected, rotation
from .poses import Shelf, between

NOTHING = "nothing"
_FINGER_OF = np.array([0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5])
_ENOUGH_S = 0.25
# the digit that is an open hand: hands also rise in it before they show another digit
OPEN = "5"


@dataclass(frozen=True, slots=True)
class Sequence:
    """T × 21 × 2 points (y down, palm lengths), their times, and how much of each label they show (sums to 1)."""

    points: Array
    times_s: Array
    target: dict[str, float]


@dataclass(frozen=True, slots=True)
class Key:
    """A pose (21 × 3) that is held for some seconds after a move of some seconds.

    place: where the wrist is, palm lengths, y up. stroke: "J" or "Z" where the hold is a movement.
    """

    hand: Array
    label: str | None
    move_s: float
    hold_s: float
    place: tuple[float, float] = (0.0, 0.0)
    stroke: str | None = None


class Scenes:
    """Draws sequences from a person's shelf; `nothing` are hands that sign nothing."""

    def __init__(self, labels: tuple[str, ...], nothing: Array, rng: np.random.Generator) -> None:
        self.labels = labels
        self.nothing = nothing
        self.rng = rng

    def still(self, shelf: Shelf, label: str) -> Sequence:
        """A photograph."""
        return self._filmed([Key(shelf.draw(label, self.rng), label, 0, 0)], picture=True)

    def held(self, shelf: Shelf, label: str) -> Sequence:
        """A sign held all along; the hand may drift or be carried somewhere."""
        first = shelf.draw(label, self.rng)
        duration = float(self.rng.choice([self.rng.uniform(0.2, 1.2), self.rng.uniform(0.8, 3.0)]))
        if self.rng.random() < 0.5:
            return self._filmed([Key(first, label, 0, duration)])
        second = shelf.draw(label, self.rng) if self.rng.random() < 0.3 else first
        return self._filmed([Key(first, label, 0, 0), Key(second, label, duration, 0.05, self._place(1.2))])

    def rising(self, shelf: Shelf, label: str) -> Sequence:
        """A whole clip: the hand comes up, makes the sign, and may go down again."""
        rng = self.rng
        keys = [Key(self._idle(), None, 0, rng.uniform(0, 0.4), (rng.normal(0, 1), rng.uniform(-5, -1)))]
        if rng.random() < 0.6:
            keys.append(Key(self._idle(), None, rng.uniform(0.2, 0.6), rng.uniform(0, 0.25), self._place(0.4)))
        if OPEN in shelf.hands and label != OPEN and rng.random() < 0.5:
            keys.append(Key(shelf.draw(OPEN, rng), None, rng.uniform(0.2, 0.6), rng.uniform(0, 0.4), self._place(0.4)))
        keys.append(Key(shelf.draw(label, rng), label, rng.uniform(0.15, 0.6), rng.uniform(0.3, 1.4)))
        if rng.random() < 0.4:
            keys.append(Key(self._idle(), None, rng.uniform(0.2, 0.6), rng.uniform(0, 0.2), self._place(3)))
        return self._filmed(keys)

    def word(self, shelf: Shelf) -> Sequence:
        """A short window of a fingerspelled word."""
        rng = self.rng
        chosen = rng.choice([label for label in shelf.hands if label in self.labels], 4)
        pace = rng.uniform(0.7, 1.5)
        keys = [
            Key(
                shelf.draw(label, rng),
                str(label),
                pace * rng.uniform(0.12, 0.4),
                pace * rng.uniform(0.2, 0.7),
                self._place(0.3),
            )
            for label in chosen
        ]
        return self._filmed(keys, window_s=rng.uniform(0.5, 1.2))

    def stroke(self, shelf: Shelf, label: str) -> Sequence:
        """J or Z as a movement, with or without what comes before and after."""
        rng = self.rng
        writers = {"J": ("I",), "Z": ("pointing", "pointing", "X", "X", "D", "G")}[label]
        hand = shelf.draw(str(rng.choice([shape for shape in writers if shape in shelf.hands])), rng)
        keys = []
        if rng.random() < 0.5:
            keys.append(Key(self._idle(), None, 0, 0, (rng.normal(0, 1), rng.uniform(-4, 0))))
        keys.append(Key(hand, None, rng.uniform(0.15, 0.5), rng.uniform(0, 0.9) * (rng.random() < 0.6)))
        keys.append(Key(hand, label, 0, rng.uniform(0.35, 1.6), stroke=label))
        if rng.random() < 0.35:
            keys.append(Key(self._idle(), None, rng.uniform(0.2, 0.5), 0, self._place(3)))
        cut = rng.random() < 0.25
        return self._filmed(keys, around_s=rng.uniform(0.6, 1.0) if cut else None)

    def pointing(self, shelf: Shelf) -> Sequence:
        """The hand that writes Z, held or carried in a line: no letter, though near to D."""
        sequence = self.held(shelf, "pointing") if self.rng.random() < 0.7 else self.still(shelf, "pointing")
        return Sequence(sequence.points, sequence.times_s, {NOTHING: 0.7, "D": 0.3})

    def idle(self, shelf: Shelf) -> Sequence:
        """Hands that sign nothing: held, moving, rising, or on the way between two signs."""
        rng = self.rng
        choice = rng.random()
        if choice < 0.3:
            return self._filmed([Key(self._idle(), None, 0, rng.uniform(0.2, 2.5))], picture=rng.random() < 0.4)
        if choice < 0.75:
            keys = [
                Key(self._idle(), None, rng.uniform(0.2, 0.9), rng.uniform(0, 0.8), self._place(2)) for _ in range(3)
            ]
            return self._filmed(keys, window_s=rng.uniform(0.4, 2.0))
        first, second = rng.choice([label for label in shelf.hands if label in self.labels], 2)
        if first == second:
            return self.idle(shelf)
        move = rng.uniform(0.25, 0.6)
        path = between(shelf.draw(str(first), rng), shelf.draw(str(second), rng), np.array([0.3, 0.7]))
        return self._filmed([Key(path[0], None, 0, 0), Key(path[1], None, move, 0, self._place(0.8))])

    def _idle(self) -> Array:
        return np.asarray(self.nothing[self.rng.integers(len(self.nothing))])

    def _place(self, spread: float) -> tuple[float, float]:
        return (float(self.rng.normal(0, spread)), float(self.rng.normal(0, spread)))

    def _filmed(
        self, keys: list[Key], window_s: float | None = None, around_s: float | None = None, picture: bool = False
    ) -> Sequence:
        rng = self.rng
        ends = np.cumsum([key.move_s * (index > 0) + key.hold_s for index, key in enumerate(keys)])
        start, stop = 0.0, float(ends[-1])
        if window_s is not None and stop > window_s:
            start = rng.uniform(0, stop - window_s)
            stop = start + window_s
        if around_s is not None:
            begin, end = next((end - key.hold_s, end) for key, end in zip(keys, ends, strict=True) if key.stroke)
            middle = (begin + end) / 2 + rng.uniform(-0.1, 0.1)
            start, stop = max(start, middle - around_s / 2), min(stop, middle + around_s / 2)
        times = np.array([start]) if picture or stop - start < FRAME_S else np.arange(start, stop, FRAME_S)
        times = self._with_gaps(times)
        hands, places = self._played(keys, ends, times)
        drift = self._drift(times)
        points = projected(np.matmul(hands, np.swapaxes(drift, 1, 2)), np.full(len(times), rng.uniform(4, 15)))
        points = points + (places * np.array([1.0, -1.0]))[:, None]
        target = self._target(keys, ends, start, max(stop, start + FRAME_S))
        return Sequence(self._noisy(points), times - start, target)

    def _with_gaps(self, times: Array) -> Array:
        if len(times) < 4 or self.rng.random() < 0.6:
            return times
        kept = self.rng.random(len(times)) > self.rng.uniform(0, 0.4)
        return times[kept] if kept.sum() >= 2 else times

    def _played(self, keys: list[Key], ends: Array, times: Array) -> tuple[Array, Array]:
        """The hand (T × 21 × 3) and the wrist's place (T × 2) at each time."""
        hands, places = np.empty((len(times), 21, 3)), np.empty((len(times), 2))
        offset, begin = np.zeros(2), 0.0
        for index, (key, end) in enumerate(zip(keys, ends, strict=True)):
            last = index == len(keys) - 1
            here = (times >= begin) & ((times < end) | last)
            move = key.move_s if index else 0.0
            progress = times[here] - begin
            share = np.clip(progress / move, 0, 1) if move else np.ones(len(progress))
            share = share * share * (3 - 2 * share)
            if here.any():
                source = keys[index - 1] if index else key
                hands[here] = between(source.hand, key.hand, share)
                way = np.array(source.place) + share[:, None] * (np.array(key.place) - np.array(source.place))
                places[here] = way + offset
                if key.stroke:
                    self.draw_stroke(key.stroke, progress / max(key.hold_s, FRAME_S), hands, places, here)
            if key.stroke and here.any():
                offset = places[here][-1] - np.array(key.place)
                keys[index] = Key(hands[here][-1], key.label, key.move_s, key.hold_s, key.place, key.stroke)
            begin = float(end)
        return hands, places

    def draw_stroke(self, stroke: str, share: Array, hands: Array, places: Array, here: NDArray[np.bool_]) -> None:
        """Move the hand along its stroke; half of them stay where they end."""
        share = share / self.rng.uniform(0.45, 1.0) if self.rng.random() < 0.5 else share
        path, turns = (_hook if stroke == "J" else _zigzag)(np.clip(share, 0, 1), self.rng)
        places[here] += path
        hands[here] = np.matmul(hands[here], np.swapaxes(rotation(*turns.T), 1, 2))

    def _drift(self, times: Array) -> Array:
        """A turn of the whole hand for the sequence, and a little more from frame to frame."""
        rng = self.rng
        base = rng.normal(0, [16, 16, 11])
        swing = rng.normal(0, [5, 5, 4]) * rng.exponential(1)
        phase = rng.uniform(0, 2 * np.pi, 3) + np.outer(times, rng.uniform(1, 5, 3))
        return rotation(*(base + swing * np.sin(phase)).T)

    def _noisy(self, points: Array) -> Array:
        """Errors that stay (a finger read wrongly), that wander, and that last one frame."""
        rng, count = self.rng, len(points)
        steady = rng.normal(0, 0.02, (6, 2))[_FINGER_OF] + rng.normal(0, 0.016, (21, 2))
        level = rng.uniform(0.003, 0.02)
        wander = rng.normal(0, level, (count, 21, 2))
        for row in range(1, count):
            wander[row] = 0.8 * wander[row - 1] + 0.6 * wander[row]
        if rng.random() < 0.1:
            wander[rng.random(count) < 0.15] *= 8
        stretch = np.exp(rng.normal(0, 0.05, 2))
        return np.asarray(points * stretch + steady + wander)

    def _target(self, keys: list[Key], ends: Array, start: float, stop: float) -> dict[str, float]:
        shown: dict[str, float] = {}
        for key, end in zip(keys, ends, strict=True):
            if key.label is None:
                continue
            if key.stroke or len(keys) <= 2:
                shown[key.label] = shown.get(key.label, 0.0) + 1.0
                continue
            seen = min(stop, end) - max(start, end - key.hold_s)
            if seen > 0:
                shown[key.label] = shown.get(key.label, 0.0) + seen
        total = sum(shown.values())
        if total == 0:
            return {NOTHING: 1.0}
        signed = min(1.0, total / _ENOUGH_S)
        target = {label: signed * value / total for label, value in shown.items()}
        return {**target, NOTHING: 1 - signed} if signed < 1 else target


def _hook(share: Array, rng: np.random.Generator) -> tuple[Array, Array]:
    """J: down, then a hook to the picture's right while the forearm turns over; T × 2 way and T × 3 turns."""
    begin, length = rng.uniform(0, 0.4), rng.uniform(0.45, 0.8)
    late = np.clip((share - begin) / length, 0, 1)
    late = late * late * (3 - 2 * late)
    size = rng.uniform(0, 1.4)
    angle = share * np.pi * rng.uniform(0.9, 1.3)
    way = size * np.stack(
        [(1 - np.cos(angle)) * rng.uniform(-0.2, 0.6), -np.sin(angle / 2) * rng.uniform(0.5, 1.3)], axis=-1
    )
    turns = np.stack([rng.uniform(90, 185) * late, rng.uniform(-40, 40) * late, rng.uniform(-80, 25) * late], axis=-1)
    return way, turns


def _zigzag(share: Array, rng: np.random.Generator) -> tuple[Array, Array]:
    """Z: a bar, a diagonal down, a bar, by moving the wrist, by turning it, or both; T × 2 way and T × 3 turns."""
    side = -1.0 if rng.random() < 0.8 else 1.0
    corners = np.array([[0.0, 0.0], [1.0, 0.0], [0.05, -1.0], [1.0, -1.0]]) + rng.normal(0, 0.09, (4, 2))
    legs = np.cumsum([0, *np.linalg.norm(np.diff(corners, axis=0), axis=1) * rng.uniform(0.75, 1.3, 3)])
    along = share * legs[-1]
    tip = np.stack([np.interp(along, legs, corners[:, axis]) for axis in (0, 1)], axis=-1)
    tip = (tip - np.array([0.5, 0])) * np.array([side * rng.uniform(0.6, 1.8), rng.uniform(0.4, 1.6)])
    turned = rng.uniform(0, 1)
    turns = np.stack(
        [np.zeros_like(share), -turned * tip[:, 1] * rng.uniform(20, 60), -turned * tip[:, 0] * 30], axis=-1
    )
    return tip * (1 - 0.75 * turned), turns
