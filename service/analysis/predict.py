"""The use case of /predict: one answer for a picture, a video, or a part of it."""

import time
from dataclasses import dataclass, field, replace

from service.analysis.house import House
from service.analysis.prediction import Evidence, FrameAnswer, Prediction, answer, rank, sign_confidence
from service.errors import SignError
from service.media.medium import MediaLimits, Medium
from service.observe.observe import ObserveCall
from service.pipelines.keypoints import KeypointsSection, observer, tensor
from service.pipelines.rows import ModelRows
from service.pipelines.windows import windows_over
from service.registry.manifest import Manifest
from service.registry.registry import ServedModel
from service.track import FloatArray, MediaInfo, Track, Window
from service.workers.deadline import Deadline

ROUTES = {"affect": "/highlights", "highlight": "/highlights"}


@dataclass(frozen=True, slots=True)
class PredictRequest:
    """What a caller asks of one medium. Times in seconds from the medium's start."""

    medium: Medium
    deadline: Deadline
    model: str
    version: int | None = None
    start_s: float = 0.0
    duration_s: float | None = None
    threshold: float | None = None
    mirrored: bool = False
    with_frames: bool = False


@dataclass(frozen=True, slots=True)
class PredictAnswer:
    """The answer, which model gave it, from what kind of medium, and how long each stage took in seconds."""

    prediction: Prediction
    manifest: Manifest
    media: MediaInfo
    warnings: tuple[str, ...]
    stages_s: dict[str, float] = field(default_factory=dict)


async def predict(request: PredictRequest, house: House) -> PredictAnswer:
    """One answer for the asked part; SignError where the medium, the model or the part does not allow one."""
    model = await house.registry.get(request.model, request.version)
    manifest = model.manifest
    section = sign_section(manifest)
    call = ObserveCall(
        medium=request.medium,
        request=observer(section),
        sampling=section.sampling,
        start_s=request.start_s,
        duration_s=request.duration_s,
        mirrored=request.mirrored,
        limits=MediaLimits(
            frame_pixels=house.settings.frame_pixels,
            seconds=house.settings.predict_seconds,
            frames=house.settings.sampled_frames,
        ),
    )
    observed = await house.slots.observe(call, request.deadline)
    track = observed.track

    began = time.perf_counter()
    windows = _windows(request, track, manifest)
    rows = [tensor(track, window, section) for window in windows]
    tensor_s = time.perf_counter() - began
    began = time.perf_counter()
    scores = await _scores(model, rows, request.deadline)
    inference_s = time.perf_counter() - began

    best = _most_confident(scores, manifest)
    prediction = answer(windows[best], scores[best], Evidence.of(track.cut(windows[best])), manifest, request.threshold)
    if request.with_frames and section.length is None and len(rows[best]):
        prediction = replace(prediction, frames=await _frame_answers(model, rows[best], manifest))
    outcome = "declined" if prediction.declined else "answered"
    house.metrics.predictions.labels(manifest.name, str(manifest.version), outcome).inc()
    house.metrics.stage_seconds.labels("tensor").observe(tensor_s)
    house.metrics.stage_seconds.labels("inference").observe(inference_s)
    return PredictAnswer(
        prediction=replace(prediction, window=_shown(prediction.window, track.media)),
        manifest=manifest,
        media=track.media,
        warnings=(*track.warnings, *rows[best].warnings),
        stages_s={
            "queue": observed.queue_s,
            "decode": observed.decode_s,
            "observe": observed.observe_s,
            "tensor": tensor_s,
            "inference": inference_s,
        },
    )


def sign_section(manifest: Manifest) -> KeypointsSection:
    """The pipeline of a model that names signs; SignError where it answers another route or none."""
    if manifest.task != "sign":
        route = ROUTES.get(manifest.task)
        advice = f"Ask {route}." if route else "It only serves other models."
        raise SignError("model-wrong-task", f"{manifest.name} is a model of the task {manifest.task}. {advice}")
    if not isinstance(manifest.pipeline, KeypointsSection):
        raise SignError(
            "model-wrong-task",
            f"{manifest.name} was stored without its preprocessing (kind {manifest.pipeline.kind}); publish it again "
            "with a pipeline: python -m convert onnx … --pipeline …",
        )
    return manifest.pipeline


def _windows(request: PredictRequest, track: Track, manifest: Manifest) -> list[Window]:
    """The whole part where it is one clip; else windows of the manifest's length, of which the surest answers."""
    media = track.media
    if media.duration is None:
        return [Window(0.0, float("inf"))]
    end_s = media.duration
    if request.duration_s is not None:
        end_s = min(end_s, request.start_s + request.duration_s)
    whole = Window(request.start_s, max(end_s, float(track.times_s[-1]) + 1e-6))
    if request.duration_s is not None or manifest.time is None or manifest.time.whole_clip:
        return [whole]
    return windows_over(whole.start_s, whole.end_s, manifest.time.window_s, manifest.time.stride_s)


async def _scores(model: ServedModel, rows: list[ModelRows], deadline: Deadline) -> list[FloatArray | None]:
    """Probabilities of each window, None where it has no evidence."""
    judged = [index for index, entry in enumerate(rows) if len(entry)]
    scores: list[FloatArray | None] = [None] * len(rows)
    if judged:
        async with deadline.enforced():
            answers = await model.score([rows[index] for index in judged])
        for index, probabilities in zip(judged, answers, strict=True):
            scores[index] = probabilities
    return scores


def _most_confident(scores: list[FloatArray | None], manifest: Manifest) -> int:
    def confidence(index: int) -> float:
        probabilities = scores[index]
        return -1.0 if probabilities is None else sign_confidence(probabilities, manifest)

    return max(range(len(scores)), key=confidence)


async def _frame_answers(model: ServedModel, rows: ModelRows, manifest: Manifest) -> tuple[FrameAnswer, ...]:
    singles = [rows.single(index) for index in range(len(rows))]
    best = [rank(probabilities, manifest)[0] for probabilities in await model.score(singles)]
    return tuple(
        FrameAnswer(float(time_s), label.class_name, label.confidence)
        for time_s, label in zip(rows.times_s, best, strict=True)
    )


def _shown(window: Window, media: MediaInfo) -> Window:
    """A picture has no length: its window is [0, 0]."""
    return Window(0.0, 0.0) if media.duration is None else window
