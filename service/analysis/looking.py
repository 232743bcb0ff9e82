"""What every use case does first: look at a part of a medium with a model's eyes."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

from service.context import AppContext
from service.errors import SignError
from service.media.medium import MediaLimits, Medium
from service.observe.call import ObserveCall
from service.pipelines import Observing
from service.pipelines.chunking import Chunk
from service.pipelines.series import SeriesSection
from service.pipelines.windows import WindowRule
from service.registry.manifest import Manifest, Task
from service.registry.registry import ServedModel
from service.track import Track, Window
from service.workers.deadline import Deadline

T = TypeVar("T")

_GAPS_TOLD = 10
ROUTES = {"sign": "/timeline", "affect": "/highlights", "highlight": "/highlights"}

SectionOf = Callable[[Manifest], Observing | SeriesSection]
EyeOf = Callable[[Observing], Observing]


@dataclass(frozen=True, slots=True)
class Part:
    """Which part of which medium is looked at, by which model. Times in seconds from the medium's start.

    The model was looked up where the request began: whoever holds the part answers with this one to the end.
    """

    medium: Medium
    deadline: Deadline
    model: ServedModel
    start_s: float = 0.0
    duration_s: float | None = None
    mirrored: bool = False


@dataclass(slots=True)
class Look:
    """A model and the track of what it looks at; stages_s: how long each stage took so far.

    looker, eye: the model that looks at the medium and its pipeline: the same, or the one that a head requires.
    at_end: nothing of the medium lies behind what was looked at.
    """

    model: ServedModel
    section: Observing | SeriesSection
    looker: ServedModel
    eye: Observing
    track: Track
    deadline: Deadline
    house: AppContext
    stages_s: dict[str, float] = field(default_factory=dict)
    at_end: bool = True

    @property
    def manifest(self) -> Manifest:
        return self.model.manifest

    def shown(self, *windows: Window) -> Track:
        """The observations on which an answer for these windows rests."""
        return self.eye.evidence(self.track, list(windows))

    async def timed(self, stage: str, work: Callable[[], T]) -> T:
        """Do some work in a thread and note what it took."""
        began = time.perf_counter()
        done = await asyncio.to_thread(work)
        self.spent(stage, began)
        return done

    def spent(self, stage: str, began: float) -> None:
        """Note what a stage took since `began` (perf_counter), for the answer and the metrics."""
        seconds = time.perf_counter() - began
        self.stages_s[stage] = self.stages_s.get(stage, 0.0) + seconds
        self.house.metrics.stage_seconds.labels(stage).observe(seconds)


RuleFor = Callable[[Manifest, Observing], WindowRule]
"""How a use case cuts a part for a model that looks with this pipeline."""


def as_it_is(eye: Observing) -> Observing:
    """The eye as the manifest has it."""
    return eye


def sign_section(manifest: Manifest) -> Observing | SeriesSection:
    """The pipeline of a model that names signs; SignError where it answers another route or none."""
    return section_for(manifest, ("sign",))


def predict_section(manifest: Manifest) -> Observing | SeriesSection:
    """The pipeline of a model that names signs or emotions; SignError where it answers another route or none."""
    section = section_for(manifest, ("sign", "affect"))
    if not manifest.labels:
        raise SignError("model-wrong-task", f"{manifest.name} has no labels to name an emotion by. Ask /highlights.")
    return section


def section_for(manifest: Manifest, tasks: tuple[Task, ...]) -> Observing | SeriesSection:
    """The pipeline of a model of one of the tasks; SignError where it answers another route or none."""
    if manifest.task not in tasks:
        route = ROUTES.get(manifest.task)
        advice = f"Ask {route}." if route else "It only serves other models."
        raise SignError("model-wrong-task", f"{manifest.name} is a model of the task {manifest.task}. {advice}")
    section = manifest.pipeline.head or manifest.pipeline.observing
    if section is None:
        raise _without_pipeline(manifest)
    return section


async def look(
    part: Part,
    house: AppContext,
    *,
    longest_s: float,
    section_of: SectionOf = sign_section,
    eye_of: EyeOf = as_it_is,
    piece: Chunk | None = None,
) -> Look:
    """Observe the part; SignError where the medium, the model or the part does not allow it.

    section_of: the pipeline of a model that the caller can ask. eye_of: how the model that looks is to look at it.
    piece: what is looked at for a model of clips; all of the part as one clip if not given.
    """
    model = part.model
    section = section_of(model.manifest)
    looker, own_eye = looker_of(model)
    eye = eye_of(own_eye)
    settings = house.settings
    limits = MediaLimits(settings.frame_pixels, longest_s, settings.sampled_frames, settings.pixel_bytes)
    call = ObserveCall(
        medium=part.medium,
        request=eye.request,
        sampling=eye.part_sampling(part.start_s, asked_end_s(part)) if piece is None else piece.sampling,
        start_s=part.start_s if piece is None else piece.start_s,
        duration_s=part.duration_s if piece is None else piece.duration_s,
        mirrored=part.mirrored,
        limits=limits,
    )
    seen = await house.slots.observe(call, part.deadline)
    check_moves(seen.track, model.manifest, eye)
    stages_s = {"queue": seen.queue_s, "decode": seen.decode_s, "observe": seen.observe_s}
    return Look(model, section, looker, eye, seen.track, part.deadline, house, stages_s, seen.at_end)


def check_moves(track: Track, manifest: Manifest, eye: Observing) -> None:
    """Refuse a picture for a model that looks at clips."""
    if eye.clip_frames is not None and track.media.duration is None:
        raise SignError(
            "media-wrong-kind", f"{manifest.name} looks at clips of {eye.clip_frames} frames; send a video."
        )


def looker_of(model: ServedModel) -> tuple[ServedModel, Observing]:
    """The model that looks at the medium itself, this one or the one that it requires, and its pipeline."""
    looker = model.required or model
    section = looker.manifest.pipeline.observing
    if section is None:
        raise _without_pipeline(looker.manifest)
    return looker, section


def _without_pipeline(manifest: Manifest) -> SignError:
    return SignError(
        "model-wrong-task",
        f"{manifest.name} was stored without its preprocessing (kind {manifest.pipeline.kind}); publish it again "
        "with a pipeline: python -m convert onnx … --pipeline …",
    )


def windows_over_part(seen: Look, start_s: float, end_s: float, window_s: float, stride_s: float) -> list[Window]:
    """The windows of a part of a video; models of clips have windows of whole clips, on a grid of their chunks."""
    return seen.eye.windows(seen.track, WindowRule(start_s, window_s, stride_s), end_s)


def damage_of(gaps: tuple[Window, ...]) -> tuple[str, ...]:
    """What the caller is told of damaged stretches; no sentence where there are none."""
    if not gaps:
        return ()
    told = ", ".join(f"{gap.start_s:.2f} s to {gap.end_s:.2f} s" for gap in gaps[:_GAPS_TOLD])
    more = f", and {len(gaps) - _GAPS_TOLD} stretches more" if len(gaps) > _GAPS_TOLD else ""
    return (f"The video is damaged; nothing could be read from {told}{more}.",)


def asked_end_s(part: Part) -> float:
    """Where the caller wants the part to end, infinite where it is the medium's end."""
    return float("inf") if part.duration_s is None else part.start_s + part.duration_s


def end_of(track: Track, part: Part) -> float:
    """Where the looked-at part of a video ends: the asked end, or the medium's own."""
    return min(track.end_s, asked_end_s(part))
