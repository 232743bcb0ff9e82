"""Kind `clip`: frames spread over a window, as one row of a network of 3-D convolutions or a video transformer."""

import math
from dataclasses import dataclass, replace
from functools import partial
from typing import ClassVar, Literal, Self

import numpy as np
import numpy.typing as npt
from pydantic import Field, model_validator

from service.media.resize import ShortSide
from service.media.sampling import Rate, Uniform, uniform_indices
from service.observe.request import PictureRequest
from service.pipelines.chunking import Chunk, ChunkLimits, Position, decoded, without_pixels
from service.pipelines.frame_indices import FrameIndices, WindowFrames, pictures_of
from service.pipelines.over_time import ObservesMedium
from service.pipelines.pixels import LevelSection, numbers
from service.pipelines.row_plan import RowPlan, plan_shared_rows
from service.pipelines.windows import WindowRule
from service.track import FloatArray, TimeArray, Track, Window


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

    def choose(self, times_s: TimeArray, extent: Window, leaps: tuple[Window, ...], at_end: bool) -> TimeArray:
        """The times of the sampled frames, each once and in order."""
        rule = replace(self.rule, start_s=max(self.rule.start_s, extent.start_s), leaps=(*self.rule.leaps, *leaps))
        windows = replace(self, rule=rule).windows(extent.end_s, at_end)
        picked = [times_s[_picks(times_s, window, self.count)] for window in windows]
        return np.unique(np.concatenate(picked)) if picked else times_s[:0]

    def moved(self, next_s: float, begins_s: float) -> "tuple[ClipChoice, float]":
        """The same from the first window on that reaches behind next_s, and where that begins."""
        rule = replace(self.rule, start_s=max(self.rule.start_s, begins_s))
        window_s = rule.window_s or 0.0
        first = max(0, math.floor((next_s - window_s - rule.start_s) / rule.stride_s) + 1)
        start_s = rule.start_s + first * rule.stride_s
        until_s = None if self.until_s is None else start_s + self.until_s - self.rule.from_s
        return ClipChoice(self.count, replace(rule, first=first), self.asked_end_s, until_s), start_s

    def windows(self, end_s: float, at_end: bool) -> list[Window]:
        """The windows of what was looked at, of a medium that ends at end_s as far as it is known."""
        if self.until_s is not None and not at_end:
            return self.rule.complete(self.until_s)
        return self.rule.windows(min(self.asked_end_s, end_s))


