"""Observing frames that can be chosen only once the times of all are known. Only workers import this.

The part is decoded twice: first for the times alone, then again up to the last chosen frame. Decoding is the small
share of a frame's cost; so nothing is converted, resized or kept that no window looks at.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np

from service.media.sampling import DeferredSampling
from service.media.sniff import MediaType
from service.media.video import Frame, open_video
from service.observe.call import ObserveCall, ObserveResult, Stopwatch, nothing_in
from service.observe.cancelled import ObservationCancelledError
from service.observe.landmarkers import Landmarkers
from service.observe.observers import FrameSinkFactory, Observer, open_observer
from service.observe.video import UntilPreempted, check_count, check_span, lies_behind, read_pixels
from service.track import MediaInfo, TimeArray, Track, Window, end_after, merge_windows


@dataclass(frozen=True, slots=True)
class _Timetable:
    """The times of the part's frames, and what decoding them told of the medium."""

    times_s: TimeArray
    info: MediaInfo
    warnings: tuple[str, ...]
    gaps: tuple[Window, ...]
    at_end: bool
    decoded: int


@dataclass(slots=True)
class _Spent:
    """Seconds of the stages, and frames that were decoded."""

    decode_s: float = 0.0
    observe_s: float = 0.0
    decoded: int = 0


def observe_deferred(
    call: ObserveCall,
    choice: DeferredSampling,
    kind: MediaType,
    keep_going: Callable[[], None],
    landmarkers: Landmarkers,
    make_sink: FrameSinkFactory,
) -> ObserveResult:
    """The frames of the asked part that are chosen among all of it."""
    watch = Stopwatch()
    spent = _Spent()
    part = Window(call.start_s, call.end_s)
    table = _timetable(call, part, kind, keep_going)
    if not len(table.times_s):
        return nothing_in(call, table.info)
    end_s = end_after(table.info.duration, float(table.times_s[-1]))
    chosen = choice.choose(table.times_s, end_s, table.at_end)
    check_count(len(chosen), call)
    spent.decode_s, spent.decoded = watch.lap(), table.decoded
    with open_observer(call.request, table.info.aspect, landmarkers, make_sink) as observer:
        frames = UntilPreempted(_frames_at(chosen, call, part, kind, keep_going, spent), call.preemptible)
        for frame in frames:
            pixels = read_pixels(frame, call)
            spent.decode_s += watch.lap()
            observer.observe(frame.time_s, pixels)
            spent.observe_s += watch.lap()
        spent.decode_s += watch.lap()
        track = _track_of(observer, table, chosen)
    result = ObserveResult(track, spent.decode_s, spent.observe_s, decoded=spent.decoded, observed=len(track))
    return replace(result, at_end=table.at_end and not frames.preempted, preempted=frames.preempted)


def _timetable(call: ObserveCall, part: Window, kind: MediaType, keep_going: Callable[[], None]) -> _Timetable:
    request = call.request
    with open_video(call.medium, kind, call.limits, request.yuv, request.orientation) as video:
        check_span(part, video.info, call)
        is_behind = lies_behind(part, video.info)
        frames = () if is_behind else video.frames(part, keep_going=keep_going)
        shown = [frame.time_s for frame in frames]
        times_s = np.array([time_s for time_s in shown if part.start_s <= time_s < part.end_s], np.float64)
        return _Timetable(times_s, video.info, video.warnings, merge_windows(*video.gaps), video.at_end, video.decoded)


def _frames_at(
    times_s: TimeArray,
    call: ObserveCall,
    part: Window,
    kind: MediaType,
    keep_going: Callable[[], None],
    spent: _Spent,
) -> Iterator[Frame]:
    """The frames that begin at these times, which are frames' own."""
    request = call.request
    wanted = iter(times_s.tolist())
    next_s = next(wanted, None)
    with open_video(call.medium, kind, call.limits, request.yuv, request.orientation) as video:
        for frame in video.frames(part, keep_going=keep_going):
            if next_s is None:
                break
            if frame.time_s == next_s:
                yield frame
                next_s = next(wanted, None)
        spent.decoded += video.decoded


def _track_of(observer: Observer, table: _Timetable, chosen: TimeArray) -> Track:
    """The track; where looking was stopped, it ends before the first chosen frame that was not looked at."""
    seen = len(observer)
    times_s = table.times_s
    if seen < len(chosen):
        times_s = times_s[times_s < chosen[seen]]
        if not seen:
            raise ObservationCancelledError
    return replace(observer.track(table.info, table.warnings), gaps=table.gaps, decoded_s=times_s)
