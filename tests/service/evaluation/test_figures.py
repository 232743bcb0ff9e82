"""Figures are those that scikit-learn gives."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import accuracy_score, confusion_matrix, f1_score, precision_recall_fscore_support

from service.evaluation.figures import confused, figures
from service.evaluation.picture import confusion_png
from service.evaluation.printed import figures_text
from tests.service.evaluation.answers_made import answers_of

LABELS = ("A", "나", "C", "D")
CLIP = st.tuples(st.integers(0, 3), st.integers(-1, 3), st.floats(0, 1))


@given(st.lists(CLIP, min_size=1, max_size=40), st.floats(0, 1))
def test_accuracy_f1_and_confusion_are_those_of_scikit_learn(
    clips: list[tuple[int, int, float]], threshold: float
) -> None:
    truth, top, confidence = (list(column) for column in zip(*clips, strict=True))
    found = answers_of(truth, top, confidence, threshold)
    result = figures(found, LABELS)
    shown = sorted(set(truth))
    assert result.accuracy == pytest.approx(accuracy_score(truth, top))
    assert result.macro_f1 == pytest.approx(f1_score(truth, top, labels=shown, average="macro", zero_division=0))
    precision, recall, f1, support = precision_recall_fscore_support(truth, top, labels=shown, zero_division=0)
    for at, entry in enumerate(result.classes):
        assert (entry.label, entry.clips) == (LABELS[shown[at]], support[at])
        assert (entry.precision or 0, entry.recall, entry.f1) == pytest.approx((precision[at], recall[at], f1[at]))
    columns = [LABELS.index(label) for label in result.labels] + [-1]
    said = np.where(found.answered, found.top, -1)
    assert np.array_equal(result.confusion, confusion_matrix(truth, said, labels=columns)[:-1])
    assert result.coverage == pytest.approx(found.answered.mean())


def test_a_clip_that_shows_an_idle_label_is_no_part_of_the_coverage() -> None:
    found = answers_of([0, 1], [0, 1], [0.9, 0.9])
    found.is_sign[1] = False
    found.answered[1] = False
    assert figures(found, ("A", "rest")).coverage == 1.0


def test_what_is_confused_most_comes_first() -> None:
    result = figures(answers_of([0, 0, 0, 1], [1, 1, 2, 0], [1.0] * 4), LABELS)
    assert confused(result) == [("A", "나", 2), ("A", "C", 1), ("나", "A", 1)]


def test_text_is_aligned_by_columns_also_in_korean() -> None:
    text = figures_text(figures(answers_of([0, 1, 1], [0, 1, 0], [1.0] * 3), ("A", "왼쪽")), 0.0)
    table = text.split("\n\n")[1].splitlines()
    assert table == [
        "label  clips  answered  precision  recall      F1",
        "A          1         1     0.5000  1.0000  0.6667",
        "왼쪽       2         2     1.0000  0.5000  0.6667",
    ]
    assert "왼쪽 taken for A: 1" in text


def test_the_picture_is_a_png_that_draws_korean_without_a_warning() -> None:
    assert confusion_png(figures(answers_of([0, 1, 1], [0, 1, 0], [1.0] * 3), ("$A$", "왼쪽"))).startswith(b"\x89PNG")
