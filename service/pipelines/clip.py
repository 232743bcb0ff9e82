"""Kind `clip`: frames spread over a window, as one row of a network of 3-D convolutions or a video transformer."""

import math
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import numpy.typing as npt
from pydantic import Field, model_validator

from service.media.resize import ShortSide
from service.media.sampling import Uniform, uniform_places
from service.observe.request import PictureRequest
from service.pipelines.pixels import LevelSection, numbers
from service.pipelines.rows import ModelRows
from service.pipelines.steps import Steps, Unit, pictures_of
from service.pipelines.windows import WindowRule
from service.track import FloatArray, TimeArray, Track, Window, united


class ClipSection(LevelSection):
    """The manifest's `pipeline` of a model that looks at clips, as PyTorchVideo prepares them.

    sampling: how many frames of a window, spread over all that lie in it. side, crop: the short side is brought to
    `side` pixels (bilinear without antialias, PyTorch's arithmetic), then a square of `crop` is cut from the middle.
    Then the levels become numbers; what the graph does itself is left out here. dtype uint8: levels are rounded.
    clips: for how many windows, spread evenly, /predict takes the mean where the part is longer than one and no
    clip_duration is asked for; 1: the window that answers most confidently.
    """

    kind: Literal["clip"] = "clip"
    color: Literal["rgb", "bgr"] = "rgb"
    sampling: Uniform
    side: int = Field(ge=1, le=2048)
    crop: int = Field(ge=1, le=2048)
    clips: int = Field(1, ge=1, le=100)

    @model_validator(mode="after")
    def _check_crop(self) -> "ClipSection":
        if self.crop > self.side:
            raise ValueError(f"crop: {self.crop} pixels cannot be cut from a short side of {self.side}")
        return self

    @property
    def votes(self) -> bool:
        """A window is one answer."""
        return False

    @property
    def frames(self) -> int:
        """Frames of one clip."""
        return self.sampling.uniform

    @property
    def input_shape(self) -> tuple[int, ...]:
        """One input's shape without the batch: channels, time, height, width."""
        return (self.channels, self.frames, self.crop, self.crop)


def observer(section: ClipSection) -> PictureRequest:
    """What a worker keeps of each frame that some window samples."""
    return PictureRequest(
        resize=ShortSide(section.side, section.crop, whole=section.dtype == "uint8"),
        color=section.color,
        selfie=section.selfie,
        orientation=section.orientation,
        yuv=section.yuv,
    )


@dataclass(frozen=True, slots=True)
class ClipChoice:
    """The frames that the windows of a part sample: `count` of each window.

    asked_end_s: where the part ends, if the medium does not end before. until_s: where what is looked at of it ends,
    where the part goes on behind: only whole windows count then, unless the medium ends too.
    """

    count: int
    rule: WindowRule
    asked_end_s: float = math.inf
    until_s: float | None = None

    def chosen(self, times_s: TimeArray, end_s: float, at_end: bool) -> TimeArray:
        """The times of the sampled frames, each once and in order."""
        windows = self.windows(end_s, at_end)
        picked = [times_s[_picks(times_s, window, self.count)] for window in windows]
        return np.unique(np.concatenate(picked)) if picked else times_s[:0]

    def windows(self, end_s: float, at_end: bool) -> list[Window]:
        """The windows of what was looked at, of a medium that ends at end_s as far as it is known."""
        if self.until_s is not None and not at_end:
            return self.rule.complete(self.until_s)
        return self.rule.windows(min(self.asked_end_s, end_s))


@dataclass(frozen=True, slots=True)
class Piece:
    """A piece of a part, [start_s, until_s), and what is looked at in it."""

    start_s: float
    until_s: float
    choice: ClipChoice

    @property
    def duration_s(self) -> float:
        return self.until_s - self.start_s


def piece_of(section: ClipSection, rule: WindowRule, asked_end_s: float, most_s: float, judged: int) -> Piece:
    """The next piece of a part of whose windows the first `judged` are done: about most_s, and at least one window.

    It begins with the window that was judged last, as the last window of all may begin right behind it. A part that is
    one answer is one piece.
    """
    ahead = replace(rule, first=judged)
    if rule.window_s is None or rule.spread:
        return Piece(rule.start_s, asked_end_s, ClipChoice(section.frames, ahead, asked_end_s))
    until_s = min(ahead.from_s + max(most_s, rule.window_s + 2 * rule.stride_s), asked_end_s)
    choice = ClipChoice(section.frames, ahead, asked_end_s, until_s if until_s < asked_end_s else None)
    return Piece(ahead.from_s, until_s, choice)


def steps(track: Track, window: Window, section: ClipSection) -> Steps:
    """The window's one clip, with the time of its first frame; none where the window shows no frame."""
    places = _places(track, window, section)
    if not len(places):
        return Steps((), track.times_s[:0])
    return Steps((tuple(places.tolist()),), track.times_s[places[:1]])


def rows(track: Track, units: tuple[Unit, ...], section: ClipSection) -> FloatArray:
    """Rows of the model's input, one a clip: U × C × T × H × W."""
    values = numbers(pictures_of(track, units), section)
    return np.ascontiguousarray(values.transpose(0, 4, 1, 2, 3))


def tensor(track: Track, window: Window, section: ClipSection) -> ModelRows:
    """The row of one window."""
    taken = steps(track, window, section)
    if not taken.seen:
        return ModelRows.none(section.input_shape)
    return ModelRows(rows(track, taken.seen, section), None, taken.times_s)


def sampled(track: Track, windows: list[Window], section: ClipSection) -> Track:
    """The observations that these windows sample, each once."""
    chosen = np.zeros(len(track), bool)
    for window in windows:
        chosen[_places(track, window, section)] = True
    return track.only(chosen)


def without_pixels(track: Track, earlier: Track | None) -> Track:
    """What two pieces of a part looked at, as times alone; the medium is as the later one knows it."""
    if earlier is None:
        times_s, decoded_s, gaps = track.times_s, _decoded(track), track.gaps
    else:
        times_s = np.union1d(earlier.times_s, track.times_s)
        decoded_s = np.union1d(_decoded(earlier), _decoded(track))
        gaps = united(*earlier.gaps, *track.gaps)
    nothing, there = np.zeros((len(times_s), 0), np.uint8), np.ones(len(times_s), bool)
    return replace(track, times_s=times_s, values=nothing, present=there, gaps=gaps, decoded_s=decoded_s)


def _decoded(track: Track) -> TimeArray:
    return track.times_s if track.decoded_s is None else track.decoded_s


def _picks(times_s: TimeArray, window: Window, count: int) -> npt.NDArray[np.intp]:
    """The places of the frames that a window samples, among the times of all frames."""
    start, stop = np.searchsorted(times_s, (window.start_s, window.end_s), side="left")
    return start + uniform_places(int(stop - start), count) if stop > start else np.zeros(0, np.intp)


def _places(track: Track, window: Window, section: ClipSection) -> npt.NDArray[np.intp]:
    """The places of a window's frames in the track. ValueError where the worker did not look at one of them."""
    times_s = _decoded(track)
    wanted = times_s[_picks(times_s, window, section.frames)]
    places = np.searchsorted(track.times_s, wanted)
    if np.any(places == len(track)) or np.any(track.times_s[places] != wanted):
        raise ValueError(f"not all frames of the window from {window.start_s} s to {window.end_s} s were looked at")
    return places
