"""FlatBuffers, read with every offset checked: a file that nobody vouches for cannot make us look outside of it."""

import struct
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from convert.errors import RefusalError

_OFFSET = "I"
_SIZES = {"b": 1, "B": 1, "?": 1, "h": 2, "H": 2, "i": 4, "I": 4, "f": 4, "q": 8, "Q": 8}


class _OutsideError(Exception):
    """An offset of the file leads out of it."""


@dataclass(frozen=True, slots=True)
class Table:
    """One table of a FlatBuffer; its fields are asked for by their number in the schema."""

    data: bytes
    position: int

    def number(self, field: int, kind: str, default: float = 0) -> int | float:
        """A scalar; kind as `struct` names it."""
        at = self._field(field)
        return default if at is None else _read(self.data, at, kind)

    def integer(self, field: int, kind: str, default: int = 0) -> int:
        """A whole number; kind as `struct` names it."""
        return int(self.number(field, kind, default))

    def table(self, field: int) -> "Table | None":
        """A table that the field refers to."""
        at = self._field(field)
        return None if at is None else Table(self.data, _follow(self.data, at))

    def tables(self, field: int) -> list["Table"]:
        """A vector of tables."""
        start, count = self._vector(field, _OFFSET)
        return [Table(self.data, _follow(self.data, start + 4 * index)) for index in range(count)]

    def numbers(self, field: int, kind: str) -> npt.NDArray[np.generic]:
        """A vector of scalars, empty where it is left out."""
        start, count = self._vector(field, kind)
        return np.frombuffer(self.data, np.dtype(kind).newbyteorder("<"), count, start)

    def raw(self, field: int) -> memoryview:
        """A vector of bytes, not copied."""
        start, count = self._vector(field, "B")
        return memoryview(self.data)[start : start + count]

    def text(self, field: int) -> str:
        """A string, empty where it is left out."""
        return bytes(self.raw(field)).decode("utf-8", "replace")

    def _field(self, field: int) -> int | None:
        """Where a field's value lies; None where the file leaves it out."""
        entries = self.position - int(_read(self.data, self.position, "i"))
        slot = 4 + 2 * field
        if slot + 2 > _read(self.data, entries, "H"):
            return None
        offset = int(_read(self.data, entries + slot, "H"))
        return self.position + offset if offset else None

    def _vector(self, field: int, kind: str) -> tuple[int, int]:
        """(where its first element lies, how many there are)."""
        at = self._field(field)
        if at is None:
            return 0, 0
        start = _follow(self.data, at)
        count = int(_read(self.data, start, "I"))
        if count * _SIZES[kind] > len(self.data) - start - 4:
            raise _OutsideError
        return start + 4, count


def root_table(data: bytes, identifier: bytes) -> Table:
    """The table that the file is about. Raises RefusalError where the bytes carry another identifier."""
    if len(data) < 8 or data[4:8] != identifier:
        raise RefusalError(f"The file does not carry the identifier {identifier.decode()!r} of its format.")
    return Table(data, _follow(data, 0))


OUTSIDE = (_OutsideError, struct.error)
"""What reading a table raises where the file refers to bytes that it does not have."""


def _follow(data: bytes, at: int) -> int:
    return at + int(_read(data, at, _OFFSET))


def _read(data: bytes, at: int, kind: str) -> int | float:
    if not 0 <= at <= len(data) - _SIZES[kind]:
        raise _OutsideError
    value: int | float = struct.unpack_from(f"<{kind}", data, at)[0]
    return value
