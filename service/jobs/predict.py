"""The work of /jobs/predict: the windows of /predict, of which the surest is remembered."""

from dataclasses import dataclass, replace
from functools import partial

from service.analysis.judging import Judged, judge, judge_together
from service.analysis.looking import Look, damage_of, predict_section
from service.analysis.predict import PredictAnswer, PredictRequest, confidence_of, frame_answers, predict_rule
from service.analysis.prediction import Prediction, answer
from service.context import AppContext
from service.errors import SignError
from service.jobs.stretch import Reached, look_on
from service.jobs.work import Gained, Work, first
from service.spotting.segment import Segment
from service.track import MediaInfo, Window


@dataclass(slots=True)
class PredictState:
    """Between two chunks: the surest window so far."""

    reached: Reached
    best: Prediction | None = None
    confidence: float = -2.0
    warnings: tuple[str, ...] = ()
    media: MediaInfo | None = None
    over: bool = False


def _begin(request: PredictRequest) -> PredictState:
    return PredictState(first(request.part))


async def _chunk(request: PredictRequest, state: PredictState, house: AppContext) -> Gained | None:
    reached, part = state.reached, request.part
    rule_for = partial(predict_rule, part)
    seen = await look_on(part, reached, house, predict_section, rule_for=rule_for)
    if seen is None:
        return None
    rule = rule_for(seen.manifest, seen.eye)
    if rule.window_s is None or rule.spread or seen.track.media.duration is None:
        windows = _only_window(request, reached, seen)
        needed_from_s = part.start_s
    else:
        windows = reached.due(seen, part.start_s, rule.window_s, rule.stride_s)
        needed_from_s = part.start_s + (reached.windows + len(windows)) * rule.stride_s
    if rule.spread and windows:
        judged = [await judge_together(seen, rule.windows(windows[0].end_s))]
    else:
        judged = await judge(seen, windows)
    for entry in judged:
        if (confidence := confidence_of(entry, seen.manifest)) > state.confidence:
            state.best, state.confidence = _answer(request, entry, seen), confidence
            state.warnings = entry.warnings
    reached.judged(windows)
    reached.let_go(seen, needed_from_s)
    state.media = seen.track.media
    return Gained(reached.progress, reached.end_s is not None)


def _only_window(request: PredictRequest, reached: Reached, seen: Look) -> list[Window]:
    """The whole part as one window, once it has been seen to its end; it is held in memory until then."""
    start_s, limit_s = request.part.start_s, seen.house.settings.timeline_seconds
    if seen.track.media.duration is None:  # a picture
        return [Window(0.0, float("inf"))]
    if (span_s := (reached.end_s or reached.covered_s) - start_s) > limit_s:
        raise SignError(
            "media-too-long",
            f"{seen.manifest.name} answers for the whole part at once, which lasts more than {limit_s:g} s. "
            "Choose a shorter one with start_time and clip_duration, or ask for a timeline of it.",
            limit=limit_s,
            actual=span_s,
        )
    return [] if reached.end_s is None else [Window(start_s, reached.end_s)]


def _answer(request: PredictRequest, entry: Judged, seen: Look) -> Prediction:
    evidence = entry.evidence(seen)
    prediction = answer(entry.window, entry.probabilities, evidence, seen.manifest, request.threshold, entry.affect)
    if request.with_frames:
        prediction = replace(prediction, frames=frame_answers(entry, seen.manifest))
    if seen.track.media.duration is None:
        prediction = replace(prediction, window=Window(0.0, 0.0))
    return prediction


async def _finish(
    request: PredictRequest, state: PredictState, _segments: tuple[Segment, ...], house: AppContext
) -> PredictAnswer:
    manifest = request.part.model.manifest
    if state.best is None or state.media is None:
        raise RuntimeError("a medium was looked at to its end without a window")
    outcome = "declined" if state.best.declined else "answered"
    house.metrics.predictions.labels(manifest.name, str(manifest.version), outcome).inc()
    return PredictAnswer(
        prediction=state.best,
        manifest=manifest,
        media=state.media,
        warnings=tuple(dict.fromkeys((*state.reached.warnings, *damage_of(state.reached.gaps), *state.warnings))),
        stages_s={},
    )


PREDICT = Work(PredictRequest, PredictAnswer, _begin, _chunk, _finish)
