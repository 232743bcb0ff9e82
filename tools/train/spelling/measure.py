"""How well versions of a spelling model read people it has never seen: spelled words, and silence where none are.

`python -m tools.train.spelling.measure letters.npz --words words.npz --model FOLDER [FOLDER …]`: packed files as
`recorded_clips` and `word_hands` of `data` read them; every version reads the same words. Runs in the service's
environment, by the service's own decoder.
"""

import argparse
import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray

from service.analysis.timeline import SpottingOptions, rules_of
from service.pipelines.keypoints import KeypointsSection
from service.registry.manifest import read_manifest
from service.registry.scores import probabilities
from service.spotting.segment import ScoredWindow, Segment
from service.spotting.spotting import spotter_for
from service.track import Window
from tools.train.data import FRAME_S, Clip, Moving, recorded_clips, word_hands

from .rows import rows_of_points
from .trials import RATES, Points, Strings, Trial, false_letters, measure, report

LEAST_LETTERS = 15
MOST_HANDS = 800
DOUBLED_RATES = RATES[:3]
_HELD_EACH = 4
_IDLE_HANDS = 40
_NONE = np.zeros(0), np.zeros(0, bool)


class Reader:
    """A version of a spelling model, run without the service's workers."""

    def __init__(self, folder: Path) -> None:
        self.manifest = read_manifest(folder / "manifest.json")
        section, times = self.manifest.pipeline, self.manifest.time
        if not isinstance(section, KeypointsSection) or times is None or times.answers_at_s is None:
            raise SystemExit(f"{folder}: a model of landmarks that answers for moments is needed")
        if section.length is None:
            raise SystemExit(f"{folder}: windows of one length are needed")
        self._times, self._steps = times, section.length.length
        self._past = round(times.answers_at_s / FRAME_S)
        options = ort.SessionOptions()
        options.intra_op_num_threads = 1
        self._session = ort.InferenceSession(str(folder / "model.onnx"), options)

    def moments(self, points: Points) -> NDArray[np.float32]:
        """T × labels probabilities of T × 21 × 2 points at 15 frames a second."""
        rows = np.pad(rows_of_points(points), ((self._past, self._steps - 1 - self._past), (0, 0)))
        windows = np.lib.stride_tricks.sliding_window_view(rows, self._steps, axis=0).transpose(0, 2, 1)
        x, mask = (np.ascontiguousarray(one, np.float32) for one in (windows[..., :-1], windows[..., -1]))
        (raw,) = self._session.run(None, {"x": x, "mask": mask})
        return np.asarray(probabilities(raw, self.manifest.output))

    def segments(self, points: Points) -> tuple[Segment, ...]:
        """What a timeline of these points says."""
        spotter = spotter_for(rules_of(SpottingOptions(), self._times, self.manifest))
        found: list[Segment] = []
        for index, answer in enumerate(self.moments(points)):
            start_s = index * FRAME_S - self._past * FRAME_S
            window = Window(start_s, start_s + self._times.window_s)
            found += spotter.push(ScoredWindow(window, answer, *_NONE))
        return (*found, *spotter.finish())


def trials_of(clips: Sequence[Clip], idle: Sequence[Moving], each: int, seed: int) -> list[Trial]:
    """So many words a person and pace, from rest to rest, as many cut, and as many with a double letter."""
    rest = np.concatenate([hand.points[..., :2] - hand.points[:, :1, :2] for hand in idle[:_IDLE_HANDS]])
    rest = rest / np.median(np.linalg.norm(rest[:, [5, 9, 17]], axis=-1).max(axis=1))
    found: list[Trial] = []
    for index, person in enumerate(sorted({clip.person for clip in clips})):
        mine = [clip for clip in clips if clip.person == person and clip.kind == "held"]
        strings = Strings(mine, rest, np.random.default_rng(seed + index))
        if len(strings.known) < LEAST_LETTERS:
            continue
        for rate in RATES:
            found += [strings.trial(rate, cut=cut) for _ in range(each) for cut in (False, True)]
        found += [strings.trial(rate, cut=False, double=True) for rate in DOUBLED_RATES for _ in range(each)]
    return found


def silence(reader: Reader, hands: Sequence[Moving]) -> str:
    """Letters a minute from hands that spell nothing: in all, the worst persons, and hands called idle."""
    rates = {
        key: count / seconds * 60 for key, (count, seconds) in false_letters(hands, reader.segments).items() if seconds
    }
    persons = sorted((rate, key) for key, rate in rates.items() if key.startswith("person "))
    lines = [f"{len(hands)} hands that spell nothing: {rates['all']:.2f} letters a minute"]
    lines += [f"  {key}: {rate:.2f}" for rate, key in persons[::-1][:5]]
    return "\n".join([*lines, f"  word idle: {rates['word idle']:.2f}"] if "word idle" in rates else lines)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tools.train.spelling.measure", description=__doc__)
    parser.add_argument("file", type=Path, help="letters.npz of strangers, or letters_free.npz")
    parser.add_argument("--words", type=Path, help="words.npz of people who sign words")
    parser.add_argument("--data", type=Path, default=Path(os.environ.get("SIGN_TESTDATA", ".")) / "keypoints")
    parser.add_argument("--model", type=Path, nargs="+", required=True, help="folders of versions")
    parser.add_argument("--persons", nargs="*", help="only these, of the letters and the words")
    parser.add_argument("--each", type=int, default=5, help="words a person, pace and kind")
    asked = parser.parse_args()
    idle = [hand for hand in word_hands(asked.data) if hand.label == "idle"]
    clips = [one for one in recorded_clips(asked.file, _HELD_EACH) if not asked.persons or one.person in asked.persons]
    trials = trials_of(clips, idle, asked.each, seed=5)
    hands: list[Moving] = []
    if asked.words:
        hands = word_hands(asked.words.parent, (asked.words.name,))
        hands = [hand for hand in hands if not asked.persons or hand.person in asked.persons]
        hands = hands[:: -(-len(hands) // MOST_HANDS)]
    for folder in asked.model:
        reader = Reader(folder)
        print(f"{folder}: {len(trials)} words of {len({one.person for one in trials})} persons")
        print(report(measure(trials, reader.segments)))
        if hands:
            print(silence(reader, hands))


if __name__ == "__main__":
    main()
