"""NumPy's arrays and scalars in a pickle, built here from shape, type and bytes: NumPy never sees a pickle's state.

Given the state itself, NumPy takes the bytes of an array of objects for pointers.
"""

import math
import re
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from convert.errors import RefusalError
from convert.torch.values import Global, StandIn, Value, shown

Array = npt.NDArray[Any]

MAX_DIMENSIONS = 8
MAX_ELEMENT_BYTES = 1 << 16
MAX_FIELDS = 64
OBJECTS = "objects"
"""Stands for the type of an array of Python objects, whose elements are the pickle's own values."""

_MODULES = frozenset(
    {"numpy", "numpy.core.multiarray", "numpy._core.multiarray", "numpy.core.numeric", "numpy._core.numeric"}
)
_PLAIN = re.compile(r"^[|<>=]?([biufUS])(\d{1,5})$")
_SIZES = {"b": (1,), "i": (1, 2, 4, 8), "u": (1, 2, 4, 8), "f": (2, 4, 8)}
_ONLY = "Arrays of numbers and of text are read; bytes of a file are never taken for objects."


@dataclass(frozen=True, slots=True, eq=False)
class Objects:
    """An array of Python objects: its shape, and the pickle's values in C order."""

    shape: tuple[int, ...]
    items: tuple[Value, ...]


def is_array(value: Value) -> bool:
    """Whether a value is one of NumPy's arrays, as a pickle or joblib declares it."""
    return isinstance(value, np.ndarray | Objects) or _made_by(value, "_reconstruct", "_frombuffer", "ndarray")


def is_scalar(value: Value) -> bool:
    """Whether a value is one of NumPy's scalars."""
    return _made_by(value, "scalar")


def array_of(value: Value) -> Array | Objects:
    """The array that a value declares. RefusalError where it is none, or its bytes are not those of its shape."""
    if isinstance(value, np.ndarray | Objects):
        return value
    if _made_by(value, "_reconstruct") and isinstance(value.state, tuple) and len(value.state) == 5:
        _, shape, declared, fortran, raw = value.state
        return _built(shape, declared, raw, "F" if fortran else "C")
    if _made_by(value, "_frombuffer") and len(value.args) == 4:
        raw, declared, shape, order = value.args
        return _built(shape, declared, raw, "F" if order == "F" else "C")
    called = shown(value.of) if isinstance(value, StandIn) else type(value).__name__
    raise RefusalError(f"The file makes an array by {called}, which is not known to us.", _ONLY)


def scalar_of(value: StandIn) -> bool | int | float | str:
    """The plain value of one of NumPy's scalars. RefusalError where its type is no number or text."""
    if len(value.args) != 2:
        raise RefusalError("The file declares a number without its bytes.", _ONLY)
    declared, raw = value.args
    built = _built((), declared, raw, "C")
    if isinstance(built, Objects):
        raise RefusalError("The file declares a number that is an object.", _ONLY)
    plain: bool | int | float | str = built.item()
    return plain


def dtype_of(declared: Value) -> "np.dtype[Any] | str":
    """The type that a pickled numpy.dtype names, or OBJECTS. RefusalError for all but numbers, text and rows of numbers."""
    if not _made_by(declared, "dtype") or not declared.args or not isinstance(declared.args[0], str):
        raise RefusalError("The file declares an array without its type.", _ONLY)
    name = declared.args[0]
    state = declared.state if isinstance(declared.state, tuple) else ()
    if name in ("O8", "O4", "O", "|O", "object"):
        return OBJECTS
    if name[:1] in ("V", "|") and len(state) > 5 and isinstance(state[3], tuple):
        return _record(state)
    found = _PLAIN.match(name)
    size = int(found.group(2)) if found else 0
    if found is None or size not in _SIZES.get(found.group(1), (size,)) or size > MAX_ELEMENT_BYTES:
        raise RefusalError(f"The file declares an array of {shown(name)!r}.", _ONLY)
    order = state[1] if len(state) > 1 else "<"
    return np.dtype((">" if order == ">" else "<") + found.group(1) + found.group(2))


