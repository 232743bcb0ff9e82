"""Strings of letters as a camera would see them: one person's held letters, spelled at a pace, with the ways between.

Times and classes are known for every frame, so a network can be taught, and an answer measured, frame by frame.
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from tools.train.data import FRAME_S, LETTER_LABELS
from tools.train.hand import Array, projected
from tools.train.poses import Shelf, between
from tools.train.synthesis import Scenes

TRANSITION, SIGNING, RESTING = "transition", "signing", "resting"
CLASSES = (*LETTER_LABELS, TRANSITION, SIGNING, RESTING)
PLACE = {name: index for index, name in enumerate(CLASSES)}
UNLABELED = -1
STROKES = ("J", "Z")
# so much of a way's time at either end still belongs to the letter there, and no longer than this: the rest is the way
_MIDDLE, _ENDS_S = 0.15, 0.05
_FASTEST, _SLOWEST = 6.5, 0.7
_WRITERS = {"J": ("I",), "Z": ("pointing", "pointing", "X", "D", "G")}


@dataclass(frozen=True, slots=True)
class Stretch:
    """A pose (21 × 3) that is held for hold_s after a way of move_s; what is shown meanwhile, by class.

    place: where the wrist is then, palm lengths, y up. stroke: J or Z where the hold is a movement. way: the class of
    the frames on the way to it.
    """

    hand: Array
    shown: str
    move_s: float
    hold_s: float
    place: tuple[float, float] = (0.0, 0.0)
    stroke: str | None = None
    way: str = TRANSITION


@dataclass(frozen=True, slots=True)
class Filmed:
    """T × 21 × 2 points (y down, palm lengths), NaN where no hand is seen; T classes; the letters with their spans."""

    points: Array
    classes: NDArray[np.int64]
    spelled: tuple[tuple[str, float, float], ...] = ()


class Speller(Scenes):
    """Draws spelled strings, and hands that spell nothing, from a person's shelf."""

    def string(self, shelf: Shelf) -> Filmed:
        """A word at some pace, from rest to rest or cut anywhere."""
        rng = self.rng
        pace = float(np.exp(rng.uniform(np.log(_SLOWEST), np.log(_FASTEST))))
        count = int(rng.integers(1, 1 + min(14, max(2, round(5.5 * pace)))))
        stretches = self._letters(shelf, self._word(shelf, count), 1 / pace, float(rng.uniform(0.1, 0.8)))
        if rng.random() < 0.65:
            stretches = [*self._before(), *stretches, *self._after()]
        return self.filmed(stretches)

    def lasting(self, shelf: Shelf) -> Filmed:
        """One letter, held for longer, drifting or carried slowly, from rest to rest or cut."""
        rng = self.rng
        letter = self._word(shelf, 1)
        stretches = self._letters(shelf, letter, rng.uniform(0.8, 3.0), 0.75)
        if rng.random() < 0.25 and stretches[-1].stroke is None:
            last = stretches[-1]
            stretches.append(
                Stretch(last.hand, last.shown, rng.uniform(1.0, 2.5), 0.1, self._place(0.4), way=last.shown)
            )
        if rng.random() < 0.75:
            stretches = [*self._before(), *stretches, *self._after()]
        return self.filmed(stretches)

    def gesture(self) -> Filmed:
        """Hands that spell nothing: resting, gesticulating, or now this and now that."""
        rng = self.rng
        stretches: list[Stretch] = []
        here = (0.0, 0.0)
        while sum(one.move_s + one.hold_s for one in stretches) < rng.uniform(2, 6):
            if rng.random() < 0.35:
                stretches.append(
                    Stretch(self._idle(), RESTING, rng.uniform(0.2, 0.8), rng.uniform(0.5, 2.5), here, way=RESTING)
                )
                continue
            here = self._place(2)
            stretches.append(
                Stretch(self._idle(), SIGNING, rng.uniform(0.15, 0.7), rng.uniform(0, 0.5), here, way=SIGNING)
            )
        return self.filmed(stretches)

    def _word(self, shelf: Shelf, count: int) -> list[str]:
        rng = self.rng
        known = [name for name in shelf.hands if name in self.labels]
        known += [name for name, writers in _WRITERS.items() if any(one in shelf.hands for one in writers)]
        known = list(dict.fromkeys(known))
        word: list[str] = []
        for _ in range(count):
            again = bool(word) and word[-1] not in _WRITERS and rng.random() < 0.2
            word.append(word[-1] if again else str(rng.choice(known)))
        return word

    def _letters(self, shelf: Shelf, word: list[str], period_s: float, held: float) -> list[Stretch]:
        """The letters of a word; held: the share of a letter's time in which it stands."""
        rng = self.rng
        stretches: list[Stretch] = []
        here = (0.0, 0.0)
        rides = rng.normal(0, 0.15)
        for index, name in enumerate(word):
            lasts_s = period_s * float(np.exp(rng.normal(0, 0.22)))
            here = (here[0] + rides + rng.normal(0, 0.06), here[1] + rng.normal(0, 0.06))
            if index and name == word[index - 1]:
                stretches += self._again(stretches[-1], lasts_s, held)
                here = stretches[-1].place
                continue
            if name in _WRITERS:
                writers = [one for one in _WRITERS[name] if one in shelf.hands]
                hand, stroke_s = shelf.draw(str(rng.choice(writers)), rng), max(0.2, lasts_s * rng.uniform(0.6, 1.0))
                if rng.random() < 0.5:
                    stretches.append(Stretch(hand, name, lasts_s * (1 - held) + 0.03, lasts_s * held * 0.4, here))
                    stretches.append(Stretch(hand, name, 0, stroke_s, here, stroke=name, way=name))
                else:
                    stretches.append(Stretch(hand, name, lasts_s * (1 - held) + 0.03, stroke_s, here, stroke=name))
                continue
            hand = shelf.draw(name, rng)
            if stretches and period_s < 0.4 and rng.random() < 0.5:
                hand = between(stretches[-1].hand, hand, np.array([rng.uniform(0.82, 1.0)]))[0]
            stretches.append(Stretch(hand, name, lasts_s * (1 - held), lasts_s * held, here))
        return stretches

    def _again(self, last: Stretch, lasts_s: float, held: float) -> list[Stretch]:
        """The same letter once more: slid aside, bounced, or opened and closed."""
        rng = self.rng
        move_s, x, y = lasts_s * (1 - held), last.place[0], last.place[1]
        hold_s = lasts_s * held
        choice = rng.random()
        if choice < 0.4:
            aside = (x + float(rng.choice([1.0, 1.0, -1.0])) * rng.uniform(0.35, 1.6), y + rng.normal(0, 0.15))
            return [replace(last, move_s=float(np.clip(move_s, 0.1, 0.7)), hold_s=hold_s, place=aside, way=TRANSITION)]
        half_s = max(move_s / 2, 0.06)
        if choice < 0.7:
            away = (x + rng.normal(0, 0.2), y + float(rng.choice([1.0, -1.0])) * rng.uniform(0.2, 0.8))
            middle = replace(last, move_s=half_s, hold_s=0, place=away, shown=TRANSITION, way=TRANSITION)
        else:
            opened = between(last.hand, self._idle(), np.array([rng.uniform(0.2, 0.6)]))[0]
            middle = replace(last, hand=opened, move_s=half_s, hold_s=0, shown=TRANSITION, way=TRANSITION)
        landed = (x + rng.normal(0, 0.15), y + rng.normal(0, 0.1))
        return [middle, replace(last, move_s=half_s, hold_s=hold_s, place=landed, way=TRANSITION)]

    def _before(self) -> list[Stretch]:
        rng = self.rng
        rest = Stretch(self._idle(), RESTING, 0, rng.uniform(0, 1.2), (rng.normal(0, 1), rng.uniform(-5, 0)))
        if rng.random() < 0.5:
            return [rest]
        return [rest, Stretch(self._idle(), TRANSITION, rng.uniform(0.2, 0.6), rng.uniform(0, 0.4), self._place(0.5))]

    def _after(self) -> list[Stretch]:
        rng = self.rng
        place = (rng.normal(0, 1), rng.uniform(-5, 0.5))
        return [Stretch(self._idle(), RESTING, rng.uniform(0.2, 0.6), rng.uniform(0, 1.2), place)]

    def filmed(self, stretches: list[Stretch]) -> Filmed:
        """What a camera sees of it at 15 frames a second: seen from somewhere, drifting, with MediaPipe's errors."""
        rng = self.rng
        total = sum(one.move_s * (index > 0) + one.hold_s for index, one in enumerate(stretches))
        times = np.arange(rng.uniform(0, FRAME_S), max(total, 2 * FRAME_S), FRAME_S)
        hands, places, classes, spelled = played(stretches, times, self)
        drift = self._drift(times)
        points = projected(np.matmul(hands, np.swapaxes(drift, 1, 2)), np.full(len(times), rng.uniform(4, 15)))
        points = self._noisy(points + (places * np.array([1.0, -1.0]))[:, None])
        return Filmed(points, classes, tuple(spelled))


