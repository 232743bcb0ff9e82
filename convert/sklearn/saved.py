"""Parts ↔ plain data: a JSON document, and the arrays that it names, so that they can leave the child process."""

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np

from convert.sklearn.parts import Part

ARRAYS_FILE = "model.npz"
_KINDS = {kind.__name__: kind for kind in Part.__subclasses__()}


def write_part(part: Part, folder: Path) -> dict[str, Any]:
    """The part's document; its arrays are left in the folder."""
    arrays: dict[str, np.ndarray] = {}
    document: dict[str, Any] = _written(part, arrays)
    np.savez(folder / ARRAYS_FILE, **arrays)  # type: ignore[arg-type]  # its stubs take the names for its own options
    return document


def read_part(document: dict[str, Any], folder: Path) -> Part:
    """The part that a child left."""
    with np.load(folder / ARRAYS_FILE, allow_pickle=False) as arrays:
        part: Part = _read(document, arrays)
    return part


def _written(value: Any, arrays: dict[str, np.ndarray]) -> Any:  # noqa: ANN401 - JSON
    if isinstance(value, Part):
        fields = {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
        return {"kind": type(value).__name__} | {name: _written(item, arrays) for name, item in fields.items()}
    if isinstance(value, np.ndarray):
        name = f"a{len(arrays)}"
        arrays[name] = value
        return {"array": name}
    return [_written(item, arrays) for item in value] if isinstance(value, tuple) else value


def _read(value: Any, arrays: Any) -> Any:  # noqa: ANN401 - JSON
    if isinstance(value, list):
        return tuple(_read(item, arrays) for item in value)
    if not isinstance(value, dict):
        return value
    if "array" in value:
        return arrays[value["array"]]
    return _KINDS[value["kind"]](**{name: _read(item, arrays) for name, item in value.items() if name != "kind"})


def count_numbers(part: Part) -> int:
    """How many numbers the part's arrays hold together."""
    arrays: dict[str, np.ndarray] = {}
    _written(part, arrays)
    return sum(array.size for array in arrays.values())
