"""Files of feature vectors, as scripts write them → one array of numbers."""

import csv
import io
import json
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from convert.errors import CallError, RefusalError
from convert.isolation import run_isolated
from convert.plain import Json

Doubles = npt.NDArray[np.float64]
_KEYS = ("features", "data", "x0", "x", "X", "keypoints", "landmarks", "sequence")
_MAX_BYTES = 64 << 20
_ADVICE = "A row for each frame: .npy, .npz, .csv, .json, or a pickle of lists or arrays."


def read_features(path: Path) -> Doubles:
    """The array in a .npy, .npz, .csv, .txt, .json or pickle file; nothing of it runs. CallError, RefusalError."""
    if not path.is_file():
        raise CallError(f"There is no file {path}.")
    if path.stat().st_size > _MAX_BYTES:
        raise RefusalError(f"{path.name} is larger than {_MAX_BYTES >> 20} MiB.", "Write the features of one clip.")
    suffix = path.suffix.lower()
    try:
        if suffix in (".npy", ".npz"):
            content: Any = np.load(path, allow_pickle=False)
            found = content if suffix == ".npy" else _choose(dict(content), path)
        elif suffix in (".p", ".pkl", ".pickle"):
            found = _choose(_read_pickle(path), path)
        elif suffix == ".json":
            found = _choose(json.loads(path.read_text("utf-8-sig")), path)
        else:
            found = _read_table(path.read_text("utf-8-sig"))
        features = np.asarray(found, np.float64)
    except (ValueError, TypeError, OSError, UnicodeDecodeError, RecursionError) as error:
        raise RefusalError(f"{path.name} holds no rows of numbers: {error}.", _ADVICE) from None
    if not features.size or not np.isfinite(features).all():
        raise RefusalError(f"{path.name} is empty or holds what is no number.", _ADVICE)
    return features


def _choose(content: Json, path: Path) -> Json:
    """The entry of a dictionary that holds the features: a usual name, or the only one."""
    if not isinstance(content, dict):
        return content
    named = [key for key in _KEYS if key in content] or (list(content) if len(content) == 1 else [])
    if not named:
        raise RefusalError(
            f"{path.name} has the entries {', '.join(map(str, list(content)[:8]))}; none is named `features`.", _ADVICE
        )
    return content[named[0]]


def _read_pickle(path: Path) -> Json:
    with tempfile.TemporaryDirectory(prefix="convert-") as folder:
        return run_isolated("pickle", {"path": str(path.resolve())}, Path(folder))["content"]


def _read_table(text: str) -> list[list[float]]:
    """The numbers of a CSV file, without its heading."""
    rows = [row for row in csv.reader(io.StringIO(text)) if row]
    if rows and not _is_numbers(rows[0]):
        rows = rows[1:]
    return [[float(cell) for cell in row] for row in rows]


def _is_numbers(row: list[str]) -> bool:
    try:
        return bool([float(cell) for cell in row])
    except ValueError:
        return False
