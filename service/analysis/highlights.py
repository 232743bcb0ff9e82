"""The use case of /highlights: tension over time, and the moments that stand out."""

import asyncio
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from service.analysis.clip import ClipRequest, ObservedClip, describe_damage, preprocessing_of
from service.analysis.samples import channel_of, condense, outputs_of, series_of, window_values
from service.analysis.task import ChunkedTask, ChunkResult, run
from service.analysis.walk import Cursor, Walk, start_of
from service.context import AppContext
from service.errors import ParameterError, SignError
from service.export.answer import Sample
from service.media.sampling import Rate, Sampling, Uniform
from service.pipelines import Observing
from service.pipelines.kind import Faces
from service.pipelines.windows import WindowRule
from service.registry.manifest import Manifest, Timing
from service.spotting.highlights import Highlight, HighlightRules
from service.spotting.highlights import highlights as moments_of
from service.spotting.segment import Segment
from service.spotting.tension import Signal, TensionPoint, changes, sample_times, tension_curve, tension_windows
from service.track import MediaInfo, Track, Window

USUAL_RATE = 2.0
"""Samples a second, where neither the caller nor the manifest says how many."""

USUAL_WINDOW_S, USUAL_MIN_DURATION_S, USUAL_MERGE_GAP_S = 3.0, 1.0, 1.0
"""Where neither says it: models of single faces know no windows."""

MOST_SAMPLES = 100_000
"""Samples of one clip: 14 hours at 2 a second. A job writes their numbers down with every chunk."""

_SLACK = 1e-6


@dataclass(frozen=True, slots=True)
class HighlightsRequest:
    """What a caller asks of one clip; what is None is taken from the manifest. Seconds; samples a second.

    min_faces: samples with a face that a window needs. with_series: whether each sample's values are wanted.
    """

    clip: ClipRequest
    sample_rate: float | None = None
    window_s: float | None = None
    threshold: float | None = None
    min_duration_s: float | None = None
    merge_gap_s: float | None = None
    top_k: int | None = None
    min_faces: int = 3
    faces: Faces | None = None
    signal: Signal = "value"
    channel: str | None = None
    with_series: bool = False


@dataclass(frozen=True, slots=True)
class HighlightsAnswer:
    """The curve, the moments that stand out, and what they rest on.

    threshold: what a moment had to reach; None where nothing is known of the tension. samples: how many there were;
    face_samples: those with a face.
    """

    tension: tuple[TensionPoint, ...]
    highlights: tuple[Highlight, ...]
    series: tuple[Sample, ...] | None
    sample_rate: float
    channel: str
    threshold: float | None
    samples: int
    face_samples: int
    manifest: Manifest
    media: MediaInfo
    warnings: tuple[str, ...]
    stages_s: dict[str, float]


@dataclass(slots=True)
class HighlightsState:
    """Between two chunks: the numbers of all samples so far."""

    cursor: Cursor
    samples: Track | None = None


async def highlights(request: HighlightsRequest, context: AppContext) -> HighlightsAnswer:
    """The moments of the clip; SignError where the medium, the model or the clip does not allow it."""
    return await run(HIGHLIGHTS, request, Walk.at_once(context, context.settings.timeline_seconds))


def begin(request: HighlightsRequest) -> HighlightsState:
    """Before the first chunk, which begins where something is sampled, else it might hold nothing."""
    part, cursor = request.clip, start_of(request.clip)
    first_s = part.start_s if request.sample_rate is None else first_on_grid(part.start_s, request.sample_rate)
    if first_s < part.end_s:
        cursor.position = replace(cursor.position, covered_s=first_s)
    return HighlightsState(cursor)


