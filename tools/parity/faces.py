"""Runs in the repository's own environment: from file bytes to a face's numbers, ours against the authors' own steps.

python tools/parity/faces.py media WORK TESTDATA      writes films and pictures with faces
python tools/parity/faces.py compare WORK TESTDATA [--out PAGE]
                                                      serves what faces.sh has converted, and measures every sample
"""

import argparse
import asyncio
import json
import logging
import sys
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt
import structlog

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from convert.draft import PublishOptions
from convert.work import ArchitectureSource, convert_keras
from service.analysis.clip import ClipRequest, preprocessing_of
from service.analysis.scoring import outputs_over_time
from service.analysis.walk import observe_at_once
from service.context import AppContext, open_services
from service.media.medium import Medium
from service.settings import Settings
from service.track import Track
from service.workers.deadline import Deadline
from tools.parity.faces_media import Sample, make, samples_of

Numbers = npt.NDArray[np.float64]
Stored = dict[str, Numbers]
TOLERANCE = 1e-3
PATIENCE_S = 600.0
HSEMOTION = ("enet_b0_8_va_mtl", "enet_b0_8_best_afew", "enet_b2_7")
FER = {
    "fer-48": ("fer_mini_xception48_k205.h5", ("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral")),
    "fer-64": ("fer_mini_xception64_k205.h5", ("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral")),
    "kdef": ("kdef_tiny_xception_k205.h5", ("AN", "DI", "AF", "HA", "SA", "SU", "NE")),
}
STEPS = {
    "enet": "OpenCV, MediaPipe's FaceDetection, torchvision's Resize, ToTensor and Normalize, timm, softmax",
    "fer": "OpenCV, MediaPipe's FaceDetection, grey, `cv2.resize`, / 255 − 0.5, × 2, `model.predict`",
}
UNCONFIRMED = "the detector's face is not confirm_faces by the face mesh: ours sees none"
ONLY_OURS = "only ours sees a face: OpenCV leaves the film lying, ours turns it upright (`orientation`)"
OTHER_FACE = "the detector's largest face is not confirm_faces by the face mesh: ours looks at the next"


@dataclass
class Row:
    """One medium through one model. gaps: the largest |difference| of each compared sample; why: samples by reason."""

    model: str
    sample: str
    gaps: list[float] = field(default_factory=list)
    raw_gaps: list[float] = field(default_factory=list)
    wrong: list[float] = field(default_factory=list)
    both_none: int = 0
    why: dict[str, int] = field(default_factory=lambda: defaultdict(int))

    @property
    def passed(self) -> bool:
        return max(self.gaps, default=0.0) <= TOLERANCE


def publish_fer(work: Path, testdata: Path) -> None:
    """The real Keras networks, with the presets that their shapes call for."""
    for name, (file, labels) in FER.items():
        listed = work / f"{name}.txt"
        listed.write_text("\n".join(labels), encoding="utf-8")
        options = PublishOptions(name=name, store=work / "store", labels=str(listed))
        convert_keras(testdata / "keras" / "models" / file, options, ArchitectureSource())


def reported(scores: Numbers, measures: int) -> Numbers:
    """HSEmotion's numbers with logits=False: softmax of the emotions, valence and arousal as they are."""
    count = len(scores) - measures
    grown = np.exp(scores[:count] - scores[:count].max())
    return np.concatenate([grown / grown.sum(), scores[count:]])


async def measure(work: Path, samples: list[Sample]) -> list[Row]:
    """Every medium through every model, in this process with one slot."""
    faces, fer, enet = (_loaded(work / f"{name}.npz") for name in ("faces", "answers-fer", "answers-hsemotion"))
    settings = Settings(model_store=work / "store", default_model="fer-48", slots=1, request_timeout_s=PATIENCE_S)
    rows = []
    async with open_services(settings) as context:
        for sample in samples:
            rows += [await _compared(context, model, sample, faces, enet) for model in HSEMOTION]
            rows += [await _compared(context, model, sample, faces, fer) for model in FER]
            rows.append(await _features(context, sample, faces, enet))
            rows.append(await _everyone(context, sample, faces, enet))
    return rows


