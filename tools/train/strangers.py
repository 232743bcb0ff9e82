"""What a model of the store answers for people it has never seen, and how often where nothing is spelled.

`python -m tools.train.strangers letters.npz [--words words.npz] [--model FOLDER]`: packed files as `recorded_clips`
and `word_hands` of `data` read them. Runs in the service's environment, by the service's own pipeline and decoder.
"""

import argparse
import json
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray

from service.pipelines.keypoints import KeypointsSection, tensor
from service.registry.manifest import read_manifest
from service.registry.scores import probabilities
from service.spotting.segment import ScoredWindow, Segment, SpottingRules
from service.spotting.segments import find_segments
from service.track import Window

from .data import FRAME_S, Clip, Moving, recorded_clips, track_of, word_hands

EACH = 4
LEAST_LETTERS = 15
MOST_HANDS = 800
ALWAYS = Window(-1.0, 1e9)
THRESHOLDS = (0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)
SURE = (0.3, 0.5, 0.7, 0.8, 0.9, 0.95)


@dataclass(frozen=True, slots=True)
class Told:
    """Answers to N clips: best label (empty if declined whatever the threshold), its probability, and the truth."""

    best: NDArray[np.str_]
    sure: NDArray[np.float64]
    truth: NDArray[np.str_]
    persons: NDArray[np.str_]

    def only(self, chosen: NDArray[np.bool_]) -> "Told":
        return Told(self.best[chosen], self.sure[chosen], self.truth[chosen], self.persons[chosen])

    def right(self, threshold: float) -> NDArray[np.bool_]:
        return np.asarray((self.best == self.truth) & (self.sure >= threshold))

    def answered(self, threshold: float) -> NDArray[np.bool_]:
        return np.asarray((self.best != "") & (self.sure >= threshold))


class Reader:
    """A version of a model with a pipeline of kind `keypoints`, run without the service's workers."""

    def __init__(self, folder: Path) -> None:
        self.manifest = read_manifest(folder / "manifest.json")
        section = self.manifest.pipeline
        if not isinstance(section, KeypointsSection) or self.manifest.labels is None or self.manifest.time is None:
            raise SystemExit(f"{folder}: a pipeline of kind keypoints, labels and times of windows are needed")
        self.section, self.labels, self.times = section, self.manifest.labels, self.manifest.time
        self.threshold = self.manifest.output.threshold or 0.0
        self._session = ort.InferenceSession(str(folder / "model.onnx"))

    def answer(self, values: NDArray[np.float32]) -> NDArray[np.float32]:
        """N × labels probabilities of N inputs."""
        raw = self._session.run(None, {self._session.get_inputs()[0].name: values})[0]
        return np.asarray(probabilities(raw, self.manifest.output))

    def told(self, clips: Sequence[Clip]) -> Told:
        """What it answers for each clip as a whole, as /predict looks at it."""
        values = np.concatenate([tensor(track_of(clip.points), ALWAYS, self.section).values for clip in clips])
        return told(clips, self.answer(values), self.labels, self.manifest.idle_labels)

    def segments(self, hand: Moving) -> tuple[Segment, ...]:
        """What a timeline of one hand's clip says."""
        times, track = self.times, track_of(hand.points, hand.frames.astype(np.float64) * FRAME_S)
        first, last = float(track.times_s[0]), float(track.times_s[-1])
        rules = SpottingRules(
            labels=self.labels,
            stride_s=times.stride_s,
            idle_labels=self.manifest.idle_labels,
            threshold=self.threshold,
            min_duration_s=times.min_duration_s,
            merge_gap_s=times.merge_gap_s,
        )
        scored = []
        for start in np.arange(first, max(first + times.stride_s, last - times.window_s + FRAME_S), times.stride_s):
            window = Window(float(start), float(start) + times.window_s)
            values, part = tensor(track, window, self.section).values, track.cut(window)
            answer = self.answer(values)[0] if len(values) else None
            scored.append(ScoredWindow(window, answer, part.times_s, part.present))
        return find_segments(scored, rules)


def told(clips: Sequence[Clip], values: NDArray[np.float32], labels: Sequence[str], idle: Sequence[str]) -> Told:
    """Answers from N × labels probabilities."""
    best = np.array(labels)[values.argmax(axis=1)]
    return Told(
        np.where(np.isin(best, idle), "", best),
        values.max(axis=1).astype(np.float64),
        np.array([clip.label for clip in clips]),
        np.array([clip.person for clip in clips]),
    )


def by_person(answers: Told, threshold: float) -> dict[str, float]:
    """Share of right answers of each person with enough letters: the mean over his or her letters."""
    shares = {}
    for person in np.unique(answers.persons):
        mine = answers.only(answers.persons == person)
        letters = np.unique(mine.truth)
        if len(letters) >= LEAST_LETTERS:
            right = mine.right(threshold)
            shares[str(person)] = float(np.mean([right[mine.truth == letter].mean() for letter in letters]))
    return shares


def worst_tenth(shares: Sequence[float]) -> float:
    """The mean of the worst tenth of the persons, of one at least."""
    return float(np.mean(sorted(shares)[: max(1, round(len(shares) / 10))]))


