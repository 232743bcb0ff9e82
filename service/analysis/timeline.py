"""The use case of /timeline: what is signed when."""

import asyncio
from dataclasses import dataclass, replace

from service.analysis.clip import ClipRequest, ObservedClip, describe_damage, describe_unseen, preprocessing_of
from service.analysis.prediction import Evidence, Prediction, answer
from service.analysis.scoring import WindowScores, score_windows
from service.analysis.task import ChunkedTask, ChunkResult, run
from service.analysis.walk import Cursor, Walk, start_of
from service.context import AppContext
from service.errors import SignError
from service.media.sampling import Rate
from service.pipelines import Observing
from service.pipelines.windows import WindowRule
from service.registry.manifest import Manifest, Timing
from service.spotting.moments import MomentRules
from service.spotting.segment import ScoredWindow, Segment, Smoothing, SpottingRules
from service.spotting.spotting import Spotting, spotter_for
from service.spotting.states import StateSpan
from service.spotting.transcript import transcript
from service.track import MediaInfo, Track, Window

CLIPS_CHUNK_S = 20.0
"""Seconds of a chunk of clips: each is decoded twice, from the key frame before it, and that should be little of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SpottingOptions:
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
class TimelineRequest(SpottingOptions):
    """What a caller asks of one clip."""

    clip: ClipRequest


@dataclass(frozen=True, slots=True)
class TimelineAnswer:
    """Segments in order, the transcript, and each window's own answer. gaps: stretches that show nothing.

    states: what the hand does when, one span after the other; None where the model does not tell it.
    """

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
    states: tuple[StateSpan, ...] | None = None


@dataclass(slots=True)
class TimelineState:
    """Between two chunks: the spotter, and what was strange about single windows."""

    cursor: Cursor
    spotter: Spotting | None = None
    warnings: tuple[str, ...] = ()
    states: tuple[StateSpan, ...] = ()


async def timeline(request: TimelineRequest, context: AppContext, *, keep_windows: bool = True) -> TimelineAnswer:
    """What is signed when in the clip; SignError where the medium, the model or the clip does not allow it."""
    windows: list[Prediction] = []
    answer = await run(TIMELINE, request, _walk_for(request, context), windows=windows if keep_windows else None)
    return replace(answer, windows=tuple(windows))


def _walk_for(request: TimelineRequest, context: AppContext) -> Walk:
    """Pixels go through in chunks, so that few are held and the next is read while one is scored; landmarks where all
    free slots can look at them together."""
    preprocessing, longest_s = preprocessing_for(request), context.settings.timeline_seconds
    is_shared = isinstance(preprocessing.sampling, Rate) and context.slots.free_for("interactive") > 1
    if preprocessing.samples_windows:
        return replace(Walk.in_chunks(context, longest_s), chunk_s=CLIPS_CHUNK_S)
    if preprocessing.request.kept_bytes or is_shared:
        return Walk.in_chunks(context, longest_s)
    return Walk.at_once(context, longest_s)


def begin(request: TimelineRequest) -> TimelineState:
    """Before the first chunk."""
    return TimelineState(start_of(request.clip))


async def next_chunk(request: TimelineRequest, state: TimelineState, walk: Walk) -> ChunkResult | None:
    """Score the windows that end in the next chunk, and let the spotter have them."""
    cursor, part, preprocessing = state.cursor, request.clip, preprocessing_for(request)
    times = times_of(request, part.model.manifest)
    uncut = WindowRule(part.start_s, times.window_s, times.stride_s, answers_at_s=times.answers_at_s)
    clip = await walk.next_chunk(part, preprocessing, uncut, cursor)
    if clip is None:
        return None
    rule = cursor.known(uncut, clip.track)
    if clip.is_picture:
        raise SignError("media-wrong-kind", "A picture has no timeline; send it to /predict, or send a video.")
    windows = await asyncio.to_thread(preprocessing.due_windows, clip.track, rule, cursor.position)
    spotter = state.spotter or spotter_for(rules_of(request, _true_times(times, windows, preprocessing), clip.manifest))
    scored = rule.number_after(windows, cursor.position.scored)
    cursor.finish_chunk(clip, windows, rule.begins_s(scored), scored)
    walk.look_ahead(part, preprocessing, uncut, cursor)
    scores = await score_windows(clip, windows)
    segments = await clip.timed("spotting", lambda: _spot(spotter, scores, clip, is_over=cursor.is_over))
    state.spotter = spotter if windows or state.spotter else None
    state.states += spotter.take_states()
    cursor.warn(*_not_followed(request, preprocessing))
    state.warnings = await asyncio.to_thread(_distinct, state.warnings, scores)
    cursor.add_times(clip)
    predictions = await asyncio.to_thread(lambda: [_prediction(entry, clip, request.threshold) for entry in scores])
    return ChunkResult(segments, predictions)


async def finish(
    request: TimelineRequest, state: TimelineState, segments: tuple[Segment, ...], _walk: Walk
) -> TimelineAnswer:
    """The answer, without single windows."""
    cursor, manifest = state.cursor, request.clip.model.manifest
    unseen = describe_unseen(preprocessing_for(request), cursor.counter.evidence)
    return TimelineAnswer(
        segments=segments,
        transcript=transcript((entry.label for entry in segments), manifest.unit, manifest.label_text),
        windows=(),
        duration_s=cursor.end_s - max(request.clip.start_s, cursor.media.start),
        evidence=cursor.counter.evidence,
        manifest=manifest,
        media=cursor.media,
        warnings=tuple(dict.fromkeys((*cursor.warnings, *unseen, *describe_damage(cursor.damaged), *state.warnings))),
        stages_s=cursor.stages_s,
        gaps=cursor.gaps,
        states=None if manifest.decoder is None else state.states,
    )


def preprocessing_for(request: TimelineRequest) -> Observing:
    """The pipeline of a model that names signs, whose windows have a length; SignError where it has none."""
    preprocessing = preprocessing_of(request.clip.model, ("sign",))
    times_of(request, request.clip.model.manifest)
    return preprocessing


def times_of(options: SpottingOptions, manifest: Manifest) -> Timing:
    """The manifest's times with what the caller changed."""
    asked = {
        "window_s": options.window_s,
        "stride_s": options.stride_s,
        "min_duration_s": options.min_duration_s,
        "merge_gap_s": options.merge_gap_s,
    }
    if manifest.decoder is not None:  # its answers are about moments: they have no other length, and no other pace
        asked["window_s"] = asked["stride_s"] = None
    changes = {name: value for name, value in asked.items() if value is not None}
    if manifest.time is not None:
        return manifest.time.model_copy(update=changes)
    if options.window_s is None:
        detail = f"{manifest.name} does not say how long a window is; say it with {options.window_named}."
        raise SignError("parameter-invalid", detail)
    return Timing.model_validate({"stride_s": options.window_s / 4, **changes})


