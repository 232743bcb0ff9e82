"""Runs in the repository's own environment: from file bytes to probabilities, ours against the authors' own steps.

python tools/parity/pixels.py media WORK                    writes pictures and clips
python tools/parity/pixels.py compare WORK [--out PAGE]     converts the networks that pixels_authors.py made there,
                                                            serves them, and measures every sample
"""

import argparse
import asyncio
import json
import logging
import shutil
import sys
from collections import defaultdict
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import structlog

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from convert.draft import PublishOptions
from convert.work import ArchitectureSource, convert_keras
from service.analysis.clip import ClipRequest, ObservedClip, preprocessing_of
from service.analysis.scoring import score_windows
from service.analysis.walk import observe_at_once
from service.context import AppContext, open_services
from service.media.medium import MediaLimits, Medium
from service.observe.call import ObserveCall
from service.observe.landmarker import DetectedHand, LandmarkFrame
from service.observe.landmarkers import Landmarkers
from service.observe.observe import observe
from service.settings import Settings
from service.track import Window
from service.workers.deadline import Deadline
from tools.parity.pixels_media import Pixels, Sample, make, samples_of

TOLERANCE = 1e-3
PATIENCE_S = 300.0
WRONG, NO_HAND = "wrong/", "no hand found"
STEPS = {
    "ksl-numbers": "Keras' `ImageDataGenerator().flow_from_directory(target_size=(300, 300))`, `model.predict`",
    "sign-mnist": "`cv2.imread` or `cv2.VideoCapture`, grey, `INTER_AREA` to 28 × 28, × 1/255, `model.predict`",
    "teachable-machine": "Teachable Machine's Keras snippet: `ImageOps.fit(…, LANCZOS)`, / 127.5 − 1, `model.predict`",
    "cvzone": "cvzone's `HandDetector(maxHands=1)` that draws, the tutorial's white square, cvzone's `Classifier`",
    "hand-crop": "the same with `draw=False`",
    "c3d-bilstm": "the OpenCV loop (112 × 112 area, bgr, /255), black frames up to 128, 3-D network, BiLSTM",
}
_EMPTY = "the author's slice is empty and their program ends; ours takes white beyond the edge"
_WHITE = (
    "asked for white beyond the edge (`--set edge=white`, the samples named so); the author's slice stops at the edge "
    "and what is left is stretched, which is our default"
)
ON_PURPOSE = {
    "ksl-numbers/turned.jpg": (
        "we turn a picture upright as its EXIF says, Keras' generator does not: an assumption that the preset names; "
        "with `--set orientation=as_stored` (the sample named so) the answers agree"
    ),
    "ksl-numbers/transparent.png": (
        "we lay transparency on white, as viewers show it; Keras drops the alpha channel and sees the colors behind it"
    ),
    "ksl-numbers/sixteen-bit.png": (
        "we take the upper eight of sixteen bits; Keras' Pillow cuts every level over 255 to 255, so that all is white"
    ),
    "over the left edge": _EMPTY,
    "over the top": _EMPTY,
    ", white": _WHITE,
    "c3d-bilstm/200 frames": "the author's code ends with an error on more than 128 frames; ours keeps the middle",
}
"""Where we differ from an author knowingly, by a part of the sample's name."""
Answers = npt.NDArray[np.float64]


class FixedHand:
    """A landmarker that finds the same hand in every frame."""

    def __init__(self, points: list[list[float]]) -> None:
        self._points = np.array([[*point, 0.0] for point in points], np.float32)

    def detect(self, _rgb: Pixels) -> LandmarkFrame:
        return LandmarkFrame(hands=(DetectedHand("right", 0.99, self._points),))

    def reset(self) -> None:
        """Nothing is remembered."""

    def close(self) -> None:
        """Nothing is held."""


@dataclass(frozen=True)
class Row:
    """One sample: the largest difference of each frame, or why there is none; and that of a step done wrongly."""

    sample: Sample
    gaps: tuple[float, ...] = ()
    problem: str = ""
    wrong: float | None = None
    note: str = ""

    @property
    def worst(self) -> float:
        return max(self.gaps, default=float("inf"))

    @property
    def passed(self) -> bool:
        return not self.problem and self.worst <= TOLERANCE

    @property
    def why(self) -> str:
        """Why it need not pass, or nothing."""
        asked_for = self.sample.settings and self.sample.settings != ("edge=white",)
        if asked_for:
            return ""
        return next((why for part, why in ON_PURPOSE.items() if part in self.sample.key), "")


