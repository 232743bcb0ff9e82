"""The use case of /highlights: tension over time, and the moments that stand out."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from service.analysis.looking import EyeOf, Look, Part, SectionOf, damage_of, end_of, look, section_for
from service.analysis.samples import channel_of, condensed, outputs_of, series_of, window_values
from service.context import AppContext
from service.errors import ParameterError, SignError
from service.export.answer import Sample
from service.media.sampling import Rate, Sampling, Uniform
from service.pipelines import Observing
from service.pipelines.kind import Faces
from service.pipelines.series import SeriesSection
from service.registry.manifest import Manifest, Timing
from service.spotting.highlights import Highlight, HighlightRules
from service.spotting.highlights import highlights as moments_of
from service.spotting.tension import Signal, TensionPoint, changes, sample_times, tension_curve, tension_windows
from service.track import MediaInfo, Track, Window

USUAL_RATE = 2.0
"""Samples a second, where neither the caller nor the manifest says how many."""

USUAL_WINDOW_S, USUAL_MIN_DURATION_S, USUAL_MERGE_GAP_S = 3.0, 1.0, 1.0
"""Where neither says it: models of single faces know no windows."""

_SLACK = 1e-6


@dataclass(frozen=True, slots=True)
class HighlightsRequest:
    """What a caller asks of one part; what is None is taken from the manifest. Seconds; samples a second.

    min_faces: samples with a face that a window needs. with_series: whether each sample's values are wanted.
    """

    part: Part
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


async def highlights(request: HighlightsRequest, house: AppContext) -> HighlightsAnswer:
    """The moments of the asked part; SignError where the medium, the model or the part does not allow it."""
    seen = await look(
        request.part,
        house,
        longest_s=house.settings.timeline_seconds,
        section_of=section_for_highlights(request),
        eye_of=eye_for(request),
    )
    check_moving(seen.track)
    return await answer_from(request, await condensed(seen), end_of(seen.track, request.part))


async def answer_from(request: HighlightsRequest, seen: Look, end_s: float) -> HighlightsAnswer:
    """The answer, from a condensed look at all samples of a part that ends at end_s."""
    manifest, rate = seen.manifest, rate_of(seen.eye)
    channel = channel_of(manifest, request.channel)
    times = times_of(request, manifest)
    outputs = await outputs_of(seen)
    grid_s = sample_times(first_on_grid(request.part.start_s, rate), end_s, rate)
    windows = tension_windows(grid_s, times.window_s, rate)
    values = await window_values(seen, outputs, windows, channel)
    curve = await seen.timed("spotting", lambda: curve_of(outputs, windows, grid_s, values, request.min_faces))
    if request.signal == "change":
        curve = await seen.timed("spotting", lambda: changes(curve, times.window_s, rate))
    threshold = threshold_of(request, manifest, curve)
    series: tuple[Sample, ...] | None = None
    if request.with_series:
        series = await seen.timed("tensor", lambda: series_of(seen, outputs, mirrored=request.part.mirrored))
    return HighlightsAnswer(
        tension=curve,
        highlights=await seen.timed("spotting", lambda: _moments(request, curve, threshold, rate, times, end_s)),
        series=series,
        sample_rate=rate,
        channel=channel,
        threshold=threshold,
        samples=len(outputs),
        face_samples=int(outputs.present.sum()),
        manifest=manifest,
        media=outputs.media,
        warnings=(*seen.track.warnings, *damage_of(seen.track.gaps)),
        stages_s=seen.stages_s,
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
    return moments_of(curve, rules, request.part.start_s, end_s)


def section_for_highlights(request: HighlightsRequest) -> SectionOf:
    """The pipeline of a model that can be asked this."""

    def section_of(manifest: Manifest) -> Observing | SeriesSection:
        section = section_for(manifest, ("highlight", "affect"))
        channel_of(manifest, request.channel)
        return section

    return section_of


def eye_for(request: HighlightsRequest) -> EyeOf:
    """How the model that looks at the medium is to look: at which samples, and at which faces."""

    def eye_of(eye: Observing) -> Observing:
        if not eye.votes:
            detail = f"Highlights need answers for single frames; models of the kind {eye.kind} do not give them."
            raise SignError("model-wrong-task", detail)
        changed = eye.with_sampling(_sampling(request, eye.sampling))
        if request.faces is None:
            return changed
        if (chosen := changed.with_faces(request.faces)) is None:
            problem = f"a model of the kind {eye.kind} does not choose between faces"
            raise SignError("parameter-invalid", f"faces: {problem}.", parameters=(ParameterError("faces", problem),))
        return chosen

    return eye_of


def check_moving(track: Track) -> None:
    """Refuse a picture."""
    if track.media.duration is None:
        raise SignError("media-wrong-kind", "A picture has no highlights; send it to /predict, or send a video.")


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


def rate_of(eye: Observing) -> float:
    """Samples a second of an eye that `eye_for` made."""
    if not isinstance(eye.sampling, Rate):
        raise TypeError("highlights are sampled by rate")
    return eye.sampling.rate


def _sampling(request: HighlightsRequest, own: Sampling | Uniform) -> Rate:
    if request.sample_rate is not None:
        return Rate(rate=request.sample_rate)
    return own if isinstance(own, Rate) else Rate(rate=USUAL_RATE)


def first_on_grid(start_s: float, rate: float) -> float:
    """The first moment from start_s on that is sampled: a multiple of 1 / rate."""
    return math.ceil(start_s * rate - _SLACK) / rate
