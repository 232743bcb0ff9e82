"""From a video's bytes to logits, ours against the authors' own steps, for all six networks.

    python -m tools.parity.torch.videos media   WORK TESTDATA               makes the videos that the test data lack
    python -m tools.parity.torch.videos compare WORK TESTDATA --page PAGE   after videos_authors: ours, and the page

`compare` converts the authors' checkpoints as a person would, serves them in this process with one slot, and asks for
the same parts of the same files.
"""

import argparse
import asyncio
import json
import logging
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import structlog

from convert.draft import PublishOptions
from convert.presets.networks import NETWORKS, Network
from convert.torch.architectures.settings import Flags
from convert.torch.convert import ExportOptions, convert_torch
from service.analysis.clip import ClipRequest, ObservedClip, preprocessing_of
from service.analysis.walk import observe_at_once
from service.context import AppContext, open_services
from service.errors import SignError
from service.media.medium import Medium
from service.pipelines.clip import ClipSection, window_frames
from service.settings import Settings
from service.track import Window
from service.workers.deadline import Deadline
from tools.parity.torch.videos_media import Sample, make, samples_of

TOLERANCE = 1e-3
PATIENCE_S = 600.0
CLASSES = 21
SAME_LEVELS = 1e-3
KNOWN = {
    "odd size, VP9": (
        "FFmpeg 6 (PyAV 12) and FFmpeg 8 (PyAV 18) convert 4:2:0 pictures of odd size to RGB differently: the decoded "
        "planes are equal, and 0.6 % of the pixels, at edges of color, come out more than 2 levels apart, whatever "
        "interpolation is asked for. H.264 files in 4:2:0 cannot have such a size"
    )
}
"""Where ours differs and why, by the sample's name."""
Array = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Gap:
    """Ours against the authors' for one network and sample.

    logits, scale: the largest difference, and the largest logit. levels: the largest difference of a gray level in each
    frame of the clip. ours, theirs: which of the window's frames were taken.
    """

    network: str
    sample: Sample
    logits: float
    scale: float
    levels: tuple[float, ...]
    ours: tuple[int, ...]
    theirs: tuple[int, ...]

    @property
    def agrees(self) -> bool:
        return self.logits <= TOLERANCE

    @property
    def why(self) -> str:
        """What differs, frame by frame."""
        shown = ", ".join(f"{level:.2g}" for level in self.levels)
        if self.ours != self.theirs:
            pairs = [f"{one} for {other}" for one, other in zip(self.ours, self.theirs, strict=True) if one != other]
            return f"other frames are taken: {', '.join(pairs)}"
        if max(self.levels) <= SAME_LEVELS:
            return f"its clip is the same (grey levels of its frames differ by at most {shown}), the network rounds"
        return f"{KNOWN.get(self.sample.name, 'not explained')}; grey levels of its frames differ by at most {shown}"

    @property
    def explained(self) -> bool:
        return self.agrees or (self.ours == self.theirs and self.sample.name in KNOWN)


def publish_all(work: Path, kept: list[str]) -> list[str]:
    """Every network whose checkpoint the authors' steps have written, as `convert torch` publishes it.

    kept: those that were published before and are taken as they are.
    """
    store = work / "store"
    labels = work / "labels.txt"
    labels.write_text("\n".join(f"sign {place}" for place in range(CLASSES)))
    names = []
    for network in (one for one in NETWORKS.values() if one.is_clip):
        file = work / f"{network.name}.ckpt"
        if not file.exists():
            continue
        name = network.name.replace("_", "-")
        names.append(network.name)
        if network.name in kept:
            continue
        shutil.rmtree(store / name, ignore_errors=True)
        options = PublishOptions(name=name, store=store, labels=str(labels), settings=("orientation=as_stored",))
        convert_torch(file, options, Flags(head_activation="none"), ExportOptions())
    return names


async def measure(work: Path, names: list[str], samples: list[Sample]) -> list[Gap]:
    """All networks on all samples."""
    answers = json.loads((work / "answers.json").read_text())
    settings = Settings(model_store=work / "store", default_model="x3d-s", slots=1, request_timeout_s=PATIENCE_S)
    gaps = []
    async with open_services(settings) as context:
        for name in names:
            await loaded(context, name.replace("_", "-"))
            for place, sample in enumerate(samples):
                key = f"{name}-{place:02d}"
                author = np.load(work / "clips" / f"{key}.npy")
                gaps.append(await compared(context, NETWORKS[name], sample, author, answers[key]))
    return gaps


async def loaded(context: AppContext, model: str) -> None:
    """Wait until the service has loaded a model."""
    async with asyncio.timeout(PATIENCE_S):
        while True:
            try:
                await context.registry.get(model)
            except SignError as error:
                if error.code != "model-loading":
                    raise
                await asyncio.sleep(0.2)
            else:
                return


