"""The bodies that routes answer with, as the contract shapes them.

Fields that a caller has to ask for are left unset otherwise, and unset fields are not sent.
"""

from typing import Annotated, Self

from pydantic import AfterValidator, BaseModel

from service.analysis.highlights import HighlightsAnswer
from service.analysis.predict import PredictAnswer
from service.analysis.prediction import Affect, Evidence, FrameAnswer, Prediction, RankedLabel
from service.analysis.timeline import TimelineAnswer
from service.export.answer import Sample
from service.registry.manifest import Manifest
from service.spotting.highlights import Highlight
from service.spotting.segment import Segment
from service.track import MediaInfo, MediaKind, Side, Window

WINDOW_TOP_K = 5


def _to_the_microsecond(seconds: float) -> float:
    return round(seconds, 6)


Seconds = Annotated[float, AfterValidator(_to_the_microsecond)]
"""A time as answers show it: 0.3, where adding up strides gives 0.30000000000000004."""


class ModelRef(BaseModel):
    """Which model answered."""

    name: str
    version: int

    @classmethod
    def of(cls, manifest: Manifest) -> Self:
        return cls(name=manifest.name, version=manifest.version)


class RankedAnswer(BaseModel):
    """A label and how confident the model is of it."""

    class_idx: int
    class_name: str
    confidence: float

    @classmethod
    def of(cls, label: RankedLabel) -> Self:
        return cls(class_idx=label.class_idx, class_name=label.class_name, confidence=label.confidence)


class FrameBody(BaseModel):
    """One frame's own answer."""

    time: Seconds
    class_name: str
    confidence: float

    @classmethod
    def of(cls, frame: FrameAnswer) -> Self:
        return cls(time=frame.time_s, class_name=frame.class_name, confidence=frame.confidence)


class EvidenceBody(BaseModel):
    """What the answer rests on."""

    frames_sampled: int
    hand_frames: int
    face_frames: int
    handedness: Side | None
    frames: list[FrameBody] | None = None

    @classmethod
    def of(cls, evidence: Evidence, frames: tuple[FrameAnswer, ...] | None) -> Self:
        asked = {} if frames is None else {"frames": [FrameBody.of(frame) for frame in frames]}
        return cls(
            frames_sampled=evidence.frames_sampled,
            hand_frames=evidence.hand_frames,
            face_frames=evidence.face_frames,
            handedness=evidence.handedness,
            **asked,
        )


class MediaBody(BaseModel):
    """The medium: sizes of the upright picture as shown; when its first frame begins and its last ends."""

    kind: MediaKind
    format: str
    width: int
    height: int
    duration: Seconds | None
    frame_rate: float | None
    start_time: Seconds

    @classmethod
    def of(cls, media: MediaInfo) -> Self:
        return cls(
            kind=media.kind,
            format=media.format,
            width=media.width,
            height=media.height,
            duration=media.duration,
            frame_rate=media.frame_rate,
            start_time=media.start,
        )


class PredictionBody(BaseModel):
    """The core of an answer: one window's."""

    predicted_class_idx: int | None
    predicted_class_name: str | None
    confidence: float
    declined: bool
    start_time: Seconds
    end_time: Seconds
    clip_duration: Seconds
    top: list[RankedAnswer]
    probabilities: dict[str, float] | None = None

    @classmethod
    def of(cls, prediction: Prediction, *, top_k: int, with_probabilities: bool) -> Self:
        best = prediction.best
        asked = {"probabilities": _by_label(prediction)} if with_probabilities else {}
        return cls(
            predicted_class_idx=best.class_idx if best else None,
            predicted_class_name=best.class_name if best and not prediction.declined else None,
            confidence=best.confidence if best else 0.0,
            declined=prediction.declined,
            start_time=prediction.window.start_s,
            end_time=prediction.window.end_s,
            clip_duration=prediction.window.duration_s,
            top=[RankedAnswer.of(label) for label in prediction.ranked[:top_k]],
            **asked,
        )


class AffectBody(BaseModel):
    """What a model of emotions says beside them."""

    valence: float | None
    arousal: float | None
    faces: int

    @classmethod
    def of(cls, affect: Affect) -> Self:
        return cls(valence=affect.valence, arousal=affect.arousal, faces=affect.faces)


class PredictBody(PredictionBody):
    """The answer of /predict."""

    model: ModelRef
    evidence: EvidenceBody
    media: MediaBody
    warnings: list[str]
    affect: AffectBody | None = None

    @classmethod
    def of_answer(cls, answer: PredictAnswer, *, top_k: int, with_probabilities: bool, with_frames: bool) -> Self:
        core = PredictionBody.of(answer.prediction, top_k=top_k, with_probabilities=with_probabilities)
        frames = answer.prediction.frames if with_frames else None
        affect = answer.prediction.affect
        asked = {} if affect is None else {"affect": AffectBody.of(affect)}
        return cls(
            **core.model_dump(exclude_unset=True),
            model=ModelRef.of(answer.manifest),
            evidence=EvidenceBody.of(answer.prediction.evidence, frames),
            media=MediaBody.of(answer.media),
            warnings=list(answer.warnings),
            **asked,
        )


