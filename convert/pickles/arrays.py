"""NumPy's arrays and scalars in a pickle: made by us of shape, type and bytes, never by NumPy of a pickle's state.

NumPy believes a pickle: an array of objects takes eight bytes of the file for a pointer. Here an array is made of
numbers and text alone, and of just as many bytes as its shape and type say; arrays of objects stay lists.
"""

import math

import numpy as np
import numpy.typing as npt

from convert.pickles.values import StandIn, Value

Array = npt.NDArray[np.generic]

MAX_FIELDS = 64
MAX_DIMENSIONS = 16
MAX_CODE = 0x110000
"""Behind Unicode's last character."""
_MULTIARRAY = ("numpy.core.multiarray", "numpy._core.multiarray")
_NUMERIC = ("numpy.core.numeric", "numpy._core.numeric")
_KINDS = "biufUS"
"""Bool, whole numbers, floats, text and bytes."""


def read_array(value: Value) -> Array | None:
    """The array that a stand-in records, read-only; a scalar has no axes. None where it is no array of such a type."""
    if not isinstance(value, StandIn):
        return None
    module, name = value.of.module, value.of.name
    if module in _MULTIARRAY and name == "scalar" and len(value.args) == 2:
        return _make_array((), value.args[0], value.args[1], fortran=False)
    if module in _NUMERIC and name == "_frombuffer" and len(value.args) == 4:
        raw, dtype, shape, order = value.args
        return _make_array(shape, dtype, raw, fortran=order == "F")
    state = _find_state(value)
    return None if state is None else _make_array(state[1], state[2], state[4], fortran=bool(state[3]))


def read_objects(value: Value) -> list[Value] | None:
    """The elements of an array of objects, in the file's order; None where it is none."""
    state = _find_state(value)
    return state[4] if state is not None and isinstance(state[4], list) else None


def read_dtype(value: Value) -> np.dtype[np.generic] | None:
    """The type that a stand-in of `numpy.dtype` records: numbers, text, or a row of such; None for any other."""
    if not isinstance(value, StandIn) or value.of.module != "numpy" or value.of.name != "dtype" or not value.args:
        return None
    name = value.args[0]
    state = value.state if isinstance(value.state, tuple) else ()
    if len(state) > 4 and isinstance(state[3], tuple) and isinstance(state[4], dict):
        return _read_row_dtype(state)
    if not isinstance(name, str) or name[:1] not in _KINDS or not name[1:].isdecimal() or len(name) > 8:
        return None
    try:
        return np.dtype((">" if len(state) > 1 and state[1] == ">" else "<") + name)
    except TypeError:
        return None


def is_text_sound(array: Array) -> bool:
    """Whether every number of text is a character's: Python fails on any other. Rows of fields are not looked at."""
    if array.dtype.kind != "U":
        return True
    codes = np.frombuffer(array.tobytes(), f"{array.dtype.byteorder}u4".replace("=", "<"))
    return bool((codes < MAX_CODE).all())


def _read_row_dtype(state: tuple[Value, ...]) -> np.dtype[np.generic] | None:
    """A row of named fields: each must lie inside it, so that no two types read the same bytes beyond its end."""
    names, fields = state[3], state[4]
    size = state[5] if len(state) > 5 else None
    if not isinstance(size, int) or not 0 < len(names) <= MAX_FIELDS or not 0 < size < 1 << 16:
        return None
    kinds, offsets = [], []
    for name in names:
        field = fields.get(name)
        kind = read_dtype(field[0]) if isinstance(field, tuple) and len(field) >= 2 else None
        offset = field[1] if isinstance(field, tuple) and len(field) >= 2 else None
        if kind is None or kind.names is not None or not isinstance(offset, int) or isinstance(offset, bool):
            return None
        if not isinstance(name, str) or not 0 <= offset <= size - kind.itemsize:
            return None
        kinds.append(kind)
        offsets.append(offset)
    if len(set(names)) != len(names):
        return None
    return np.dtype({"names": list(names), "formats": kinds, "offsets": offsets, "itemsize": size})


def _find_state(value: Value) -> tuple[Value, ...] | None:
    if not isinstance(value, StandIn) or value.of.module not in _MULTIARRAY or value.of.name != "_reconstruct":
        return None
    return value.state if isinstance(value.state, tuple) and len(value.state) == 5 else None


def _make_array(shape: Value, declared: Value, raw: Value, *, fortran: bool) -> Array | None:
    dtype = read_dtype(declared)
    raw = raw.encode("latin-1", "replace") if isinstance(raw, str) else raw  # Python 2 knew no bytes
    if dtype is None or not dtype.itemsize or not isinstance(raw, bytes | bytearray) or not isinstance(shape, tuple):
        return None
    if len(shape) > MAX_DIMENSIONS or not all(type(size) is int and size >= 0 for size in shape):
        return None
    if math.prod(shape) * dtype.itemsize != len(raw):
        return None
    array = np.frombuffer(bytes(raw), dtype).reshape(shape, order="F" if fortran else "C")
    return array if is_text_sound(array) else None