async def next_chunk(request: HighlightsRequest, state: HighlightsState, walk: Walk) -> ChunkResult | None:
    """Keep the numbers of the next chunk's samples: what stands out depends on all of them, and is found at the end."""
    part, cursor, limited = request.clip, state.cursor, replace(walk, most_frames=min(walk.most_frames, MOST_SAMPLES))
    clip = await limited.next_chunk(part, preprocessing_for(request), WindowRule(part.start_s), cursor)
    if clip is None:
        return None
    if clip.is_picture:
        raise SignError("media-wrong-kind", "A picture has no highlights; send it to /predict, or send a video.")
    new = await _new_numbers(clip, state.samples)
    if not request.with_series:
        new = replace(new, boxes=None)
    state.samples = new if state.samples is None else state.samples.join(new)
    cursor.finish_chunk(clip, [], float(state.samples.times_s[-1]))
    cursor.add_times(clip)
    return ChunkResult()


async def _new_numbers(clip: ObservedClip, known: Track | None) -> Track:
    """The numbers of the samples that are new; the one before them is read again, as what moved since then counts."""
    last_s = -np.inf if known is None else float(known.times_s[-1])
    first_new = int(np.searchsorted(clip.track.times_s, last_s, side="right"))
    needed = clip.track.only(np.arange(len(clip.track)) >= first_new - 1)
    numbers = (await condense(replace(clip, track=needed))).track
    return numbers.only(numbers.times_s > last_s)


async def finish(
    request: HighlightsRequest, state: HighlightsState, _segments: tuple[Segment, ...], walk: Walk
) -> HighlightsAnswer:
    """The curve over all samples, and what stands out of it."""
    if state.samples is None:
        raise RuntimeError("a medium was seen to its end without a sample")
    part, cursor = request.clip, state.cursor
    clip = ObservedClip(
        model=part.model,
        preprocessing=preprocessing_for(request),
        track=state.samples,
        deadline=walk.deadline_of(part),
        context=walk.context,
        stages_s=cursor.stages_s,
    )
    manifest, rate = clip.manifest, rate_of(clip.preprocessing)
    channel = channel_of(manifest, request.channel)
    times = times_of(request, manifest)
    outputs = await outputs_of(clip)
    grid_s = await asyncio.to_thread(grid_times, part, cursor, rate)
    windows = await asyncio.to_thread(tension_windows, grid_s, times.window_s, rate)
    values = await window_values(clip, outputs, windows, channel)
    curve = await clip.timed("spotting", lambda: curve_of(outputs, windows, grid_s, values, request.min_faces))
    if request.signal == "change":
        curve = await clip.timed("spotting", lambda: changes(curve, times.window_s, rate))
    threshold = await asyncio.to_thread(threshold_of, request, manifest, curve)
    series: tuple[Sample, ...] | None = None
    if request.with_series:
        series = await clip.timed("tensor", lambda: series_of(clip, outputs, mirrored=part.mirrored))
    moments = await clip.timed("spotting", lambda: _moments(request, curve, threshold, rate, times, cursor.end_s))
    return HighlightsAnswer(
        tension=curve,
        highlights=moments,
        series=series,
        sample_rate=rate,
        channel=channel,
        threshold=threshold,
        samples=len(outputs),
        face_samples=int(outputs.present.sum()),
        manifest=manifest,
        media=outputs.media,
        warnings=tuple(dict.fromkeys((*cursor.warnings, *describe_damage(cursor.damaged)))),
        stages_s=clip.stages_s,
    )


def curve_of(
    outputs: Track,
    windows: Sequence[Window],
    times_s: Sequence[float],
    values: Sequence[float | None],
    min_faces: int,
) -> tuple[TensionPoint, ...]:
    """The curve at times_s; where nothing could be read of the medium, samples are missing that show no face."""
    spans_s = np.array([(window.start_s, window.end_s) for window in windows])
    samples = np.diff(np.searchsorted(np.array(times_s), spans_s), axis=1)[:, 0]
    faces_before = np.concatenate([[0], np.cumsum(outputs.present)])
    faces = np.diff(faces_before[np.searchsorted(outputs.times_s, spans_s)], axis=1)[:, 0]
    return tension_curve(times_s, values, faces.tolist(), samples.tolist(), min_faces)


