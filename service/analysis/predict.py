"""The use case of /predict: one answer for a picture, a video, or a part of it."""

from dataclasses import dataclass, replace
from functools import partial

from service.analysis.judging import Judged
from service.analysis.looking import Look, Part, damage_of, end_of, predict_section
from service.analysis.pieces import Plan, look_and_judge
from service.analysis.prediction import FrameAnswer, Prediction, answer, rank, sign_confidence
from service.context import AppContext
from service.pipelines import Observing
from service.pipelines.windows import WindowRule
from service.registry.manifest import Manifest
from service.track import MediaInfo, Window


@dataclass(frozen=True, slots=True)
class PredictRequest:
    """What a caller asks of one part. threshold: below it the answer is declined; None: the manifest's."""

    part: Part
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


async def predict(request: PredictRequest, house: AppContext) -> PredictAnswer:
    """One answer for the asked part; SignError where the medium, the model or the part does not allow one."""
    seen, judged = await candidates(request.part, house)
    best = max(judged, key=lambda entry: confidence_of(entry, seen.manifest))
    evidence = best.evidence(seen)
    prediction = answer(best.window, best.probabilities, evidence, seen.manifest, request.threshold, best.affect)
    if request.with_frames:
        prediction = replace(prediction, frames=frame_answers(best, seen.manifest))
    if seen.track.media.duration is None:  # a picture has no length
        prediction = replace(prediction, window=Window(0.0, 0.0))
    outcome = "declined" if prediction.declined else "answered"
    house.metrics.predictions.labels(seen.manifest.name, str(seen.manifest.version), outcome).inc()
    return PredictAnswer(
        prediction=prediction,
        manifest=seen.manifest,
        media=seen.track.media,
        warnings=(*seen.track.warnings, *damage_of(seen.track.gaps), *best.warnings),
        stages_s=seen.stages_s,
    )


async def candidates(part: Part, house: AppContext) -> tuple[Look, list[Judged]]:
    """The windows of the part that may answer; the surest does. Raises as `predict`."""
    longest_s, rule_for = house.settings.predict_seconds, partial(predict_rule, part)
    return await look_and_judge(part, house, Plan(longest_s, rule_for, partial(_windows, part), predict_section))


def _windows(part: Part, seen: Look) -> list[Window]:
    """The whole part where it is one clip; else windows of the manifest's length, of which the surest answers."""
    if seen.track.media.duration is None:
        return [Window(0.0, float("inf"))]
    end_s, rule = end_of(seen.track, part), predict_rule(part, seen.manifest, seen.eye)
    return seen.eye.windows(seen.track, rule, end_s)


def predict_rule(part: Part, manifest: Manifest, eye: Observing) -> WindowRule:
    """How a part is cut: not at all where it is one clip, else into windows of the manifest's length."""
    times = manifest.time
    if part.duration_s is not None or times is None or times.whole_clip:
        return WindowRule(part.start_s)
    return WindowRule(part.start_s, times.window_s, times.stride_s, eye.averaged_windows)


def confidence_of(entry: Judged, manifest: Manifest) -> float:
    """How sure a window is of a sign; below all that have evidence where it has none."""
    return -1.0 if entry.probabilities is None else sign_confidence(entry.probabilities, manifest)


def frame_answers(best: Judged, manifest: Manifest) -> tuple[FrameAnswer, ...]:
    """Each frame's own answer, of a model that looks at single frames; nothing of a model of sequences."""
    if best.votes is None:
        return ()
    leading = [rank(probabilities, manifest)[0] for probabilities in best.votes]
    return tuple(
        FrameAnswer(float(time_s), label.class_name, label.confidence)
        for time_s, label in zip(best.times_s, leading, strict=True)
    )
