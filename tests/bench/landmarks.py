"""python -m tests.bench.landmarks [VIDEO …]: the landmark engine against MediaPipe, interleaved frame by frame.

CPU and wall milliseconds a frame, medians and means; read the ratios. Each engine sees every frame of the first
FRAMES of each video; what the first few cost (building, detecting) is left out.
"""

import statistics
import sys
import time
from dataclasses import replace
from pathlib import Path

import av
import numpy as np
import numpy.typing as npt

from service.observe.landmarker import Landmarker
from service.observe.landmarkers import build_engine, build_mediapipe
from service.observe.request import LandmarkRequest
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


def main(paths: list[Path]) -> None:
    clips = [_frames(path) for path in paths]
    print(f"{len(clips)} videos, at most {FRAMES} frames each")
    for name, request in _CASES.items():
        engines = {"MediaPipe": build_mediapipe(request), "engine": build_engine(request)}
        if request.source == "hands":
            engines["engine, robust"] = build_engine(replace(request, mode="robust"))
        _print(name, *_measured(engines, clips))


def _measured(
    engines: dict[str, Landmarker], clips: list[list[npt.NDArray[np.uint8]]]
) -> tuple[dict[str, list[float]], dict[str, list[float]]]:
    """(CPU, wall) milliseconds of each frame."""
    cpu: dict[str, list[float]] = {key: [] for key in engines}
    wall: dict[str, list[float]] = {key: [] for key in engines}
    for clip in clips:
        for each in engines.values():
            each.reset()
        for place, rgb in enumerate(clip):
            for key, each in engines.items():
                began, used = time.perf_counter(), time.process_time()
                each.detect(rgb)
                if place >= _WARM:
                    wall[key].append(1000 * (time.perf_counter() - began))
                    cpu[key].append(1000 * (time.process_time() - used))
    for each in engines.values():
        each.close()
    return cpu, wall


def _print(name: str, cpu: dict[str, list[float]], wall: dict[str, list[float]]) -> None:
    base_cpu, base_wall = (statistics.median(each["MediaPipe"]) for each in (cpu, wall))
    mean_cpu = statistics.fmean(cpu["MediaPipe"])
    for key, times in cpu.items():
        middle, mean, slow = statistics.median(times), statistics.fmean(times), statistics.median(wall[key])
        print(
            f"{name:22} {key:15} CPU median {middle:6.2f} ({middle / base_cpu:.2f} ×), mean {mean:6.2f} "
            f"({mean / mean_cpu:.2f} ×), wall median {slow:6.2f} ms ({slow / base_wall:.2f} ×)",
            flush=True,
        )


def _frames(path: Path) -> list[npt.NDArray[np.uint8]]:
    with av.open(str(path)) as container:
        shown = zip(container.decode(video=0), range(FRAMES), strict=False)
        return [np.asarray(frame.to_ndarray(format="rgb24", threads=1), np.uint8) for frame, _ in shown]


if __name__ == "__main__":
    main([Path(name) for name in sys.argv[1:]] or sorted(SAMPLES.glob("letter_*.mp4"))[::4])
