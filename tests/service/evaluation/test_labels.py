"""Data's labels are found among a model's; unknown ones are counted, never dropped in silence."""

import unicodedata
from pathlib import Path

from service.evaluation.data import LabeledClip
from service.evaluation.labels import match_labels


def clip(label: str, or_label: str | None = None) -> LabeledClip:
    return LabeledClip(f"{label} {or_label}", label, Path("x"), or_label=or_label)


def test_decomposed_korean_is_the_same_label() -> None:
    decomposed = unicodedata.normalize("NFD", "왼쪽")
    assert decomposed != "왼쪽"
    assert [index for _, index in match_labels([clip(decomposed)], ["사랑", "왼쪽"]).clips] == [1]


def test_case_counts_only_where_it_distinguishes() -> None:
    assert [index for _, index in match_labels([clip("a")], ["A", "B"]).clips] == [0]
    matched = match_labels([clip("a"), clip("A"), clip("A ")], ["a", "A"])
    assert [index for _, index in matched.clips] == [0, 1, 1]


def test_a_number_is_itself_before_it_is_a_letter() -> None:
    assert [index for _, index in match_labels([clip("1", "B")], ["0", "1", "B"]).clips] == [1]
    assert [index for _, index in match_labels([clip("1", "B")], ["A", "B"]).clips] == [1]


def test_unknown_labels_are_counted_and_named() -> None:
    matched = match_labels([clip("A"), clip("X"), clip("9", "J"), clip("9", "J")], ["A"])
    assert matched.unknown == {"X": 1, "J": 2}
    assert matched.left_out["X None"] == "the model has no label X."


def test_clips_of_other_labels_may_count_as_what_is_to_be_declined() -> None:
    matched = match_labels([clip("A"), clip("X")], ["A", "unknown"], others="unknown")
    assert [index for _, index in matched.clips] == [0, 1]
    assert matched.left_out == {}