def _moments(
    request: HighlightsRequest,
    curve: Sequence[TensionPoint],
    threshold: float | None,
    rate: float,
    times: Timing,
    end_s: float,
) -> tuple[Highlight, ...]:
    if threshold is None:
        return ()
    rules = HighlightRules(threshold, rate, times.window_s, times.min_duration_s, times.merge_gap_s, request.top_k)
    return moments_of(curve, rules, request.clip.start_s, end_s)


def preprocessing_for(request: HighlightsRequest) -> Observing:
    """The pipeline, at the samples and faces that are asked for; SignError where the model cannot be asked this."""
    model = request.clip.model
    own = preprocessing_of(model, ("highlight", "affect"))
    channel_of(model.manifest, request.channel)
    if not own.votes:
        detail = f"Highlights need answers for single frames; models of the kind {own.kind} do not give them."
        raise SignError("model-wrong-task", detail)
    sampled = own.with_sampling(_sampling(request, own.sampling))
    if request.faces is None:
        return sampled
    if (chosen := sampled.with_faces(request.faces)) is None:
        problem = f"a model of the kind {own.kind} does not choose between faces"
        raise SignError("parameter-invalid", f"faces: {problem}.", parameters=(ParameterError("faces", problem),))
    return chosen


def times_of(request: HighlightsRequest, manifest: Manifest) -> Timing:
    """The manifest's times with what the caller changed."""
    asked = {
        "window_s": request.window_s,
        "min_duration_s": request.min_duration_s,
        "merge_gap_s": request.merge_gap_s,
    }
    own = manifest.time or Timing(
        window_s=USUAL_WINDOW_S,
        stride_s=1 / USUAL_RATE,
        min_duration_s=USUAL_MIN_DURATION_S,
        merge_gap_s=USUAL_MERGE_GAP_S,
    )
    return own.model_copy(update={name: value for name, value in asked.items() if value is not None})


def threshold_of(request: HighlightsRequest, manifest: Manifest, curve: Sequence[TensionPoint]) -> float | None:
    """The tension that a moment reaches: the caller's, the manifest's, else the curve's mean and a deviation more.

    The manifest's is one for the values of a highlight model, and 0 says that it has none. None where nothing stands
    out: the curve is flat, or nothing of it is known.
    """
    if request.threshold is not None:
        return request.threshold
    if request.signal == "value" and manifest.task == "highlight" and manifest.output.threshold > 0:
        return manifest.output.threshold
    known = np.array([point.value for point in curve if point.value is not None], np.float64)
    if not len(known) or known.std() < _SLACK:
        return None
    return float(known.mean() + known.std())


def rate_of(preprocessing: Observing) -> float:
    """Samples a second of a pipeline that `preprocessing_for` made."""
    if not isinstance(preprocessing.sampling, Rate):
        raise TypeError("highlights are sampled by rate")
    return preprocessing.sampling.rate


def _sampling(request: HighlightsRequest, own: Sampling | Uniform) -> Rate:
    if request.sample_rate is not None:
        return Rate(rate=request.sample_rate)
    return own if isinstance(own, Rate) else Rate(rate=USUAL_RATE)


def grid_times(part: ClipRequest, cursor: Cursor, rate: float) -> tuple[float, ...]:
    """The moments that get a point: from the medium's first frame on, and none where its timestamps leap."""
    ends_s = [*(leap.start_s for leap in cursor.leaps), cursor.end_s]
    starts_s = [max(part.start_s, cursor.media.start), *(leap.end_s for leap in cursor.leaps)]
    stretches = [(first_on_grid(start_s, rate), end_s) for start_s, end_s in zip(starts_s, ends_s, strict=True)]
    last = len(stretches) - 1
    return tuple(
        time_s
        for place, (first_s, end_s) in enumerate(stretches)
        if first_s < end_s or place == last
        for time_s in sample_times(first_s, end_s, rate)
    )


def first_on_grid(start_s: float, rate: float) -> float:
    """The first moment from start_s on that is sampled: a multiple of 1 / rate."""
    return math.ceil(start_s * rate - _SLACK) / rate


HIGHLIGHTS = ChunkedTask(HighlightsRequest, HighlightsAnswer, preprocessing_for, begin, next_chunk, finish)
