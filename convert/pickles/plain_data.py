"""A pickle's value as JSON: what is plain stays, what is not is named, and size and depth have a limit."""

import math

from convert.errors import RefusalError
from convert.pickles.arrays import read_array, read_objects
from convert.pickles.values import Record, StandIn, Value, shown
from convert.plain import Json

MAX_NODES = 50_000
MAX_DEPTH = 24
MAX_TEXT = 2_000


def as_json(value: Value, *, exact: bool = False) -> Json:
    """A value that json.dumps takes; an object that is not plain becomes "<its class>", and "…" what is too much.

    exact: for who relies on every value: such an object is {"class": its class}, too much is a RefusalError.
    """
    return _Writer(exact).write(value, 0)


class _Writer:
    def __init__(self, exact: bool) -> None:
        self._left = MAX_NODES
        self._exact = exact

    def write(self, value: Value, depth: int) -> Json:
        self._left -= 1
        if self._left < 0 or depth > MAX_DEPTH:
            if self._exact:
                raise RefusalError(
                    f"The pickle holds more than {MAX_NODES} values.", "Write what counts into a text file."
                )
            return "…"
        if isinstance(value, dict):
            return {_key(key): self.write(item, depth + 1) for key, item in list(value.items())[:MAX_NODES]}
        if isinstance(value, set | frozenset):
            value = sorted(value, key=str)
        if isinstance(value, list | tuple):
            return [self.write(item, depth + 1) for item in list(value)[:MAX_NODES]]
        if isinstance(value, StandIn):
            inner = _find_content(value)
            if inner is not None:
                return self.write(inner, depth + 1)
        plain = _scalar(value)
        return {"class": shown(value)} if self._exact and isinstance(value, Record) else plain


def _scalar(value: Value) -> Json:
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int):
        return value if abs(value) < 1 << 63 else "<large number>"
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, bytes) and _is_text(value):
        return _text(value.decode())
    return f"<{shown(value)}>" if isinstance(value, Record) else f"<{type(value).__name__}>"


def _key(value: Value) -> str:
    """A dict's key as text; a NumPy scalar is the number or text that it holds."""
    number = _read_numbers(value)
    value = value if number is None else number
    return _text(value.decode() if isinstance(value, bytes) and _is_text(value) else value)


def _find_content(value: StandIn) -> Value:
    """What a recorded object holds, where that is known: NumPy, OmegaConf, namespaces, subclasses of dict and list."""
    numbers = _read_numbers(value)
    if numbers is not None:
        return numbers
    objects = read_objects(value)
    if objects is not None:
        return objects
    if value.entries or value.items:
        return value.entries or value.items
    attributes = value.attributes()
    for name in ("_content", "_val"):  # OmegaConf's containers and values, as Hydra saves them
        if name in attributes:
            return attributes[name]
    return attributes if value.of.name in ("Namespace", "SimpleNamespace") else None


def _read_numbers(value: Value) -> Json:
    """A NumPy scalar or small array (numbers or text) as plain Python; None where it is neither."""
    array = read_array(value)
    if array is None or array.size > MAX_NODES or array.dtype.names is not None:
        return None
    try:
        return array.tolist()
    except ValueError:  # text with numbers that are no characters
        return None


def _is_text(value: bytes) -> bool:
    try:
        value.decode()
    except UnicodeDecodeError:
        return False
    return True


def _text(value: Value) -> str:
    """A text or key, cut and without control or half characters, so that it can be printed and write."""
    return "".join(sign if sign.isprintable() or sign in "\n\t" else "\ufffd" for sign in str(value)[:MAX_TEXT])
