"""The use case of /predict: one answer for a picture, a video, or a part of it: the surest window's."""

import asyncio
from dataclasses import dataclass, replace

from service.analysis.clip import ClipRequest, ObservedClip, describe_damage, describe_unseen, preprocessing_of
from service.analysis.prediction import FrameAnswer, Prediction, answer, rank, sign_confidence
from service.analysis.scoring import WindowScores, score_together, score_windows
from service.analysis.task import ChunkedTask, ChunkResult, run
from service.analysis.walk import Cursor, Walk, start_of
from service.context import AppContext
from service.errors import SignError
from service.pipelines import Observing
from service.pipelines.windows import WindowRule
from service.registry.manifest import Manifest
from service.spotting.segment import Segment
from service.track import MediaInfo, Window


@dataclass(frozen=True, slots=True)
class PredictRequest:
    """What a caller asks of one clip. threshold: below it the answer is declined; None: the manifest's."""

    clip: ClipRequest
    threshold: float | None = None
    with_frames: bool = False


@dataclass(frozen=True, slots=True)
class PredictAnswer:
    """The answer, which model gave it, from what kind of medium, and how long each stage took in seconds."""

    prediction: Prediction
    manifest: Manifest
    media: MediaInfo
    warnings: tuple[str, ...]
    stages_s: dict[str, float]


@dataclass(slots=True)
class PredictState:
    """Between two chunks: the surest window so far, and what was strange about it."""

    cursor: Cursor
    best: Prediction | None = None
    confidence: float = -2.0
    warnings: tuple[str, ...] = ()


async def predict(request: PredictRequest, context: AppContext) -> PredictAnswer:
    """One answer for the clip; SignError where the medium, the model or the clip does not allow one."""
    return await run(PREDICT, request, Walk.at_once(context, context.settings.predict_seconds))


async def candidates(clip: ClipRequest, context: AppContext) -> list[WindowScores]:
    """All windows of the clip that may answer; the surest does. Raises as `predict`."""
    request, walk = PredictRequest(clip), Walk.at_once(context, context.settings.predict_seconds)
    state = begin(request)
    found: list[WindowScores] = []
    while not state.cursor.is_over:
        if (scored := await _score_chunk(request, state, walk)) is not None:
            found += scored[1]
    return found


def begin(request: PredictRequest) -> PredictState:
    """Before the first chunk."""
    return PredictState(start_of(request.clip))


async def next_chunk(request: PredictRequest, state: PredictState, walk: Walk) -> ChunkResult | None:
    """Score the windows that end in the next chunk, and remember the surest."""
    scored = await _score_chunk(request, state, walk)
    if scored is None:
        return None
    clip, scores = scored
    confidences = await asyncio.to_thread(lambda: [confidence_of(entry, clip.manifest) for entry in scores])
    best = max(range(len(scores)), key=confidences.__getitem__, default=None)
    if best is not None and confidences[best] > state.confidence:
        state.best = await asyncio.to_thread(_prediction, request, scores[best], clip)
        state.confidence, state.warnings = confidences[best], scores[best].warnings
    return ChunkResult()


async def finish(
    request: PredictRequest, state: PredictState, _segments: tuple[Segment, ...], walk: Walk
) -> PredictAnswer:
    """The surest window's answer."""
    if state.best is None:
        raise RuntimeError("a medium was seen to its end without a window")
    manifest, cursor = request.clip.model.manifest, state.cursor
    unseen = describe_unseen(preprocessing_for(request), cursor.counter.evidence)
    outcome = "declined" if state.best.declined else "answered"
    walk.context.metrics.predictions.labels(manifest.name, str(manifest.version), outcome).inc()
    return PredictAnswer(
        prediction=state.best,
        manifest=manifest,
        media=cursor.media,
        warnings=tuple(dict.fromkeys((*cursor.warnings, *unseen, *describe_damage(cursor.damaged), *state.warnings))),
        stages_s=cursor.stages_s,
    )


async def _score_chunk(
    request: PredictRequest, state: PredictState, walk: Walk
) -> tuple[ObservedClip, list[WindowScores]] | None:
    """The next chunk and the windows that end in it; None where an interactive request came first."""
    part, cursor = request.clip, state.cursor
    preprocessing = preprocessing_for(request)
    rule = window_rule(part, preprocessing)
    is_one_answer = rule.window_s is None or rule.spread > 0
    clip = await (walk.for_one_answer() if is_one_answer else walk).next_chunk(part, preprocessing, rule, cursor)
    if clip is None:
        return None
    rule = cursor.known(rule, clip.track)
    windows = [Window(0.0, float("inf"))] if rule.answers_at_s is None else rule.windows(part.start_s)[:1]
    if not clip.is_picture:
        windows = await asyncio.to_thread(preprocessing.due_windows, clip.track, rule, cursor.position)
    if rule.spread and windows and not clip.is_picture:
        scores = [await score_together(clip, windows)]
    else:
        scores = await score_windows(clip, windows)
    scored = 0 if is_one_answer or clip.is_picture else rule.number_after(windows, cursor.position.scored)
    cursor.finish_chunk(clip, windows, rule.begins_s(scored), scored)
    cursor.add_times(clip)
    return clip, scores


def preprocessing_for(request: PredictRequest) -> Observing:
    """The pipeline of a model that names signs or emotions; SignError where it cannot be asked this."""
    model = request.clip.model
    preprocessing = preprocessing_of(model, ("sign", "affect"))
    if not model.manifest.labels:
        detail = f"{model.manifest.name} has no labels to name an emotion by. Ask /highlights."
        raise SignError("model-wrong-task", detail)
    return preprocessing


def window_rule(clip: ClipRequest, preprocessing: Observing) -> WindowRule:
    """How a clip is cut: not at all where it is one window, else into windows of the manifest's length."""
    times = clip.model.manifest.time
    if times is not None and times.answers_at_s is not None:
        return WindowRule(clip.start_s, times.window_s, times.stride_s, answers_at_s=times.answers_at_s)
    if clip.duration_s is not None or times is None or times.whole_clip:
        return WindowRule(clip.start_s)
    return WindowRule(clip.start_s, times.window_s, times.stride_s, preprocessing.averaged_windows)


def confidence_of(entry: WindowScores, manifest: Manifest) -> float:
    """How sure a window is of a sign; below all that have evidence where it has none."""
    return -1.0 if entry.probabilities is None else sign_confidence(entry.probabilities, manifest)


def _prediction(request: PredictRequest, entry: WindowScores, clip: ObservedClip) -> Prediction:
    evidence = entry.evidence(clip)
    prediction = answer(entry.window, entry.probabilities, evidence, clip.manifest, request.threshold, entry.affect)
    if request.with_frames:
        prediction = replace(prediction, frames=frame_answers(entry, clip.manifest))
    if clip.is_picture:  # it has no length
        prediction = replace(prediction, window=Window(0.0, 0.0))
    return prediction


def frame_answers(best: WindowScores, manifest: Manifest) -> tuple[FrameAnswer, ...]:
    """Each frame's own answer, of a model that looks at single frames; nothing of a model of sequences."""
    if best.votes is None:
        return ()
    leading = [rank(probabilities, manifest)[0] for probabilities in best.votes]
    return tuple(
        FrameAnswer(float(time_s), label.class_name, label.confidence)
        for time_s, label in zip(best.times_s, leading, strict=True)
    )


PREDICT = ChunkedTask(PredictRequest, PredictAnswer, preprocessing_for, begin, next_chunk, finish)
