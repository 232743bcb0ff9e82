"""Every architecture against the installed original on the same weights, from checkpoint to ONNX.

    python -m tools.parity.torch.compare [NETWORK …] --work FOLDER --table docs/parity/pytorch.md

Figures are kept in FOLDER/figures.json, so that networks can be measured one by one; the table is written from there.
"""

import argparse
import json
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import torch

from convert.parity import open_session
from convert.torch.architectures.build import accept_pixels, build_network
from convert.torch.architectures.recognize import recognize
from convert.torch.architectures.settings import Flags, resolve_settings
from convert.torch.checkpoint.checkpoint import read_checkpoint
from convert.torch.export import INPUT, export
from convert.torch.synthetic_clips import synthesize_clips
from tools.parity.torch.originals import CLIPS, original, shown

RUNS = 5
BATCHES = (1, 3)


def compare(name: str, work: Path) -> dict[str, Any]:
    """All figures of one network."""
    frames, crop = CLIPS[name]
    theirs = original(name)
    file = work / f"{name}.ckpt"
    torch.save({"state_dict": {f"model.{key}": value for key, value in theirs.state_dict().items()}}, file)
    with tempfile.TemporaryDirectory() as folder:
        checkpoint = read_checkpoint(file, Path(folder))
        recognized = recognize(checkpoint)
        settings = resolve_settings(recognized, checkpoint, Flags(arch=name, head_activation="none", crop=crop))
        ours = build_network(recognized, settings)
    figures: dict[str, Any] = {"frames": frames, "crop": crop, "weights": sum(p.numel() for p in ours.parameters())}
    clips = {batch: shown(batch, frames, crop, seed=batch) for batch in BATCHES}
    with torch.no_grad():
        wanted = {batch: theirs(clip) for batch, clip in clips.items()}
        figures["scale"] = max(float(values.abs().max()) for values in wanted.values())
        figures["torch"] = max(float((ours(clip) - wanted[batch]).abs().max()) for batch, clip in clips.items())
        figures["torch_ms"] = cpu_ms(lambda: theirs(clips[1]))
    exported = export(
        accept_pixels(ours, settings),
        synthesize_clips(2, frames, crop, 0),
        None,
        frames // 2 if "mvit" in name else frames,
    )
    session = open_session(exported.model, 1)
    for batch in BATCHES:
        got = session.run(None, {INPUT: synthesize_clips(batch, frames, crop, seed=batch)})[0]
        figures[f"onnx_{batch}"] = float(np.abs(got - wanted[batch].numpy()).max())
    figures["layout"] = exported.layout
    figures["layouts_ms"] = exported.milliseconds
    figures["onnx_ms"] = cpu_ms(lambda: session.run(None, {INPUT: synthesize_clips(1, frames, crop, 1)}))
    figures["megabytes"] = round(len(exported.model) / 1e6, 1)
    with torch.no_grad():
        double = clips[1].double()
        figures["float64"] = float((ours.double()(double) - theirs.double()(double)).abs().max())
    return figures


def cpu_ms(call: Callable[[], Any]) -> float:
    """Median CPU milliseconds of a call on one thread."""
    taken = []
    for _ in range(RUNS + 1):
        start = time.process_time()
        call()
        taken.append(1000 * (time.process_time() - start))
    return round(statistics.median(taken[1:]), 1)


def table(figures: dict[str, dict[str, Any]]) -> str:
    """The page."""
    rows = [_row(name, figures[name]) for name in CLIPS if name in figures]
    versions = f"torch {torch.__version__}, pytorchvideo 0.1.5, timm, ONNX Runtime {onnxruntime.__version__}"
    return "\n".join([*_HEAD.format(versions=versions).splitlines(), *rows, *_FOOT.splitlines(), ""])


def _row(name: str, one: dict[str, Any]) -> str:
    size = f"{one['frames']} × {one['crop']}²" if one["frames"] else f"{one['crop']}²"
    layouts = one["layouts_ms"]
    plain = f"{layouts['3d']:.0f}" if "3d" in layouts else f"{one['onnx_ms']:.0f}"
    flat = f"{layouts['2d']:.0f}" if "2d" in layouts else "–"
    best = min([one["onnx_ms"], *layouts.values()])
    return (
        f"| {name} | {size} | {one['weights'] / 1e6:.1f} M | {one['scale']:.1f} | {one['float64']:.0e} "
        f"| {one['torch']:.0e} | {one['onnx_1']:.0e} | {one['onnx_3']:.0e} | {one['torch_ms']:.0f} | {plain} | {flat} "
        f"| {one['layout']} | {one['torch_ms'] / best:.1f} × |"
    )


_HEAD = """\
# PyTorch networks against their originals

Made by `make parity-torch` ({versions};
CPU, one thread). Each original gets random but well-scaled weights (norms with their own scale, offset and measured
statistics; a head that spreads the answers), is saved as a checkpoint, read by `convert torch` and compared on moving
gratings in batches of one and three. *scale* is the largest logit. *float64* and
*float32* are the largest differences between our network and the original in torch; *ONNX 1* and *ONNX 3* those between
the published graph (which normalizes pixels itself) and the original. Times are median CPU milliseconds of one clip.

| network | input | weights | scale | float64 | float32 | ONNX 1 | ONNX 3 | torch ms | 3-D ms | 2-D ms | kept | faster |
|---|---|---|---|---|---|---|---|---|---|---|---|---|"""
_FOOT = """
Allowed: 1e-5 in torch, 1e-4 after ONNX. float64 shows that what is left in float32 is rounding.
*2-D* is the restatement of depthwise 3-D convolutions as grouped 2-D ones (`convert/torch/layout.py`)."""


def main() -> None:
    """Measure, keep the figures, write the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("networks", nargs="*", default=[])
    parser.add_argument("--work", type=Path, default=Path(tempfile.gettempdir()) / "parity-torch")
    parser.add_argument("--table", type=Path)
    wanted = parser.parse_args()
    wanted.work.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(1)
    kept = wanted.work / "figures.json"
    figures: dict[str, dict[str, Any]] = json.loads(kept.read_text()) if kept.exists() else {}
    for name in wanted.networks or [name for name in CLIPS if name not in figures]:
        figures[name] = compare(name, wanted.work)
        kept.write_text(json.dumps(figures, indent=1))
        print(name, figures[name], flush=True)
    if wanted.table:
        wanted.table.parent.mkdir(parents=True, exist_ok=True)
        wanted.table.write_text(table(figures), encoding="utf-8")


if __name__ == "__main__":
    main()
