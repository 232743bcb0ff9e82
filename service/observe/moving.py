"""Observing a video: only sampled frames are converted and looked at. Only workers import this."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Generic, TypeVar

import numpy as np

from service.errors import SignError
from service.media.sampling import EveryNth, Rate, Sampling, sample, settle
from service.media.sniff import MediaType
from service.media.upright import Pixels
from service.media.video import Frame, Video, open_video, too_long
from service.observe.call import ObserveCall, ObserveResult, Stopwatch
from service.observe.landmarkers import Landmarkers
from service.observe.observers import KeeperFor, observing
from service.observe.unwanted import UnwantedError
from service.track import MediaInfo, Window, united


def observe_video(
    call: ObserveCall,
    asked: Sampling,
    kind: MediaType,
    keep_going: Callable[[], None],
    landmarkers: Landmarkers,
    keeper_for: KeeperFor,
) -> ObserveResult:
    """The sampled frames of the asked part, observed one after the other."""
    watch = Stopwatch()
    decode_s = observe_s = 0.0
    observed = 0
    request = call.request
    with open_video(call.medium, kind, call.limits, request.yuv, request.orientation) as video:
        sampling, warning = settle(asked, video.info.frame_rate)
        window = Window(call.start_s, call.end_s)
        check_span(window, video.info, call)
        _check_expected(window, video.info, sampling, call)
        decode_s += watch.lap()
        with observing(request, video.info.aspect, landmarkers, keeper_for) as observer:
            observe_s += watch.lap()
            last: Frame | None = None
            sampled = UntilTold(_sampled(video, window, sampling, call.counted, keep_going), call.gives_way)
            for time_s, frame in sampled:
                check_count(len(observer) + 1, call)
                if frame is last:
                    observer.repeat(time_s)
                    continue
                pixels = pixels_of(frame, call)
                decode_s += watch.lap()
                observer.look(time_s, pixels)
                observe_s += watch.lap()
                observed += 1
                last = frame
        decode_s += watch.lap()
        if not len(observer):
            raise UnwantedError if sampled.gave_way else window_empty(window, video.info.duration)
        warnings = (*video.warnings, *(() if warning is None else (warning,)))
        track = replace(observer.track(video.info, warnings), gaps=united(*video.gaps))
        result = ObserveResult(track, decode_s, observe_s, decoded=video.decoded, observed=observed)
        return replace(result, at_end=video.at_end, gave_way=sampled.gave_way)


def pixels_of(frame: Frame, call: ObserveCall) -> Pixels:
    """The frame's pixels as the request looks at them."""
    pixels = frame.pixels()
    return np.ascontiguousarray(pixels[:, ::-1] if call.flipped else pixels)


T = TypeVar("T")


class UntilTold(Generic[T]):
    """What comes of frames; for a call that gives way it ends, without an error, when it is stopped."""

    def __init__(self, sampled: Iterator[T], gives_way: bool) -> None:
        self._sampled = sampled
        self._gives_way = gives_way
        self.gave_way = False

    def __iter__(self) -> Iterator[T]:
        try:
            yield from self._sampled
        except UnwantedError:
            if not self._gives_way:
                raise
            self.gave_way = True


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
    if end_s <= window.start_s:
        raise window_empty(window, info.duration)
    if (span_s := end_s - window.start_s) > call.limits.seconds and end_s != float("inf"):
        raise too_long(span_s, call.limits)


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
        raise SignError(
            "too-many-frames",
            f"At least {count} frames would have to be looked at; {call.limits.frames} at most are taken.",
            limit=call.limits.frames,
            actual=count,
        )
    needed = count * call.request.kept_bytes
    if needed > call.limits.pixel_bytes:
        raise SignError(
            "too-many-frames",
            f"The pixels of {count} frames take {needed} bytes; {call.limits.pixel_bytes} at most are kept at once. "
            "Choose a shorter part with start_time and clip_duration, or submit a job: it looks at them in pieces.",
            limit=call.limits.pixel_bytes,
            actual=needed,
        )


def window_empty(window: Window, duration_s: float | None) -> SignError:
    """The error for a part in which no frame lies."""
    part = f"from {window.start_s:g} s" + ("" if window.end_s == float("inf") else f" to {window.end_s:g} s")
    lasts = "" if duration_s is None else f"; the video lasts {duration_s:.6g} s"
    return SignError("window-empty", f"No sampled frame lies in the part {part}{lasts}.", actual=duration_s)
