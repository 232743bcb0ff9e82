"""Observing a video: only sampled frames are converted and looked at. Only workers import this."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Generic, TypeVar

import numpy as np

from service.media.medium import SHORTER_PART, too_long, too_many_frames, too_many_pixels
from service.media.sampling import EveryNth, Rate, Sampling, resolve_sampling, sample
from service.media.sniff import MediaType
from service.media.upright import Pixels
from service.media.video import Frame, Video, open_video
from service.observe.call import ObserveCall, ObserveResult, Stopwatch, nothing_in
from service.observe.cancelled import ObservationCancelledError
from service.observe.landmarkers import Landmarkers
from service.observe.observers import FrameSinkFactory, open_observer
from service.track import MediaInfo, Window, merge_windows


def observe_video(
    call: ObserveCall,
    asked: Sampling,
    kind: MediaType,
    keep_going: Callable[[], None],
    landmarkers: Landmarkers,
    make_sink: FrameSinkFactory,
) -> ObserveResult:
    """The sampled frames of the asked part, observed one after the other."""
    watch = Stopwatch()
    decode_s = observe_s = 0.0
    observed = 0
    request = call.request
    with open_video(call.medium, kind, call.limits, request.yuv, request.orientation) as video:
        sampling, warning = resolve_sampling(asked, video.info.frame_rate)
        window = Window(call.start_s, call.end_s)
        if lies_behind(window, video.info):
            return nothing_in(call, video.info)
        check_span(window, video.info, call)
        _check_expected(window, video.info, sampling, call)
        decode_s += watch.lap()
        with open_observer(request, video.info.aspect, landmarkers, make_sink) as observer:
            observe_s += watch.lap()
            last: Frame | None = None
            sampled = UntilPreempted(_sampled(video, window, sampling, call.counted, keep_going), call.preemptible)
            for time_s, frame in sampled:
                check_count(len(observer) + 1, call)
                if frame is last:
                    observer.repeat(time_s)
                    continue
                pixels = read_pixels(frame, call)
                decode_s += watch.lap()
                observer.observe(time_s, pixels)
                observe_s += watch.lap()
                observed += 1
                last = frame
        decode_s += watch.lap()
        if not len(observer):
            if sampled.preempted:
                raise ObservationCancelledError
            return nothing_in(call, video.info)
        warnings = (*video.warnings, *(() if warning is None else (warning,)))
        track = replace(observer.track(video.info, warnings), gaps=merge_windows(*video.gaps))
        result = ObserveResult(track, decode_s, observe_s, decoded=video.decoded, observed=observed)
        return replace(result, at_end=video.at_end, preempted=sampled.preempted)


def read_pixels(frame: Frame, call: ObserveCall) -> Pixels:
    """The frame's pixels as the request looks at them."""
    pixels = frame.pixels()
    return np.ascontiguousarray(pixels[:, ::-1] if call.flipped else pixels)


T = TypeVar("T")


class UntilPreempted(Generic[T]):
    """What comes of frames; for a call that gives way it ends, without an error, when it is stopped."""

    def __init__(self, sampled: Iterator[T], preemptible: bool) -> None:
        self._sampled = sampled
        self._preemptible = preemptible
        self.preempted = False

    def __iter__(self) -> Iterator[T]:
        try:
            yield from self._sampled
        except ObservationCancelledError:
            if not self._preemptible:
                raise
            self.preempted = True


def _sampled(
    video: Video, window: Window, sampling: Sampling, counted: bool, keep_going: Callable[[], None]
) -> Iterator[tuple[float, Frame]]:
    """Sampled frames whose time lies in the window; nothing is shown where the video is damaged."""
    frames = video.frames(window, counted and isinstance(sampling, EveryNth), keep_going)
    for time_s, frame in sample(frames, sampling, window.end_s):
        if time_s >= window.start_s and not any(gap.start_s <= time_s < gap.end_s for gap in video.gaps[-1:]):
            yield time_s, frame


def check_span(window: Window, info: MediaInfo, call: ObserveCall) -> None:
    """Refuse by the header what is too long, before anything is decoded; without a duration there, decoding tells."""
    end_s = _known_end_s(window, info)
    if (span_s := end_s - window.start_s) > call.limits.seconds and end_s != float("inf"):
        raise too_long(span_s, call.limits.seconds, SHORTER_PART)


def _check_expected(window: Window, info: MediaInfo, sampling: Sampling, call: ObserveCall) -> None:
    """Refuse by the header what would be too many frames."""
    if info.duration is not None:
        per_second = sampling.rate if isinstance(sampling, Rate) else (info.frame_rate or 0.0) / sampling.every
        check_count(int((_known_end_s(window, info) - window.start_s) * per_second), call)


def _known_end_s(window: Window, info: MediaInfo) -> float:
    return window.end_s if info.duration is None else min(window.end_s, info.duration)


def check_count(count: int, call: ObserveCall) -> None:
    """Refuse more frames than a request may look at, or keep the pixels of."""
    if count > call.limits.frames:
        raise too_many_frames(count, call.limits.frames, SHORTER_PART)
    needed = count * call.request.kept_bytes
    if needed > call.limits.pixel_bytes:
        raise too_many_pixels(count, needed, call.limits.pixel_bytes)


def lies_behind(window: Window, info: MediaInfo) -> bool:
    """Whether the part begins behind the medium's end, as its header says."""
    return _known_end_s(window, info) <= window.start_s
