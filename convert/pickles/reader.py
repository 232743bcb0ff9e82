"""The isolated task `pickle`: a pickle of labels → plain data. Nothing of it runs, no class of it is imported."""

import io
from pathlib import Path
from typing import Any

from convert.errors import RefusalError
from convert.pickles.interpreter import Dialect, PickleInterpreter
from convert.pickles.plain_data import as_json
from convert.pickles.values import StandIn, Value

MAX_BYTES = 16 << 20
_WRITE_TEXT = "Write the labels into a text file."
_PLAIN = Dialect(
    advice=f"It could run code: only lists, dictionaries, text, numbers and NumPy arrays are read. {_WRITE_TEXT}"
)


def run(request: dict[str, Any], _folder: Path) -> dict[str, Any]:
    """The child's task: the pickle at `path` as plain data."""
    path = Path(request["path"])
    if path.stat().st_size > MAX_BYTES:
        raise RefusalError(f"{path.name} is larger than {MAX_BYTES >> 20} MiB.", _WRITE_TEXT)
    value = PickleInterpreter(io.BytesIO(path.read_bytes()), _PLAIN, path.name).run()
    return {"content": as_json(_classes_of(value), exact=True)}


def _classes_of(value: Value) -> Value:
    """The classes of a scikit-learn LabelEncoder, alone or in a dict, in the order of its numbers; else the value."""
    if isinstance(value, StandIn) and value.of.name == "LabelEncoder":
        return value.attributes().get("classes_", value)
    return {key: _classes_of(item) for key, item in value.items()} if isinstance(value, dict) else value