def _not_followed(request: TimelineRequest, preprocessing: Observing) -> tuple[str, ...]:
    """What of the request could not be followed."""
    if request.clip.model.manifest.decoder is not None and (request.window_s or request.stride_s):
        return ("The model answers for single moments; clip_duration and stride were not followed.",)
    if request.window_s is None or not preprocessing.windows_in_frames:
        return ()
    frames = preprocessing.clip_frames
    return (f"The model's windows are always {frames} frames long; clip_duration was not followed.",)


def _true_times(times: Timing, windows: list[Window], preprocessing: Observing) -> Timing:
    """The times with the stride that the windows have in truth: clips begin where chunks of frames do."""
    if not preprocessing.windows_in_frames or len(windows) < 2:
        return times
    return times.model_copy(update={"stride_s": max(windows[1].start_s - windows[0].start_s, 1e-3)})


def rules_of(options: SpottingOptions, times: Timing, manifest: Manifest) -> SpottingRules | MomentRules:
    """How the windows become segments."""
    rules = SpottingRules(
        labels=manifest.labels or (),
        stride_s=times.stride_s,
        idle_labels=manifest.idle_labels,
        threshold=manifest.output.threshold if options.threshold is None else options.threshold,
        min_duration_s=times.min_duration_s,
        merge_gap_s=times.merge_gap_s,
        smoothing=options.smoothing,
    )
    decoder = manifest.decoder
    if decoder is None or times.answers_at_s is None:
        return rules
    return MomentRules(
        rules,
        answers_at_s=times.answers_at_s,
        states=decoder.states,
        change_cost=decoder.change_cost if options.smoothing == "viterbi" else 0.0,
        lag_s=decoder.lag_s,
        least_state_s=decoder.least_state_s,
        begins_as=decoder.begins_as,
    )


def _distinct(known: tuple[str, ...], scores: list[WindowScores]) -> tuple[str, ...]:
    """The warnings so far and those of the windows, each once."""
    return tuple(dict.fromkeys((*known, *(text for one in scores for text in one.warnings))))


def _spot(spotter: Spotting, scores: list[WindowScores], clip: ObservedClip, *, is_over: bool) -> tuple[Segment, ...]:
    for gap in clip.track.gaps:
        spotter.add_gap(gap)
    found = [segment for entry in scores for segment in spotter.push(to_spot(entry, clip.view(entry.window)))]
    return (*found, *spotter.finish()) if is_over else tuple(found)


def to_spot(entry: WindowScores, view: Track) -> ScoredWindow:
    """A window's scores as spotting takes them; view: the observations on which its answer rests."""
    return ScoredWindow(entry.window, entry.probabilities, view.times_s, view.present)


def _prediction(entry: WindowScores, clip: ObservedClip, threshold: float | None) -> Prediction:
    window = window_told(entry.window, clip.manifest)
    return answer(window, entry.probabilities, entry.evidence(clip), clip.manifest, threshold)


def window_told(window: Window, manifest: Manifest) -> Window:
    """What a window's answer is about: all of it, or the moment that a model of moments answers for."""
    times = manifest.time
    if times is None or times.answers_at_s is None:
        return window
    moment_s = max(0.0, window.start_s + times.answers_at_s)
    return Window(moment_s, moment_s + times.stride_s)


TIMELINE = ChunkedTask(TimelineRequest, TimelineAnswer, preprocessing_for, begin, next_chunk, finish)
