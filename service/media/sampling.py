"""Which frames of a video are looked at: the manifest's `sampling`, and its arithmetic."""

from collections.abc import Iterable, Iterator
from typing import Protocol, TypeVar

import numpy as np
import numpy.typing as npt
from pydantic import Field

from service.media.clock import LEAP_S
from service.section import Section
from service.track import TimeArray, Window

RATE_TOLERANCE = 0.10
TIME_SLACK_S = 1e-6


class EveryNth(Section):
    """Each n-th decoded frame from the first, where the video's rate is within 10 % of the author's `fps`.

    Elsewhere, and always live, it means a rate of fps / every.
    """

    every: int = Field(ge=1)
    fps: float = Field(30.0, ge=0.01, le=1000)


class Rate(Section):
    """The frame shown at each multiple of 1 / rate seconds, never one later than it."""

    rate: float = Field(ge=0.01, le=240)


Sampling = EveryNth | Rate


class Uniform(Section):
    """`uniform` frames of a window, spread over all that it shows, the first and the last among them."""

    uniform: int = Field(ge=1, le=1024)


class DeferredSampling(Protocol):
    """Which frames are looked at, where that can be told only once the times of all are known."""

    def choose(self, times_s: TimeArray, extent: Window, leaps: tuple[Window, ...], at_end: bool) -> TimeArray:
        """The times of the chosen frames, each once and in order.

        times_s: all frames of the part. extent: from the medium's first frame to its end, as far as it is known.
        leaps: stretches of it that hold no frame. at_end: nothing of it lies behind the part.
        """

    def moved(self, next_s: float, begins_s: float) -> "tuple[DeferredSampling, float]":
        """The same for the next part that shows something, and where that begins.

        next_s: when a frame is shown next. begins_s: when the medium's first is.
        """


def uniform_indices(total: int, count: int) -> npt.NDArray[np.intp]:
    """Places of `count` frames spread over `total`: floor(linspace(0, total − 1, count)), in whole numbers.

    As PyTorchVideo's UniformTemporalSubsample, whose float32 steps can fall just short of a whole number. Places repeat
    where count > total. ValueError if either is not positive.
    """
    if total < 1 or count < 1:
        raise ValueError(f"{count} of {total} frames cannot be chosen")
    return np.arange(count, dtype=np.intp) * (total - 1) // max(1, count - 1)


class Timed(Protocol):
    """Anything that is shown from a time on, and ends by itself where nothing follows."""

    @property
    def time_s(self) -> float: ...

    @property
    def until_s(self) -> float: ...


T = TypeVar("T", bound=Timed)


def resolve_sampling(sampling: Sampling, frame_rate: float | None) -> tuple[Sampling, str | None]:
    """What the sampling means for a video of this rate, and a warning where that is not what the author did."""
    if isinstance(sampling, Rate):
        return sampling, None
    if frame_rate is not None and abs(frame_rate - sampling.fps) <= RATE_TOLERANCE * sampling.fps:
        return sampling, None
    rate = samples_per_second(sampling)
    shown = "unknown" if frame_rate is None else f"{frame_rate:g} per second"
    warning = (
        f"The model expects {sampling.fps:g} frames per second; this video's rate is {shown}. "
        f"It was sampled {rate:g} times per second instead."
    )
    return Rate(rate=rate), warning


def sample(frames: Iterable[T], sampling: Sampling, end_s: float) -> Iterator[tuple[float, T]]:
    """The sampled frames before end_s with the time that each stands for, in order.

    EveryNth counts the given frames from the first and keeps their own times. Rate walks the grid 0, 1/r, 2/r, …:
    each point takes the last frame shown by then, so a frame may be given several times or never; points before the
    first frame, after the last one's end or where timestamps leap are left out.
    """
    if isinstance(sampling, EveryNth):
        for index, frame in enumerate(frames):
            if frame.time_s >= end_s:
                return
            if index % sampling.every == 0:
                yield frame.time_s, frame
        return
    step = 0
    for frame, shown_until_s in _shown(frames):
        step = max(step, first_step_at_or_after(frame.time_s, sampling.rate))
        while (point := step / sampling.rate) < min(shown_until_s, end_s) - TIME_SLACK_S:
            yield point, frame
            step += 1


def _shown(frames: Iterable[T]) -> Iterator[tuple[T, float]]:
    """Each frame and until when it is shown: up to the next one, or where none follows soon, to its own end."""
    shown: T | None = None
    for frame in frames:
        if shown is not None:
            leaps = frame.time_s - shown.until_s > LEAP_S
            yield shown, shown.until_s if leaps else frame.time_s
        shown = frame
    if shown is not None:
        yield shown, shown.until_s


def samples_per_second(sampling: Sampling) -> float:
    """How often per second frames are looked at; counting frames means the author's rate."""
    return sampling.rate if isinstance(sampling, Rate) else sampling.fps / sampling.every


def first_step_at_or_after(time_s: float, rate: float) -> int:
    """The first k whose k / rate is not before this time."""
    step = max(0, int((time_s - TIME_SLACK_S) * rate))
    while step / rate < time_s - TIME_SLACK_S:
        step += 1
    return step
