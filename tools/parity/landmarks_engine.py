"""The landmark engine beside MediaPipe 0.10.21, and beside what one grey level of noise does to MediaPipe itself."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import av
import numpy as np
import numpy.typing as npt
from PIL import Image

from service.observe.landmarker import Landmarker, LandmarkFrame, PartLandmarks
from service.observe.landmarkers import build_engine, build_mediapipe
from service.observe.request import LandmarkRequest

Pixels = npt.NDArray[np.uint8]
Array = npt.NDArray[Any]

_SEED = 20261130
_SAME = 0.5  # farther apart than half of its size, it is another hand
REQUESTS = {
    "Hands, one": LandmarkRequest("hands", ("hand",)),
    "Hands, two": LandmarkRequest("hands", ("left_hand", "right_hand"), max_hands=2),
    "Holistic": LandmarkRequest("holistic", ("pose", "face", "left_hand", "right_hand")),
    "Holistic without face": LandmarkRequest("holistic", ("pose", "left_hand", "right_hand")),
    "FaceMesh": LandmarkRequest("face_mesh", ("face",)),
}


@dataclass
class Tally:
    """What was seen of one part. gaps, noise: mean distance of the points, of the part's size, where both see it."""

    frames: int = 0
    theirs: int = 0
    ours: int = 0
    gaps: list[float] = field(default_factory=list)
    noise: list[float] = field(default_factory=list)


def table(testdata: Path, frames: int) -> str:
    """The page's part on the engine; frames: most of each video, from its middle third on."""
    lines = [
        (
            "| what | part | frames | MediaPipe sees it | ours "
            "| difference, median | 90 % below | noise, median | 90 % below |"
        ),
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for name, request in REQUESTS.items():
        for part, tally in measured(request, testdata, frames).items():
            figures = [_percentile(values, share) for values in (tally.gaps, tally.noise) for share in (50, 90)]
            lines.append(
                f"| {name} | {part} | {tally.frames} | {tally.theirs} | {tally.ours} | {' | '.join(figures)} |"
            )
    return "\n".join(lines)


def measured(request: LandmarkRequest, testdata: Path, frames: int) -> dict[str, Tally]:
    """Every medium through MediaPipe, the engine, and MediaPipe with a grey level of noise."""
    theirs, ours, noisy = build_mediapipe(request), build_engine(request), build_mediapipe(request)
    generator = np.random.default_rng(_SEED)
    tallies: dict[str, Tally] = {}
    for medium in _media(testdata, frames):
        for each in (theirs, ours, noisy):
            each.reset()
        for rgb in medium:
            disturbed = np.clip(rgb.astype(np.int16) + generator.integers(-1, 2, rgb.shape), 0, 255).astype(np.uint8)
            _compare(rgb, theirs.detect(rgb), ours.detect(rgb), _seen(noisy, disturbed), tallies)
    theirs.close()
    noisy.close()
    return tallies


def _seen(landmarker: Landmarker, rgb: Pixels) -> LandmarkFrame:
    return landmarker.detect(rgb)


def _compare(
    rgb: Pixels, theirs: LandmarkFrame, ours: LandmarkFrame, noisy: LandmarkFrame, tallies: dict[str, Tally]
) -> None:
    size = np.array(rgb.shape[1::-1], np.float64)
    for part in ("hand", "pose", "face"):
        there, here, disturbed = (_points(frame, part) for frame in (theirs, ours, noisy))
        if not (there or here) and part not in tallies:
            continue
        tally = tallies.setdefault(part, Tally())
        tally.frames += 1
        tally.theirs += bool(there)
        tally.ours += bool(here)
        for points in there:
            tally.gaps += _nearest(points, here, size)
            tally.noise += _nearest(points, disturbed, size)


def _points(frame: LandmarkFrame, part: str) -> list[PartLandmarks]:
    if part == "hand":
        return [hand.landmarks for hand in frame.hands]
    if part == "pose":
        return [] if frame.pose is None else [frame.pose]
    return list(frame.faces)


def _nearest(points: PartLandmarks, others: list[PartLandmarks], size: Array) -> list[float]:
    """How far the nearest of the others lies, where it is the same."""
    extent = float((np.ptp(points[:, :2], axis=0) * size).max())
    apart = [float(np.linalg.norm((points - other)[:, :2] * size, axis=1).mean()) / extent for other in others]
    return [min(apart)] if apart and min(apart) < _SAME else []


def _media(testdata: Path, frames: int) -> Iterator[list[Pixels]]:
    shown: list[Pixels]
    for path in sorted((testdata / "pictures" / "hands").glob("*.jpg")):
        yield [np.asarray(Image.open(path).convert("RGB"))]
    for path in sorted(path for path in (testdata / "videos").rglob("*") if path.suffix in (".mp4", ".webm")):
        with av.open(str(path)) as container:
            shown = [
                np.asarray(frame.to_ndarray(format="rgb24", threads=1), np.uint8) for frame in container.decode(video=0)
            ]
        start = max(0, min(len(shown) // 3, len(shown) - frames))
        yield shown[start : start + frames]


def _percentile(values: list[float], share: int) -> str:
    return f"{100 * float(np.percentile(values, share)):.2f} %" if values else "–"