def played(
    stretches: list[Stretch], times: Array, scenes: Scenes
) -> tuple[Array, Array, NDArray[np.int64], list[tuple[str, float, float]]]:
    """The hand (T × 21 × 3), the wrist's place (T × 2) and the class at each time; each letter with its span."""
    rng = scenes.rng
    hands, places = np.zeros((len(times), 21, 3)), np.zeros((len(times), 2))
    classes = np.full(len(times), PLACE[RESTING])
    spelled: list[tuple[str, float, float]] = []
    offset, begin = np.zeros(2), 0.0
    straight, even = rng.random() < 0.4, rng.random() < 0.3
    lags = rng.normal(0, 0.06, 5) * (rng.random() < 0.6)
    for index, one in enumerate(stretches):
        move_s = one.move_s if index else 0.0
        end = begin + move_s + one.hold_s
        last = index == len(stretches) - 1
        here = (times >= begin) & ((times < end) | last)
        progress = times[here] - begin
        plain = np.clip(progress / move_s, 0, 1) if move_s else np.ones(len(progress))
        share = plain if even else plain * plain * (3 - 2 * plain)
        source = stretches[index - 1] if index else one
        hands[here] = _on_the_way(source.hand, one.hand, plain, share, lags, straight=straight)
        way = np.array(source.place) + share[:, None] * (np.array(one.place) - np.array(source.place))
        places[here] = way + offset
        end_s = min(_MIDDLE * move_s, _ENDS_S)
        classes[here] = np.where(progress >= move_s - end_s, PLACE[one.shown], PLACE[one.way])
        if index and one.way == TRANSITION and source.shown in LETTER_LABELS:
            classes[np.flatnonzero(here)[progress < end_s]] = PLACE[source.shown]
        if index and one.shown == source.shown and one.way == TRANSITION:
            classes[int(np.argmin(np.abs(times - (begin + move_s / 2))))] = PLACE[TRANSITION]
        if one.stroke and here.any():
            stroking = np.flatnonzero(here)[progress >= move_s]
            _stroke(one, times[stroking] - begin - move_s, hands, places, stroking, scenes)
            if len(stroking):
                offset = places[stroking[-1]] - np.array(one.place)
                stretches[index] = replace(one, hand=hands[stroking[-1]])
        if one.shown in LETTER_LABELS:
            _note(spelled, one, begin + move_s, end)
            middle = int(np.argmin(np.abs(times - (begin + move_s + one.hold_s / 2))))
            classes[middle] = PLACE[one.shown]
        begin = end
    return hands, places, classes, spelled


