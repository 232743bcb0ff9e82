"""From options to a use case's request."""

from service.analysis.clip import ClipRequest
from service.analysis.highlights import HighlightsRequest
from service.analysis.predict import PredictRequest
from service.analysis.timeline import TimelineRequest
from service.context import AppContext
from service.contract.options import HighlightsOptions, MediumOptions, PredictOptions, TimelineOptions
from service.media.medium import Medium
from service.registry.registry import ServedModel
from service.workers.deadline import Deadline


async def find_model(options: MediumOptions, context: AppContext) -> ServedModel:
    """The model that the options ask for, held for as long as the request lasts. Raises as `Registry.get`.

    Where two versions share the name's traffic, one is drawn: once a request, therefore.
    """
    return await context.registry.choose(options.model_of(context.settings), options.version)


async def check_model(options: MediumOptions, context: AppContext) -> None:
    """Raise as `find_model` where the options ask for a model that cannot answer, before a medium is taken."""
    await context.registry.get(options.model_of(context.settings), options.version)


def make_predict_request(
    options: PredictOptions, medium: Medium, context: AppContext, model: ServedModel
) -> PredictRequest:
    """What the options ask of the medium."""
    clip = make_clip_request(options, medium, context, model, duration_s=options.clip_duration)
    return PredictRequest(clip, threshold=options.threshold, with_frames=options.return_frames)


def make_timeline_request(
    options: TimelineOptions, medium: Medium, context: AppContext, model: ServedModel
) -> TimelineRequest:
    """What the options ask of the medium."""
    return TimelineRequest(
        clip=make_clip_request(options, medium, context, model.over_time or model, duration_s=None),
        window_s=options.clip_duration,
        stride_s=options.stride,
        min_duration_s=options.min_duration,
        merge_gap_s=options.merge_gap,
        threshold=options.threshold,
        smoothing=options.smoothing,
    )


def make_highlights_request(
    options: HighlightsOptions, medium: Medium, context: AppContext, model: ServedModel
) -> HighlightsRequest:
    """What the options ask of the medium."""
    return HighlightsRequest(
        clip=make_clip_request(options, medium, context, model, duration_s=options.clip_duration),
        sample_rate=options.sample_rate,
        window_s=options.window,
        threshold=options.threshold,
        min_duration_s=options.min_duration,
        merge_gap_s=options.merge_gap,
        top_k=options.top_k,
        min_faces=options.min_faces,
        faces=options.faces,
        signal=options.signal,
        channel=options.channel,
        with_series=options.return_series,
    )


def make_clip_request(
    options: MediumOptions, medium: Medium, context: AppContext, model: ServedModel, *, duration_s: float | None
) -> ClipRequest:
    """The part of the medium that the options ask for; its deadline begins now."""
    longest_s = context.settings.request_timeout_s
    return ClipRequest(
        medium=medium,
        deadline=Deadline.after(min(options.timeout_s or longest_s, longest_s)),
        model=model,
        start_s=options.start_time,
        duration_s=duration_s,
        mirrored=options.mirrored,
    )
