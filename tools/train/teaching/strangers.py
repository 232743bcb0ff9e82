"""How well the recipe teaches: one person's first or spread takes, tested on the others, and on words untaught.

    python -m tools.train.teaching.strangers WORDS.npz --takes 5 --spread --unknown

WORDS.npz holds packed landmarks of many people (`service.teaching.landmark_files`). The mean over persons, and of their
worst tenth; with --unknown, half of each person's words are taught and the others have to be declined.
"""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from service.teaching.examples import Example
from service.teaching.landmark_files import read_landmarks
from service.teaching.testing import Tested, measure_on
from service.teaching.training import TrainOptions, train

LEAST_TESTED, MOST_TESTED = 5, 20
LEAST_WORDS, LEAST_WORDS_HALVED = 2, 4


@dataclass(frozen=True, slots=True)
class Division:
    """One person's takes: those that teach, those that test, and idle ones, which test as well."""

    taught: list[Example]
    tested: list[Example]


def divide(examples: Sequence[Example], takes: int, *, spread: bool, unknown: bool) -> Division | None:
    """None where the person has too few words of enough takes."""
    words = {
        label: [one for one in examples if one.label == label] for label in sorted({one.label for one in examples})
    }
    idle = words.pop("nothing", [])
    words = {label: own for label, own in words.items() if len(own) >= takes + LEAST_TESTED}
    if len(words) < (LEAST_WORDS_HALVED if unknown else LEAST_WORDS):
        return None
    taught: list[Example] = []
    tested: list[Example] = idle[:MOST_TESTED]
    for number, own in enumerate(words.values()):
        chosen = np.linspace(0, len(own) - 1, takes).round().astype(int) if spread else np.arange(takes)
        rest = np.setdiff1d(np.arange(len(own)), chosen)
        rest = rest[np.linspace(0, len(rest) - 1, min(len(rest), MOST_TESTED)).round().astype(int)]
        tested += [own[place] for place in rest]
        if not (unknown and number % 2):
            taught += [own[place] for place in chosen]
    return Division(taught, tested)


def area_under_curve(known: Sequence[float], others: Sequence[float]) -> float:
    """How often a known take is surer than another one."""
    above = np.array(known)[:, None] - np.array(others)[None]
    return float(((above > 0) + 0.5 * (above == 0)).mean())


def worst_tenth(values: Sequence[float]) -> float:
    ordered = np.sort(values)
    return float(ordered[: max(1, round(len(ordered) / 10))].mean())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("words", type=Path, nargs="+")
    parser.add_argument("--takes", type=int, default=5)
    parser.add_argument("--spread", action="store_true")
    parser.add_argument("--unknown", action="store_true")
    parser.add_argument("--folds", type=int, default=None, help="0: without the recipe's own validation")
    parser.add_argument("--persons", default="", help="those whose number in order leaves this rest: REST/OF")
    asked = parser.parse_args()
    examples = [one for path in asked.words for one in read_landmarks(path).examples]
    options = TrainOptions() if asked.folds is None else TrainOptions(folds=asked.folds)
    persons = sorted({one.teacher for one in examples})
    if asked.persons:
        rest, of = map(int, asked.persons.split("/"))
        persons = persons[rest::of]
    results: list[Tested] = []
    for person in persons:
        own = [one for one in examples if one.teacher == person]
        division = divide(own, asked.takes, spread=asked.spread, unknown=asked.unknown)
        if division is None:
            continue
        tested = measure_on(taught := train(division.taught, options), division.tested)
        results.append(tested)
        print(
            f"{person[:30]:30} {len(taught.signs):2} words, window {taught.window_s:.2f} s: {_row(tested)}", flush=True
        )
    _summary(results)


def _row(tested: Tested) -> str:
    words = [f"right {tested.accuracy:.3f}, answered rightly {tested.answered_rightly:.3f}"]
    idle = [one for one in tested.others if one.example.is_nothing]
    others = [one for one in tested.others if not one.example.is_nothing]
    if others:
        area = area_under_curve([one.confidence for one in tested.known], [one.confidence for one in others])
        words.append(f"others answered {np.mean([one.answered for one in others]):.3f}, AUROC {area:.3f}")
    if idle:
        words.append(f"idle answered {np.mean([one.answered for one in idle]):.3f}")
    return ", ".join(words)


def _summary(results: Sequence[Tested]) -> None:
    accuracies = [one.accuracy or 0.0 for one in results]
    print(f"{len(results)} persons: mean {np.mean(accuracies):.4f}, worst tenth {worst_tenth(accuracies):.3f}")
    rightly = np.mean([one.answered_rightly or 0.0 for one in results])
    print(f"answered rightly at the fitted threshold {rightly:.4f}")
    others = [[one for one in tested.others if not one.example.is_nothing] for tested in results]
    if any(others):
        areas = [
            area_under_curve([one.confidence for one in tested.known], [one.confidence for one in own])
            for tested, own in zip(results, others, strict=True)
            if own
        ]
        known = [one.confidence for tested in results for one in tested.known]
        unknown = [one.confidence for own in others for one in own]
        at_recall = float(np.mean(np.array(unknown) >= np.quantile(known, 0.1)))
        false = np.mean([one.answered for own in others for one in own])
        recall = np.mean([one.answered for tested in results for one in tested.known])
        print(
            f"unknown: AUROC {np.mean(areas):.4f} (mean over persons), {area_under_curve(known, unknown):.4f} (all); "
            f"false accepts at 90 % recall {at_recall:.3f}; at the fitted thresholds recall {recall:.3f}, "
            f"false accepts {false:.3f}"
        )
    idle = [one.answered for tested in results for one in tested.others if one.example.is_nothing]
    if idle:
        print(f"idle: {np.sum(idle)} of {len(idle)} answered")


if __name__ == "__main__":
    main()
