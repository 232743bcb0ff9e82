"""What a worker is asked to observe in a medium, and what it answers. Imports no reader: every process knows these."""

import time
from dataclasses import dataclass

import numpy as np

from service.errors import SignError
from service.media.medium import MediaLimits, Medium
from service.media.sampling import DeferredSampling, Sampling
from service.observe.request import LandmarkRequest, ObserverRequest
from service.track import MediaInfo, Track

MOST_FOR_LANDMARKS = 4096 * 4096
"""Pixels of a picture in which landmarks are found as well as in a larger one: they look at some hundred a side."""


@dataclass(frozen=True, slots=True)
class ObserveCall:
    """One medium and what is to be observed in it.

    start_s, duration_s: the part that is analyzed, from the medium's start; None: up to its end. mirrored: the sender
    says that the picture is mirrored, so it is flipped before anything else, and the Track's coordinates are those
    of the flipped picture. counted: what is sampled by counting frames is counted from the medium's first; else from
    start_s on, which is then the time of a sampled frame. may_be_empty: a part without a sampled frame is answered
    with a Track of none; else it is refused. preemptible: when it is stopped, what was observed until then is the
    answer. longest_s: how long all may be of which this is the first part; None: it is no first part.
    moves_until_s: a part that shows nothing is moved on to the next frame before this time; None: it stays.
    """

    medium: Medium
    request: ObserverRequest
    sampling: Sampling | DeferredSampling
    start_s: float
    duration_s: float | None
    mirrored: bool
    limits: MediaLimits
    counted: bool = True
    may_be_empty: bool = False
    preemptible: bool = False
    longest_s: float | None = None
    moves_until_s: float | None = None

    @property
    def end_s(self) -> float:
        """Where the part ends, infinite where it is the medium's end."""
        return float("inf") if self.duration_s is None else self.start_s + self.duration_s

    @property
    def flipped(self) -> bool:
        """Whether the flipped picture is looked at: mirrored and selfie undo each other."""
        return self.mirrored != self.request.selfie


@dataclass(frozen=True, slots=True)
class ObserveResult:
    """A Track, what it cost in seconds, and how many frames were decoded and observed.

    queue_s: the wait for a slot. decode_s counts opening, decoding and converting; observe_s landmarks and crops.
    at_end: nothing of the medium lies behind the part. until_s: where the part ends. moved: it is not where it was
    asked for. leapt_s: how much of the medium its timestamps leap over, where that had to be found out. preempted: the
    call was stopped; the Track ends where it was. shared_frames: how many pictures lie in shared memory; on its way
    between processes the Track carries none of them. pid: the process that did it; began_ns, ended_ns: when, in
    nanoseconds since the epoch.
    """

    track: Track
    decode_s: float = 0.0
    observe_s: float = 0.0
    queue_s: float = 0.0
    decoded: int = 0
    observed: int = 0
    at_end: bool = True
    until_s: float = float("inf")
    moved: bool = False
    leapt_s: float = 0.0
    preempted: bool = False
    shared_frames: int = 0
    pid: int = 0
    began_ns: int = 0
    ended_ns: int = 0


def most_pixels(call: ObserveCall) -> float:
    """As many pixels as a picture is looked at in: landmarks need few, and what a model is given is never shrunk."""
    return MOST_FOR_LANDMARKS if isinstance(call.request, LandmarkRequest) else float("inf")


class Stopwatch:
    """Adds up the seconds of stages that take turns."""

    def __init__(self) -> None:
        self._at = time.perf_counter()

    def lap(self) -> float:
        """Seconds since the last lap."""
        now = time.perf_counter()
        passed, self._at = now - self._at, now
        return passed


def nothing_in(call: ObserveCall, media: MediaInfo) -> ObserveResult:
    """The result for a part in which no sampled frame lies; SignError window-empty where there had to be one."""
    if not call.may_be_empty:
        part = f"from {call.start_s:g} s" + ("" if call.end_s == float("inf") else f" to {call.end_s:g} s")
        begins = f"is shown from {media.start:.6g} s to" if media.start else "lasts"
        lasts = "" if media.duration is None else f"; the video {begins} {media.duration:.6g} s"
        detail = f"No sampled frame lies in the part {part}{lasts}."
        raise SignError("window-empty", detail, actual=media.duration)
    track = Track(np.zeros(0), np.zeros((0, 0), np.float32), np.zeros(0, bool), media)
    at_end = media.duration is None or media.duration <= call.end_s
    return ObserveResult(track, at_end=at_end, until_s=call.end_s)
