"""The use case of /predict: one answer for a picture, a video, or a part of it."""

from dataclasses import dataclass, replace

from service.analysis.house import House
from service.analysis.looking import Judged, Look, Part, end_of, judge, look
from service.analysis.prediction import Evidence, FrameAnswer, Prediction, answer, rank, sign_confidence
from service.pipelines.windows import windows_over
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


async def predict(request: PredictRequest, house: House) -> PredictAnswer:
    """One answer for the asked part; SignError where the medium, the model or the part does not allow one."""
    seen = await look(request.part, house, longest_s=house.settings.predict_seconds)
    judged = await judge(seen, _windows(request.part, seen))
    best = max(judged, key=lambda entry: _confidence(entry, seen.manifest))
    evidence = Evidence.of(seen.track.cut(best.window))
    prediction = answer(best.window, best.probabilities, evidence, seen.manifest, request.threshold)
    if request.with_frames:
        prediction = replace(prediction, frames=await _frame_answers(seen, best))
    if seen.track.media.duration is None:  # a picture has no length
        prediction = replace(prediction, window=Window(0.0, 0.0))
    outcome = "declined" if prediction.declined else "answered"
    house.metrics.predictions.labels(seen.manifest.name, str(seen.manifest.version), outcome).inc()
    return PredictAnswer(
        prediction=prediction,
        manifest=seen.manifest,
        media=seen.track.media,
        warnings=(*seen.track.warnings, *best.rows.warnings),
        stages_s=seen.stages_s,
    )


def _windows(part: Part, seen: Look) -> list[Window]:
    """The whole part where it is one clip; else windows of the manifest's length, of which the surest answers."""
    if seen.track.media.duration is None:
        return [Window(0.0, float("inf"))]
    end_s, times = end_of(seen.track, part), seen.manifest.time
    if part.duration_s is not None or times is None or times.whole_clip:
        return [Window(part.start_s, end_s)]
    return windows_over(part.start_s, end_s, times.window_s, times.stride_s)


def _confidence(entry: Judged, manifest: Manifest) -> float:
    return -1.0 if entry.probabilities is None else sign_confidence(entry.probabilities, manifest)


async def _frame_answers(seen: Look, best: Judged) -> tuple[FrameAnswer, ...]:
    """Each frame's own answer, of a model that looks at single frames; nothing of a model of sequences."""
    rows = best.rows
    if seen.section.length is not None or not len(rows):
        return ()
    scores = await seen.model.score([rows.single(index) for index in range(len(rows))])
    leading = [rank(probabilities, seen.manifest)[0] for probabilities in scores]
    return tuple(
        FrameAnswer(float(time_s), label.class_name, label.confidence)
        for time_s, label in zip(rows.times_s, leading, strict=True)
    )
