"""Tables: a CSV of paths and labels, or of pictures' own pixels as Sign-MNIST has them."""

import csv
import unicodedata
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import numpy as np

from service.evaluation.data import FORMS, DataError, LabeledClip, LabeledData
from service.text import compose, find_file_encoding

SIDE: Final = 28
PIXELS: Final = SIDE * SIDE
ALPHABET: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


def read_table(path: Path) -> LabeledData:
    """What a CSV file lists; which of the two it is, its header says."""
    try:
        with path.open(encoding=find_file_encoding(path), newline="") as file:
            lines = csv.reader(file)
            header = [cell.strip().lower() for cell in next(lines, [])]
            if header[:2] == ["label", "pixel1"]:
                return _pictures(path, lines)
            if {"path", "label"} <= set(header):
                return _listed(path, lines, header)
    except UnicodeDecodeError:
        raise DataError(f"{path} is neither UTF-8 nor CP949 text; a spreadsheet saves it as 'CSV UTF-8'.") from None
    except csv.Error as error:
        raise DataError(f"{path} cannot be read as CSV: {error}.") from None
    raise DataError(f"The first line of {path} names no columns that are known: {', '.join(header[:4])}. {FORMS}")


def _listed(path: Path, lines: Iterator[list[str]], header: list[str]) -> LabeledData:
    """Paths beside the table or below it, and their labels."""
    at_path, at_label = header.index("path"), header.index("label")
    clips: list[LabeledClip] = []
    left_out: dict[str, str] = {}
    for number, line in enumerate(lines, start=2):
        if not any(cell.strip() for cell in line):
            continue
        if len(line) <= max(at_path, at_label):
            left_out[f"line {number}"] = f"it has {len(line)} columns."
            continue
        name, label = line[at_path].strip(), compose(line[at_label].strip())
        medium = _find_medium(path.parent, name)
        if medium is None:
            left_out[f"line {number}: {name}"] = "there is no such file."
            continue
        columns = dict(zip(header, (compose(cell.strip()) for cell in line), strict=False))
        clips.append(LabeledClip(f"line {number}: {name}", label, medium, columns=columns))
    return _some(path, clips, left_out)


def _find_medium(folder: Path, name: str) -> Path | None:
    """A file by its name as it is written, composed, or letter by letter as macOS stores it."""
    spelled = (name, compose(name), unicodedata.normalize("NFD", name))
    return next((folder / one for one in spelled if (folder / one).is_file()), None)


def _pictures(path: Path, lines: Iterator[list[str]]) -> LabeledData:
    """Gray pictures of 28 × 28, row after row. A label is a number: of a letter where the model knows no such label."""
    clips: list[LabeledClip] = []
    left_out: dict[str, str] = {}
    for number, line in enumerate(lines, start=2):
        if not line:
            continue
        name = f"line {number}"
        try:
            label, *pixels = [int(cell) for cell in line]
        except ValueError:
            left_out[name] = "it holds what is no whole number."
            continue
        if len(pixels) != PIXELS or not all(0 <= pixel <= 255 for pixel in pixels):
            left_out[name] = f"it has no {PIXELS} pixels of 0 to 255."
            continue
        letter = ALPHABET[label] if 0 <= label < len(ALPHABET) else None
        gray = np.array(pixels, np.uint8).reshape(SIDE, SIDE)
        clips.append(LabeledClip(name, str(label), gray=gray, or_label=letter))
    return _some(path, clips, left_out)


def _some(path: Path, clips: list[LabeledClip], left_out: dict[str, str]) -> LabeledData:
    if not clips:
        why = "; ".join(f"{name}: {reason}" for name, reason in list(left_out.items())[:3])
        raise DataError(f"{path} lists nothing that could be read. {why}".rstrip())
    return LabeledData(path.stem, tuple(clips), left_out)
