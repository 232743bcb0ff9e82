"""python -m tests.bench.landmarks [VIDEO …] [--page PAGE]: the engine against MediaPipe, frame by frame in turns.

CPU and wall milliseconds a frame, medians and means; read the ratios. Each engine sees every frame of the first
FRAMES of each video; what the first few cost (building, detecting) is left out.
"""

import argparse
import os
import statistics
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import av
import numpy as np
import numpy.typing as npt
import pytest

from service.observe.engine import region
from service.observe.engine.networks import Network
from service.observe.landmarker import Landmarker
from service.observe.landmarkers import build_engine, build_mediapipe
from service.observe.request import LandmarkRequest
from tests.bench.memory import slot_memory_mb
from tests.running import SAMPLES

FRAMES = 40
_WARM = 3
_ONE = LandmarkRequest("hands", ("hand",))
_TWO = LandmarkRequest("hands", ("left_hand", "right_hand"), max_hands=2)
_HOLISTIC = LandmarkRequest("holistic", ("pose", "face", "left_hand", "right_hand"))
_WITHOUT_FACE = LandmarkRequest("holistic", ("pose", "left_hand", "right_hand"))
_CASES = {
    "Hands(1)": _ONE,
    "Hands(2)": _TWO,
    "Holistic": _HOLISTIC,
    "Holistic without face": _WITHOUT_FACE,
}

Pixels = npt.NDArray[np.uint8]


@dataclass(slots=True)
class Times:
    """Milliseconds of each frame, and CPU milliseconds of all by layer: crops, and each network's runs."""

    cpu: list[float] = field(default_factory=list)
    wall: list[float] = field(default_factory=list)
    layers: dict[str, float] = field(default_factory=lambda: defaultdict(float))


def measured(engines: dict[str, Landmarker], clips: list[list[Pixels]]) -> dict[str, Times]:
    """All clips through all engines, one frame after the other."""
    times = {key: Times() for key in engines}
    for clip in clips:
        for each in engines.values():
            each.reset()
        for place, rgb in enumerate(clip):
            for key, each in engines.items():
                _detect(each, rgb, times[key] if place >= _WARM else Times())
    for each in engines.values():
        each.close()
    return times


def _detect(engine: Landmarker, rgb: Pixels, times: Times) -> None:
    with _layers_to(times.layers):
        began, used = time.perf_counter(), time.process_time()
        engine.detect(rgb)
        times.wall.append(1000 * (time.perf_counter() - began))
        times.cpu.append(1000 * (time.process_time() - used))


@contextmanager
def _layers_to(layers: dict[str, float]) -> Iterator[None]:
    """Adds the CPU time of networks and crops to layers meanwhile."""

    def noted(name: Callable[[Any], str], work: Callable[..., Any]) -> Callable[..., Any]:
        def timed(first: Any, *args: Any) -> Any:
            used = time.process_time()
            result = work(first, *args)
            layers[name(first)] += 1000 * (time.process_time() - used)
            return result

        return timed

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Network, "run", noted(lambda network: network.name, Network.run))
        for name in ("warp", "warp_quickly"):  # not Region's own: readers hold the one of these that they take
            patch.setattr(region, name, noted(lambda _: "crops", getattr(region, name)))
        yield


def _rows(name: str, times: dict[str, Times]) -> Iterator[str]:
    theirs = times["MediaPipe"]
    for key, ours in times.items():
        figures = [
            (average(ours.cpu), average(ours.cpu) / average(theirs.cpu))
            for average in (statistics.median, statistics.fmean)
        ]
        wall = statistics.median(ours.wall)
        told = " | ".join(f"{value:.1f} | {ratio:.2f}" for value, ratio in figures)
        yield f"| {name} | {key} | {told} | {wall:.1f} | {wall / statistics.median(theirs.wall):.2f} |"


def _layer_rows(name: str, times: dict[str, Times]) -> Iterator[str]:
    for key, ours in times.items():
        if not ours.layers:
            continue
        total, frames = sum(ours.cpu), len(ours.cpu)
        layers = sorted(ours.layers.items(), key=lambda layer: -layer[1])
        told = [f"{layer} {spent / frames:.2f} ms ({spent / total:.0%})" for layer, spent in layers]
        rest = total - sum(ours.layers.values())
        yield f"| {name} | {key} | {', '.join(told)}, the rest {rest / frames:.2f} ms ({rest / total:.0%}) |"


def page(clips: list[list[Pixels]]) -> str:
    """docs/benchmarks/landmarks.md."""
    load = os.getloadavg()[0]
    rows: list[str] = []
    layers: list[str] = []
    for name, request in _CASES.items():
        engines = {"MediaPipe": build_mediapipe(request), "engine": build_engine(request)}
        if request.source == "hands":
            engines["engine, robust"] = build_engine(replace(request, mode="robust"))
        times = measured(engines, clips)
        rows += _rows(name, times)
        layers += _layer_rows(name, times)
    memory = [
        f"| {name} | {theirs:.0f} | {ours:.0f} | {ours / theirs:.2f} |"
        for name, theirs, ours in (
            (f"{source}, {kind}", theirs, ours)
            for source, request in (("Hands(1)", _ONE), ("Holistic", _HOLISTIC))
            for kind, theirs, ours in zip(
                ("resident", "its own"),
                slot_memory_mb("mediapipe", request),
                slot_memory_mb("engine", request),
                strict=True,
            )
        )
    ]
    return "\n".join(
        [
            "# Landmarks: what our engine costs beside MediaPipe",
            "",
            "Written by `python -m tests.bench.landmarks --page docs/benchmarks/landmarks.md`, not by hand.",
            f"Milliseconds a frame of {sum(map(len, clips))} frames, all engines in turns, on {os.cpu_count()} cores;",
            f"load average {load:.1f} before, {os.getloadavg()[0]:.1f} after.",
            "",
            "| what | by | CPU, median | × | CPU, mean | × | wall, median | × |",
            "|---|---|---|---|---|---|---|---|",
            *rows,
            "",
            "Where the engine's CPU time goes, in the mean:",
            "",
            "| what | by | |",
            "|---|---|---|",
            *layers,
            "",
            "Memory of a slot's process after its first frames, MB: resident, and what no other process shares.",
            "",
            "| what | MediaPipe | engine | × |",
            "|---|---|---|---|",
            *memory,
            "",
        ]
    )


def _frames(path: Path) -> list[Pixels]:
    with av.open(str(path)) as container:
        shown = zip(container.decode(video=0), range(FRAMES), strict=False)
        return [np.asarray(frame.to_ndarray(format="rgb24", threads=1), np.uint8) for frame, _ in shown]


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("videos", type=Path, nargs="*")
    parser.add_argument("--page", type=Path)
    arguments = parser.parse_args()
    text = page([_frames(path) for path in arguments.videos or sorted(SAMPLES.glob("letter_*.mp4"))[::4]])
    print(text)
    if arguments.page is not None:
        arguments.page.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
