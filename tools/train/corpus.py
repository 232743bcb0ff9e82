"""The training material: sequences and photographs of each person and of the kinematic hand, made once and kept."""

from dataclasses import dataclass
from multiprocessing import Pool
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from .data import DIGIT_LABELS, FRAME_S, LETTER_LABELS, Clip, Moving, digit_clips, letter_clips, word_hands
from .features import rows_of_sequences, targets_of
from .letters import DIGITS, LETTERS
from .network import Lesson
from .photographs import Photographs, make_photographs
from .poses import MADE, Shelf, made_shelf, nothing_hands, real_shelves
from .synthesis import NOTHING, Scenes, Sequence

MOVING = ("J", "Z")
# K that looks like U and V like K; a pool whose labels and landmarks are noisy
DOUBTFUL = {"maham": ("K", "V"), "signn-pool": LETTER_LABELS}
# windows of words, in frames; how far a hand's points go in one that counts, in palm lengths; how many a person
_WINDOW_FRAMES = (6, 15)
_MOVES = 0.35
_WORDS = 9
_PASSES = 2
_STROKES = 3
# shelves of the kinematic hand, each as much as a person
_MADE_PARTS = 5


@dataclass(frozen=True, slots=True)
class Corpus:
    """values: N × steps × width; targets: N × (labels + nothing); persons: whose hand each is made from."""

    values: NDArray[np.float32]
    targets: NDArray[np.float32]
    persons: NDArray[np.str_]
    photographs: Photographs

    def with_more_strokes(self, labels: tuple[str, ...]) -> "Corpus":
        """J and Z as movements _STROKES times: windows of words, which are nothing, move like them."""
        columns = [labels.index(label) for label in MOVING if label in labels]
        strokes = np.flatnonzero(self.targets[:, columns].sum(axis=1) > 0.99)
        rows = np.concatenate([np.arange(len(self.persons)), np.repeat(strokes, _STROKES - 1)])
        return Corpus(self.values[rows], self.targets[rows], self.persons[rows], self.photographs)

    def without(self, persons: tuple[str, ...]) -> "Corpus":
        kept = ~np.isin(self.persons, persons)
        return Corpus(self.values[kept], self.targets[kept], self.persons[kept], self.photographs.without(persons))

    @property
    def lesson(self) -> Lesson:
        return Lesson(self.values, self.targets, self.photographs.values, self.photographs.targets)


@dataclass(frozen=True, slots=True)
class Task:
    """One shelf's share of the corpus; `each`: sequences per label."""

    shelf: Shelf
    labels: tuple[str, ...]
    each: int
    seed: int