async def _outputs(context: AppContext, model: str, sample: Sample) -> tuple[Track, Track, Numbers]:
    """(what was seen, the graph's numbers of each sample, what is reported of them)."""
    request = ClipRequest(_medium_of(sample.file), Deadline.after(PATIENCE_S), await context.registry.get(model))
    preprocessing = preprocessing_of(request.model, ("affect", "features"))
    clip = await observe_at_once(request, preprocessing, context, longest_s=600)
    outputs = await outputs_over_time(clip)
    each = clip.base_model.each(np.asarray(outputs.values, np.float32))
    return clip.track, outputs, np.asarray(each, np.float64)


def _medium_of(file: str) -> Medium:
    return Medium(file, Path(file).stat().st_size)


def _same_box(track: Track, place: int, box: Numbers) -> bool:
    return track.boxes is not None and bool(np.allclose(track.boxes[place], box, atol=0.02))


async def _compared(context: AppContext, model: str, sample: Sample, faces: Stored, answers: Stored) -> Row:
    track, outputs, each = await _outputs(context, _name(model), sample)
    row = Row(model, sample.name)
    measures = 2 if model.endswith("va_mtl") else 0
    for place in range(len(track)):
        key = f"{sample.name}/{place}"
        boxes = faces[f"{key}/boxes"]
        if _explained(row, track, place, boxes):
            continue
        if model in FER:
            row.gaps.append(float(np.abs(each[place] - answers[f"{model}/{key}"]).max()))
            continue
        wanted, wrong = answers[f"{model}/{key}/0"], answers[f"wrong/{model}/{key}/0"]
        row.raw_gaps.append(float(np.abs(np.asarray(outputs.values[place], np.float64) - wanted).max()))
        row.gaps.append(float(np.abs(each[place] - reported(wanted, measures)).max()))
        row.wrong.append(float(np.abs(reported(wrong, measures) - reported(wanted, measures)).max()))
    return row


async def _features(context: AppContext, sample: Sample, faces: Stored, answers: Stored) -> Row:
    """The 1280 numbers before the head, as shares of their largest."""
    track, outputs, _ = await _outputs(context, "features", sample)
    row = Row("--features of enet_b0_8_va_mtl", sample.name)
    for place in range(len(track)):
        key = f"{sample.name}/{place}"
        if not _explained(row, track, place, faces[f"{key}/boxes"]):
            wanted = answers[f"features/enet_b0_8_va_mtl/{key}/0"]
            row.gaps.append(float(np.abs(np.asarray(outputs.values[place], np.float64) - wanted).max()))
    return row


async def _everyone(context: AppContext, sample: Sample, faces: Stored, answers: Stored) -> Row:
    """faces=mean: the mean of all faces' scores, then what is reported."""
    track, _, each = await _outputs(context, "everyone", sample)
    row = Row("enet_b0_8_va_mtl, faces=mean", sample.name)
    for place in range(len(track)):
        key = f"{sample.name}/{place}"
        boxes = faces[f"{key}/boxes"]
        if _explained(row, track, place, boxes):
            continue
        if track.faces is None or track.faces[place] != len(boxes):
            row.why["one of several faces is not confirm_faces by the face mesh"] += 1
            continue
        scores = [answers[f"enet_b0_8_va_mtl/{key}/{number}"] for number in range(len(boxes))]
        row.gaps.append(float(np.abs(each[place] - reported(np.mean(scores, axis=0), 2)).max()))
    return row


def _explained(row: Row, track: Track, place: int, boxes: Numbers) -> bool:
    """Whether there is nothing to compare, and why."""
    if not len(boxes) and not track.present[place]:
        row.both_none += 1
        return True
    if not track.present[place]:
        row.why[UNCONFIRMED] += 1
        return True
    if not len(boxes):
        row.why[ONLY_OURS] += 1
        return True
    if not _same_box(track, place, boxes[0]):
        row.why[OTHER_FACE] += 1
        return True
    return False


