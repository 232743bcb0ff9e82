"""Universal Binary JSON as XGBoost writes it, read with suspicion: every length is compared with what is left."""

from dataclasses import dataclass

import numpy as np

from convert.errors import ContradictionError, DamagedError, UnsafeError
from convert.plain import Json

MAX_DEPTH = 32
MAX_ITEMS = 4_000_000
"""Values that are no part of a typed array of numbers; a forest has some twenty a tree."""

_NUMBERS = {b"i": ">i1", b"U": ">u1", b"I": ">i2", b"l": ">i4", b"L": ">i8", b"d": ">f4", b"D": ">f8"}
_CONSTANTS: dict[bytes, Json] = {b"Z": None, b"T": True, b"F": False}
_AGAIN = "Copy or save it again: model.save_model('model.ubj')."


@dataclass(slots=True)
class _Bytes:
    raw: bytes
    at: int = 0
    items: int = 0

    def take(self, count: int) -> bytes:
        if not 0 <= count <= len(self.raw) - self.at:
            raise DamagedError(
                f"At byte {self.at} the file declares {count} bytes; it has {len(self.raw) - self.at} more.", _AGAIN
            )
        self.at += count
        return self.raw[self.at - count : self.at]

    def starts_with(self, mark: bytes) -> bool:
        """Whether the mark comes next; it is passed over then."""
        if not self.raw.startswith(mark, self.at):
            return False
        self.at += len(mark)
        return True


def parse(raw: bytes) -> Json:
    """The value of a whole file; typed arrays of numbers as NumPy arrays. RefusalError where it is none."""
    source = _Bytes(raw)
    value = _value(source, source.take(1), 0)
    if source.at != len(raw):
        raise ContradictionError(f"{len(raw) - source.at} bytes follow the model's end.", _AGAIN)
    return value


def _value(source: _Bytes, kind: bytes, depth: int) -> Json:
    source.items += 1
    if depth > MAX_DEPTH:
        raise UnsafeError(f"The file nests more than {MAX_DEPTH} levels.", "It is no XGBoost model.")
    if source.items > MAX_ITEMS:
        raise UnsafeError(f"The file holds more than {MAX_ITEMS} values.", "It is no XGBoost model.")
    if kind in _CONSTANTS:
        return _CONSTANTS[kind]
    if kind in _NUMBERS:
        return _number(source, kind)
    if kind == b"S":
        return _text(source)
    if kind == b"{":
        return _object(source, depth)
    if kind == b"[":
        return _array(source, depth)
    raise ContradictionError(f"At byte {source.at - 1} stands {kind!r}, which XGBoost does not write.", _AGAIN)


def _number(source: _Bytes, kind: bytes) -> int | float:
    code = _NUMBERS[kind]
    value = np.frombuffer(source.take(int(code[2])), code)[0]
    return float(value) if code[1] == "f" else int(value)


def _length(source: _Bytes) -> int:
    kind = source.take(1)
    if kind not in _NUMBERS or kind in b"dD":
        raise ContradictionError(f"At byte {source.at - 1} a length is written as {kind!r}.", _AGAIN)
    return int(_number(source, kind))


def _text(source: _Bytes) -> str:
    raw = source.take(_length(source))
    try:
        return raw.decode()
    except UnicodeDecodeError:
        raise ContradictionError(f"Before byte {source.at} stands text that is no UTF-8.", _AGAIN) from None


def _object(source: _Bytes, depth: int) -> dict[str, Json]:
    count = _counted(source) if source.starts_with(b"#") else None
    found: dict[str, Json] = {}
    while count is None or len(found) < count:
        if count is None and source.starts_with(b"}"):
            break
        key = _text(source)
        if key in found:
            raise ContradictionError(f"The key {key[:60]!r} stands twice.", _AGAIN)
        found[key] = _value(source, source.take(1), depth + 1)
    return found


def _array(source: _Bytes, depth: int) -> Json:
    if source.starts_with(b"$"):
        kind = source.take(1)
        if kind not in _NUMBERS or not source.starts_with(b"#"):
            raise ContradictionError(f"Before byte {source.at} stands an array of {kind!r}, not of numbers.", _AGAIN)
        code = _NUMBERS[kind]
        raw = source.take(_length(source) * int(code[2]))
        return np.frombuffer(raw, code).astype(code[1:])
    found: list[Json] = []
    if source.starts_with(b"#"):
        for _ in range(_counted(source)):
            found.append(_value(source, source.take(1), depth + 1))  # noqa: PERF401 - one refused ends all
        return found
    while not source.starts_with(b"]"):
        found.append(_value(source, source.take(1), depth + 1))
    return found


def _counted(source: _Bytes) -> int:
    """The number of values of an array or object, each of which takes a byte at least."""
    count = _length(source)
    if not 0 <= count <= len(source.raw) - source.at:
        raise DamagedError(f"At byte {source.at} the file declares {count} values, more than it has bytes.", _AGAIN)
    return count