def publish_all(work: Path, samples: list[Sample]) -> dict[tuple[str, tuple[str, ...]], str]:
    """Every network with its preset, once for each combination of overrides; the names of the models."""
    store = work / "store"
    shutil.rmtree(store, ignore_errors=True)
    names: dict[tuple[str, tuple[str, ...]], str] = {}
    convert_keras(
        work / "models" / "c3d.h5",
        PublishOptions(name="c3d", store=store, pipeline="c3d", task="features"),
        ArchitectureSource(),
    )
    for sample in samples:
        wanted = (sample.preset, sample.settings)
        if wanted in names:
            continue
        names[wanted] = name = f"{sample.preset}-{len(names)}"
        file = work / "models" / f"{sample.preset}.h5"
        with np.load(work / f"answers-{sample.preset}.npz") as answers:
            width = max(answers[key].shape[-1] for key in answers.files if answers[key].ndim)
        labels = work / f"{sample.preset}.txt"
        labels.write_text("\n".join(f"sign {k}" for k in range(width)), encoding="utf-8")
        options = PublishOptions(
            name=name,
            store=store,
            pipeline=sample.preset,
            labels=str(labels),
            settings=sample.settings,
            requires="c3d" if sample.preset == "c3d-bilstm" else None,
        )
        convert_keras(file, options, ArchitectureSource())
    return names


def medium_of(file: str) -> Medium:
    """A file as the service takes it."""
    return Medium(file, Path(file).stat().st_size)


async def answered(context: AppContext, model: str, sample: Sample) -> Answers:
    """Our probabilities: one row a frame where the model looks at single frames, else one."""
    request = ClipRequest(medium_of(sample.file), Deadline.after(PATIENCE_S), await context.registry.get(model))
    if sample.points is None:
        preprocessing = preprocessing_of(request.model, ("sign",))
        clip = await observe_at_once(request, preprocessing, context, context.settings.predict_seconds)
    else:
        clip = with_hand_at(context, request, sample.points)
    end_s = float("inf") if clip.is_picture else min(clip.track.end_s, request.end_s)
    (scores,) = await score_windows(clip, [Window(0.0, end_s)])
    if scores.probabilities is None:
        return np.zeros((0, 1))
    return np.asarray(scores.probabilities[None] if scores.votes is None else scores.votes, np.float64)


def with_hand_at(context: AppContext, request: ClipRequest, points: list[list[float]]) -> ObservedClip:
    """The clip, with the hand where the sample says instead of where MediaPipe finds it."""
    preprocessing = preprocessing_of(request.model, ("sign",))
    settings = context.settings
    call = ObserveCall(
        medium=request.medium,
        request=preprocessing.request,
        sampling=preprocessing.part_sampling(request.start_s, request.end_s),
        start_s=0.0,
        duration_s=None,
        mirrored=False,
        limits=MediaLimits(settings.frame_pixels, settings.predict_seconds, settings.sampled_frames),
    )
    seen = observe(call, lambda: None, Landmarkers(build=lambda _request: FixedHand(points)))
    return ObservedClip(request.model, preprocessing, seen.track, request.deadline, context)


async def measure(work: Path, samples: list[Sample], names: dict[tuple[str, tuple[str, ...]], str]) -> list[Row]:
    """Serve the store in this process, with one slot, and compare every sample."""
    wanted = {preset: dict(np.load(work / f"answers-{preset}.npz")) for preset in {one.preset for one in samples}}
    settings = Settings(model_store=work / "store", default_model="c3d", slots=1, request_timeout_s=PATIENCE_S)
    rows = []
    async with open_services(settings) as context:
        for sample in samples:
            answers = wanted[sample.preset]
            ours = await answered(context, names[sample.preset, sample.settings], sample)
            row = compared(sample, ours, answers[sample.key])
            other = next(
                (one for key, one in answers.items() if key.startswith(WRONG) and key.endswith(sample.key)), None
            )
            seen = other is not None and answers[sample.key].shape == other.shape
            rows.append(replace(row, wrong=float(np.abs(answers[sample.key] - other).max()) if seen else None))
    return rows


def compared(sample: Sample, ours: Answers, author: Answers) -> Row:
    """Frame by frame; where both see no hand they agree."""
    if author.ndim == 0:
        if str(author) == NO_HAND and len(ours) == 0:
            return Row(sample, (0.0,), note="no hand for both")
        return Row(sample, problem=f"the author's program ends: {author}")
    if ours.shape != author.shape:
        return Row(sample, problem=f"{len(ours)} answers of ours, {len(author)} of the author's")
    return Row(sample, tuple(float(gap) for gap in np.abs(ours - author).max(axis=1)))


