"""A folder of videos, pictures or prepared arrays → clips to calibrate a quantized graph on."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from convert.errors import CallError
from service.errors import SignError
from service.media.medium import MediaLimits, Medium
from service.media.picture import read_picture
from service.media.resize import ShortSide
from service.media.resizing import resize_picture
from service.media.sampling import uniform_indices
from service.media.sniff import sniff
from service.media.video import open_video
from service.track import Window

Array = npt.NDArray[Any]

MAX_CLIPS = 256
HEAD_BYTES = 4096
LIMITS = MediaLimits(frame_pixels=40_000_000, seconds=600, frames=4096)


@dataclass(frozen=True, slots=True)
class ClipShape:
    """What the graph takes: frames (0: a picture) from duration_s, the short side at `side`, `crop` of its middle."""

    frames: int
    side: int
    crop: int
    duration_s: float


@dataclass(frozen=True, slots=True)
class Calibration:
    """clips: pixel values 0–255 as float32, each (1, 3, T, H, W) or (1, 3, H, W). left_out: file → why."""

    clips: list[Array]
    left_out: dict[str, str]


def read_folder(folder: Path, shape: ClipShape) -> Calibration:
    """Every file under the folder, in the order of their paths. CallError where there is no folder or no clip in it."""
    if not folder.is_dir():
        raise CallError(f"There is no folder {folder}.")
    clips: list[Array] = []
    left_out: dict[str, str] = {}
    for file in sorted(path for path in folder.rglob("*") if path.is_file() and not path.name.startswith(".")):
        if len(clips) >= MAX_CLIPS:
            break
        try:
            clips += list(_read(file, shape))
        except (SignError, ValueError, OSError) as error:
            left_out[file.name] = str(error)
    if not clips:
        reasons = "; ".join(f"{name}: {reason}" for name, reason in list(left_out.items())[:3])
        raise CallError(f"{folder} holds no clip that can be read.", reasons or "Put videos or pictures into it.")
    return Calibration(clips, left_out)


def _read(file: Path, shape: ClipShape) -> Iterator[Array]:
    if file.suffix == ".npy":
        yield from _read_prepared(np.load(file, allow_pickle=False), shape)
        return
    with file.open("rb") as stream:
        kind = sniff(stream.read(HEAD_BYTES))
    medium = Medium(str(file), file.stat().st_size)
    if kind.kind == "picture":
        pixels, _ = read_picture(medium, kind, LIMITS)
        yield _arrange([pixels] * max(shape.frames, 1), shape)
        return
    with open_video(medium, kind, LIMITS, "bt601") as video:
        window = Window(0.0, shape.duration_s or LIMITS.seconds)
        frames = [frame.pixels() for frame in video.frames(window) if frame.time_s < window.end_s]
    if not frames:
        raise ValueError("it has no frame")
    places = uniform_indices(len(frames), max(shape.frames, 1))
    yield _arrange([frames[place] for place in places], shape)


def _read_prepared(values: Array, shape: ClipShape) -> Iterator[Array]:
    size = (shape.crop, shape.crop)
    wanted = (3, shape.frames, *size) if shape.frames else (3, *size)
    if values.shape[1:] != wanted:
        raise ValueError(f"it holds {values.shape}; the graph takes {('N', *wanted)}")
    for one in values:
        yield one[None].astype(np.float32)


def _arrange(frames: list[Array], shape: ClipShape) -> Array:
    """Short side to size, middle cut out: (1, 3, T, H, W) or, for a picture, (1, 3, H, W)."""
    cut = [resize_picture(frame, ShortSide(shape.side, shape.crop)) for frame in frames]
    clip = np.stack(cut).transpose(3, 0, 1, 2)[None]
    return clip if shape.frames else clip[:, :, 0]
