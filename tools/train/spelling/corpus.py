"""What the spelling network is taught: strings of each person, and hands that spell nothing, frame by frame."""

from dataclasses import dataclass
from multiprocessing import Pool
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tools.train.corpus import DOUBTFUL
from tools.train.data import LETTER_LABELS, Moving, letter_clips, word_hands
from tools.train.hand import Array
from tools.train.letters import LETTERS
from tools.train.poses import MADE, Shelf, made_shelf, nothing_hands, real_shelves

from .rows import rows_of_points
from .strings import PLACE, RESTING, SIGNING, UNLABELED, Filmed, Speller

Rows = list[NDArray[np.float32]]
Classes = list[NDArray[np.int64]]
Counts = list[NDArray[np.float64]]

LENGTH = 256
LONGEST = 110
# how much a string of the kinematic hand counts beside those of real persons
_KINEMATIC = 0.5
# a word's hand that stays like this for so long (palm lengths, frames) may be the shape of a letter: it counts little
_STILL, _STILL_FRAMES = 0.12, 6
_STILL_COUNTS = 0.35


@dataclass(frozen=True, slots=True)
class Taught:
    """N × LENGTH frames: rows (the last column 1 where a hand is seen), classes, and how much each counts."""

    rows: NDArray[np.float16]
    classes: NDArray[np.int8]
    counts: NDArray[np.float16]


def drawn(task: tuple[Shelf, int, int]) -> tuple[Rows, Classes]:
    """So many sequences of one shelf."""
    shelf, count, seed = task
    rng = np.random.default_rng(seed)
    speller = Speller(LETTER_LABELS, nothing_hands(LETTERS, 1200, rng), rng)
    rows: Rows = []
    classes: Classes = []
    for _ in range(count):
        choice = rng.random()
        filmed = (
            speller.lasting(shelf) if choice < 0.22 else speller.gesture() if choice < 0.3 else speller.string(shelf)
        )
        one = disturbed(filmed, rng)
        rows.append(rows_of_points(one.points))
        classes.append(one.classes)
    return rows, classes