def _note(spelled: list[tuple[str, float, float]], one: Stretch, start_s: float, end_s: float) -> None:
    """A letter begins, or goes on where its way is its own."""
    if spelled and one.way == one.shown == spelled[-1][0]:
        spelled[-1] = (one.shown, spelled[-1][1], end_s)
    else:
        spelled.append((one.shown, start_s, end_s))


def _on_the_way(first: Array, second: Array, plain: Array, share: Array, lags: Array, *, straight: bool) -> Array:
    """T × 21 × 3 between two poses; fingers may lead or lag; `straight`: points move in lines, bones do not turn."""
    if straight:
        return np.asarray(first + share[:, None, None] * (second - first))
    if not lags.any():
        return between(first, second, share)
    fingers = []
    for lag in lags:
        late = np.clip(plain * (1 + 2 * abs(lag)) - max(lag, 0) * 2, 0, 1)
        fingers.append(between(first, second, late * late * (3 - 2 * late)))
    hand = between(first, second, share)
    for finger in range(5):
        hand[:, 1 + 4 * finger : 5 + 4 * finger] = fingers[finger][:, 1 + 4 * finger : 5 + 4 * finger]
    return hand


def _stroke(
    one: Stretch, progress: Array, hands: Array, places: Array, rows: NDArray[np.int64], scenes: Scenes
) -> None:
    if not len(rows):
        return
    here = np.zeros(len(hands), bool)
    here[rows] = True
    scenes.draw_stroke(str(one.stroke), progress / max(one.hold_s, FRAME_S), hands, places, here)
