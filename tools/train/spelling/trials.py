"""Strings of people whom nothing was taught on, and how well they are read: errors, doubles, onsets, false letters.

Made apart from what the network is taught with: points move from one held letter to the next, seen 15 times a second.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from service.spotting.segment import Segment
from tools.train.data import FRAME_S, Clip, Moving

Points = NDArray[np.float64]
Answer = Callable[[Points], Sequence[Segment]]
"""T × 21 × 2 points at 15 frames a second, NaN where no hand is seen → what is read."""

RATES = (1.0, 2.0, 3.0, 4.0)
LETTERS = 6
_REST = np.array([0.0, 4.0])


@dataclass(frozen=True, slots=True)
class Trial:
    """One string: its points, and each letter with its hold."""

    points: Points
    letters: tuple[tuple[str, float, float], ...]
    kind: str
    person: str


@dataclass(slots=True)
class Tally:
    """What came out of some trials."""

    letters: int = 0
    errors: int = 0
    wrong: int = 0
    lost: int = 0
    added: int = 0
    first: list[bool] = field(default_factory=list)
    last: list[bool] = field(default_factory=list)
    onsets_s: list[float] = field(default_factory=list)
    first_onsets_s: list[float] = field(default_factory=list)
    doubles: list[bool] = field(default_factory=list)

    @property
    def error_rate(self) -> float:
        return self.errors / max(1, self.letters)


class Strings:
    """Draws trials from one person's held letters."""

    def __init__(self, clips: Sequence[Clip], rest: Points, rng: np.random.Generator) -> None:
        self.person = clips[0].person
        self._rng, self._rest = rng, rest
        self._held: dict[str, list[Points]] = {}
        for clip in clips:
            if clip.kind == "held":
                self._held.setdefault(clip.label, []).append(_in_palms(clip.points))

    @property
    def known(self) -> list[str]:
        return sorted(self._held)

    def trial(self, rate: float, *, cut: bool, double: bool = False) -> Trial:
        rng = self._rng
        word = list(rng.choice(self.known, LETTERS, replace=False))
        if double:
            at = int(rng.integers(0, LETTERS - 1))
            word[at + 1] = word[at]
        fine = 4
        step = FRAME_S / fine
        held = rng.uniform(0.35, 0.65)
        poses, places, spans = [], [], []
        place, previous = np.zeros(2), None
        time_s = 0.0
        if not cut:
            poses.append(np.repeat(self._resting()[None], round(rng.uniform(0.3, 0.8) / step), axis=0))
            places.append(np.repeat((place + _REST)[None], len(poses[-1]), axis=0))
            time_s += len(poses[-1]) * step
            previous = (poses[-1][-1], places[-1][-1])
        for index, letter in enumerate(word):
            lasts_s = float(np.exp(rng.normal(0, 0.15))) / rate
            moves, holds = max(1, round(lasts_s * (1 - held) / step)), max(1, round(lasts_s * held / step))
            again = index > 0 and letter == word[index - 1]
            pose = previous[0] if again and previous is not None else self._pose(letter)
            slides = again and rng.random() < 0.5
            target = place + (np.array([rng.uniform(0.5, 1.2), 0.0]) if slides else rng.normal(0, 0.08, 2))
            if previous is not None:
                share = np.linspace(0, 1, moves + 1)[1:]
                share = (share * share * (3 - 2 * share))[:, None]
                way = previous[1] + share * (target - previous[1])
                if again and not slides:
                    way = way + np.sin(np.pi * np.linspace(0, 1, moves))[:, None] * np.array([0, rng.uniform(0.3, 0.6)])
                poses.append(previous[0] + share[..., None] * (pose - previous[0]))
                places.append(way)
                time_s += moves * step
            poses.append(np.repeat(pose[None], holds, axis=0))
            places.append(np.repeat(target[None], holds, axis=0))
            spans.append((letter, time_s, time_s + holds * step))
            time_s += holds * step
            place, previous = target, (pose, target)
        if not cut and previous is not None:
            moves = round(rng.uniform(0.3, 0.5) / step)
            share = np.linspace(0, 1, moves)[:, None]
            poses.append(previous[0] + share[..., None] * (self._resting() - previous[0]))
            places.append(previous[1] + share * _REST)
        points = (np.concatenate(poses) + np.concatenate(places)[:, None])[int(rng.integers(fine)) :: fine]
        kind = f"{rate:g}/s {'double' if double else 'cut' if cut else 'free'}"
        return self._seen(points, spans, kind, cut=cut)

    def _seen(self, points: Points, spans: list[tuple[str, float, float]], kind: str, *, cut: bool) -> Trial:
        """What a camera sees of it, from within the first letter to within the last where it is cut."""
        start_s, stop_s = 0.0, len(points) * FRAME_S
        if cut:
            start_s = (spans[0][2] - spans[0][1]) * 0.4
            stop_s = spans[-1][1] + (spans[-1][2] - spans[-1][1]) * 0.6
        first = round(start_s / FRAME_S)
        chosen, shift = slice(first, max(first + 2, round(stop_s / FRAME_S))), first * FRAME_S
        letters = tuple((name, max(0.0, begin - shift), end - shift) for name, begin, end in spans)
        return Trial((points + self._noise(len(points)))[chosen], letters, kind, self.person)

    def _pose(self, letter: str) -> Points:
        clips = self._held[letter]
        frames = clips[self._rng.integers(len(clips))]
        return np.asarray(frames[self._rng.integers(len(frames))])

    def _resting(self) -> Points:
        return np.asarray(self._rest[self._rng.integers(len(self._rest))])

    def _noise(self, count: int) -> Points:
        noise = self._rng.normal(0, 0.012, (count, 21, 2))
        for row in range(1, count):
            noise[row] = 0.7 * noise[row - 1] + 0.7 * noise[row]
        return noise