def page(rows: list[Row], versions: dict[str, str]) -> str:
    """What docs/parity/faces.md says."""
    lines = [*_HEAD.format(versions=", ".join(f"{name} {number}" for name, number in versions.items())).splitlines()]
    models = list(dict.fromkeys(row.model for row in rows))
    for model in models:
        own = [row for row in rows if row.model == model]
        gaps, raw, wrong = (
            [gap for gaps in kind for gap in gaps]
            for kind in (
                [row.gaps for row in own],
                [row.raw_gaps for row in own],
                [row.wrong for row in own],
            )
        )
        steps = STEPS["fer" if model in FER else "enet"]
        lines.append(
            f"| `{model}` | {steps} | {len(own)} | {len(gaps)} | {sum(gap <= TOLERANCE for gap in gaps)} | "
            f"{max(gaps, default=0):.1e} | {_figure(raw, max)} | {_figure(wrong, np.median)} |"
        )
    lines += ["", "## Samples without a comparison", ""]
    first = [row for row in rows if row.model == models[0]]
    lines.append(f"- neither sees a face: {sum(row.both_none for row in first)}")
    for reason in dict.fromkeys(reason for row in rows for reason in row.why):
        where = [
            f"{row.sample} {row.why[reason]}"
            for row in (first if reason in _reasons(first) else rows)
            if row.why[reason]
        ]
        lines.append(f"- {reason}: {', '.join(dict.fromkeys(where))}")
    lines += ["", "## Each medium", "", f"| medium | samples | {' | '.join(f'`{model}`' for model in models)} |"]
    lines.append("|---|---|" + "---|" * len(models))
    for sample in dict.fromkeys(row.sample for row in rows):
        own = [row for row in rows if row.sample == sample]
        figures = " | ".join("–" if not row.gaps else f"{max(row.gaps):.1e}" for row in own)
        lines.append(f"| {sample} | {len(own[0].gaps)} | {figures} |")
    return "\n".join(lines) + "\n"


def _reasons(rows: list[Row]) -> set[str]:
    return {reason for row in rows for reason, count in row.why.items() if count}


def _figure(values: list[float], of: object) -> str:
    return f"{of(values):.1e}" if values and callable(of) else "–"


_HEAD = """\
# From file bytes to a face's numbers

Written by `make parity-faces` (tools/parity/faces.sh), not by hand. Films and pictures go through the authors' own
steps, in environments of their own
({versions}),
and through this service: converted network, preset, worker, pipeline. HSEmotion's networks are real timm modules
pickled whole, with random but well-scaled weights; the FER-2013 and KDEF networks are the real Keras files. Both sides
find faces by themselves. A sample is half a second of a film, or a picture; compared is what is reported of it (softmax
of the emotions, valence and arousal as they are). *logits*: the same before softmax. *wrong resize*: the median of what
HSEmotion's own answer changes by if the face is resized to the nearest pixels instead. Allowed: 1e-03.

| model | the authors' steps | media | samples | agree | worst | logits | wrong resize |
|---|---|---|---|---|---|---|---|"""


def _name(model: str) -> str:
    return model.replace("_", "-")


def _loaded(path: Path) -> Stored:
    with np.load(path) as stored:
        return {key: stored[key] for key in stored.files}


def main() -> int:
    """Make the media, or measure; 1 if a sample differs."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("media", "compare"))
    parser.add_argument("work", type=Path)
    parser.add_argument("testdata", type=Path)
    parser.add_argument("--out", type=Path, default=None)
    asked = parser.parse_args()
    if asked.what == "media":
        print(f"{len(make(asked.work / 'media', asked.testdata))} media")
        return 0
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    publish_fer(asked.work, asked.testdata)
    rows = asyncio.run(measure(asked.work, samples_of(asked.work / "media")))
    for row in rows:
        if not row.passed:
            print(row.model, row.sample, " ".join(f"{gap:.1e}" for gap in row.gaps))
    if asked.out is not None:
        files = (asked.work / f"versions-{name}.json" for name in ("authors", "hsemotion"))
        versions = {key: value for file in files for key, value in json.loads(file.read_text()).items()}
        asked.out.write_text(page(rows, versions), encoding="utf-8")
    gaps = [gap for row in rows for gap in row.gaps]
    print(f"{sum(gap <= TOLERANCE for gap in gaps)} of {len(gaps)} samples agree, worst {max(gaps):.1e}")
    return 0 if all(row.passed for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
