"""What the routes of teaching answer with."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Self

import numpy as np
from pydantic import BaseModel

from service.contract.answers import ModelRef, Seconds
from service.lessons.lessons import Lesson
from service.lessons.results import Taught
from service.teaching.advice import Advice, take_advice
from service.teaching.advice import Code as AdviceCode
from service.teaching.example_store import ExampleInfo
from service.teaching.examples import NOTHING, Example, Source
from service.track import Track

_DIGITS = 4
"""Of a fraction of the picture, finer than which nothing is drawn."""


class AdviceBody(BaseModel):
    """What would make the model better: a code, the signs and the example that it is about, and a sentence.

    blocks: no model can be made before it is done.
    """

    code: AdviceCode
    label: str
    other: str
    example: str
    text: str
    blocks: bool

    @classmethod
    def of(cls, advice: Advice) -> Self:
        return cls(
            code=advice.code,
            label=advice.label,
            other=advice.other,
            example=advice.example,
            text=advice.text,
            blocks=advice.blocks,
        )


class ExampleBody(BaseModel):
    """One take: what it shows, who showed it, how long it is, and what is doubtful about it."""

    id: str
    label: str
    teacher: str
    source: Source
    duration: Seconds
    frames: int
    created_at: datetime
    warnings: list[AdviceBody]

    @classmethod
    def of(cls, example: ExampleInfo, warnings: list[AdviceBody]) -> Self:
        return cls(
            id=example.id,
            label=example.label,
            teacher=example.teacher,
            source=example.source,
            duration=example.duration_s,
            frames=example.frames,
            created_at=example.created,
            warnings=warnings,
        )

    @classmethod
    def shown(cls, example: Example, number: int) -> Self:
        """An example that was read; number: which of its sign's takes it is."""
        return cls.of(info_of(example), [AdviceBody.of(one) for one in take_advice(example, number)])


class LandmarksBody(BaseModel):
    """What is kept of a take, fit to be drawn: by part, each frame's points as fractions of the picture; null: unseen.

    aspect: the picture's width over its height. times: of each frame, seconds.
    """

    aspect: float
    times: list[Seconds]
    parts: dict[str, list[list[tuple[float, float] | None]]]

    @classmethod
    def of(cls, track: Track) -> Self:
        return cls(
            aspect=track.media.aspect,
            times=[float(time_s - track.times_s[0]) for time_s in track.times_s],
            parts={name: [list(map(_point, frame)) for frame in track.part(name)[..., :2]] for name in track.parts},
        )


class ExampleWithLandmarks(ExampleBody):
    """A take with what is kept of it."""

    landmarks: LandmarksBody

    @classmethod
    def with_landmarks(cls, example: Example, number: int) -> Self:
        """The example; number: which of its sign's takes it is."""
        said = ExampleBody.shown(example, number)
        return cls(**said.model_dump(), landmarks=LandmarksBody.of(example.track))


class ConfusionBody(BaseModel):
    """How many of all takes of a label were taken for another one."""

    label: str
    other: str
    count: int
    total: int


class FiguresBody(BaseModel):
    """How a model did on its takes, each answered by a model that had not seen it. Shares from 0 to 1.

    accuracy: of the most probable sign. coverage: answered, and rightly, at the model's threshold. protocol: how takes
    were left out.
    """

    takes: int
    teachers: list[str]
    accuracy: float | None
    coverage: float | None
    protocol: str
    confusions: list[ConfusionBody]

    @classmethod
    def of(cls, taught: Taught) -> Self:
        return cls(
            takes=taught.takes,
            teachers=list(taught.teachers),
            accuracy=taught.accuracy,
            coverage=taught.coverage,
            protocol=taught.protocol,
            confusions=[
                ConfusionBody(label=one.label, other=one.other, count=one.count, total=one.total)
                for one in taught.confusions
            ],
        )


class LessonSummary(BaseModel):
    """What was taught under a name, in short."""

    name: str
    labels: list[str]
    examples: int
    model: ModelRef | None

    @classmethod
    def of(cls, lesson: Lesson) -> Self:
        return cls(name=lesson.name, labels=lesson.labels, examples=len(lesson.examples), model=_newest(lesson))


class LimitsBody(BaseModel):
    """What one key may keep, and the longest take, seconds."""

    models: int
    examples: int
    example_seconds: float


class LessonsBody(BaseModel):
    """All that this key has taught."""

    lessons: list[LessonSummary]
    limits: LimitsBody


class LessonBody(BaseModel):
    """What was taught under a name.

    advice: what is missing. ready: whether a model can be made. nothing_label: the label of what is no sign. training:
    the job that makes a model now. model: the newest that was made, and its figures.
    """

    name: str
    examples: list[ExampleBody]
    nothing_label: str
    advice: list[AdviceBody]
    ready: bool
    training: str | None
    model: ModelRef | None
    figures: FiguresBody | None

    @classmethod
    def of(cls, lesson: Lesson, advice: Sequence[Advice], training: str | None) -> Self:
        by_example: dict[str, list[AdviceBody]] = {}
        for one in advice:
            by_example.setdefault(one.example, []).append(AdviceBody.of(one))
        return cls(
            name=lesson.name,
            examples=[ExampleBody.of(one, by_example.get(one.id, [])) for one in lesson.examples],
            nothing_label=NOTHING,
            advice=by_example.get("", []),
            ready=not any(one.blocks for one in advice),
            training=training,
            model=_newest(lesson),
            figures=None if lesson.newest is None else FiguresBody.of(lesson.newest),
        )


class TaughtBody(BaseModel):
    """A training job's result: the model that answers now, its figures, and how long it took, seconds."""

    model: ModelRef
    figures: FiguresBody
    seconds: float

    @classmethod
    def of(cls, taught: Taught) -> Self:
        return cls(
            model=ModelRef(name=taught.name, version=taught.version),
            figures=FiguresBody.of(taught),
            seconds=taught.seconds,
        )


def _newest(lesson: Lesson) -> ModelRef | None:
    return ModelRef(name=lesson.name, version=lesson.versions[-1]) if lesson.versions else None


def info_of(example: Example) -> ExampleInfo:
    """What is said of an example, without its landmarks."""
    track = example.track
    return ExampleInfo(
        example.id,
        example.label,
        example.teacher,
        example.source,
        example.origin,
        example.created or datetime.now(UTC),
        len(track),
        float(track.end_s - track.times_s[0]),
    )


def _point(place: np.ndarray[tuple[int], np.dtype[np.float32]]) -> tuple[float, float] | None:
    x, y = (round(float(value), _DIGITS) for value in place)
    return None if np.isnan(x) or np.isnan(y) else (x, y)
