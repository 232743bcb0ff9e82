"""What every use case does first: look at a part of a medium with a model's eyes, and score windows of it."""

import asyncio
import time
from dataclasses import dataclass, field

from service.analysis.house import House
from service.errors import SignError
from service.media.medium import MediaLimits, Medium
from service.observe.observe import ObserveCall
from service.pipelines.keypoints import KeypointsSection, observer, tensor
from service.pipelines.rows import ModelRows
from service.registry.manifest import Manifest
from service.registry.registry import ServedModel
from service.track import FloatArray, Track, Window
from service.workers.deadline import Deadline

ROUTES = {"affect": "/highlights", "highlight": "/highlights"}


@dataclass(frozen=True, slots=True)
class Part:
    """Which part of which medium is looked at, by which model. Times in seconds from the medium's start."""

    medium: Medium
    deadline: Deadline
    model: str
    version: int | None = None
    start_s: float = 0.0
    duration_s: float | None = None
    mirrored: bool = False


@dataclass(slots=True)
class Look:
    """A model and the track of what it looks at; stages_s: how long each stage took so far."""

    model: ServedModel
    section: KeypointsSection
    track: Track
    deadline: Deadline
    house: House
    stages_s: dict[str, float] = field(default_factory=dict)

    @property
    def manifest(self) -> Manifest:
        return self.model.manifest

    def spent(self, stage: str, began: float) -> None:
        """Note what a stage took since `began` (perf_counter), for the answer and the metrics."""
        seconds = time.perf_counter() - began
        self.stages_s[stage] = self.stages_s.get(stage, 0.0) + seconds
        self.house.metrics.stage_seconds.labels(stage).observe(seconds)


@dataclass(frozen=True, slots=True)
class Judged:
    """A window, what went into the model for it, and its C probabilities; None where it shows no evidence."""

    window: Window
    rows: ModelRows
    probabilities: FloatArray | None


async def look(part: Part, house: House, *, longest_s: float) -> Look:
    """Observe the part; SignError where the medium, the model or the part does not allow it."""
    model = await house.registry.get(part.model, part.version)
    section = sign_section(model.manifest)
    limits = MediaLimits(
        frame_pixels=house.settings.frame_pixels, seconds=longest_s, frames=house.settings.sampled_frames
    )
    call = ObserveCall(
        medium=part.medium,
        request=observer(section),
        sampling=section.sampling,
        start_s=part.start_s,
        duration_s=part.duration_s,
        mirrored=part.mirrored,
        limits=limits,
    )
    seen = await house.slots.observe(call, part.deadline)
    stages_s = {"queue": seen.queue_s, "decode": seen.decode_s, "observe": seen.observe_s}
    return Look(model, section, seen.track, part.deadline, house, stages_s)


async def judge(seen: Look, windows: list[Window]) -> list[Judged]:
    """The model's probabilities for each window; those with evidence go through it together."""
    began = time.perf_counter()
    rows = await asyncio.to_thread(lambda: [tensor(seen.track, window, seen.section) for window in windows])
    seen.spent("tensor", began)
    began = time.perf_counter()
    async with seen.deadline.enforced():
        scores = await seen.model.score(rows)
    seen.spent("inference", began)
    return [
        Judged(window, entry, probabilities if len(entry) else None)
        for window, entry, probabilities in zip(windows, rows, scores, strict=True)
    ]


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


def end_of(track: Track, part: Part) -> float:
    """Where the looked-at part of a video ends: the asked end, or the medium's own."""
    own_s = max(track.media.duration or 0.0, float(track.times_s[-1]) + 1e-6)
    return own_s if part.duration_s is None else min(own_s, part.start_s + part.duration_s)
