"""INT8 on weights that were really trained: a small X3D learns which way gratings drift, then is converted twice.

    python -m tools.parity.torch.trained --work FOLDER --page docs/parity/int8.md

Random weights answer near ties, so that rounding decides; what a person brings has been trained. Here PyTorchVideo's
x3d_xs for clips of 4 × 32² learns eight classes (four directions, two spatial frequencies) in some minutes of one core.
Videos of other gratings are written as files: one half calibrates, the other half measures what INT8 costs and brings.
mvit has well-scaled random weights: its INT8 is dynamic and calibrates nothing.
"""

import argparse
import json
import tempfile
import time
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import numpy.typing as npt
import onnxruntime
import torch
from av.video.frame import VideoFrame
from torch import nn

from tools.parity.torch.originals import original  # isort: skip - brings torchvision's names

from pytorchvideo.models.x3d import create_x3d  # isort: skip

from convert.calibration import ClipShape, read_folder  # isort: skip
from convert.draft import PublishOptions  # isort: skip
from convert.quantize import quantize  # isort: skip
from convert.torch.architectures.build import accept_pixels, build_network  # isort: skip
from convert.torch.checkpoint.checkpoint import read_checkpoint  # isort: skip
from convert.torch.convert import ExportOptions, convert_torch  # isort: skip
from convert.torch.export import export  # isort: skip
from convert.parity import open_session  # isort: skip
from convert.torch.synthetic_clips import synthesize_clips  # isort: skip
from convert.presets.networks import CLIP_MEAN, CLIP_STD  # isort: skip
from convert.torch.architectures.recognize import recognize  # isort: skip
from convert.torch.architectures.settings import Flags, resolve_settings  # isort: skip

FRAMES, CROP, SIDE, WINDOW_S = 4, 32, 36, 1.6
LABELS = tuple(f"{way} {size}" for way in ("right", "down", "left", "up") for size in ("coarse", "fine"))
STEPS, BATCH = 120, 12
VIDEOS = 128
MVIT_CLIPS = 8
QUARTER = np.pi / 2
Array = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Grating:
    """One drifting grating: which class, and what does not matter for it."""

    label: int
    phase: float
    color: Array
    contrast: float
    noise: float

    @classmethod
    def drawn(cls, generator: np.random.Generator, label: int) -> "Grating":
        """A grating of this class."""
        color = generator.uniform(0.35, 1.0, 3).astype(np.float32)
        return cls(label, generator.uniform(0, 6.28), color, generator.uniform(0.15, 0.5), generator.uniform(0, 12))

    def frames(self, turns: Array, width: int, height: int, generator: np.random.Generator) -> Array:
        """T × H × W × 3 levels; turns: by how many quarters of a period the grating has moved in each frame."""
        way, fine = divmod(self.label, 2)
        period = 8.0 if fine else 18.0
        y, x = np.mgrid[:height, :width].astype(np.float32)
        along = {0: x, 1: y, 2: -x, 3: -y}[way]
        angle = along[None] * (2 * np.pi / period) - QUARTER * turns[:, None, None] + self.phase
        levels = (127 + 255 * self.contrast * np.sin(angle))[..., None] * self.color
        return np.clip(levels + generator.normal(0, self.noise, levels.shape), 0, 255).astype(np.float32)


def trained_network(seed: int = 0) -> nn.Module:
    """PyTorchVideo's X3D after some minutes of training, in eval mode."""
    torch.manual_seed(seed)
    generator = np.random.default_rng(seed)
    network = create_x3d(
        input_clip_length=FRAMES,
        input_crop_size=CROP,
        model_num_class=len(LABELS),
        head_activation=None,
        dropout_rate=0.0,
    )
    optimizer = torch.optim.AdamW(network.parameters(), lr=2e-3, weight_decay=1e-3)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 4e-3, total_steps=STEPS)
    network.train()
    turns = np.asarray(np.array([0, 15, 31, 47], np.float32) * 3 / 47, np.float32)
    for step in range(STEPS):
        labels = generator.integers(0, len(LABELS), BATCH)
        clips = np.stack([Grating.drawn(generator, int(k)).frames(turns, CROP, CROP, generator) for k in labels])
        loss = nn.functional.cross_entropy(network(_normalized(clips)), torch.from_numpy(labels))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
        if step % 20 == 19:
            print(f"step {step + 1}: loss {loss.item():.3f}", flush=True)
    return network.eval()


def _normalized(clips: Array) -> torch.Tensor:
    """N × 3 × T × H × W as PyTorchVideo normalizes, of N × T × H × W × 3 levels."""
    values = torch.from_numpy(clips).permute(0, 4, 1, 2, 3) / 255
    shape = (1, 3, 1, 1, 1)
    return (values - torch.tensor(CLIP_MEAN).reshape(shape)) / torch.tensor(CLIP_STD).reshape(shape)


