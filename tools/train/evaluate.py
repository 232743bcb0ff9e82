"""What a network answers for people it has not seen: accuracy by person, coverage, and what is declined."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .data import Clip, track_of
from .features import rows_of_track

Probabilities = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Answers:
    """Answers for clips: N × (labels + nothing) probabilities, and of each clip label, person and kind."""

    probabilities: Probabilities
    labels: NDArray[np.str_]
    persons: NDArray[np.str_]
    sources: NDArray[np.str_]
    kinds: NDArray[np.str_]

    def only(self, chosen: NDArray[np.bool_]) -> "Answers":
        return Answers(
            self.probabilities[chosen],
            self.labels[chosen],
            self.persons[chosen],
            self.sources[chosen],
            self.kinds[chosen],
        )

    @staticmethod
    def joined(parts: "list[Answers]") -> "Answers":
        return Answers(
            *(
                np.concatenate([getattr(part, name) for part in parts])
                for name in ("probabilities", "labels", "persons", "sources", "kinds")
            )
        )


def inputs_of(kind: str, clips: list[Clip]) -> NDArray[np.float32]:
    """N × steps × width: each clip whole, as /predict looks at it."""
    rows = [rows_of_track(kind, track_of(clip.points)) for clip in clips]
    return np.stack([row for row in rows if row is not None])


def answers_for(clips: list[Clip], probabilities: Probabilities) -> Answers:
    return Answers(
        probabilities,
        *(np.array([getattr(clip, name) for clip in clips]) for name in ("label", "person", "source", "kind")),
    )


def calibrated(probabilities: Probabilities, temperature: float) -> Probabilities:
    """Log-probabilities divided by the temperature, again as probabilities; as the service does."""
    logits = np.log(np.maximum(probabilities, 1e-12)) / temperature
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=1, keepdims=True), np.float32)


def fitted_temperature(probabilities: Probabilities, truth: NDArray[np.int64], weights: NDArray[np.float64]) -> float:
    """The temperature with the least weighted cross entropy, to a hundredth."""
    candidates = np.arange(0.4, 3.01, 0.02)
    rows = np.arange(len(truth))
    losses = [
        float(-(weights * np.log(np.maximum(calibrated(probabilities, t)[rows, truth], 1e-9))).sum())
        for t in candidates
    ]
    return round(float(candidates[int(np.argmin(losses))]), 2)


@dataclass(frozen=True, slots=True)
class Score:
    """Figures of one person: means over labels of the clips' share.

    accuracy: right without a threshold (the most probable sign, whatever "nothing" has). answered: share with an
    answer at the threshold; right_answered: right among all clips at the threshold; precision: right among answered.
    """

    clips: int
    accuracy: float
    answered: float
    right_answered: float
    precision: float
    per_label: dict[str, float]


def score(answers: Answers, names: tuple[str, ...], threshold: float) -> Score:
    """Figures of these clips; `names` are the labels without "nothing", which stands last."""
    signs = answers.probabilities[:, : len(names)]
    right = np.array(names)[signs.argmax(axis=1)] == answers.labels
    declined = (answers.probabilities.argmax(axis=1) == len(names)) | (answers.probabilities.max(axis=1) < threshold)
    present = [name for name in names if (answers.labels == name).any()]

    def mean(values: NDArray[np.bool_]) -> float:
        return float(np.mean([values[answers.labels == name].mean() for name in present]))

    answered = ~declined
    return Score(
        clips=len(right),
        accuracy=mean(right),
        answered=mean(answered),
        right_answered=mean(right & answered),
        precision=float((right & answered).sum() / max(1, answered.sum())),
        per_label={name: float(right[answers.labels == name].mean()) for name in present},
    )


def risk_coverage(answers: Answers, names: tuple[str, ...]) -> list[tuple[float, float, float]]:
    """(threshold, coverage, share of wrong among the answered), each clip weighted so that all labels count alike."""
    weight = np.zeros(len(answers.labels))
    for person in np.unique(answers.persons):
        for name in names:
            here = (answers.labels == name) & (answers.persons == person)
            if here.any():
                weight[here] = 1 / here.sum()
    best = answers.probabilities.argmax(axis=1)
    certain = np.where(best == len(names), 0.0, answers.probabilities.max(axis=1))
    wrong = np.array((*names, ""))[best] != answers.labels
    curve = []
    for threshold in np.round(np.arange(0, 1.0, 0.025), 3):
        kept = (certain > 0) & (certain >= threshold)
        share = float(weight[kept].sum() / weight.sum())
        risk = float((weight * wrong)[kept].sum() / max(weight[kept].sum(), 1e-9))
        curve.append((float(threshold), share, risk))
    return curve


def declined_share(probabilities: Probabilities, threshold: float) -> float:
    """Share of hands without an answer: "nothing" is the most probable, or all are below the threshold."""
    nothing = probabilities.shape[1] - 1
    return float(((probabilities.argmax(axis=1) == nothing) | (probabilities.max(axis=1) < threshold)).mean())
