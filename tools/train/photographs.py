"""Photographs of hands to train on: of each person's hands and of the kinematic one, of people who sign nothing."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from .data import DIGIT_LABELS, LETTER_LABELS, digit_clips, word_hands
from .features import rows_of_stills
from .hand import Array
from .letters import DIGITS, LETTERS, POINTING, draw_angles, points_of
from .poses import MADE, Shelf, nothing_hands, real_shelves
from .stills import photographed

# a label: of one person, of the kinematic hand; hands that sign nothing, for each label of the kinematic hand
_OF_A_PERSON, _MADE_ALIKE = 80, 800
_NOTHING = 5
# hands of each person who signs words or idles, as nothing for the digits, and how far they are turned in the picture
_OF_WORDS, _TURN_DEG, _NOISE = 300, 12.0, 0.012
# digits that have a letter's shape, and those that have none
_AS_LETTERS = {"0": "O", "2": "V", "6": "W", "9": "F"}
_NO_LETTERS = "3578"
# the hand that writes Z, held, is near to D
_POINTS_D = 0.3
# of each pupil photographed with digits alone
_FEW = 0.05


@dataclass(frozen=True, slots=True)
class Photographs:
    """values: N × width; targets: N × (labels + nothing); persons: whose hand each is made from."""

    values: NDArray[np.float32]
    targets: NDArray[np.float32]
    persons: NDArray[np.str_]

    def without(self, persons: tuple[str, ...]) -> "Photographs":
        kept = ~np.isin(self.persons, persons)
        return Photographs(self.values[kept], self.targets[kept], self.persons[kept])


class _Album:
    """Collects photographs of hands, each with its shares of the labels; what is left of 1 is nothing."""

    def __init__(self, kind: str, rng: np.random.Generator) -> None:
        self.kind, self.rng = kind, rng
        self.labels = LETTER_LABELS if kind == "letters" else DIGIT_LABELS
        self._parts: list[Photographs] = []

    def add(self, hands: Array, shares: dict[str, float], person: str) -> None:
        """N × 21 × 3 hands as in a shelf."""
        self.add_seen(photographed(hands, self.rng), shares, person)

    def add_seen(self, points: Array, shares: dict[str, float], person: str) -> None:
        """N × 21 × 2 points as they are."""
        target = np.zeros(len(self.labels) + 1, np.float32)
        for label, share in shares.items():
            target[self.labels.index(label)] = share
        target[-1] = 1 - sum(shares.values())
        values = rows_of_stills(self.kind, points)
        self._parts.append(Photographs(values, np.tile(target, (len(values), 1)), np.full(len(values), person)))

    def add_shelf(self, shelf: Shelf, label: str, count: int, shares: dict[str, float]) -> None:
        stock = shelf.hands[label]
        self.add(stock[self.rng.integers(len(stock), size=max(1, count))], shares, shelf.person)

    def whole(self) -> Photographs:
        return Photographs(
            np.concatenate([part.values for part in self._parts]),
            np.concatenate([part.targets for part in self._parts]),
            np.concatenate([part.persons for part in self._parts]),
        )


def make_photographs(
    kind: str, folder: Path, persons: list[tuple[Shelf, float]], rng: np.random.Generator
) -> Photographs:
    """`persons`: whose hands, and how much of each."""
    ways = LETTERS if kind == "letters" else DIGITS
    album = _Album(kind, rng)
    for shelf, share in persons:
        for label in shelf.hands:
            if label in ways:
                album.add_shelf(shelf, label, int(_OF_A_PERSON * share), {label: 1.0})
    for label, shown in ways.items():
        album.add(points_of(draw_angles(shown, _MADE_ALIKE, rng), rng), {label: 1.0}, MADE)
    album.add(nothing_hands(ways, _NOTHING * _MADE_ALIKE, rng), {}, MADE)
    if kind == "letters":
        pointing = points_of(draw_angles(POINTING, _MADE_ALIKE // 2, rng), rng)
        album.add(pointing, {"D": _POINTS_D}, MADE)
        _add_digits(album, folder, {shelf.person: share for shelf, share in persons})
    else:
        _add_words(album, folder, rng)
    return album.whole()


def _add_digits(album: _Album, folder: Path, shares: dict[str, float]) -> None:
    """Photographed digits: some have a letter's shape, others are no letter."""
    for shelf in real_shelves(digit_clips(folder)):
        count = int(_OF_A_PERSON * shares.get(shelf.person, _FEW))
        for digit in shelf.hands:
            if digit in _AS_LETTERS:
                album.add_shelf(shelf, digit, count, {_AS_LETTERS[digit]: 1.0})
            elif digit in _NO_LETTERS:
                album.add_shelf(shelf, digit, count // 2, {})


def _add_words(album: _Album, folder: Path, rng: np.random.Generator) -> None:
    """Hands of people who sign words or idle, from any frame: no digit is meant."""
    signing = word_hands(folder)
    for person in sorted({hand.person for hand in signing}):
        mine = [hand for hand in signing if hand.person == person]
        seen = []
        for row in rng.integers(len(mine), size=_OF_WORDS):
            points = mine[row].points[rng.integers(len(mine[row].points))]
            seen.append((points - points[0]) / (np.abs(points - points[0]).max() + 1e-6))
        turn = np.radians(rng.normal(0, _TURN_DEG, _OF_WORDS))
        mirror = np.where(rng.random(_OF_WORDS) < 0.5, -1.0, 1.0)
        points = np.stack(seen) * np.stack([mirror, np.ones_like(mirror)], axis=-1)[:, None]
        turned = np.stack([np.cos(turn), -np.sin(turn), np.sin(turn), np.cos(turn)], axis=-1).reshape(-1, 2, 2)
        album.add_seen(points @ turned + rng.normal(0, _NOISE, points.shape), {}, person)