def write_videos(folder: Path, seed: int) -> None:
    """Videos of 1.6 s at 30 frames a second, 56 × 40, named by their class."""
    folder.mkdir(parents=True, exist_ok=True)
    generator = np.random.default_rng(seed)
    turns = np.asarray(np.arange(48, dtype=np.float32) * 3 / 47, np.float32)
    for place in range(VIDEOS // 2):
        label = place % len(LABELS)
        frames = Grating.drawn(generator, label).frames(turns, 56, 40, generator)
        with av.open(str(folder / f"{place:03d}-{label}.mp4"), "w") as output:
            stream = output.add_stream("libx264", rate=30, options={"crf": "16", "preset": "ultrafast"})
            stream.width, stream.height, stream.pix_fmt = 56, 40, "yuv420p"
            for index, levels in enumerate(frames):
                frame = VideoFrame.from_ndarray(levels.astype(np.uint8), format="rgb24")
                frame.pts, frame.time_base = index, Fraction(1, 30)
                output.mux(stream.encode(frame))
            output.mux(stream.encode(None))


def measured(work: Path) -> dict[str, float | str | int]:
    """Train, convert as float and as INT8, and ask both of them about videos that neither has seen."""
    file = work / "drift.ckpt"
    if not file.exists():
        began = time.perf_counter()
        network = trained_network()
        torch.save(
            {
                "state_dict": {f"model.{key}": value for key, value in network.state_dict().items()},
                "hyper_parameters": {
                    "model_name": "x3d_xs",
                    "crop_size": CROP,
                    "side_size": SIDE,
                    "class_names": list(LABELS),
                },
            },
            file,
        )
        print(f"trained in {time.perf_counter() - began:.0f} s", flush=True)
    for name, seed in (("calibration", 1), ("unseen", 2)):
        if not (work / name).exists():
            write_videos(work / name, seed)
    flags = Flags(head_pool=(4, 1, 1), head_activation="none")
    with tempfile.TemporaryDirectory() as store:
        graphs = []
        for name, options in (("float", ExportOptions()), ("int8", ExportOptions(calibrate=work / "calibration"))):
            report = convert_torch(file, PublishOptions(name=f"drift-{name}", store=Path(store)), flags, options)
            graphs.append((Path(store) / f"drift-{name}" / "1" / "model.onnx").read_bytes())
    figures = report.document["quantization"]
    clips = read_folder(work / "unseen", ClipShape(FRAMES, SIDE, CROP, WINDOW_S)).clips
    truth = np.array([int(path.stem.partition("-")[2]) for path in sorted((work / "unseen").glob("*.mp4"))])
    full, small = (
        np.concatenate([open_session(graph, 1).run(None, {"x": clip})[0] for clip in clips]) for graph in graphs
    )
    return {
        **figures,
        "unseen": len(clips),
        "accuracy": float((full.argmax(1) == truth).mean()),
        "accuracy_int8": float((small.argmax(1) == truth).mean()),
        "agreement_unseen": float((full.argmax(1) == small.argmax(1)).mean()),
        "bytes": len(graphs[0]),
        "bytes_int8": len(graphs[1]),
    }


def measured_mvit(work: Path) -> dict[str, float | str | int]:
    """mvit_base_16x4 with well-scaled random weights: dynamic INT8 of its matrix products."""
    file = work / "mvit.ckpt"
    torch.save({"state_dict": original("mvit_base_16x4").state_dict()}, file)
    with tempfile.TemporaryDirectory() as folder:
        checkpoint = read_checkpoint(file, Path(folder))
        recognized = recognize(checkpoint)
        settings = resolve_settings(recognized, checkpoint, Flags())
        pixels = accept_pixels(build_network(recognized, settings), settings)
    exported = export(pixels, synthesize_clips(2, 16, 224, 0), "3d", 8)
    clips = [synthesize_clips(1, 16, 224, seed) for seed in range(MVIT_CLIPS)]
    small = quantize(exported.model, clips, min_agreement=0.0)
    return {
        "method": small.method,
        "agreement": small.agreement,
        "samples": small.samples,
        "speedup": small.speedup,
        "bytes": len(exported.model),
        "bytes_int8": len(small.model),
    }


def page(drift: dict[str, float | str | int], mvit: dict[str, float | str | int]) -> str:
    """What docs/parity/int8.md says."""
    kept = f"{drift['agreement']:.1%} of {drift['samples']} | {drift['agreement_unseen']:.1%} of {drift['unseen']}"
    right = f"{drift['accuracy']:.1%} → {drift['accuracy_int8']:.1%}"
    trained = f"| x3d_xs, 4 × 32², trained | {drift['method']} | {kept} | {right} | {_cost(drift)} |"
    agreed = f"{mvit['agreement']:.1%} of {mvit['samples']}"
    random = f"| mvit_base_16x4, random weights | {mvit['method']} | {agreed} | – | – | {_cost(mvit)} |"
    rows = [trained, random]
    return "\n".join([*_HEAD.splitlines(), *rows, ""])


def _cost(one: dict[str, float | str | int]) -> str:
    return f"{one['speedup']} × | {int(one['bytes']) / 1e6:.1f} → {int(one['bytes_int8']) / 1e6:.1f}"


_HEAD = f"""\
# INT8 beside float

Written by `tools/parity/torch/trained.py` (part of `make parity-torch`), not by hand; torch {torch.__version__},
ONNX Runtime {onnxruntime.__version__}. PyTorchVideo's X3D is trained on moving gratings ({len(LABELS)} classes: four
directions, two spatial frequencies), converted by `convert torch`, and again with `--int8 --calibrate`, on videos that
were not in the training. *Agreement*: the share of clips whose first answer stays. *Speed*: CPU time of one clip on one
thread, float over INT8, of the graphs as they would be published.

| network | method | agreement on what calibrated | on other videos | right: float → INT8 | speed | MB |
|---|---|---|---|---|---|---|"""


def main() -> None:
    """Measure, keep the figures, write the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--page", type=Path)
    asked = parser.parse_args()
    asked.work.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(1)  # on a busy machine two wait for each other
    kept = asked.work / "int8.json"
    figures = json.loads(kept.read_text()) if kept.exists() else {}
    for name, measure in (("drift", measured), ("mvit", measured_mvit)):
        if name not in figures:
            figures[name] = measure(asked.work)
            kept.write_text(json.dumps(figures, indent=1))
        print(name, figures[name], flush=True)
    if asked.page is not None:
        asked.page.write_text(page(figures["drift"], figures["mvit"]), encoding="utf-8")


if __name__ == "__main__":
    main()
