"""Label files of all kinds → names in the order of the model's outputs, which is never guessed and never changed."""

import csv
import io
import json
import re
import tempfile
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from convert.errors import CallError, RefusalError
from convert.isolation import run_isolated
from convert.plain import Json

MAX_BYTES = 16 << 20
_NUMBERED = re.compile(r"^\s*(\d+)[\s:,;]+(.+?)\s*$")
_LABEL_KEYS = (
    "labels",
    "label_map",
    "classes",
    "class_names",
    "class_indices",
    "actions",
    "words",
    "label_to_idx",
    "idx_to_label",
    "label_to_index",
    "index_to_label",
    "labels_dict",
    "label_encoder",
    "encoder",
    "le",
)
_LENGTH_KEYS = (
    "max_length",
    "max_len",
    "sequence_length",
    "seq_len",
    "max_timesteps",
    "n_frames",
    "timesteps",
    "length",
)
_WIDTH_KEYS = ("n_features", "num_features", "feature_dim", "input_dim", "feature_size", "features")
_CLASS_KEYS = ("n_classes", "num_classes")


@dataclass(frozen=True, slots=True)
class Labels:
    """names: in output order. how: how they were read. others: further entries of a pickle, to be checked."""

    names: tuple[str, ...]
    how: str
    others: dict[str, Any] = field(default_factory=dict)


def read_labels(source: str, encoding: str) -> Labels:
    """Labels from what --labels names: a file, `FILE.csv:COLUMN` or a folder of class folders.

    Raises CallError or RefusalError, also where a name stands twice or is empty.
    """
    path, column = _split_column(source)
    if not path.exists():
        raise CallError(f"There is no label file {path}.")
    if path.is_dir():
        labels = Labels(_read_folders(path), "class folders in string order")
    elif path.suffix.lower() in (".pkl", ".pickle"):
        labels = _read_pickle(path)
    else:
        text = _read_text(path, encoding)
        if path.suffix.lower() == ".json":
            labels = _read_json(path, text)
        elif path.suffix.lower() == ".csv":
            labels = _read_csv(path, text, column)
        else:
            labels = _read_lines(text)
    return _check_names(labels, source)


def check_against_graph(others: dict[str, Any], shape: tuple[int | None, ...], width: int | None) -> None:
    """A pickle's lengths, feature and class counts must be those of the graph. RefusalError with both figures."""
    wanted: list[tuple[tuple[str, ...], int | None]] = [
        (keys, shape[axis]) for keys, axis in ((_LENGTH_KEYS, 1), (_WIDTH_KEYS, 2)) if len(shape) == 3
    ]
    wanted.append((_CLASS_KEYS, width))
    for keys, actual in wanted:
        for key, value in others.items():
            if key.lower() in keys and isinstance(value, int) and actual is not None and value != actual:
                raise RefusalError(
                    f"The pickle says {key} = {value}; the model has {actual}.", "Check that both are of one training."
                )


def place_labels(labels: Labels, places: tuple[int, ...] | None) -> Labels:
    """The labels in the order of the outputs: each at its place in the file; None where they are in that order."""
    if places is None:
        return labels
    names = tuple(labels.names[place] for place in places)
    return replace(labels, names=names, how=f"{labels.how}; by the numbers of the model's classes")


def _split_column(source: str) -> tuple[Path, str | None]:
    name, colon, column = source.rpartition(":")
    if colon and name.lower().endswith(".csv"):
        return Path(name), column
    return Path(source), None


def _read_folders(path: Path) -> tuple[str, ...]:
    names = sorted(entry.name for entry in path.iterdir() if entry.is_dir() and not entry.name.startswith("."))
    if not names:
        raise CallError(f"{path} holds no class folders.")
    return tuple(names)


def _read_text(path: Path, encoding: str) -> str:
    if path.stat().st_size > MAX_BYTES:
        raise RefusalError(f"{path.name} is larger than {MAX_BYTES >> 20} MiB.", "Is it a label file?")
    try:
        return path.read_bytes().decode("utf-8-sig" if encoding.lower() in ("utf-8", "utf8") else encoding)
    except UnicodeDecodeError:
        raise CallError(
            f"{path.name} is not written in {encoding}.", "Korean Windows writes --encoding cp949."
        ) from None
    except LookupError:
        raise CallError(f"There is no encoding {encoding}.") from None


