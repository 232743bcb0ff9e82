"""Prediction: one answer, from the scores of one window."""

from dataclasses import dataclass

import numpy as np

from service.registry.manifest import Manifest
from service.track import HAND_PARTS, FloatArray, Side, Track, Window


@dataclass(frozen=True, slots=True)
class RankedLabel:
    """A label and how confident the model is of it, 0 to 1."""

    class_idx: int
    class_name: str
    confidence: float


@dataclass(frozen=True, slots=True)
class Evidence:
    """What the answer rests on: counts of sampled frames and the followed hand's own side."""

    frames_sampled: int
    hand_frames: int
    face_frames: int
    handedness: Side | None

    @classmethod
    def of(cls, track: Track) -> "Evidence":
        return cls(len(track), track.frames_with(HAND_PARTS), track.frames_with(("face",)), track.side())


@dataclass(frozen=True, slots=True)
class Affect:
    """What a model of emotions says beside them: means over the samples, None where it gives none or no face is seen.

    faces: how many it looked at, over all samples.
    """

    valence: float | None
    arousal: float | None
    faces: int


@dataclass(frozen=True, slots=True)
class FrameAnswer:
    """What a model that looks at single frames says about one of them."""

    time_s: float
    class_name: str
    confidence: float


@dataclass(frozen=True, slots=True)
class Prediction:
    """One answer. `ranked` holds all labels, best first; empty where the window shows nothing to judge."""

    window: Window
    ranked: tuple[RankedLabel, ...]
    declined: bool
    evidence: Evidence
    frames: tuple[FrameAnswer, ...] = ()
    affect: Affect | None = None

    @property
    def best(self) -> RankedLabel | None:
        return self.ranked[0] if self.ranked else None


def answer(
    window: Window,
    probabilities: FloatArray | None,
    evidence: Evidence,
    manifest: Manifest,
    threshold: float | None,
    affect: Affect | None = None,
) -> Prediction:
    """The prediction from C probabilities of one window; None where the window shows no evidence.

    It is declined without evidence, below the threshold (the manifest's unless the caller sets one), and where an
    idle label wins.
    """
    if probabilities is None:
        return Prediction(window, (), declined=True, evidence=evidence, affect=affect)
    ranked = rank(probabilities, manifest)
    least = manifest.output.threshold if threshold is None else threshold
    declined = ranked[0].confidence < least or ranked[0].class_name in manifest.idle_labels
    return Prediction(window, ranked, declined, evidence, affect=affect)


def rank(probabilities: FloatArray, manifest: Manifest) -> tuple[RankedLabel, ...]:
    """All labels, most probable first; ties in the order of the labels."""
    labels = manifest.labels or ()
    order = np.argsort(-probabilities, kind="stable")
    return tuple(RankedLabel(int(index), labels[index], float(probabilities[index])) for index in order)


def sign_confidence(probabilities: FloatArray, manifest: Manifest) -> float:
    """The largest probability among labels that are signs, that is, not idle."""
    labels = manifest.labels or ()
    signs = [index for index, label in enumerate(labels) if label not in manifest.idle_labels]
    return float(probabilities[signs].max())