def page(rows: list[Row], versions: dict[str, str], wrong: dict[str, str]) -> str:
    """What docs/parity/pixels.md says."""
    presets = list(dict.fromkeys(row.sample.preset for row in rows))
    by = {preset: [row for row in rows if row.sample.preset == preset] for preset in presets}
    lines = [
        "# From file bytes to probabilities",
        "",
        "Written by `make parity-pixels` (tools/parity/pixels.py), not by hand. The same files go through the authors'",
        "own steps, in an environment of their own",
        f"({', '.join(f'{name} {number}' for name, number in versions.items())}),",
        "and through this service: converted network, preset, worker, pipeline. Networks are small, with random",
        "weights and spread-out logits, so that a wrong step shows; the hands are frames of samples/ with grain.",
        "Fixed landmarks stand for MediaPipe on both sides, except in the samples named so. Clips named bt709, and",
        "all gestures, are coded by BT.709 and say so. Figures: the largest |difference| of a probability, in any",
        f"frame; allowed: {TOLERANCE:g}.",
        "",
        "| preset | the author's steps | samples | frames | agree | worst of them | a wrong step: median |",
        "|---|---|---|---|---|---|---|",
    ]
    for preset, own in by.items():
        fine = [row for row in own if row.passed]
        frames = sum(len(row.gaps) for row in fine)
        worst = f"{max(row.worst for row in fine):.1e}" if fine else "–"
        lines.append(
            f"| `{preset}` | {STEPS[preset]} | {len(own)} | {frames} | {len(fine)} | {worst} | {_wrong(own, wrong)} |"
        )
    lines += ["", *_differing(rows)]
    for preset, own in by.items():
        lines += ["", f"## {preset}", "", "| sample | frames | worst | a wrong step |", "|---|---|---|---|"]
        for row in own:
            shown = row.note or ("–" if row.problem else f"{row.worst:.1e}")
            star = "" if row.passed else " *"
            other = "–" if row.wrong is None else f"{row.wrong:.1e}"
            lines.append(f"| {row.sample.name} | {len(row.gaps) or '–'} | {shown}{star} | {other} |")
    return "\n".join(lines) + "\n"


def _wrong(rows: list[Row], wrong: dict[str, str]) -> str:
    """The median difference that a step done wrongly makes, and which."""
    seen = [row.wrong for row in rows if row.wrong is not None]
    return f"{float(np.median(seen)):.1e} ({wrong[rows[0].sample.preset]})" if seen else "–"


def _differing(rows: list[Row]) -> list[str]:
    """Each sample that does not agree, by its reason, frame by frame."""
    reasons: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        if not row.passed:
            reasons[row.why or "**Not explained**"].append(row)
    lines = ["## Where ours differs", "", "Marked with * below; each frame's largest difference.", ""]
    for why, own in reasons.items():
        lines.append(f"- {why[0].upper()}{why[1:]}:")
        for row in own:
            figures = row.problem or ", ".join(f"{gap:.1e}" for gap in row.gaps)
            lines.append(f"    - `{row.sample.preset}` {row.sample.name}: {figures}")
    return lines


def main() -> int:
    """Make the media, or measure; 1 if a sample differs that is not explained."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("media", "compare"))
    parser.add_argument("work", type=Path)
    parser.add_argument("--only", default="", help="Only this preset.")
    parser.add_argument("--out", type=Path, default=None)
    asked = parser.parse_args()
    if asked.what == "media":
        print(f"{len(make(asked.work / 'media'))} samples")
        return 0
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    samples = [one for one in samples_of(asked.work / "media") if asked.only in ("", one.preset)]
    rows = asyncio.run(measure(asked.work, samples, publish_all(asked.work, samples)))
    for row in rows:
        if not row.passed and not row.why:
            print(row.sample.key, row.problem or " ".join(f"{gap:.1e}" for gap in row.gaps))
    if asked.out is not None:
        versions = json.loads((asked.work / "versions.json").read_text(encoding="utf-8"))
        asked.out.write_text(page(rows, versions, wrong_steps(asked.work, rows)), encoding="utf-8")
    explained = sum(bool(row.why) and not row.passed for row in rows)
    print(f"{sum(row.passed for row in rows)} of {len(rows)} agree; {explained} differ knowingly")
    return 0 if all(row.passed or row.why for row in rows) else 1


def wrong_steps(work: Path, rows: list[Row]) -> dict[str, str]:
    """What was done wrongly, by preset."""
    found = {}
    for preset in {row.sample.preset for row in rows}:
        with np.load(work / f"answers-{preset}.npz") as answers:
            found[preset] = next((key.split("/")[1] for key in answers.files if key.startswith(WRONG)), "")
    return found


if __name__ == "__main__":
    sys.exit(main())
