"""Hands that are lost by MediaPipe 0.10.21 and found by the robust engine: photographs changed on purpose, and videos.

python -m tools.parity.landmarks_robust TESTDATA [photographs] [words] [scenes]     prints the page's part
"""

import math
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import av
import numpy as np
import numpy.typing as npt
from PIL import Image

from service.observe.landmarker import Landmarker, PartLandmarks
from service.observe.landmarkers import Landmarkers, build_engine, build_mediapipe
from service.observe.request import LandmarkRequest
from tools.parity.landmarks_answers import Model

Pixels = npt.NDArray[np.uint8]
Array = npt.NDArray[Any]

_ONE = LandmarkRequest("hands", ("hand",), mode="robust")
_TWO = LandmarkRequest("hands", ("left_hand", "right_hand"), max_hands=2, mode="robust")
_POSE = LandmarkRequest("holistic", ("pose",))
_BACKGROUND = (96, 96, 96)
_VISIBLE = 0.5
_HIPS, _WRISTS, _ELBOWS = (23, 24), (15, 16), (13, 14)
_MINUTE_S = 60.0
SCENES = ("noface/*.mp4", "faces/*.mp4")
"""Videos in which no hand is seen, below `videos`."""


@dataclass(slots=True)
class Found:
    """Of so many pictures: those with a hand, and those whose sign was named rightly."""

    hands: int = 0
    right: int = 0
    of: int = 0

    def __str__(self) -> str:
        return f"{self.hands} | {self.right}"


