"""`model_info.pkl` without its dangers: builtins and NumPy arrays, nothing else, in the child process."""

import io
import pickle
from pathlib import Path
from typing import Any

from convert.errors import RefusalError
from convert.plain import Json

MAX_BYTES = 16 << 20
MAX_ITEMS = 200_000
MAX_DEPTH = 32

_BUILTINS = {"set", "frozenset", "complex", "bytearray", "slice", "range"}
_NUMPY = {
    ("numpy", "dtype"),
    ("numpy", "ndarray"),
    ("numpy.core.multiarray", "_reconstruct"),
    ("numpy._core.multiarray", "_reconstruct"),
    ("numpy.core.multiarray", "scalar"),
    ("numpy._core.multiarray", "scalar"),
    ("numpy.core.numeric", "_frombuffer"),
    ("numpy._core.numeric", "_frombuffer"),
}


class _PlainUnpickler(pickle.Unpickler):
    """Knows the classes of plain data; every other name is refused before anything of it is called."""

    def find_class(self, module: str, name: str) -> Json:
        if module in ("builtins", "__builtin__") and name in _BUILTINS:
            return super().find_class("builtins", name)
        if (module, name) in _NUMPY:
            return super().find_class(module.replace("numpy.core", "numpy._core"), name)
        if (module, name) in (("collections", "OrderedDict"), ("_codecs", "encode")):
            return super().find_class(module, name)
        raise RefusalError(
            f"The pickle asks for {module}.{name}, which could run code.",
            "Only lists, dictionaries, text, numbers and NumPy arrays are read. Write the labels into a text file.",
        )


def run(request: dict[str, Any], _folder: Path) -> dict[str, Any]:
    """The child's task: the pickle at `path` as plain data."""
    path = Path(request["path"])
    if path.stat().st_size > MAX_BYTES:
        raise RefusalError(f"{path.name} is larger than {MAX_BYTES >> 20} MiB.", "Write the labels into a text file.")
    raw = path.read_bytes()
    try:
        loaded = _PlainUnpickler(io.BytesIO(raw), encoding="latin1").load()
    except (pickle.UnpicklingError, EOFError, ValueError, TypeError, KeyError, IndexError, AttributeError) as error:
        raise RefusalError(
            f"{path.name} is no readable pickle: {error}.", "Write the labels into a text file."
        ) from None
    return {"content": _plain(loaded, [MAX_ITEMS], 0)}


def _plain(value: Json, left: list[int], depth: int) -> Json:
    """JSON's types only; large arrays of numbers become their shape."""
    left[0] -= 1
    if left[0] < 0 or depth > MAX_DEPTH:
        raise RefusalError("The pickle holds more than labels would need.", "Write the labels into a text file.")
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, dict):
        return {str(_plain(key, left, depth + 1)): _plain(item, left, depth + 1) for key, item in value.items()}
    if isinstance(value, (set, frozenset)):
        value = sorted(value, key=str)
    if isinstance(value, (list, tuple)):
        return [_plain(item, left, depth + 1) for item in value]
    if hasattr(value, "tolist") and hasattr(value, "shape") and value.size <= MAX_ITEMS:
        return _plain(value.tolist(), left, depth + 1)
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else type(value).__name__