async def compared(context: AppContext, network: Network, sample: Sample, author: Array, answer: dict[str, Any]) -> Gap:
    """One network on one sample."""
    medium = Medium(str(sample.file), sample.file.stat().st_size)
    length_s = sample.length_s or network.frames * network.sampling / 30
    model = await context.registry.get(network.name.replace("_", "-"))
    request = ClipRequest(medium, Deadline.after(PATIENCE_S), model, start_s=sample.start_s, duration_s=length_s)
    preprocessing = preprocessing_of(model, ("sign",))
    clip = await observe_at_once(request, preprocessing, context, context.settings.predict_seconds)
    window = Window(sample.start_s, min(clip.track.end_s, request.end_s))
    rows = preprocessing.plan_rows(clip.track, [window]).make(0, 1)
    logits = (await clip.base_model.outputs(rows))[0]
    mean, std = np.float32(0.45), np.float32(0.225)
    levels = np.abs(rows.values[0] - (author * std + mean) * 255).max(axis=(0, 2, 3))
    theirs = np.array(answer["logits"], np.float32)
    return Gap(
        network.name,
        sample,
        float(np.abs(logits - theirs).max()),
        float(np.abs(theirs).max()),
        tuple(float(level) for level in levels),
        _taken(clip, window),
        tuple(answer["taken"]),
    )


def _taken(clip: ObservedClip, window: Window) -> tuple[int, ...]:
    """Which of the window's frames the clip is made of, counted from the window's first."""
    section, track = clip.preprocessing, clip.track
    if not isinstance(section, ClipSection) or track.decoded_s is None:
        raise TypeError("the model looks at no clips")
    inside = track.decoded_s[(track.decoded_s >= window.start_s) & (track.decoded_s < window.end_s)]
    (frames,) = window_frames(track, window, section).seen
    return tuple(int(place) for place in np.searchsorted(inside, track.times_s[list(frames)]))


def page(gaps: list[Gap], versions: dict[str, str]) -> str:
    """What docs/parity/clips.md says."""
    networks = list(dict.fromkeys(gap.network for gap in gaps))
    samples = list(dict.fromkeys(gap.sample.name for gap in gaps))
    by = {(gap.network, gap.sample.name): gap for gap in gaps}
    scales = [max(gap.scale for gap in gaps if gap.network == name) for name in networks]
    fine = sum(gap.agrees for gap in gaps)
    shown = ", ".join(f"{name} {number}" for name, number in versions.items())
    lines = [
        "# Clips: from a video's bytes to logits",
        "",
        "Written by `make parity-torch` (tools/parity/torch/videos.py), not by hand. The same files go through",
        "PyTorchVideo's own steps (`EncodedVideo.get_clip`, `UniformTemporalSubsample`, / 255, `Normalize`,",
        f"`ShortSideScale`, `CenterCrop`, the original network; {shown})",
        "and through this service: `convert torch`, worker, kind `clip`, ONNX Runtime. Weights are random but well",
        f"scaled on such videos (largest logits {min(scales):.0f} to {max(scales):.0f}). Networks are converted with",
        "`--set orientation=as_stored`, as PyTorchVideo does not turn what a phone stored lying.",
        "",
        f"Largest |difference| of a logit; allowed: {TOLERANCE:g}. **{fine} of {len(gaps)} agree.**",
        "",
        f"| video | {' | '.join(networks)} |",
        f"|---|{'---|' * len(networks)}",
    ]
    for sample in samples:
        cells = [_cell(by[network, sample]) for network in networks]
        lines.append(f"| {sample} | {' | '.join(cells)} |")
    lines += [
        "",
        "Largest difference of a gray level (0 to 255) in the clips of each video: " + _levels(gaps, samples),
        "",
    ]
    lines += ["## Where ours differs", ""]
    different = [gap for gap in gaps if not gap.agrees]
    lines += [
        f"- {gap.network}, {gap.sample.name} ({gap.logits:.1e} of {gap.scale:.1f}): {gap.why}." for gap in different
    ]
    lines += [] if different else ["Nowhere."]
    return "\n".join(lines) + "\n"


def _cell(gap: Gap) -> str:
    return f"{gap.logits:.0e}" + ("" if gap.agrees else " *")


def _levels(gaps: list[Gap], samples: list[str]) -> str:
    worst = {name: max(max(gap.levels) for gap in gaps if gap.sample.name == name) for name in samples}
    return ", ".join(f"{name} {level:.1g}" for name, level in worst.items()) + "."


def main() -> int:
    """Make the videos, or measure; 1 where a sample takes other frames, or differs and it is not known why."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("media", "compare"))
    parser.add_argument("work", type=Path)
    parser.add_argument("testdata", type=Path)
    parser.add_argument("--page", type=Path)
    parser.add_argument("--kept", nargs="*", default=[], help="Networks that are not converted again.")
    asked = parser.parse_args()
    if asked.what == "media":
        make(asked.testdata, asked.work / "media")
        return 0
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    names = publish_all(asked.work, asked.kept)
    gaps = asyncio.run(measure(asked.work, names, samples_of(asked.testdata, asked.work / "media")))
    for gap in gaps:
        print(
            f"{gap.network:18} {gap.sample.name:32} {gap.logits:.1e} {max(gap.levels):.1e}",
            "" if gap.agrees else gap.why,
        )
    if asked.page is not None:
        asked.page.write_text(page(gaps, _versions(asked.work)), encoding="utf-8")
    print(f"{sum(gap.agrees for gap in gaps)} of {len(gaps)} agree")
    return 0 if all(gap.explained for gap in gaps) else 1


def _versions(work: Path) -> dict[str, str]:
    import torch  # noqa: PLC0415 - only for its version

    answers = json.loads((work / "answers.json").read_text())
    return {"PyTorchVideo": "0.1.5", "PyAV": answers["av"], "torch": torch.__version__}


if __name__ == "__main__":
    sys.exit(main())
