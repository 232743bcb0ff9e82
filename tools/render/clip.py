"""One clip from a recipe: frames from Blender, H.264 by PyAV, and the answer beside it as JSON."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import av
import numpy as np
from av.video.reformatter import ColorRange, Colorspace
from numpy.typing import NDArray

from .camera import Camera
from .color import paint
from .mesh import wrap
from .motion import Performance
from .recipes import Recipe
from .scene import Stage
from .skeleton import Pose, flex
from .skin import Arm, Skin
from .tones import TONES

Picture = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Quality:
    """What a clip costs: frames a second, rays a pixel, mesh edge in mm, x264's constant rate factor, threads."""

    fps: int = 30
    samples: int = 6
    voxel_mm: float = 2.0
    crf: int = 22
    threads: int = 2


def write_clip(recipe: Recipe, folder: Path, camera: Camera, quality: Quality) -> Path:
    """Write NAME.mp4 and NAME.json into the folder; returns the video's path.

    The video appears under its name only when it is complete.
    """
    target = folder / f"{recipe.name}.mp4"
    unfinished = folder / f"{recipe.name}.part.mp4"
    try:
        encode(unfinished, film(recipe, camera, quality), camera, quality)
        unfinished.replace(target)
    finally:
        unfinished.unlink(missing_ok=True)
    target.with_suffix(".json").write_text(json.dumps(answer(recipe), indent=2) + "\n", "utf-8")
    return target


def answer(recipe: Recipe) -> dict[str, object]:
    """What is signed: a label for one sign, segments in seconds for a word."""
    performance = Performance(recipe)
    if performance.is_word:
        return {"segments": [asdict(span) for span in performance.spans]}
    return {"label": recipe.text}


def frame_times(recipe: Recipe, fps: int) -> list[float]:
    """Time of each frame, seconds."""
    return [index / fps for index in range(round(Performance(recipe).duration_s * fps))]


def film(recipe: Recipe, camera: Camera, quality: Quality) -> Iterator[Picture]:
    """The clip's frames, HxWx3 RGB, one after the other."""
    performance = Performance(recipe)
    stage = Stage(
        camera, recipe.backdrop, left=recipe.left, samples=quality.samples, threads=quality.threads, seed=recipe.seed
    )
    arm = Arm(length_mm=270.0 if needs_long_arm(performance) else 165.0)
    worn: Pose | None = None
    with tempfile.TemporaryDirectory(prefix="render-") as scratch:
        png = Path(scratch) / "frame.png"
        for time_s in frame_times(recipe, quality.fps):
            pose = performance.pose(time_s)
            if worn is None or not pose.same_shape(worn):
                skin = Skin(flex(pose), arm)
                mesh = wrap(skin, quality.voxel_mm)
                stage.dress(mesh, paint(mesh, skin, TONES[recipe.tone], recipe.sleeve))
                worn = pose
            stage.place(performance.placement(time_s))
            stage.render(png)
            yield read_picture(png)


def needs_long_arm(performance: Performance) -> bool:
    """Whether some pose lays the hand over, so that the arm must reach the picture's edge sideways."""
    return any(abs(pose.turn[2]) > 20.0 for _, pose in performance.keys)


def read_picture(path: Path) -> Picture:
    """A picture file as HxWx3 RGB."""
    with av.open(str(path)) as container:
        return np.asarray(next(container.decode(video=0)).to_ndarray(format="rgb24"), np.uint8)


def encode(path: Path, pictures: Iterator[Picture], camera: Camera, quality: Quality) -> None:
    """H.264, yuv420p, BT.601 and tagged so, index at the front."""
    with av.open(str(path), "w", options={"movflags": "+faststart"}) as container:
        stream = container.add_stream("libx264", rate=quality.fps)
        stream.width, stream.height, stream.pix_fmt = camera.width, camera.height, "yuv420p"
        # One thread: x264's output depends on how many there are.
        stream.options = {"crf": str(quality.crf), "preset": "slow", "threads": "1"}
        stream.codec_context.colorspace = Colorspace.ITU601
        stream.codec_context.color_range = ColorRange.MPEG
        for picture in pictures:
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
            frame = frame.reformat(format="yuv420p", dst_colorspace=Colorspace.ITU601, dst_color_range=ColorRange.MPEG)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
