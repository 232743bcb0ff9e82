"""Sentences made of single clips, as signs follow one another in a video, with the true times of each."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import av
import numpy as np

from service.media.upright import Pixels

WayBack = Literal["fade", "lower"]
FRAMES_A_SECOND = 30
_IDLE_S = 0.8
_FADE_FRAMES = 5
# First motion: the grey picture at this size differs by so much in so many of its pixels from the first frame.
_SMALL = (107, 60)
_DIFFERENCE = 12
_MOVED = 0.0027


@dataclass(frozen=True, slots=True)
class Shown:
    """One sign of a sentence, in seconds.

    clip_s: where its clip begins; motion_s: the hand begins to move; end_s: the sign is shown up to here; idle_s: the
    way back is over.
    """

    label: str
    clip_s: float
    motion_s: float
    end_s: float
    idle_s: float


@dataclass(frozen=True, slots=True)
class Change:
    """How a sentence is shown otherwise: faster or slower, at another rate, a part of the picture."""

    speed: float = 1.0
    rate: int = FRAMES_A_SECOND
    crop: tuple[float, float, float, float] = (0.0, 0.0, 1.0, 1.0)


def sentence(path: Path, clips: Sequence[Path], way_back: WayBack) -> list[Shown]:
    """Write the clips one after the other, at rest between them: the hand fades away or goes back as it came."""
    frames: list[Pixels] = []
    shown = []
    for clip in clips:
        pictures, motion_s = _clip(clip)
        frames += [pictures[0]] * round(_IDLE_S * FRAMES_A_SECOND)
        begins_s = len(frames) / FRAMES_A_SECOND
        frames += pictures
        end_s = len(frames) / FRAMES_A_SECOND
        frames += _faded(pictures) if way_back == "fade" else pictures[::-2]
        shown.append(Shown(clip.stem, begins_s, begins_s + motion_s, end_s, len(frames) / FRAMES_A_SECOND))
    frames += [frames[-1]] * round(_IDLE_S * FRAMES_A_SECOND)
    _write(path, ((index / FRAMES_A_SECOND, frame) for index, frame in enumerate(frames)), FRAMES_A_SECOND)
    return shown


def changed(path: Path, video: Path, change: Change) -> Path:
    """Write a video otherwise."""
    left, top, right, bottom = change.crop

    def cropped(frame: Pixels) -> Pixels:
        height, width = frame.shape[:2]
        rows = slice(round(top * height / 2) * 2, round(bottom * height / 2) * 2)
        columns = slice(round(left * width / 2) * 2, round(right * width / 2) * 2)
        return np.ascontiguousarray(frame[rows, columns])

    timed = ((time_s / change.speed, cropped(frame)) for time_s, frame in _frames(video))
    _write(path, _at_rate(timed, change.rate), change.rate)
    return path


def retimed(shown: Sequence[Shown], speed: float) -> list[Shown]:
    """When the signs are shown at another speed."""
    return [
        Shown(one.label, one.clip_s / speed, one.motion_s / speed, one.end_s / speed, one.idle_s / speed)
        for one in shown
    ]


def _clip(path: Path) -> tuple[list[Pixels], float]:
    """A clip's frames at our rate, and when its hand begins to move."""
    stored = list(_frames(path))
    still = _grey(stored[0][1])
    motion_s = next(time_s for time_s, frame in stored if np.mean(np.abs(_grey(frame) - still) > _DIFFERENCE) > _MOVED)
    return [frame for _, frame in _at_rate(iter(stored), FRAMES_A_SECOND)], motion_s


def _grey(frame: Pixels) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    small = av.VideoFrame.from_ndarray(frame, "rgb24").reformat(*_SMALL, "gray")
    return small.to_ndarray().astype(np.float32)


def _faded(pictures: list[Pixels]) -> list[Pixels]:
    last, idle = pictures[-1].astype(np.float32), pictures[0].astype(np.float32)
    shares = [(step + 1) / _FADE_FRAMES for step in range(_FADE_FRAMES)]
    return [np.round(last + share * (idle - last)).astype(np.uint8) for share in shares]


def _frames(path: Path) -> Iterator[tuple[float, Pixels]]:
    with av.open(str(path)) as source:
        for frame in source.decode(video=0):
            yield float(frame.time or 0.0), np.asarray(frame.to_ndarray(format="rgb24"), np.uint8)


def _at_rate(frames: Iterator[tuple[float, Pixels]], rate: int) -> Iterator[tuple[float, Pixels]]:
    """The frame that is shown at each multiple of 1 / rate, as players repeat and leave out frames."""
    step = 0
    shown: Pixels | None = None
    for time_s, frame in frames:
        while shown is not None and step / rate < time_s - 1e-6:
            yield step / rate, shown
            step += 1
        shown = frame
    if shown is not None:
        yield step / rate, shown


def _write(path: Path, frames: Iterator[tuple[float, Pixels]], rate: int) -> None:
    with av.open(str(path), "w") as target:
        stream = target.add_stream("libx264", rate=rate)
        stream.pix_fmt = "yuv420p"
        stream.options = {"preset": "veryfast", "crf": "20"}
        for number, (_, frame) in enumerate(frames):
            if not number:
                stream.height, stream.width = frame.shape[:2]
            target.mux(stream.encode(av.VideoFrame.from_ndarray(frame, "rgb24")))
        target.mux(stream.encode(None))