def variations(rgb: Pixels) -> dict[str, Pixels]:
    """A photograph, and what is made of it; the hand's box is the robust engine's on the whole photograph."""
    box = _hand_box(rgb)
    made = {"as it is": rgb}
    for share in (0.0, 0.05, 0.2, 0.5):
        made[f"cut to the hand's box + {share * 100:g} %"] = _cut(rgb, box, share)
    picture = Image.fromarray(rgb)
    made["darkened to 35 %"] = np.rint(rgb * 0.35).astype(np.uint8)
    for degrees in (20, 45, 90):
        made[f"turned by {degrees}°"] = np.asarray(picture.rotate(degrees, expand=True, fillcolor=_BACKGROUND))
    small = picture.resize((picture.width // 3, picture.height // 3), Image.Resampling.LANCZOS)
    made["a third of the size"] = np.asarray(small)
    canvas = Image.new("RGB", picture.size, _BACKGROUND)
    canvas.paste(small, (picture.width // 3, picture.height // 3))
    made["a third of the size, in gray of the old one"] = np.asarray(canvas)
    return made


def photographs(testdata: Path, scratch: Path) -> dict[str, list[Found]]:
    """What the default models say of each variation: with MediaPipe, and with the engine."""
    libraries = (Landmarkers(build_mediapipe), Landmarkers(build_engine))
    models = {name: Model(name, "robust") for name in ("asl-letters", "asl-digits")}
    tallies: dict[str, list[Found]] = {}
    for path in sorted((testdata / "pictures" / "hands").glob("*.jpg")):
        label = path.stem.partition("_")[0]
        model = models["asl-digits" if label.isdigit() else "asl-letters"]
        for name, rgb in variations(np.asarray(Image.open(path).convert("RGB"))).items():
            file = scratch / "picture.png"
            Image.fromarray(rgb).save(file)
            for landmarkers, found in zip(libraries, tallies.setdefault(name, [Found(), Found()]), strict=True):
                track = model.track(file, landmarkers)
                found.of += 1
                found.hands += bool(track.present.any())
                found.right += model.said(track) == label
    return tallies


@dataclass(slots=True)
class Raised:
    """Hands of signing people, judged by the pose. extra: hands that lie at no wrist; frames: how many were seen."""

    raised: int = 0
    found: int = 0
    extra: int = 0
    frames: int = 0


def words(testdata: Path) -> list[Raised]:
    """The avatar's words: raised hands that MediaPipe and the robust engine find among two."""
    engines = [build_mediapipe(_TWO), build_engine(_TWO)]
    tallies = [Raised() for _ in engines]
    pose = build_engine(_POSE)
    for path in sorted((testdata / "videos" / "avatar" / "words").glob("*.mp4")):
        for each in (*engines, pose):
            each.reset()
        for rgb in _frames(path):
            body = pose.detect(rgb).pose
            for engine, tally in zip(engines, tallies, strict=True):
                _judge(engine, body, rgb, tally)
    return tallies


def _judge(engine: Landmarker, body: PartLandmarks | None, rgb: Pixels, tally: Raised) -> None:
    size = np.array(rgb.shape[1::-1], np.float64)
    centers = [hand.landmarks[:, :2].mean(axis=0) * size for hand in engine.detect(rgb).hands]
    tally.frames += 1
    if body is None:
        return
    points = body[:, :2] * size
    hips = points[list(_HIPS), 1].mean()
    near_any = [False] * len(centers)
    for wrist, elbow in zip(_WRISTS, _ELBOWS, strict=True):
        reach = float(np.linalg.norm(points[wrist] - points[elbow]))
        near = [float(np.linalg.norm(center - points[wrist])) < reach for center in centers]
        near_any = [one or other for one, other in zip(near, near_any, strict=True)]
        if body[wrist, 3] > _VISIBLE and points[wrist, 1] < hips and (points[wrist] >= 0).all():
            tally.raised += 1
            tally.found += any(near)
    tally.extra += near_any.count(False)


def scenes(testdata: Path) -> Iterator[tuple[str, list[float]]]:
    """Videos without hands: frames with a false hand in a minute of 30 frames a second, of MediaPipe and of ours."""
    for request in (_ONE, _TWO):
        for pattern in SCENES:
            for path in sorted((testdata / "videos").glob(pattern)):
                engines = [build_mediapipe(request), build_engine(request)]
                frames = list(_frames(path))
                seen = [sum(bool(engine.detect(rgb).hands) for rgb in frames) for engine in engines]
                engines[0].close()
                minutes = len(frames) / 30 / _MINUTE_S
                yield f"{path.stem}, Hands({request.max_hands})", [count / minutes for count in seen]


def photographs_table(testdata: Path) -> list[str]:
    """Hands found and signs named rightly, before and after."""
    with tempfile.TemporaryDirectory() as scratch:
        tallies = photographs(testdata, Path(scratch))
    count = tallies["as it is"][0].of
    return [
        f"{count} photographs of the test data, read by the default models. *hands*: where one was found.",
        "",
        "| the photograph | MediaPipe: hands | right | ours: hands | right |",
        "|---|---|---|---|---|",
        *(f"| {name} | {before} | {after} |" for name, (before, after) in tallies.items()),
        "",
    ]


def words_table(testdata: Path) -> list[str]:
    """Raised hands found, before and after."""
    lines = [
        "The avatar's words, two hands asked for, judged by the pose: hands raised above the hips that were found, and",
        "hands that lie at no wrist.",
        "",
        "| | raised hands found | at no wrist, a frame |",
        "|---|---|---|",
    ]
    for name, tally in zip(("MediaPipe", "ours"), words(testdata), strict=True):
        lines.append(
            f"| {name} | {tally.found} of {tally.raised} ({tally.found / tally.raised:.3f}) "
            f"| {tally.extra / tally.frames:.3f} |"
        )
    return [*lines, ""]


def scenes_table(testdata: Path) -> list[str]:
    """False hands, before and after."""
    return [
        "Videos without a hand, every frame: frames with a false hand in a minute of 30 a second.",
        "",
        "| video | MediaPipe | ours |",
        "|---|---|---|",
        *(f"| {name} | {theirs:.1f} | {ours:.1f} |" for name, (theirs, ours) in scenes(testdata)),
        "",
    ]


PARTS = {"photographs": photographs_table, "words": words_table, "scenes": scenes_table}


def robust_part(testdata: Path, parts: list[str]) -> str:
    """The page's part on robust hands."""
    return "\n".join(line for part in parts for line in PARTS[part](testdata))


def _hand_box(rgb: Pixels) -> tuple[float, float, float, float]:
    """Left, top, right and bottom of the hand, in pixels; the whole picture where there is none."""
    hands = build_engine(_ONE).detect(rgb).hands
    height, width = rgb.shape[:2]
    if not hands:
        return (0.0, 0.0, width, height)
    points = hands[0].landmarks[:, :2] * (width, height)
    (left, top), (right, bottom) = points.min(axis=0).tolist(), points.max(axis=0).tolist()
    return (left, top, right, bottom)


def _cut(rgb: Pixels, box: tuple[float, float, float, float], share: float) -> Pixels:
    """The box, wider on each side by this share of it, as far as the picture goes."""
    left, top, right, bottom = box
    wide, high = share * (right - left), share * (bottom - top)
    rows = slice(max(0, math.floor(top - high)), math.ceil(bottom + high))
    columns = slice(max(0, math.floor(left - wide)), math.ceil(right + wide))
    return np.ascontiguousarray(rgb[rows, columns])


def _frames(path: Path) -> Iterator[Pixels]:
    with av.open(str(path)) as container:
        for frame in container.decode(video=0):
            yield np.asarray(frame.to_ndarray(format="rgb24", threads=1), np.uint8)


if __name__ == "__main__":
    print(robust_part(Path(sys.argv[1]), sys.argv[2:] or list(PARTS)))
