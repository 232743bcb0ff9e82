"""Advice: what would make a taught model better, for the one who teaches it. Each is found, none is guessed."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np

from service.teaching.augmentation import raised
from service.teaching.examples import NOTHING, Example
from service.track import FloatArray

LEAST_SIGNS: Final = 2
CHECKED_TAKES: Final = 2
"""A sign of fewer takes can be taught, but none of them can be left out to check the model on."""

GOOD_TAKES: Final = 5
LOST_S: Final = 0.3
"""A hand that is not found for so long while it is up counts as lost."""

LOST_SHARE: Final = 0.5
SAME_SIZE: Final = 0.04
SAME_SPEED: Final = 0.06
"""Takes whose sizes and lengths differ by less than these shares (standard deviation over mean) are all alike."""

Code = Literal[
    "too-few-signs",
    "too-few-takes",
    "more-takes",
    "no-nothing",
    "no-hand",
    "hand-lost",
    "no-body",
    "no-variety",
    "look-alike",
    "one-teacher",
]


@dataclass(frozen=True, slots=True)
class Advice:
    """One thing to do. label, other: the signs that it is about, with commas between several; example: the take's id.
    text: a sentence in English.

    blocks: whether no model can be made before it is done.
    """

    code: Code
    text: str
    label: str = ""
    other: str = ""
    example: str = ""
    blocks: bool = False


def advise(examples: Sequence[Example]) -> tuple[Advice, ...]:
    """What is missing in these examples, what blocks a model first."""
    found = [*_counts(examples), *_variety(examples)]
    for label in _labels(examples):
        takes = [one for one in examples if one.label == label]
        found += [advice for number, one in enumerate(takes, start=1) for advice in take_advice(one, number)]
    return tuple(sorted(found, key=lambda advice: not advice.blocks))


def is_ready(examples: Sequence[Example]) -> bool:
    """Whether a model can be made of these examples."""
    return not any(advice.blocks for advice in _counts(examples))


def take_advice(example: Example, number: int) -> tuple[Advice, ...]:
    """What is doubtful about one take; number: which of its sign's takes it is, for the sentence."""
    if example.is_nothing:
        return ()
    label, track = example.label, example.track
    found: list[Advice] = []

    def say(code: Code, text: str) -> None:
        found.append(Advice(code, text, label, example=example.id))

    seen = {part: ~np.isnan(track.part(part)[:, 0, 0]) for part in ("left_hand", "right_hand")}
    if not any(there.any() for there in seen.values()):
        say("no-hand", f"No hand was found in take {number} of {label}: record it again, hands in the picture.")
        return tuple(found)
    if np.isnan(track.part("pose")[:, 11, 0]).all():
        say(
            "no-body", f"No shoulders were found in take {number} of {label}: stand back until they are in the picture."
        )
    lost_s = max(_lost_s(track.times_s, there, raised(track)) for there in seen.values())
    if lost_s >= LOST_S:
        say("hand-lost", f"A hand was lost in take {number} of {label} for {lost_s:.1f} s: more light, or slower.")
    return tuple(found)


def look_alike(confusions: Sequence[tuple[str, str, int, int]]) -> tuple[Advice, ...]:
    """Signs that are taken for another: (label, other, how many of its takes, of how many)."""
    return tuple(
        Advice(
            "look-alike",
            f"{label} and {other} look alike to me: {count} of {total} takes of {label} were taken for {other}.",
            label,
            other,
        )
        for label, other, count, total in confusions
    )


def _labels(examples: Sequence[Example]) -> list[str]:
    return list(dict.fromkeys(one.label for one in examples))


def _counts(examples: Sequence[Example]) -> list[Advice]:
    counts = Counter(one.label for one in examples)
    has_nothing = counts.pop(NOTHING, 0) > 0
    found = []
    if len(counts) < LEAST_SIGNS:
        text = f"Show {LEAST_SIGNS} signs at least; there is {len(counts)}." if counts else "Show two signs at least."
        found.append(Advice("too-few-signs", text, blocks=True))
    if single := [label for label, count in counts.items() if count < CHECKED_TAKES]:
        names, have = ", ".join(single), "has" if len(single) == 1 else "have"
        text = f"{names} {have} 1 take, on which the model cannot be checked: show {GOOD_TAKES} takes of each sign."
        found.append(Advice("too-few-takes", text, names))
    if few := [label for label, count in counts.items() if CHECKED_TAKES <= count < GOOD_TAKES]:
        each = ", ".join(f"{label} has {counts[label]}" for label in few)
        found.append(Advice("more-takes", f"With {GOOD_TAKES} takes of a sign it is surer: {each}.", ", ".join(few)))
    if counts and not has_nothing:
        text = "Record a take of nothing, too: talk, scratch, wait. It keeps me from seeing signs where there are none."
        found.append(Advice("no-nothing", text, NOTHING))
    if counts and len({one.teacher for one in examples if not one.is_nothing}) == 1:
        text = "One person has taught this: other people will be understood less. Let them add takes of their own."
        found.append(Advice("one-teacher", text))
    return found


def _variety(examples: Sequence[Example]) -> list[Advice]:
    alike = [label for label in _labels(examples) if label != NOTHING and _are_alike(examples, label)]
    if not alike:
        return []
    names = ", ".join(alike)
    return [Advice("no-variety", f"All takes of {names} are alike: vary the distance and the speed.", names)]


def _are_alike(examples: Sequence[Example], label: str) -> bool:
    takes = [one for one in examples if one.label == label]
    if len(takes) <= CHECKED_TAKES:
        return False
    sizes = np.array([_shoulder_width(one) for one in takes])
    lasts = np.array([one.track.times_s[-1] - one.track.times_s[0] for one in takes])
    same_size = bool(np.isfinite(sizes).all()) and float(sizes.std() / sizes.mean()) < SAME_SIZE
    return same_size and float(lasts.std() / lasts.mean()) < SAME_SPEED


def _shoulder_width(example: Example) -> float:
    pose = example.track.part("pose")
    scale = np.array([example.track.media.aspect, 1.0])
    apart: FloatArray = np.linalg.norm((pose[:, 11, :2] - pose[:, 12, :2]) * scale, axis=-1)
    return float("nan") if np.isnan(apart).all() else float(np.nanmean(apart))


def _lost_s(times_s: np.ndarray, there: np.ndarray, up: np.ndarray) -> float:
    """The longest that a hand is away between two moments at which it is seen, while a hand is up or none is seen."""
    places = np.flatnonzero(there)
    if len(places) < LOST_SHARE * max(1, int(up.sum())):  # the other hand's sign
        return 0.0
    gaps = np.diff(times_s[places])
    usual = float(np.median(np.diff(times_s)))
    return float(gaps.max() - usual) if len(gaps) else 0.0
