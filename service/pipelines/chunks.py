"""Kind `chunks`: a clip of frames in chunks, each a row of a network of 3-D convolutions (C3D)."""

from dataclasses import replace
from functools import partial
from typing import ClassVar, Literal

import numpy as np
from pydantic import Field, model_validator

from service.observe.request import PictureRequest
from service.pipelines.chunking import Position
from service.pipelines.frame_indices import BLACK, FrameIndices, WindowFrames, pictures_of
from service.pipelines.kind import FeaturesKind
from service.pipelines.pixels import PixelSection, numbers
from service.pipelines.row_plan import RowPlan, plan_shared_rows
from service.pipelines.windows import WindowRule
from service.track import FloatArray, Track, Window

ROWS_AT_ONCE = 8


class ChunksSection(PixelSection):
    """The manifest's `pipeline` of a model that answers for chunks of consecutive frames.

    A window is brought to `frames` frames: what is shorter gets black frames at both ends (one more at the end if
    their number is odd), of what is longer `truncate` says what stays. Then it is cut into chunks of `chunk`.
    """

    features: ClassVar[FeaturesKind] = "clip_outputs"
    windows_in_frames: ClassVar[bool] = True

    kind: Literal["chunks"] = "chunks"
    frames: int = Field(128, ge=1, le=4096)
    chunk: int = Field(16, ge=1, le=256)
    truncate: Literal["pre", "post", "center"] = "center"
    layout: Literal["nthwc", "ncthw"] = "nthwc"

    @model_validator(mode="after")
    def _check_chunks(self) -> "ChunksSection":
        if self.frames % self.chunk:
            raise ValueError(f"{self.frames} frames are no whole number of chunks of {self.chunk}")
        return self

    @property
    def votes(self) -> bool:
        """A chunk alone is no answer."""
        return False

    @property
    def input_shape(self) -> tuple[int, ...]:
        """One input's shape without the batch."""
        spatial = (self.resize.h, self.resize.w)
        if self.layout == "nthwc":
            return (self.chunk, *spatial, self.channels)
        return (self.channels, self.chunk, *spatial)

    @property
    def request(self) -> PictureRequest:
        """What a worker keeps of each sampled frame."""
        return PictureRequest(
            resize=self.resize,
            color=self.color,
            selfie=self.selfie,
            orientation=self.orientation,
            yuv=self.yuv,
        )

    @property
    def clip_frames(self) -> int:
        """Frames of one window."""
        return self.frames

    def windows(self, track: Track, rule: WindowRule, end_s: float) -> list[Window]:
        """Windows of whole clips, on a grid of their chunks, where the rule cuts the part at all."""
        if rule.window_s is None:
            return rule.windows(end_s)
        return grid_windows(track, Window(rule.start_s, end_s), rule.stride_s, self)

    def due_windows(self, track: Track, rule: WindowRule, position: Position) -> list[Window]:
        """Clips on the grid of the part's frames: it is laid from the last one that was scored."""
        from_s = rule.start_s if position.last_s is None else position.last_s
        until_s = position.covered_s if position.end_s is None else position.end_s
        clips = self.windows(track, replace(rule, start_s=from_s), until_s) if from_s < until_s else []
        if position.end_s is None:
            clips = clips[:-1]  # the last one is off the grid, or not full yet
        return clips if position.last_s is None else clips[1:]

    def trim(self, track: Track, position: Position, needed_from_s: float) -> Track:
        """What windows to come need, and the last one that was scored, from which the grid goes on."""
        last_s = float("-inf") if position.last_s is None else position.last_s
        return super().trim(track, position, min(needed_from_s, last_s))

    def plan_rows(self, track: Track, windows: list[Window]) -> RowPlan:
        """All rows that the windows need, each once."""
        taken = [window_frames(track, window, self) for window in windows]
        return plan_shared_rows(taken, partial(rows, track, section=self), ROWS_AT_ONCE)


def window_frames(track: Track, window: Window, section: ChunksSection) -> WindowFrames:
    """The window's chunks, each with the time of its first frame; none where the window holds no frame."""
    start, stop = track.indices(window)
    if start == stop:
        return WindowFrames((), track.times_s[:0])
    surplus = stop - start - section.frames
    warnings: tuple[str, ...] = ()
    if surplus > 0:
        span = f"from {window.start_s:g} s to {window.end_s:g} s"
        warnings = (f"The part {span} has {stop - start} frames; {surplus} more than the model takes were left out.",)
        start += {"pre": surplus, "post": 0, "center": surplus // 2}[section.truncate]
        stop = start + section.frames
    missing = max(0, -surplus)
    before = missing // 2
    indices = [BLACK] * before + list(range(start, stop)) + [BLACK] * (missing - before)
    taken = tuple(tuple(indices[at : at + section.chunk]) for at in range(0, section.frames, section.chunk))
    firsts = [min(max(start, start - before + at), stop - 1) for at in range(0, section.frames, section.chunk)]
    return WindowFrames(taken, track.times_s[firsts], warnings)


def rows(track: Track, frames: tuple[FrameIndices, ...], section: ChunksSection) -> FloatArray:
    """Rows of the model's input, one a chunk."""
    values = numbers(pictures_of(track, frames), section)
    return np.ascontiguousarray(values if section.layout == "nthwc" else values.transpose(0, 4, 1, 2, 3))


def grid_windows(track: Track, part: Window, stride_s: float, section: ChunksSection) -> list[Window]:
    """Windows of whole clips that begin at multiples of a chunk from the part's first frame, so that chunks are shared.

    The stride is the whole number of chunks next to stride_s, at least one. The last window is the last that is
    full; a part with fewer frames than a clip is one window.
    """
    start, stop = track.indices(part)
    last = start + (stop - start - section.frames) // section.chunk * section.chunk
    if last <= start:
        return [part] if stop - start < section.frames else [_between(track, part, start, start + section.frames)]
    frame_s = float(track.times_s[stop - 1] - track.times_s[start]) / (stop - 1 - start)
    stride = max(1, round(stride_s / frame_s / section.chunk)) * section.chunk if frame_s > 0 else section.chunk
    begins = [*range(start, last, stride), last]
    return [_between(track, part, at, at + section.frames) for at in begins]


def _between(track: Track, part: Window, start: int, stop: int) -> Window:
    """The window that holds the observations from index start up to index stop."""
    end_s = float(track.times_s[stop]) if stop < len(track) else part.end_s
    return Window(float(track.times_s[start]), end_s)