def _in_palms(points: Points) -> Points:
    flat = points[..., :2] - points[:, :1, :2]
    palm = np.linalg.norm(flat[:, [5, 9, 17]], axis=-1).max(axis=1)
    return np.asarray(flat / np.median(palm))


def measure(trials: Sequence[Trial], answer: Answer) -> dict[str, Tally]:
    """By kind of trial."""
    tallies: dict[str, Tally] = {}
    for trial in trials:
        count(tallies.setdefault(trial.kind, Tally()), trial, answer(trial.points))
    return tallies


def count(tally: Tally, trial: Trial, segments: Sequence[Segment]) -> None:
    """Add one trial's answer."""
    wanted, read = [name for name, _, _ in trial.letters], [one.label for one in segments]
    pairs = aligned(wanted, read)
    tally.letters += len(wanted)
    for place, given in pairs:
        if given is None:
            tally.lost += 1
        elif place is None:
            tally.added += 1
        elif wanted[place] != read[given]:
            tally.wrong += 1
        else:
            tally.onsets_s.append(segments[given].start_s - trial.letters[place][1])
    tally.errors = tally.lost + tally.added + tally.wrong
    tally.first.append(bool(read) and read[0] == wanted[0])
    tally.last.append(bool(read) and read[-1] == wanted[-1])
    if segments:
        tally.first_onsets_s.append(segments[0].start_s - trial.letters[0][1])
    for (name, start_s, _), (other, _, end_s) in zip(trial.letters, trial.letters[1:], strict=False):
        if name == other:
            here = [one.label for one in segments if start_s - 0.15 < (one.start_s + one.end_s) / 2 < end_s + 0.15]
            tally.doubles.append(any(here.count(label) >= 2 for label in here))


def aligned(wanted: Sequence[str], read: Sequence[str]) -> list[tuple[int | None, int | None]]:
    """Pairs of places of an alignment with the fewest edits; None where one has nothing."""
    costs = np.zeros((len(wanted) + 1, len(read) + 1), int)
    costs[:, 0], costs[0] = np.arange(len(wanted) + 1), np.arange(len(read) + 1)
    for row in range(1, len(wanted) + 1):
        for column in range(1, len(read) + 1):
            same = costs[row - 1, column - 1] + (wanted[row - 1] != read[column - 1])
            costs[row, column] = min(same, costs[row - 1, column] + 1, costs[row, column - 1] + 1)
    row, column = len(wanted), len(read)
    pairs: list[tuple[int | None, int | None]] = []
    while row or column:
        if row and column and costs[row, column] == costs[row - 1, column - 1] + (wanted[row - 1] != read[column - 1]):
            row, column = row - 1, column - 1
            pairs.append((row, column))
        elif row and costs[row, column] == costs[row - 1, column] + 1:
            row -= 1
            pairs.append((row, None))
        else:
            column -= 1
            pairs.append((None, column))
    return pairs[::-1]


def report(tallies: dict[str, Tally]) -> str:
    """The figures as lines of text."""
    lines = []
    for kind, one in sorted(tallies.items()):
        first, last = np.mean(one.first), np.mean(one.last)
        onset = np.median(np.abs(one.onsets_s)) if one.onsets_s else np.nan
        began = np.median(one.first_onsets_s) if one.first_onsets_s else np.nan
        doubles = f" doubles kept {np.mean(one.doubles):.2f} of {len(one.doubles)}" if one.doubles else ""
        lines.append(
            f"{kind:14} error rate {one.error_rate:.3f} (wrong {one.wrong / one.letters:.3f} "
            f"lost {one.lost / one.letters:.3f} added {one.added / one.letters:.3f}; {one.letters} letters) "
            f"first {first:.2f} last {last:.2f} onset {onset:.2f} s, the first's {began:+.2f} s{doubles}"
        )
    return "\n".join(lines)


def false_letters(hands: Sequence[Moving], answer: Answer) -> dict[str, tuple[int, float]]:
    """Letters and seconds, by person and by word and of all, where nothing is spelled."""
    found: dict[str, tuple[int, float]] = {}
    for hand in hands:
        length = int(hand.frames[-1] - hand.frames[0]) + 1
        points = np.full((length, 21, 2), np.nan)
        points[hand.frames - hand.frames[0]] = hand.points
        read = len(answer(points))
        for key in ("all", f"person {hand.person}", f"word {hand.label}"):
            letters, seconds = found.get(key, (0, 0.0))
            found[key] = (letters + read, seconds + length * FRAME_S)
    return found
