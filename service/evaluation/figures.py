"""Figures: how often a model is right, in NumPy."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from service.evaluation.examining import NOTHING, Answers

Counts = npt.NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class ClassResult:
    """One label. clips: how many show it. answered: how many of these were answered, whatever with.

    precision, recall and f1 are of the most probable label, whatever the threshold; None where nothing is to count.
    """

    label: str
    clips: int
    answered: int
    precision: float | None
    recall: float | None
    f1: float | None


@dataclass(frozen=True, slots=True)
class Figures:
    """K clips. accuracy, macro_f1 (over the labels that clips show) and classes: of the most probable label.

    coverage: the share of clips with a sign that are answered. right_of_answered: how many of the answers are right,
    right_of_all: the share of clips with a sign that are answered rightly. confusion: L × (L + 1), a row for each
    label as the true one, a column for each as the answer, and last the declined. labels: those that occur.
    """

    clips: int
    accuracy: float
    macro_f1: float
    coverage: float
    right_of_answered: float | None
    right_of_all: float
    labels: tuple[str, ...]
    classes: tuple[ClassResult, ...]
    confusion: Counts


def figures(answers: Answers, labels: tuple[str, ...]) -> Figures:
    """The figures of at least one clip; labels: the model's."""
    right = answers.top == answers.truth
    shown = sorted({int(index) for index in answers.truth})
    said = {int(index) for index in answers.top[answers.answered]}
    occurring = sorted({*shown, *said})
    classes = tuple(_class_result(answers, index, labels[index]) for index in shown)
    signs, answered = answers.is_sign, answers.answered
    rightly = answered & right
    return Figures(
        clips=len(answers),
        accuracy=float(right.mean()),
        macro_f1=float(np.mean([entry.f1 or 0.0 for entry in classes])),
        coverage=_share(int((answered & signs).sum()), int(signs.sum())) or 0.0,
        right_of_answered=_share(int(rightly.sum()), int(answered.sum())),
        right_of_all=_share(int((rightly & signs).sum()), int(signs.sum())) or 0.0,
        labels=tuple(labels[index] for index in occurring),
        classes=classes,
        confusion=_confusion(answers, occurring),
    )


def confused(result: Figures) -> list[tuple[str, str, int]]:
    """Pairs (true label, answer, how often) that are wrong, most often first."""
    pairs = [
        (result.labels[row], result.labels[column], int(result.confusion[row, column]))
        for row in range(len(result.labels))
        for column in range(len(result.labels))
        if row != column and result.confusion[row, column]
    ]
    return sorted(pairs, key=lambda pair: -pair[2])


def _class_result(answers: Answers, index: int, label: str) -> ClassResult:
    shows, taken = answers.truth == index, answers.top == index
    right = int((shows & taken).sum())
    recall = _share(right, int(shows.sum()))
    precision = _share(right, int(taken.sum()))
    f1 = _share(2 * right, int(shows.sum()) + int(taken.sum()))
    return ClassResult(label, int(shows.sum()), int((shows & answers.answered).sum()), precision, recall, f1)


def _confusion(answers: Answers, occurring: list[int]) -> Counts:
    place = {index: at for at, index in enumerate(occurring)}
    declined = len(occurring)
    table = np.zeros((len(occurring), len(occurring) + 1), np.intp)
    columns = np.where(answers.answered, answers.top, NOTHING)
    for truth, said in zip(answers.truth, columns, strict=True):
        table[place[int(truth)], declined if said == NOTHING else place[int(said)]] += 1
    return table


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None