def built_array(shape: tuple[int, ...], dtype: "np.dtype[Any]", raw: bytes, order: Value) -> Array:
    """An array over bytes. RefusalError where they are not just those of its shape."""
    needed = math.prod(shape) * dtype.itemsize
    if len(raw) != needed:
        raise RefusalError(
            f"The file contradicts itself: an array of {_shown_shape(shape)} {dtype.name} takes {needed} bytes, "
            f"{len(raw)} are there.",
            "Copy it again, or save it again where it was made.",
        )
    values: Array = np.frombuffer(raw, dtype).reshape(shape, order="F" if order == "F" else "C")
    return values


def checked_shape(shape: Value) -> tuple[int, ...]:
    """A declared shape. RefusalError where it is none."""
    sizes = tuple(shape) if isinstance(shape, tuple | list) else (shape,)
    if len(sizes) > MAX_DIMENSIONS or not all(
        isinstance(size, int) and not isinstance(size, bool) and 0 <= size < 1 << 40 for size in sizes
    ):
        raise RefusalError(f"The file declares an array of the shape {shown(sizes)}.", "No model has one.")
    return sizes


def _built(shape: Value, declared: Value, raw: Value, order: str) -> Array | Objects:
    sizes = checked_shape(shape)
    dtype = dtype_of(declared)
    if isinstance(dtype, str):
        return objects_of(sizes, raw, order)
    if isinstance(raw, str):  # Python 2 wrote bytes as text
        raw = raw.encode("latin-1", "replace")
    if not isinstance(raw, bytes | bytearray):
        raise RefusalError("The file declares an array of numbers without their bytes.", _ONLY)
    return built_array(sizes, dtype, bytes(raw), order)


def objects_of(shape: tuple[int, ...], items: Value, order: str = "C") -> Objects:
    """An array of objects from the list of its elements. RefusalError where it has bytes in their place."""
    if not isinstance(items, list):
        raise RefusalError("The file declares an array of objects by their addresses.", _ONLY)
    if len(items) != math.prod(shape):
        raise RefusalError(f"The file contradicts itself: {len(items)} objects for {_shown_shape(shape)}.")
    if order == "F" and len(shape) > 1:
        places = np.arange(len(items)).reshape(shape, order="F").ravel().tolist()
        return Objects(shape, tuple(items[place] for place in places))
    return Objects(shape, tuple(items))


def _record(state: tuple[Value, ...]) -> "np.dtype[Any]":
    """Rows of named numbers, such as a tree's nodes."""
    names, fields, size = state[3], state[4], state[5]
    if len(names) > MAX_FIELDS or not isinstance(fields, dict) or set(names) != set(fields):
        raise RefusalError("The file declares rows whose fields are not said.", _ONLY)
    formats, offsets = [], []
    for name in names:
        entry = fields[name]
        if not isinstance(name, str) or not isinstance(entry, tuple) or len(entry) < 2:
            raise RefusalError("The file declares rows whose fields are not said.", _ONLY)
        dtype, offset = dtype_of(entry[0]), entry[1]
        if isinstance(dtype, str) or dtype.names or not isinstance(offset, int) or not isinstance(size, int):
            raise RefusalError(f"The file declares rows with the field {shown(name)}, which is no number.", _ONLY)
        if not 0 <= offset <= offset + dtype.itemsize <= size <= MAX_ELEMENT_BYTES:
            raise RefusalError(f"The file contradicts itself: the field {shown(name)} lies outside of its row.", _ONLY)
        formats.append(dtype)
        offsets.append(offset)
    return np.dtype({"names": list(names), "formats": formats, "offsets": offsets, "itemsize": size})


def _made_by(value: Value, *names: str) -> bool:
    """Whether a value is a stand-in for what one of these functions of NumPy makes."""
    if not isinstance(value, StandIn) or not isinstance(value.of, Global):
        return False
    return value.of.module in _MODULES and value.of.name in names


def _shown_shape(shape: tuple[int, ...]) -> str:
    return " × ".join(str(size) for size in shape) or "one"