def _read_lines(text: str) -> Labels:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    numbered = [_NUMBERED.match(line) for line in lines]
    found = [match for match in numbered if match]
    if lines and len(found) == len(lines):
        indices = [int(match.group(1)) for match in found]
        if sorted(indices) == list(range(len(indices))):
            names = [match.group(2) for match in sorted(found, key=lambda match: int(match.group(1)))]
            return Labels(tuple(names), "numbered lines, as Teachable Machine writes them")
    return Labels(tuple(lines), "one label a line")


def _read_csv(path: Path, text: str, column: str | None) -> Labels:
    if column is None:
        rows = [row for row in csv.reader(io.StringIO(text)) if row and row[0].strip()]
        if any(len(row) > 1 for row in rows):
            raise CallError(f"{path.name} has several columns.", f"Say which: --labels {path.name}:COLUMN.")
        return Labels(tuple(row[0].strip() for row in rows), "one label a line")
    reader = csv.DictReader(io.StringIO(text))
    if column not in (reader.fieldnames or []):
        raise CallError(f"{path.name} has no column {column!r}; it has {', '.join(reader.fieldnames or [])}.")
    values = {str(row[column]).strip() for row in reader if row[column] not in (None, "")}
    return Labels(tuple(sorted(values)), f"sorted unique values of the column {column}")


def _read_json(path: Path, text: str) -> Labels:
    try:
        content = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise RefusalError(f"{path.name} is no JSON: {error}.") from None
    names = _find_names(content)
    if names is None:
        raise RefusalError(f"{path.name} holds no labels.", "A list of names, or a dictionary of name → index.")
    return Labels(names, "JSON")


def _find_names(content: Json) -> tuple[str, ...] | None:
    """A list of names, {name: index} or {index: name}; None for anything else."""
    if isinstance(content, list) and content and all(isinstance(item, (str, int)) for item in content):
        return tuple(str(item) for item in content)
    if not isinstance(content, dict) or not content:
        return None
    if all(isinstance(value, int) and not isinstance(value, bool) for value in content.values()):
        pairs = [(value, str(key)) for key, value in content.items()]
    elif all(str(key).isdigit() and isinstance(value, str) for key, value in content.items()):
        pairs = [(int(key), value) for key, value in content.items()]
    else:
        return None
    if sorted(index for index, _ in pairs) != list(range(len(pairs))):
        raise RefusalError(f"The label indices are not 0 to {len(pairs) - 1}.", "Each output needs one label.")
    return tuple(name for _, name in sorted(pairs))


def _read_pickle(path: Path) -> Labels:
    with tempfile.TemporaryDirectory(prefix="convert-") as folder:
        content = run_isolated("pickle", {"path": str(path)}, Path(folder))["content"]
    names = _find_names(content)
    if names is not None:
        return Labels(names, "pickle")
    if isinstance(content, dict):
        for key in sorted(content, key=lambda key: key.lower() not in _LABEL_KEYS):
            names = _find_names(content[key]) if key.lower() in _LABEL_KEYS else None
            if names is not None:
                others = {other: value for other, value in content.items() if other != key}
                return Labels(names, f"pickle, entry {key}", others)
    if isinstance(content, dict):
        shown = str(content["class"]) if list(content) == ["class"] else f"entries {', '.join(list(content)[:8])}"
    else:
        shown = type(content).__name__
    raise RefusalError(f"{path.name} holds no labels that are understood: {shown}.", "Write them into a text file.")


def _check_names(labels: Labels, source: str) -> Labels:
    names = labels.names
    if not names or any(not name.strip() for name in names):
        raise RefusalError(f"{source} has no labels, or an empty one.")
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise RefusalError(
            f"{source} has labels that stand twice: {', '.join(twice[:5])}.", "Give each output its name."
        )
    return labels
