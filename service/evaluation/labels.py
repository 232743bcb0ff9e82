"""The labels of data, as the labels of a model."""

import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from service.evaluation.data import LabeledClip


@dataclass(frozen=True, slots=True)
class Matched:
    """Clips whose label the model knows, each with its index; unknown: how many clips there are of each other label."""

    clips: tuple[tuple[LabeledClip, int], ...]
    unknown: dict[str, int]
    left_out: dict[str, str]


def match_labels(clips: Iterable[LabeledClip], labels: Sequence[str], others: str | None = None) -> Matched:
    """Which label of the model each clip shows.

    They are compared in composed form (file systems may keep Korean decomposed), then without regard to case where
    that leaves no doubt. others: the model's label for whatever it has no label for; None leaves such clips out.
    """
    exact = {_composed(label): index for index, label in enumerate(labels)}
    folded = Counter(_composed(label).casefold() for label in labels)
    loose = {
        _composed(label).casefold(): index
        for index, label in enumerate(labels)
        if folded[_composed(label).casefold()] == 1
    }

    def index_of(label: str) -> int | None:
        composed = _composed(label)
        return exact.get(composed, loose.get(composed.casefold()))

    known: list[tuple[LabeledClip, int]] = []
    unknown: Counter[str] = Counter()
    left_out: dict[str, str] = {}
    for clip in clips:
        index = index_of(clip.label)
        if index is None and clip.or_label is not None:
            index = index_of(clip.or_label)
        if index is None and others is not None:
            index = index_of(others)
        if index is None:
            shown = clip.or_label or clip.label
            unknown[shown] += 1
            left_out[clip.name] = f"the model has no label {shown}."
        else:
            known.append((clip, index))
    return Matched(tuple(known), dict(unknown), left_out)


def _composed(label: str) -> str:
    return unicodedata.normalize("NFC", label.strip())
