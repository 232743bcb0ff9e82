"""Observing a video: only sampled frames are converted and looked at. Only workers import this."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Generic, TypeVar

import numpy as np

from service.media.medium import SHORTER_PART, too_long, too_many_frames, too_many_pixels
from service.media.moving import Moving, MovingFrame, open_moving
from service.media.sampling import EveryNth, Rate, Sampling, resolve_sampling, sample
from service.media.sniff import MediaType
from service.media.upright import Pixels
from service.observe.call import ObserveCall, ObserveResult, Stopwatch, most_pixels, nothing_in
from service.observe.cancelled import ObservationCancelledError
from service.observe.landmarkers import Landmarkers
from service.observe.observers import FrameSinkFactory, open_observer
from service.track import MediaInfo, Track, Window, merge_windows


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
    with open_moving(call.medium, kind, call.limits, request.yuv, request.orientation) as video:
        sampling, warning = resolve_sampling(asked, video.info.frame_rate)
        window = Window(call.start_s, call.end_s)
        if lies_behind(window, video):
            return nothing_in(call, video.info)
        skipped_s = check_span(window, video, call)
        _check_expected(window, video.info, sampling, call, skipped_s)
        decode_s += watch.lap()
        with open_observer(request, video.info.aspect, landmarkers, make_sink) as observer:
            observe_s += watch.lap()
            last: MovingFrame | None = None
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
        if not len(observer) and sampled.preempted:
            raise ObservationCancelledError
        moves = not len(observer) and video.next_s is not None and video.next_s < (call.moves_until_s or 0.0)
        if not len(observer) and not moves:
            return nothing_in(call, video.info)
        warnings = (*video.warnings, *(() if warning is None else (warning,)))
        track = replace(
            observer.track(video.info, warnings), gaps=merge_windows(*video.gaps, *video.leaps), leaps=video.leaps
        )
        result = ObserveResult(track, decode_s, observe_s, decoded=video.decoded, observed=observed)
        result = replace(
            result, at_end=video.at_end, until_s=call.end_s, preempted=sampled.preempted, leapt_s=skipped_s
        )
        next_s = video.next_s
    if not moves or next_s is None:
        return result
    moved = observe_video(moved_to(next_s, call), asked, kind, keep_going, landmarkers, make_sink)
    return after_moving(result.track, moved)


def moved_to(start_s: float, call: ObserveCall) -> ObserveCall:
    """The call for as long a part that begins there, and lies before the end of all that is asked for."""
    end_s = min(start_s + call.end_s - call.start_s, call.moves_until_s or call.end_s)
    return replace(call, start_s=start_s, duration_s=end_s - start_s)


def after_moving(before: Track, result: ObserveResult) -> ObserveResult:
    """The result for a part that was moved on, with what its first place showed of damage and leaps."""
    track = replace(
        result.track,
        gaps=merge_windows(*before.gaps, *result.track.gaps),
        leaps=merge_windows(*before.leaps, *result.track.leaps),
        warnings=tuple(dict.fromkeys((*before.warnings, *result.track.warnings))),
    )
    return replace(result, track=track, moved=True)


def read_pixels(frame: MovingFrame, call: ObserveCall) -> Pixels:
    """The frame's pixels as the request looks at them."""
    pixels = frame.pixels(most_pixels(call))
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
    video: Moving, window: Window, sampling: Sampling, counted: bool, keep_going: Callable[[], None]
) -> Iterator[tuple[float, MovingFrame]]:
    """Sampled frames whose time lies in the window; nothing is shown where the video is damaged."""
    frames: Iterator[MovingFrame] = video.frames(window, counted and isinstance(sampling, EveryNth), keep_going)
    for time_s, frame in sample(frames, sampling, window.end_s):
        if time_s >= window.start_s and not any(gap.start_s <= time_s < gap.end_s for gap in video.gaps[-1:]):
            yield time_s, frame


def check_span(window: Window, video: Moving, call: ObserveCall) -> float:
    """Refuse by the header what is too long, before anything is decoded; without a duration there, decoding tells.

    Where the header says so, timestamps are read ahead: what they leap over does not count, and how much of the
    medium that is is given back.
    """
    longest_s = call.limits.seconds if call.longest_s is None else call.longest_s
    if video.info.duration is None:
        return 0.0
    ends_s = window.end_s if call.moves_until_s is None else call.moves_until_s
    whole = Window(max(window.start_s, video.info.start), min(video.info.duration, ends_s))
    skipped_s = video.leapt_ahead_s(whole, longest_s) if whole.duration_s > longest_s else 0.0
    part = Window(whole.start_s, _known_end_s(window, video.info))
    span_s = part.duration_s - min(skipped_s, max(0.0, part.duration_s))
    if span_s > call.limits.seconds and part.end_s != float("inf"):
        raise too_long(span_s, call.limits.seconds, SHORTER_PART)
    return skipped_s


def _check_expected(window: Window, info: MediaInfo, sampling: Sampling, call: ObserveCall, skipped_s: float) -> None:
    """Refuse by the header what would be too many frames."""
    if info.duration is not None:
        per_second = sampling.rate if isinstance(sampling, Rate) else (info.frame_rate or 0.0) / sampling.every
        span_s = _known_end_s(window, info) - max(window.start_s, info.start) - skipped_s
        check_count(int(span_s * per_second), call)


def _known_end_s(window: Window, info: MediaInfo) -> float:
    return window.end_s if info.duration is None else min(window.end_s, info.duration)


def check_count(count: int, call: ObserveCall) -> None:
    """Refuse more frames than a request may look at, or keep the pixels of."""
    if count > call.limits.frames:
        raise too_many_frames(count, call.limits.frames, SHORTER_PART)
    needed = count * call.request.kept_bytes
    if needed > call.limits.pixel_bytes:
        raise too_many_pixels(count, needed, call.limits.pixel_bytes)


def lies_behind(window: Window, video: Moving) -> bool:
    """Whether the part begins behind the medium's end, as its header says and can be believed."""
    return video.knows_its_end and _known_end_s(window, video.info) <= window.start_s