class AlternativeBody(BaseModel):
    """Another label that a segment might show."""

    class_name: str
    confidence: float


class SegmentBody(BaseModel):
    """One sign and when it is signed."""

    start_time: Seconds
    end_time: Seconds
    class_idx: int
    class_name: str
    confidence: float
    alternatives: list[AlternativeBody]

    @classmethod
    def of(cls, segment: Segment) -> Self:
        return cls(
            start_time=segment.start_s,
            end_time=segment.end_s,
            class_idx=segment.class_idx,
            class_name=segment.label,
            confidence=segment.confidence,
            alternatives=[
                AlternativeBody(class_name=other.label, confidence=other.confidence) for other in segment.alternatives
            ],
        )


class GapBody(BaseModel):
    """A damaged stretch of which nothing could be read."""

    start_time: Seconds
    end_time: Seconds

    @classmethod
    def of(cls, gap: Window) -> Self:
        return cls(start_time=gap.start_s, end_time=gap.end_s)


class TimelineBody(BaseModel):
    """The answer of /timeline. gaps: only of damaged media."""

    model: ModelRef
    media: MediaBody
    duration: Seconds
    segments: list[SegmentBody]
    transcript: str
    windows: list[PredictionBody] | None = None
    gaps: list[GapBody] | None = None
    evidence: EvidenceBody
    warnings: list[str]

    @classmethod
    def of(cls, answer: TimelineAnswer, *, with_windows: bool, with_probabilities: bool) -> Self:
        windows = [
            PredictionBody.of(window, top_k=WINDOW_TOP_K, with_probabilities=with_probabilities)
            for window in (answer.windows if with_windows else ())
        ]
        asked = {"windows": windows} if with_windows else {}
        damaged = {"gaps": [GapBody.of(gap) for gap in answer.gaps]} if answer.gaps else {}
        return cls(
            model=ModelRef.of(answer.manifest),
            media=MediaBody.of(answer.media),
            duration=answer.duration_s,
            segments=[SegmentBody.of(segment) for segment in answer.segments],
            transcript=answer.transcript,
            evidence=EvidenceBody.of(answer.evidence, None),
            warnings=list(answer.warnings),
            **damaged,
            **asked,
        )


class TensionBody(BaseModel):
    """The tension at one time; null where too few samples show a face."""

    time: Seconds
    value: float | None


class HighlightBody(BaseModel):
    """A moment that stands out."""

    start_time: Seconds
    end_time: Seconds
    peak_time: Seconds
    score: float

    @classmethod
    def of(cls, moment: Highlight) -> Self:
        return cls(start_time=moment.start_s, end_time=moment.end_s, peak_time=moment.peak_s, score=moment.score)


class SampleBody(BaseModel):
    """What one sample shows: the face's box (x, y, width, height) and its values; null and none without a face."""

    time: Seconds
    box: tuple[float, float, float, float] | None
    values: dict[str, float]


class SamplesBody(BaseModel):
    """What the curve rests on."""

    samples: int
    face_samples: int


class HighlightsBody(BaseModel):
    """The answer of /highlights. threshold: the tension that a highlight had to reach."""

    model: ModelRef
    media: MediaBody
    sample_rate: float
    channel: str
    threshold: float | None
    tension: list[TensionBody]
    highlights: list[HighlightBody]
    series: list[SampleBody] | None = None
    evidence: SamplesBody
    warnings: list[str]

    @classmethod
    def of(cls, answer: HighlightsAnswer) -> Self:
        asked = {} if answer.series is None else {"series": list(map(_sample, answer.series))}
        return cls(
            model=ModelRef.of(answer.manifest),
            media=MediaBody.of(answer.media),
            sample_rate=answer.sample_rate,
            channel=answer.channel,
            threshold=answer.threshold,
            tension=[TensionBody(time=point.time_s, value=point.value) for point in answer.tension],
            highlights=[HighlightBody.of(moment) for moment in answer.highlights],
            evidence=SamplesBody(samples=answer.samples, face_samples=answer.face_samples),
            warnings=list(answer.warnings),
            **asked,
        )


def _sample(sample: Sample) -> SampleBody:
    return SampleBody(time=sample.time_s, box=sample.box, values=dict(sample.values))


def _by_label(prediction: Prediction) -> dict[str, float]:
    in_order = sorted(prediction.ranked, key=lambda label: label.class_idx)
    return {label.class_name: label.confidence for label in in_order}
