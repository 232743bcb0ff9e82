"""The work of /jobs/timeline: the windows and the spotter of /timeline, a few seconds of the medium at a time."""

import asyncio
from dataclasses import dataclass
from functools import partial

from service.analysis.judging import Judged, judge
from service.analysis.looking import Look, damage_of
from service.analysis.prediction import Prediction, answer
from service.analysis.timeline import (
    TimelineAnswer,
    TimelineRequest,
    rules_of,
    scored,
    timeline_rule,
    times_of,
    true_times,
    warnings_of,
)
from service.context import AppContext
from service.errors import SignError
from service.jobs.stretch import Reached, look_on
from service.jobs.work import Gained, Work, first
from service.spotting.segment import Segment
from service.spotting.segments import Spotter
from service.spotting.transcript import transcript


@dataclass(slots=True)
class TimelineState:
    """Between two chunks."""

    reached: Reached
    spotter: Spotter | None = None
    over: bool = False


def _begin(request: TimelineRequest) -> TimelineState:
    return TimelineState(first(request.part))


async def _chunk(request: TimelineRequest, state: TimelineState, house: AppContext) -> Gained | None:
    reached, start_s = state.reached, request.part.start_s
    seen = await look_on(request.part, reached, house, rule_for=partial(timeline_rule, request))
    if seen is None:
        return None
    if seen.track.media.duration is None:
        raise SignError("media-wrong-kind", "A picture has no timeline; send it to /predict, or send a video.")
    times = times_of(request, seen.manifest)
    windows = reached.due(seen, start_s, times.window_s, times.stride_s)
    spotter = state.spotter or Spotter(rules_of(request, true_times(times, windows, seen), seen.manifest))
    judged = await judge(seen, windows)
    segments = await asyncio.to_thread(_spot, spotter, judged, seen, done=reached.end_s is not None)
    state.spotter = spotter if windows or state.spotter else None
    reached.judged(windows)
    reached.warn(*warnings_of(request, seen), *(text for one in judged for text in one.warnings))
    reached.spent(seen.stages_s)
    reached.let_go(seen, start_s + reached.windows * times.stride_s)
    answers = [_window(entry, seen, request) for entry in judged]
    return Gained(reached.progress, reached.end_s is not None, segments, answers)


def _spot(spotter: Spotter, judged: list[Judged], seen: Look, *, done: bool) -> tuple[Segment, ...]:
    for gap in seen.track.gaps:
        spotter.add_gap(gap)
    found = [segment for entry in judged for segment in spotter.push(scored(entry, seen.shown(entry.window)))]
    return (*found, *spotter.finish()) if done else tuple(found)


def _window(entry: Judged, seen: Look, request: TimelineRequest) -> Prediction:
    return answer(entry.window, entry.probabilities, entry.evidence(seen), seen.manifest, request.threshold)


async def _finish(
    request: TimelineRequest, state: TimelineState, segments: tuple[Segment, ...], _house: AppContext
) -> TimelineAnswer:
    reached, part = state.reached, request.part
    manifest = part.model.manifest
    return TimelineAnswer(
        segments=segments,
        transcript=transcript((entry.label for entry in segments), manifest.unit, manifest.label_text),
        windows=(),
        duration_s=(reached.end_s or part.start_s) - part.start_s,
        evidence=reached.tally.evidence,
        manifest=manifest,
        media=reached.media,
        warnings=(*reached.warnings, *damage_of(reached.gaps)),
        stages_s=reached.stages_s,
        gaps=reached.gaps,
    )


TIMELINE = Work(TimelineRequest, TimelineAnswer, _begin, _chunk, _finish)