class ClipSection(LevelSection, ObservesMedium):
    """The manifest's `pipeline` of a model that looks at clips, as PyTorchVideo prepares them.

    sampling: how many frames of a window, spread over all that lie in it. side, crop: the short side is brought to
    `side` pixels (bilinear without antialias, PyTorch's arithmetic), then a square of `crop` is cut from the middle.
    Then the levels become numbers; what the graph does itself is left out here. dtype uint8: levels are rounded.
    clips: for how many windows, spread evenly, /predict takes the mean where the part is longer than one and no
    clip_duration is asked for; 1: the window that answers most confidently.
    """

    samples_windows: ClassVar[bool] = True

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

    @property
    def request(self) -> PictureRequest:
        """What a worker keeps of each frame that some window samples."""
        return PictureRequest(
            resize=ShortSide(self.side, self.crop, whole=self.dtype == "uint8"),
            color=self.color,
            selfie=self.selfie,
            orientation=self.orientation,
            yuv=self.yuv,
        )

    @property
    def clip_frames(self) -> int:
        """Frames of one window."""
        return self.frames

    @property
    def averaged_windows(self) -> int:
        """/predict takes the mean of `clips` windows, where those are several."""
        return self.clips if self.clips > 1 else 0

    def with_sampling(self, sampling: Rate) -> Self:
        """TypeError: windows choose the frames."""
        raise TypeError(f"frames of clips are chosen by windows, not at a rate of {sampling.rate:g} a second")

    def plan_rows(self, track: Track, windows: list[Window]) -> RowPlan:
        """All rows that the windows need, each once."""
        taken = [window_frames(track, window, self) for window in windows]
        return plan_shared_rows(taken, partial(rows, track, section=self))

    def evidence(self, track: Track, windows: list[Window]) -> Track:
        """The observations that these windows sample."""
        return sampled(track, windows, self)

    def part_sampling(self, start_s: float, end_s: float) -> ClipChoice:
        """The frames of one clip, spread over the part."""
        return ClipChoice(self.frames, WindowRule(start_s), end_s)

    def next_chunk(self, rule: WindowRule, position: Position, limits: ChunkLimits) -> Chunk:
        """The frames of whole windows: about chunk_s of them, and at least one window. What is one answer is one chunk.

        It begins with the window that was scored last, as the last window of all may begin right behind it.
        """
        ahead = replace(rule, first=position.scored)
        if rule.window_s is None or rule.spread:
            choice = ClipChoice(self.frames, ahead, limits.end_s)
            return Chunk(rule.start_s, limits.end_s, choice, is_whole=True)
        memory_s = self._memory_s(rule.window_s, rule, limits)
        most_s = memory_s if limits.chunk_s is None else min(memory_s, limits.chunk_s)
        until_s = min(ahead.from_s + max(most_s, rule.window_s + 2 * rule.stride_s), limits.end_s)
        choice = ClipChoice(self.frames, ahead, limits.end_s, None if until_s >= limits.end_s else until_s)
        return Chunk(ahead.from_s, until_s, choice)

    def new_frames(self, track: Track, position: Position) -> Track:
        """The frames that no window before has sampled."""
        seen = position.context
        return track if seen is None else track.only(~np.isin(track.times_s, seen.times_s))

    def join_context(self, track: Track, _new: Track, _position: Position) -> Track:
        """The chunk alone: its windows lie in it whole."""
        return track

    def trim(self, track: Track, position: Position, needed_from_s: float) -> Track:
        """Times alone: no pixels are kept from one chunk to the next, which begins with the window scored last."""
        times = without_pixels(track, position.context)
        from_s = needed_from_s if position.last_s is None else min(needed_from_s, position.last_s)
        return replace(times.only(times.times_s >= from_s), decoded_s=None)

    def _memory_s(self, window_s: float, rule: WindowRule, limits: ChunkLimits) -> float:
        """How long a chunk may be, if no window shared a frame with another."""
        windows = limits.pixel_bytes // (self.frames * self.request.kept_bytes)
        return window_s + max(0, windows - 3) * rule.stride_s


def window_frames(track: Track, window: Window, section: ClipSection) -> WindowFrames:
    """The window's one clip, with the time of its first frame; none where the window shows no frame."""
    indices = _indices(track, window, section)
    if not len(indices):
        return WindowFrames((), track.times_s[:0])
    return WindowFrames((tuple(indices.tolist()),), track.times_s[indices[:1]])


def rows(track: Track, frames: tuple[FrameIndices, ...], section: ClipSection) -> FloatArray:
    """Rows of the model's input, one a clip: R × C × T × H × W."""
    values = numbers(pictures_of(track, frames), section)
    return np.ascontiguousarray(values.transpose(0, 4, 1, 2, 3))


def sampled(track: Track, windows: list[Window], section: ClipSection) -> Track:
    """The observations that these windows sample, each once."""
    chosen = np.zeros(len(track), bool)
    for window in windows:
        chosen[_indices(track, window, section)] = True
    return track.only(chosen)


def _picks(times_s: TimeArray, window: Window, count: int) -> npt.NDArray[np.intp]:
    """The indices of the frames that a window samples, among the times of all frames."""
    start, stop = np.searchsorted(times_s, (window.start_s, window.end_s), side="left")
    return start + uniform_indices(int(stop - start), count) if stop > start else np.zeros(0, np.intp)


def _indices(track: Track, window: Window, section: ClipSection) -> npt.NDArray[np.intp]:
    """The indices of a window's frames in the track. ValueError where the worker did not look at one of them."""
    times_s = decoded(track)
    wanted = times_s[_picks(times_s, window, section.frames)]
    indices = np.searchsorted(track.times_s, wanted)
    if np.any(indices == len(track)) or np.any(track.times_s[indices] != wanted):
        raise ValueError(f"not all frames of the window from {window.start_s} s to {window.end_s} s were looked at")
    return indices