def sequences_of(task: Task) -> list[Sequence]:
    """All sequences of one shelf: of each label held signs and whole clips; words, strokes, nothing."""
    rng = np.random.default_rng(task.seed)
    ways = LETTERS if task.labels == LETTER_LABELS else DIGITS
    scenes = Scenes(task.labels, nothing_hands(ways, 1500, rng), rng)
    shelf, each = task.shelf, task.each
    sequences: list[Sequence] = []
    for label in shelf.hands:
        if label not in task.labels:
            continue
        sequences += [scenes.held(shelf, label) for _ in range(each // 3)]
        sequences += [scenes.rising(shelf, label) for _ in range(each - each // 3)]
    total = len(sequences)
    if len(shelf.hands) > 1:
        sequences += [scenes.word(shelf) for _ in range(total // 6)]
    strokes = MOVING if task.labels == LETTER_LABELS and {"I", "D"} <= set(shelf.hands) else ()
    sequences += [scenes.stroke(shelf, label) for label in strokes for _ in range(int(2.5 * each))]
    if "pointing" in shelf.hands:
        sequences += [scenes.pointing(shelf) for _ in range(each)]
    sequences += [scenes.idle(shelf) for _ in range(total // 5)]
    return sequences


def word_windows(hands: list[Moving], count: int, rng: np.random.Generator) -> list[Sequence]:
    """At most `count` windows of hands that sign words, as nothing: only those in which the hand moves or changes.

    What is held still may be the shape of a letter (hello is a B, yes an S), so it teaches nothing.
    """
    windows: list[Sequence] = []
    for hand in (hands[row] for _ in range(_PASSES) for row in rng.permutation(len(hands))):
        length = int(rng.integers(*_WINDOW_FRAMES))
        first = int(rng.integers(max(1, len(hand.points) - length + 1)))
        points = hand.points[first : first + length]
        palm = np.linalg.norm(points[:, 9] - points[:, 0], axis=-1).mean() + 1e-6
        if np.linalg.norm(np.ptp(points, axis=0), axis=-1).mean() < _MOVES * palm:
            continue
        if rng.random() < 0.5:
            points = points * np.array([-1.0, 1.0])
        times = hand.frames[first : first + length] * FRAME_S
        windows.append(Sequence(points / palm, times - times[0], {NOTHING: 1.0}))
        if len(windows) == count:
            break
    return windows


def _made(task: Task) -> tuple[NDArray[np.float32], NDArray[np.float32], str]:
    sequences = sequences_of(task)
    kind = "letters" if task.labels == LETTER_LABELS else "digits"
    return rows_of_sequences(kind, sequences), targets_of(sequences, task.labels), task.shelf.person


def _words(
    folder: Path, labels: tuple[str, ...], count: int, seed: int
) -> list[tuple[NDArray[np.float32], NDArray[np.float32], str]]:
    """At most `count` windows of each person who signs words."""
    rng, signing, made = np.random.default_rng(seed + 5000), word_hands(folder), []
    for person in sorted({hand.person for hand in signing}):
        windows = word_windows([hand for hand in signing if hand.person == person], count, rng)
        made.append((rows_of_sequences("letters", windows), targets_of(windows, labels), person))
    return made


def trusted_shelves(clips: list[Clip]) -> list[Shelf]:
    """What persons hold still, without what is labeled so loosely that it teaches errors (see DOUBTFUL)."""
    shelves = []
    for shelf in real_shelves(clips):
        doubted = DOUBTFUL.get(shelf.person, ())
        hands = {label: stock for label, stock in shelf.hands.items() if label not in doubted}
        if hands:
            shelves.append(Shelf(shelf.person, hands))
    return shelves


def share_of(person: str) -> float:
    """How much is made from a person's hands: less of the photographed, who are many."""
    return 0.06 if person.startswith("ankara") else 0.5 if person.startswith("aslhg") else 1.0


def make_corpus(kind: str, folder: Path, each: int, seed: int, processes: int = 1) -> Corpus:
    """The corpus for `letters` or `digits`; the kinematic hand's share of the sequences equals that of five persons."""
    letters = kind == "letters"
    labels, ways = (LETTER_LABELS, LETTERS) if letters else (DIGIT_LABELS, DIGITS)
    shelves = trusted_shelves(letter_clips(folder) if letters else digit_clips(folder))
    rng = np.random.default_rng(seed)
    tasks = [
        Task(shelf, labels, max(2, int(each * share_of(shelf.person))), seed + index)
        for index, shelf in enumerate(shelves)
    ]
    tasks += [Task(made_shelf(ways, 4 * each, rng), labels, each, seed + 1000 + part) for part in range(_MADE_PARTS)]
    with Pool(processes) as pool:
        made = pool.map(_made, tasks, chunksize=1)
    made += _words(folder, labels, _WORDS * each, seed) if letters else []
    persons = [(shelf, share_of(shelf.person)) for shelf in shelves]
    return Corpus(
        np.concatenate([values for values, _, _ in made]),
        np.concatenate([targets for _, targets, _ in made]),
        np.concatenate([np.full(len(values), person) for values, _, person in made]),
        make_photographs(kind, folder, persons, rng),
    )


def kept_corpus(path: Path, kind: str, folder: Path, each: int, seed: int) -> Corpus:
    """The corpus at `path`, made where it is not there yet."""
    if not path.exists():
        corpus = make_corpus(kind, folder, each, seed)
        path.parent.mkdir(parents=True, exist_ok=True)
        np.savez(
            path,
            values=corpus.values.astype(np.float16),
            targets=corpus.targets,
            persons=corpus.persons,
            still_values=corpus.photographs.values.astype(np.float16),
            still_targets=corpus.photographs.targets,
            still_persons=corpus.photographs.persons,
        )
    with np.load(path, allow_pickle=False) as stored:
        photographs = Photographs(
            stored["still_values"].astype(np.float32), stored["still_targets"], stored["still_persons"]
        )
        return Corpus(stored["values"].astype(np.float32), stored["targets"], stored["persons"], photographs)


__all__ = ["MADE", "Corpus", "kept_corpus", "make_corpus"]
