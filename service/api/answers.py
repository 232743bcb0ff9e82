"""The bodies that routes answer with, as the contract shapes them.

Fields that a caller has to ask for are left unset otherwise, and unset fields are not sent.
"""

from typing import Self

from pydantic import BaseModel

from service.analysis.predict import PredictAnswer
from service.analysis.prediction import FrameAnswer, Prediction, RankedLabel
from service.track import MediaInfo, MediaKind, Side


class ModelRef(BaseModel):
    """Which model answered."""

    name: str
    version: int


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

    time: float
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


class MediaBody(BaseModel):
    """What the medium is; sizes are those of the upright picture."""

    kind: MediaKind
    format: str
    width: int
    height: int
    duration: float | None
    frame_rate: float | None

    @classmethod
    def of(cls, media: MediaInfo) -> Self:
        return cls(
            kind=media.kind,
            format=media.format,
            width=media.width,
            height=media.height,
            duration=media.duration,
            frame_rate=media.frame_rate,
        )


class PredictionBody(BaseModel):
    """The core of an answer: one window's."""

    predicted_class_idx: int | None
    predicted_class_name: str | None
    confidence: float
    declined: bool
    start_time: float
    end_time: float
    clip_duration: float
    top: list[RankedAnswer]
    probabilities: dict[str, float] | None = None


class PredictBody(PredictionBody):
    """The answer of /predict."""

    model: ModelRef
    evidence: EvidenceBody
    media: MediaBody
    warnings: list[str]

    @classmethod
    def of(cls, answer: PredictAnswer, *, top_k: int, with_probabilities: bool, with_frames: bool) -> Self:
        prediction = answer.prediction
        best = prediction.best
        asked = {"probabilities": _by_label(prediction)} if with_probabilities else {}
        return cls(
            model=ModelRef(name=answer.manifest.name, version=answer.manifest.version),
            predicted_class_idx=best.class_idx if best else None,
            predicted_class_name=best.class_name if best and not prediction.declined else None,
            confidence=best.confidence if best else 0.0,
            declined=prediction.declined,
            start_time=prediction.window.start_s,
            end_time=prediction.window.end_s,
            clip_duration=prediction.window.duration_s,
            top=[RankedAnswer.of(label) for label in prediction.ranked[:top_k]],
            evidence=_evidence(prediction, with_frames=with_frames),
            media=MediaBody.of(answer.media),
            warnings=list(answer.warnings),
            **asked,
        )


def _by_label(prediction: Prediction) -> dict[str, float]:
    in_order = sorted(prediction.ranked, key=lambda label: label.class_idx)
    return {label.class_name: label.confidence for label in in_order}


def _evidence(prediction: Prediction, *, with_frames: bool) -> EvidenceBody:
    evidence = prediction.evidence
    asked = {"frames": [FrameBody.of(frame) for frame in prediction.frames]} if with_frames else {}
    return EvidenceBody(
        frames_sampled=evidence.frames_sampled,
        hand_frames=evidence.hand_frames,
        face_frames=evidence.face_frames,
        handedness=evidence.handedness,
        **asked,
    )
