"""The use case of /timeline: what is signed when."""

import asyncio
import time
from dataclasses import dataclass
from functools import partial

from service.analysis.judging import Judged
from service.analysis.looking import Look, Part, damage_of, end_of, windows_over_part
from service.analysis.pieces import Plan, look_and_judge
from service.analysis.prediction import Evidence, Prediction, answer
from service.context import AppContext
from service.errors import SignError
from service.pipelines import Observing
from service.pipelines.windows import WindowRule
from service.registry.manifest import Manifest, Timing
from service.spotting.segment import ScoredWindow, Segment, Smoothing, SpottingRules
from service.spotting.segments import segments_of
from service.spotting.transcript import transcript
from service.track import MediaInfo, Track, Window


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """How windows are to be cut and decided; what is None is taken from the manifest. Seconds.

    window_named: what callers call window_s.
    """

    window_s: float | None = None
    stride_s: float | None = None
    min_duration_s: float | None = None
    merge_gap_s: float | None = None
    threshold: float | None = None
    smoothing: Smoothing = "viterbi"
    window_named: str = "clip_duration"


@dataclass(frozen=True, slots=True)
class TimelineRequest(Asked):
    """What a caller asks of one part."""

    part: Part


@dataclass(frozen=True, slots=True)
class TimelineAnswer:
    """Segments in order, the transcript, and each window's own answer. gaps: damaged stretches of the medium."""

    segments: tuple[Segment, ...]
    transcript: str
    windows: tuple[Prediction, ...]
    duration_s: float
    evidence: Evidence
    manifest: Manifest
    media: MediaInfo
    warnings: tuple[str, ...]
    stages_s: dict[str, float]
    gaps: tuple[Window, ...] = ()


async def timeline(request: TimelineRequest, house: AppContext) -> TimelineAnswer:
    """What is signed when in the asked part; SignError where the medium, the model or the part does not allow it."""
    longest_s, rule_for = house.settings.timeline_seconds, partial(timeline_rule, request)
    seen, judged = await look_and_judge(request.part, house, Plan(longest_s, rule_for, partial(_windows, request)))
    end_s = _end_of_video(seen, request.part)
    times = true_times(times_of(request, seen.manifest), [entry.window for entry in judged], seen)
    began = time.perf_counter()
    segments = await asyncio.to_thread(_segments, judged, seen, rules_of(request, times, seen.manifest))
    seen.spent("spotting", began)
    manifest = seen.manifest
    return TimelineAnswer(
        segments=segments,
        transcript=transcript((entry.label for entry in segments), manifest.unit, manifest.label_text),
        windows=tuple(_answer(entry, seen, request.threshold) for entry in judged),
        duration_s=end_s - request.part.start_s,
        evidence=Evidence.of(seen.track),
        manifest=manifest,
        media=seen.track.media,
        warnings=tuple(
            dict.fromkeys(
                (
                    *warnings_of(request, seen),
                    *damage_of(seen.track.gaps),
                    *(text for one in judged for text in one.warnings),
                )
            )
        ),
        stages_s=seen.stages_s,
        gaps=seen.track.gaps,
    )


def _windows(request: TimelineRequest, seen: Look) -> list[Window]:
    end_s, times = _end_of_video(seen, request.part), times_of(request, seen.manifest)
    return windows_over_part(seen, request.part.start_s, end_s, times.window_s, times.stride_s)


def _end_of_video(seen: Look, part: Part) -> float:
    if seen.track.media.duration is None:
        raise SignError("media-wrong-kind", "A picture has no timeline; send it to /predict, or send a video.")
    return end_of(seen.track, part)


def times_of(request: Asked, manifest: Manifest) -> Timing:
    """The manifest's times with what the caller changed."""
    asked = {
        "window_s": request.window_s,
        "stride_s": request.stride_s,
        "min_duration_s": request.min_duration_s,
        "merge_gap_s": request.merge_gap_s,
    }
    changes = {name: value for name, value in asked.items() if value is not None}
    if manifest.time is not None:
        return manifest.time.model_copy(update=changes)
    if request.window_s is None:
        detail = f"{manifest.name} does not say how long a window is; say it with {request.window_named}."
        raise SignError("parameter-invalid", detail)
    return Timing.model_validate({"stride_s": request.window_s / 4, **changes})


def timeline_rule(request: TimelineRequest, manifest: Manifest, _eye: Observing) -> WindowRule:
    """How a part is cut into windows."""
    times = times_of(request, manifest)
    return WindowRule(request.part.start_s, times.window_s, times.stride_s)


def warnings_of(request: TimelineRequest, seen: Look) -> tuple[str, ...]:
    """What was strange about the medium, and what of the request could not be followed."""
    if request.window_s is None or not seen.eye.windows_in_frames:
        return seen.track.warnings
    said = f"The model's windows are always {seen.eye.clip_frames} frames long; clip_duration was not followed."
    return (*seen.track.warnings, said)


def true_times(times: Timing, windows: list[Window], seen: Look) -> Timing:
    """The times with the stride that the windows have in truth: clips begin where chunks do."""
    if not seen.eye.windows_in_frames or len(windows) < 2:
        return times
    return times.model_copy(update={"stride_s": max(windows[1].start_s - windows[0].start_s, 1e-3)})


def rules_of(request: Asked, times: Timing, manifest: Manifest) -> SpottingRules:
    """How the windows become segments."""
    return SpottingRules(
        labels=manifest.labels or (),
        stride_s=times.stride_s,
        idle_labels=manifest.idle_labels,
        threshold=manifest.output.threshold if request.threshold is None else request.threshold,
        min_duration_s=times.min_duration_s,
        merge_gap_s=times.merge_gap_s,
        smoothing=request.smoothing,
    )


def _segments(judged: list[Judged], seen: Look, rules: SpottingRules) -> tuple[Segment, ...]:
    return segments_of((scored(entry, seen.shown(entry.window)) for entry in judged), rules, seen.track.gaps)


def scored(entry: Judged, shown: Track) -> ScoredWindow:
    """A judged window as spotting takes it; shown: the observations on which its answer rests."""
    return ScoredWindow(entry.window, entry.probabilities, shown.times_s, shown.present)


def _answer(entry: Judged, seen: Look, threshold: float | None) -> Prediction:
    return answer(entry.window, entry.probabilities, entry.evidence(seen), seen.manifest, threshold)
