"""Transcript: the segments as text."""

from collections.abc import Iterable, Mapping
from typing import Literal

Unit = Literal["letter", "word"]
LabelText = Mapping[str, str | Mapping[str, str]]


def transcript(labels: Iterable[str], unit: Unit | None, label_text: LabelText, language: str = "en") -> str:
    """What is signed, in order: letters joined without a space, everything else with one."""
    return ("" if unit == "letter" else " ").join(text_of(label, label_text, language) for label in labels)


def text_of(label: str, label_text: LabelText, language: str = "en") -> str:
    """What a transcript writes for a label: its text, in the language where it has several, else the label itself.

    Where the language is missing, English is taken, then the first one given.
    """
    text = label_text.get(label, label)
    if isinstance(text, str):
        return text
    return text.get(language) or text.get("en") or next(iter(text.values()), label)