def disturbed(filmed: Filmed, rng: np.random.Generator) -> Filmed:
    """Cut to at most LONGEST frames, with frames lost or repeated, and with no hand before or after."""
    points, classes = filmed.points, filmed.classes
    if rng.random() < 0.3 and len(points) > 14:
        first = int(rng.integers(0, len(points) // 3))
        last = len(points) - int(rng.integers(0, len(points) // 3))
        points, classes = points[first:last], classes[first:last]
    if rng.random() < 0.25:
        every = rng.uniform(1.1, 2.0)
        taken = (np.floor(np.arange(len(points)) / every) * every).astype(int)
        points = points[taken]
    if len(points) > LONGEST:
        first = int(rng.integers(0, len(points) - LONGEST + 1))
        points, classes = points[first : first + LONGEST], classes[first : first + LONGEST]
    points = points.copy()
    if rng.random() < 0.25:
        points[rng.random(len(points)) < rng.uniform(0, 0.25)] = np.nan
    if rng.random() < 0.4:
        absent = int(rng.integers(1, 25))
        before = int(rng.integers(0, 2))
        away, rest = np.full((absent, 21, 2), np.nan), np.full(absent, PLACE[RESTING])
        points = np.concatenate([away, points] if before else [points, away])[:LONGEST]
        classes = np.concatenate([rest, classes] if before else [classes, rest])[:LONGEST]
    return Filmed(points, classes)


def of_words(hands: list[Moving], count: int, rng: np.random.Generator) -> tuple[Rows, Classes, Counts]:
    """Parts of clips of people who sign words, at some pace; nothing in them is a letter."""
    rows: Rows = []
    classes: Classes = []
    counts: Counts = []
    for hand in (hands[row] for _ in range(8) for row in rng.permutation(len(hands))):
        if len(rows) == count:
            break
        points = _at_pace(hand, rng)
        if len(points) < _STILL_FRAMES:
            continue
        if rng.random() < 0.3:
            points = points * np.array([-1.0, 1.0])
        turn = rng.normal(0, 8) * np.pi / 180
        points = points @ np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
        palm = np.nanmean(np.linalg.norm(points[:, 9] - points[:, 0], axis=-1)) + 1e-6
        points = points / palm * np.exp(rng.normal(0, 0.06, 2)) + rng.normal(0, 0.012, points.shape)
        first = int(rng.integers(0, max(1, len(points) - LONGEST + 1)))
        points = points[first : first + LONGEST]
        rows.append(rows_of_points(points))
        shown = RESTING if hand.label == "idle" else SIGNING
        seen = np.isfinite(points[:, 0, 0])
        classes.append(np.where(seen, PLACE[shown], PLACE[RESTING]))
        counts.append(np.where(_is_still(points), _STILL_COUNTS, 1.0))
    return rows, classes, counts


def _at_pace(hand: Moving, rng: np.random.Generator) -> Array:
    """T × 21 × 2 on a grid of frames, NaN where no hand is seen, slower or faster than recorded."""
    count = int(hand.frames[-1] - hand.frames[0]) + 1
    grid = np.full((count, 21, 2), np.nan)
    grid[hand.frames - hand.frames[0]] = hand.points
    at = np.arange(0, count - 1e-9, rng.uniform(0.7, 1.5))
    low = np.floor(at).astype(int)
    high, part = np.minimum(low + 1, count - 1), (at - low)[:, None, None]
    mixed = grid[low] * (1 - part) + grid[high] * part
    return np.asarray(np.where(np.isnan(mixed), grid[np.rint(at).astype(int).clip(0, count - 1)], mixed))


def _is_still(points: Array) -> NDArray[np.bool_]:
    """Which frames lie in a stretch in which the hand hardly moves."""
    known = np.isfinite(points[:, 0, 0])
    steps = np.zeros(len(points))
    steps[1:] = np.nan_to_num(np.linalg.norm(np.diff(points, axis=0), axis=-1).mean(axis=-1), nan=1.0)
    smooth = np.convolve(steps, np.ones(_STILL_FRAMES) / _STILL_FRAMES, "same")[: len(points)]
    return np.asarray((smooth < _STILL) & known)


def shelves_of(folder: Path, rng: np.random.Generator) -> list[Shelf]:
    """Everybody's held letters, without what is labeled so loosely that it teaches errors; the kinematic hand's."""
    shelves = []
    for shelf in real_shelves(letter_clips(folder)):
        doubted = () if shelf.person == "signn-pool" else DOUBTFUL.get(shelf.person, ())
        hands = {name: hands for name, hands in shelf.hands.items() if name not in doubted}
        if shelf.person != "signn-pool":
            shelves.append(Shelf(shelf.person, hands))
    return [*shelves, made_shelf(LETTERS, 900, rng)]


def taught(folder: Path, count: int, seed: int, left_out: tuple[str, ...] = (), processes: int = 1) -> Taught:
    """About `count` sequences of strings and half as many of words and gestures, without some persons."""
    rng = np.random.default_rng(seed)
    shelves = [shelf for shelf in shelves_of(folder, rng) if shelf.person not in left_out]
    real = [shelf for shelf in shelves if shelf.person != MADE]
    weights = np.array([min(1.0, len(shelf.hands) / 20) for shelf in real])
    shares = [*(weights / weights.sum() * (1 - _KINEMATIC)), _KINEMATIC]
    tasks = []
    for index, (shelf, share) in enumerate(zip(shelves, shares, strict=True)):
        parts = max(1, round(share * 12))
        tasks += [(shelf, int(count * share / parts), seed + 100 * index + part) for part in range(parts)]
    with Pool(processes) as pool:
        made = pool.map(drawn, tasks, chunksize=1)
    rows = [one for part, _ in made for one in part]
    classes = [one for _, part in made for one in part]
    counts = [np.ones(len(one)) for one in classes]
    signing = [hand for hand in word_hands(folder) if hand.person not in left_out]
    signers = sorted({hand.person for hand in signing})
    for person in signers:
        mine = [hand for hand in signing if hand.person == person]
        idle = [hand for hand in mine if hand.label == "idle"]
        for hands, share in ((mine, 0.5), (idle, 0.06)):
            if hands:
                more = of_words(hands, int(count * share / len(signers)), rng)
                rows, classes, counts = rows + more[0], classes + more[1], counts + more[2]
    return _packed(rows, classes, counts, rng)


def _packed(rows: Rows, classes: Classes, counts: Counts, rng: np.random.Generator) -> Taught:
    """Sequences one after the other in rows of LENGTH frames, without a hand for a while between them."""
    width, order = rows[0].shape[1], rng.permutation(len(rows))
    starts: list[tuple[int, int]] = []
    row, at = 0, 0
    for index in order:
        if at and at + len(rows[index]) > LENGTH:
            row, at = row + 1, 0
        starts.append((row, at))
        at += len(rows[index]) + int(rng.integers(5, 22))
    packed = np.zeros((row + 1, LENGTH, width), np.float16)
    labels = np.full((row + 1, LENGTH), UNLABELED, np.int8)
    worth = np.zeros((row + 1, LENGTH), np.float16)
    for index, (row, at) in zip(order, starts, strict=True):
        here = slice(at, at + len(rows[index]))
        packed[row, here], labels[row, here], worth[row, here] = rows[index], classes[index], counts[index]
    return Taught(packed, labels, worth)
