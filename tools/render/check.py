"""Measure how MediaPipe's Hands reads the rendered clips: `python -m tools.render.check [--folder samples] [NAME ...]`.

Runs in the product's environment (mediapipe, av, numpy), not in Blender's: the true joints are computed anew from
the recipe. Prints one row of a Markdown table a clip, and fails if a hand is missed too often or read too wrongly.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import av
import numpy as np
from mediapipe.python.solutions.hands import Hands

from .camera import Camera
from .motion import Performance
from .recipes import Recipe, read_recipes
from .skeleton import FloatArray

LEAST_FOUND = 0.95
LARGEST_ERROR = 0.15
MIDDLE_KNUCKLE = 9


@dataclass(frozen=True, slots=True)
class RowPlan:
    """What was read in one clip. Errors in palm lengths (wrist to middle knuckle, in the picture)."""

    name: str
    frames: int
    kilobytes: float
    found: float
    sides: dict[str, int]
    mean_error: float
    worst_error: float

    @property
    def good(self) -> bool:
        """Whether the clip serves as a sample."""
        return self.found >= LEAST_FOUND and self.mean_error <= LARGEST_ERROR

    def row(self) -> str:
        """The reading as a row of a table."""
        sides = ", ".join(f"{side} {count}" for side, count in self.sides.items())
        return (
            f"| {self.name} | {self.frames} | {self.kilobytes:.0f} | {self.found:.2f} | {sides} "
            f"| {self.mean_error:.3f} | {self.worst_error:.3f} |"
        )


def pictures(path: Path) -> Iterator[tuple[float, Any]]:
    """Time (s) and RGB picture of every frame."""
    with av.open(str(path)) as container:
        for frame in container.decode(video=0):
            yield frame.time, frame.to_ndarray(format="rgb24")


def error_in_palms(read: FloatArray, true: FloatArray, camera: Camera) -> float:
    """Mean distance of 21 read points (fractions) from the true ones, in palm lengths."""
    pixels = np.array([camera.width, camera.height])
    palm = np.linalg.norm((true[MIDDLE_KNUCKLE] - true[0]) * pixels)
    return float(np.linalg.norm((read - true) * pixels, axis=1).mean() / palm)


def read_clip(recipe: Recipe, path: Path, camera: Camera) -> RowPlan:
    """Follow the hand through a clip (video mode, one hand) and compare."""
    performance, sides, errors, frames = Performance(recipe), Counter[str](), [], 0
    with Hands(static_image_mode=False, max_num_hands=1) as hands:
        for time_s, picture in pictures(path):
            frames += 1
            answer = hands.process(picture)
            if not answer.multi_hand_landmarks:
                continue
            read = np.array([(point.x, point.y) for point in answer.multi_hand_landmarks[0].landmark])
            errors.append(error_in_palms(read, performance.joints_in_picture(time_s, camera), camera))
            sides[answer.multi_handedness[0].classification[0].label] += 1
    mean, worst = (float(np.mean(errors)), max(errors)) if errors else (float("inf"), float("inf"))
    size_kb, found = path.stat().st_size / 1000, len(errors) / max(frames, 1)
    return RowPlan(recipe.name, frames, size_kb, found, dict(sides), mean, worst)


def main() -> int:
    """Check what is there; 1 if a clip is missing or not good."""
    parser = argparse.ArgumentParser(prog="python -m tools.render.check", description="How Hands reads the samples.")
    parser.add_argument("names", nargs="*", metavar="NAME", help="samples to check; all if none is named")
    parser.add_argument("--folder", type=Path, default=Path("samples"), help="where the clips are (default: samples)")
    options = parser.parse_args()
    bad = []
    print("| clip | frames | kB | found | Hands says (frames) | mean error | worst frame |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    for recipe in read_recipes():
        path = options.folder / f"{recipe.name}.mp4"
        if options.names and recipe.name not in options.names:
            continue
        reading = read_clip(recipe, path, Camera()) if path.exists() else None
        print(reading.row() if reading else f"| {recipe.name} | missing |", flush=True)
        if reading is None or not reading.good:
            bad.append(recipe.name)
    if bad:
        reason = f"found under {LEAST_FOUND}, mean error over {LARGEST_ERROR}, or missing"
        print(f"not good: {', '.join(bad)} ({reason})", file=sys.stderr)
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
