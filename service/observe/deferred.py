"""Observing frames that can be chosen only once the times of all are known. Only workers import this.

The part is decoded twice: first for the times alone, then again up to the last chosen frame. Decoding is the small
share of a frame's cost; so nothing is converted, resized or kept that no window looks at.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np

from service.media.moving import MovingFrame, open_moving
from service.media.sampling import DeferredSampling
from service.media.sniff import MediaType
from service.observe.call import ObserveCall, ObserveResult, Stopwatch, nothing_in
from service.observe.cancelled import ObservationCancelledError
from service.observe.landmarkers import Landmarkers
from service.observe.observers import FrameSinkFactory, Observer, open_observer
from service.observe.video import (
    UntilPreempted,
    after_moving,
    check_count,
    check_span,
    lies_behind,
    moved_to,
    read_pixels,
)
from service.track import MediaInfo, TimeArray, Track, Window, end_after, merge_windows


@dataclass(frozen=True, slots=True)
class _Timetable:
    """The times of the part's frames, and what decoding them told of the medium."""

    times_s: TimeArray
    info: MediaInfo
    warnings: tuple[str, ...]
    gaps: tuple[Window, ...]
    leaps: tuple[Window, ...]
    at_end: bool
    decoded: int
    next_s: float | None
    leapt_s: float


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

        def again(moved: ObserveCall, later: DeferredSampling) -> ObserveResult:
            return observe_deferred(moved, later, kind, keep_going, landmarkers, make_sink)

        return _after_nothing(call, choice, table, again)
    extent = Window(table.info.start, end_after(table.info.duration, float(table.times_s[-1])))
    chosen = choice.choose(table.times_s, extent, table.leaps, table.at_end)
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
    at_end = table.at_end and not frames.preempted
    return replace(result, at_end=at_end, until_s=call.end_s, preempted=frames.preempted, leapt_s=table.leapt_s)


def _after_nothing(
    call: ObserveCall,
    choice: DeferredSampling,
    table: _Timetable,
    again: Callable[[ObserveCall, DeferredSampling], ObserveResult],
) -> ObserveResult:
    """What lies in a part without a frame: nothing, or what is shown next, if the part may be moved."""
    if table.next_s is None or table.next_s >= (call.moves_until_s or 0.0):
        return nothing_in(call, table.info)
    later, start_s = choice.moved(table.next_s, table.info.start)
    nothing = Track(np.zeros(0), np.zeros((0, 0), np.float32), np.zeros(0, bool), table.info, warnings=table.warnings)
    return after_moving(replace(nothing, gaps=table.gaps, leaps=table.leaps), again(moved_to(start_s, call), later))


def _timetable(call: ObserveCall, part: Window, kind: MediaType, keep_going: Callable[[], None]) -> _Timetable:
    request = call.request
    with open_moving(call.medium, kind, call.limits, request.yuv, request.orientation) as video:
        is_behind = lies_behind(part, video)
        skipped_s = 0.0 if is_behind else check_span(part, video, call)
        frames: Iterator[MovingFrame] = iter(()) if is_behind else video.frames(part, keep_going=keep_going)
        shown = [frame.time_s for frame in frames]
        times_s = np.array([time_s for time_s in shown if part.start_s <= time_s < part.end_s], np.float64)
        return _Timetable(
            times_s,
            video.info,
            video.warnings,
            merge_windows(*video.gaps, *video.leaps),
            video.leaps,
            video.at_end,
            video.decoded,
            video.next_s,
            skipped_s,
        )


def _frames_at(
    times_s: TimeArray,
    call: ObserveCall,
    part: Window,
    kind: MediaType,
    keep_going: Callable[[], None],
    spent: _Spent,
) -> Iterator[MovingFrame]:
    """The frames that begin at these times, which are frames' own."""
    request = call.request
    wanted = iter(times_s.tolist())
    next_s = next(wanted, None)
    with open_moving(call.medium, kind, call.limits, request.yuv, request.orientation) as video:
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
    return replace(observer.track(table.info, table.warnings), gaps=table.gaps, leaps=table.leaps, decoded_s=times_s)
