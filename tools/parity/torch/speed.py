"""make bench-torch: each converted network against the original in torch, on the same clips, in one run, interleaved.

    python -m tools.parity.torch.speed [NETWORK …] [--work FOLDER] [--rounds N] [--page FILE]

Runs in the environment of `make parity-torch`. The graphs are those that `convert torch` publishes (they normalize
pixels themselves; torch gets normalized clips); *plain* is the export as it is, without the 2-D restatement; INT8 as
`--int8` makes it. They are made once and kept in FOLDER. Figures are medians of this machine at this moment: read the
ratios.
"""

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import onnxruntime
import torch

from convert.parity import open_session
from convert.quantize import quantize
from convert.torch.architectures.build import accept_pixels, build_network
from convert.torch.architectures.recognize import recognize
from convert.torch.architectures.settings import Flags, resolve_settings
from convert.torch.checkpoint.checkpoint import read_checkpoint
from convert.torch.export import export
from convert.torch.synthetic_clips import synthesize_clips
from tools.parity.torch.originals import CLIPS, original, shown

THREADS = (1, 2)
ROUNDS = 9
CALIBRATION_CLIPS = 8
X3D_S_AIM = 1.5
Work = Callable[[], object]
Medians = dict[tuple[str, int], float]
"""(what, threads) → milliseconds a clip."""


def graphs_of(name: str, network: torch.nn.Module, work: Path) -> dict[str, bytes]:
    """The network's graphs by what they are: onnx (as published), plain where that is another one, int8."""
    folder = work / name
    if not (folder / "int8.onnx").exists():
        folder.mkdir(parents=True, exist_ok=True)
        for what, graph in _made(name, network, folder).items():
            (folder / f"{what}.onnx").write_bytes(graph)
    return {path.stem: path.read_bytes() for path in sorted(folder.glob("*.onnx"))}


def _made(name: str, network: torch.nn.Module, folder: Path) -> dict[str, bytes]:
    frames, crop = CLIPS[name]
    file = folder / f"{name}.ckpt"
    torch.save({"state_dict": network.state_dict()}, file)
    with tempfile.TemporaryDirectory() as unpacked:
        checkpoint = read_checkpoint(file, Path(unpacked))
        recognized = recognize(checkpoint)
        settings = resolve_settings(recognized, checkpoint, Flags(arch=name, head_activation="none", crop=crop))
        pixels = accept_pixels(build_network(recognized, settings), settings)
    file.unlink()
    exported = export(pixels, synthesize_clips(2, frames, crop, 0), None, frames // 2 if "mvit" in name else frames)
    plain = exported.made.get("3d", exported.model)
    clips = [synthesize_clips(1, frames, crop, seed) for seed in range(CALIBRATION_CLIPS)]
    small = quantize(plain, clips, min_agreement=0.0, rival=exported.model)
    graphs = {"onnx": exported.model, "int8": small.model}
    return graphs if plain is exported.model else graphs | {"plain": plain}


def measure(name: str, work: Path, rounds: int) -> Medians:
    """Milliseconds of one clip, everything taking turns."""
    frames, crop = CLIPS[name]
    network = original(name)
    pixels, clip = synthesize_clips(1, frames, crop, 1), shown(1, frames, crop, 1)
    works: dict[tuple[str, int], Work] = {}
    for threads in THREADS:
        works["torch", threads] = lambda threads=threads: _eager(network, clip, threads)  # type: ignore[misc]
        for what, graph in graphs_of(name, network, work).items():
            session = open_session(graph, threads)
            works[what, threads] = lambda session=session: session.run(None, {"x": pixels})  # type: ignore[misc]
    taken: dict[tuple[str, int], list[float]] = {key: [] for key in works}
    for turn in range(rounds + 1):
        for key, once in works.items():
            began = time.perf_counter()
            once()
            if turn:
                taken[key].append((time.perf_counter() - began) * 1000)
    return {key: statistics.median(times) for key, times in taken.items()}


def _eager(network: torch.nn.Module, clip: torch.Tensor, threads: int) -> torch.Tensor:
    torch.set_num_threads(threads)
    with torch.inference_mode():
        return network(clip)


def table(figures: dict[str, Medians]) -> list[str]:
    """One row a network and number of threads."""
    lines = [
        "| network | threads | torch ms | plain ms | ONNX ms | INT8 ms | torch / ONNX | plain / ONNX | ONNX / INT8 |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for name, medians in figures.items():
        for threads in THREADS:
            eager, onnx, small = (medians[what, threads] for what in ("torch", "onnx", "int8"))
            plain = medians.get(("plain", threads))
            flat = ("–", "–") if plain is None else (f"{plain:.0f}", f"{plain / onnx:.2f} ×")
            lines.append(
                f"| {name} | {threads} | {eager:.0f} | {flat[0]} | {onnx:.0f} | {small:.0f} "
                f"| {eager / onnx:.2f} × | {flat[1]} | {onnx / small:.2f} × |"
            )
    return lines


def verdicts(figures: dict[str, Medians]) -> list[str]:
    """Which aims are reached."""
    slower = [
        f"{name} at {threads}"
        for name, medians in figures.items()
        for threads in THREADS
        if medians["onnx", threads] > medians["torch", threads]
    ]
    lines = [f"no network slower than torch eager: {'reached' if not slower else f'missed by {slower}'}"]
    if (medians := figures.get("x3d_s")) is not None:
        for threads in THREADS:
            ratio = medians["torch", threads] / medians["onnx", threads]
            plain = medians.get(("plain", threads), medians["onnx", threads]) / medians["onnx", threads]
            reached = ratio >= X3D_S_AIM and plain > 1
            lines.append(
                f"x3d_s at {threads} threads: {ratio:.2f} × torch eager (aim {X3D_S_AIM}), {plain:.2f} × its plain "
                f"export (aim above 1): {'reached' if reached else 'missed'}"
            )
    return lines


def main() -> None:
    """Measure, print, write the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("networks", nargs="*", default=[])
    parser.add_argument("--work", type=Path, default=Path(tempfile.gettempdir()) / "bench-torch")
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--page", type=Path)
    asked = parser.parse_args()
    figures = {}
    for name in asked.networks or CLIPS:
        figures[name] = measure(name, asked.work, asked.rounds)
        print("\n".join(table({name: figures[name]})[2:]), flush=True)
    versions = f"torch {torch.__version__}, ONNX Runtime {onnxruntime.__version__}, medians of {asked.rounds}"
    lines = [f"One clip a call, {versions}.", "", *table(figures), "", *(f"- {line}" for line in verdicts(figures))]
    print("\n".join(lines))
    if asked.page is not None:
        head = ["# Converted networks against torch", "", "Written by `make bench-torch`, not by hand.", ""]
        asked.page.parent.mkdir(parents=True, exist_ok=True)
        asked.page.write_text("\n".join([*head, *lines, ""]), encoding="utf-8")


if __name__ == "__main__":
    main()