def report(answers: Told, threshold: float) -> str:
    """The figures as lines of text: by person, by how sure the answers are, by letter."""
    shares = by_person(answers, threshold)
    enough = answers.only(np.isin(answers.persons, list(shares)))
    values = list(shares.values())
    wrong = enough.answered(threshold) & ~enough.right(threshold)
    lines = [
        f"{len(shares)} persons, {len(enough.truth)} clips, threshold {threshold:g}",
        f"right by person: mean {np.mean(values):.3f}, median {np.median(values):.3f}",
        f"worst tenth of the persons: {worst_tenth(values):.3f}, 10th percentile {np.quantile(values, 0.1):.3f}",
        f"declined {1 - enough.answered(threshold).mean():.3f}, wrong {wrong.mean():.3f}",
        *_thresholds(enough),
        *_sureness(enough),
    ]
    for letter in sorted(set(enough.truth)):
        mine = enough.only(enough.truth == letter)
        others, counts = np.unique(mine.best[mine.best != letter], return_counts=True)
        order = np.argsort(-counts)[:4]
        mistaken = ", ".join(f"{others[k] or 'nothing'} {counts[k] / len(mine.truth):.2f}" for k in order)
        lines.append(f"{letter} {mine.right(threshold).mean():.3f}  {mistaken}")
    return "\n".join(lines)


def entry(answers: Told, threshold: float) -> dict[str, Any]:
    """The same figures as an entry of a manifest's evaluation."""
    shares = by_person(answers, threshold)
    enough = answers.only(np.isin(answers.persons, list(shares)))
    values, wrong = list(shares.values()), enough.answered(threshold) & ~enough.right(threshold)
    rates = {name: enough.only(enough.truth == name).right(threshold).mean() for name in sorted(set(enough.truth))}
    return {
        "dataset": "strangers, held",
        "protocol": "people whom nothing was trained on; right at the threshold, mean over letters, then over persons",
        "persons": len(shares),
        "clips": len(enough.truth),
        "accuracy": round(float(np.mean(values)), 4),
        "coverage": round(float(enough.answered(threshold).mean()), 4),
        "per_class": {str(name): round(float(rate), 3) for name, rate in rates.items()},
        "note": f"median of the persons {np.median(values):.3f}, mean of the worst tenth {worst_tenth(values):.3f}; "
        f"wrong answers at the threshold {threshold:g}: {wrong.mean():.3f} of all clips",
    }


def _thresholds(answers: Told) -> list[str]:
    lines = []
    for least in THRESHOLDS:
        answered = answers.answered(least)
        wrong = answered & ~answers.right(least)
        lines.append(f"at {least:g}: answered {answered.mean():.3f}, wrong {wrong.mean():.3f}")
    return lines


def _sureness(answers: Told) -> list[str]:
    lines = []
    for low, high in pairwise((*SURE, 1.01)):
        here = (answers.best != "") & (answers.sure >= low) & (answers.sure < high)
        share = answers.only(here).right(0).mean() if here.any() else np.nan
        lines.append(f"said with {low:g} to {min(high, 1):g}: {here.mean():.3f} of the clips, right {share:.3f}")
    return lines


def silence(reader: Reader, hands: Sequence[Moving]) -> str:
    """Letters a minute that are read from hands that spell nothing, by person and by word, at 15 frames a second."""
    seconds: dict[str, float] = {}
    found: dict[str, int] = {}
    with_any = 0
    for hand in hands:
        segments = reader.segments(hand)
        with_any += bool(segments)
        for key in ("all", f"person {hand.person}", f"word {hand.label}"):
            seconds[key] = seconds.get(key, 0.0) + float(hand.frames[-1] - hand.frames[0] + 1) * FRAME_S
            found[key] = found.get(key, 0) + len(segments)
    lines = [f"{len(hands)} hands that spell nothing; a letter in {with_any / len(hands):.3f} of them"]
    lines += [f"{key}: {found[key] / seconds[key] * 60:.1f} letters a minute" for key in sorted(seconds)]
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tools.train.strangers", description=__doc__)
    parser.add_argument("file", type=Path, help="letters.npz of strangers, or letters_free.npz")
    parser.add_argument("--words", type=Path, help="words.npz of people who sign words")
    parser.add_argument("--model", type=Path, default=Path("model_store/asl-letters/1"), help="a version's folder")
    parser.add_argument("--details", type=Path, help="details for the converter: the figures are added to them")
    asked = parser.parse_args()
    reader = Reader(asked.model)
    held = [clip for clip in recorded_clips(asked.file, EACH) if clip.kind == "held"]
    answers = reader.told(held)
    print(report(answers, reader.threshold))
    if asked.details:
        details = json.loads(asked.details.read_text())
        others = [one for one in details["evaluation"] if not one["dataset"].startswith("strangers")]
        details["evaluation"] = [entry(answers, reader.threshold), *others]
        asked.details.write_text(json.dumps(details, indent=2, ensure_ascii=False) + "\n")
    if asked.words:
        hands = word_hands(asked.words.parent, (asked.words.name,))
        print(silence(reader, hands[:: -(-len(hands) // MOST_HANDS)]))


if __name__ == "__main__":
    main()
