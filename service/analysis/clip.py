"""A request's clip: which part of which medium, asked of which model, and what was observed in it."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import KW_ONLY, dataclass, field
from typing import TypeVar

from service import tracing
from service.analysis.prediction import Evidence
from service.context import AppContext
from service.errors import SignError
from service.media.medium import Medium
from service.observe.request import LandmarkRequest
from service.pipelines import Observing
from service.pipelines.series import SeriesSection
from service.registry.manifest import Manifest, Task
from service.registry.registry import ServedModel
from service.track import HAND_PARTS, Track, Window
from service.workers.deadline import Deadline

T = TypeVar("T")

_GAPS_TOLD = 10
NO_HAND = "No hand was found in any frame that was looked at: show the whole hand to the camera."
ROUTES = {"sign": "/timeline", "affect": "/highlights", "highlight": "/highlights"}


@dataclass(frozen=True, slots=True)
class MediumPart:
    """Which part of which medium is looked at, and until when. Times in seconds from the medium's start."""

    medium: Medium
    deadline: Deadline
    _: KW_ONLY
    start_s: float = 0.0
    duration_s: float | None = None
    mirrored: bool = False

    @property
    def end_s(self) -> float:
        """Where the caller wants the part to end, infinite where it is the medium's end."""
        return float("inf") if self.duration_s is None else self.start_s + self.duration_s


@dataclass(frozen=True, slots=True)
class ClipRequest(MediumPart):
    """Which model answers for the part.

    The model was looked up where the request began: whoever holds the request answers with this one to the end.
    """

    model: ServedModel


@dataclass(frozen=True, slots=True)
class PipelineClip(MediumPart):
    """A pipeline alone looks at the part: there is no model that would answer."""

    preprocessing: Observing


AnyClip = ClipRequest | PipelineClip


@dataclass(frozen=True, slots=True)
class Looked:
    """The track of what a pipeline observed in a chunk; stages_s: how long each stage took."""

    preprocessing: Observing
    track: Track
    deadline: Deadline
    stages_s: dict[str, float]


@dataclass(slots=True)
class ObservedClip:
    """A model, and the track of what was observed for it; stages_s: how long each stage took so far.

    preprocessing: the pipeline of the base model, as this request uses it. is_job: nobody waits for it.
    """

    model: ServedModel
    preprocessing: Observing
    track: Track
    deadline: Deadline
    context: AppContext
    stages_s: dict[str, float] = field(default_factory=dict)
    is_job: bool = False

    @property
    def manifest(self) -> Manifest:
        return self.model.manifest

    @property
    def base_model(self) -> ServedModel:
        """The model that reads observations: the one that a head requires, or the model itself."""
        return self.model.required or self.model

    @property
    def head(self) -> SeriesSection | None:
        """The pipeline of a head over the base model's outputs; None where the base model answers."""
        return self.manifest.pipeline.head

    @property
    def is_picture(self) -> bool:
        return self.track.media.duration is None

    def view(self, *windows: Window) -> Track:
        """The observations on which an answer for these windows rests."""
        return self.preprocessing.evidence(self.track, list(windows))

    async def timed(self, stage: str, work: Callable[[], T]) -> T:
        """Do some work in a thread and note what it took."""
        began = time.perf_counter()
        done = await asyncio.to_thread(work)
        self.add_time(stage, began)
        return done

    def add_time(self, stage: str, began: float) -> None:
        """Note what a stage took since `began` (perf_counter), for the answer and the metrics."""
        seconds = time.perf_counter() - began
        self.stages_s[stage] = self.stages_s.get(stage, 0.0) + seconds
        self.context.metrics.stage_seconds.labels(stage).observe(seconds)
        tracing.record(stage, seconds, sign_model=self.manifest.name, sign_version=self.manifest.version)


def preprocessing_of(model: ServedModel, tasks: tuple[Task, ...]) -> Observing:
    """The pipeline that looks at media for a model of one of the tasks, its own or that of the model it requires.

    SignError model-wrong-task where the model answers another route, or none.
    """
    manifest = model.manifest
    if manifest.task not in tasks:
        route = ROUTES.get(manifest.task)
        advice = f"Ask {route}." if route else "It only serves other models."
        raise SignError("model-wrong-task", f"{manifest.name} is a model of the task {manifest.task}. {advice}")
    if manifest.pipeline.head is None and manifest.pipeline.observing is None:
        raise _without_pipeline(manifest)
    base = (model.required or model).manifest
    if base.pipeline.observing is None:
        raise _without_pipeline(base)
    return base.pipeline.observing


def _without_pipeline(manifest: Manifest) -> SignError:
    return SignError(
        "model-wrong-task",
        f"{manifest.name} was stored without its preprocessing (kind {manifest.pipeline.kind}); publish it again "
        "with a pipeline: python -m convert onnx … --pipeline …",
    )


def describe_damage(gaps: tuple[Window, ...]) -> tuple[str, ...]:
    """What the caller is told of damaged stretches; no sentence where there are none."""
    if not gaps:
        return ()
    told = ", ".join(f"{gap.start_s:.2f} s to {gap.end_s:.2f} s" for gap in gaps[:_GAPS_TOLD])
    more = f", and {len(gaps) - _GAPS_TOLD} stretches more" if len(gaps) > _GAPS_TOLD else ""
    return (f"The video is damaged; nothing could be read from {told}{more}.",)


def describe_unseen(preprocessing: Observing, evidence: Evidence) -> tuple[str, ...]:
    """What the caller is told where the model looks at hands and none was found."""
    request = preprocessing.request
    looks_for = request if isinstance(request, LandmarkRequest) else request.detector
    if looks_for is None or not set(looks_for.parts) & set(HAND_PARTS):
        return ()
    return (NO_HAND,) if evidence.frames_sampled and not evidence.hand_frames else ()
