"""Arrays, scalars and lists among a pickle's values: as pickled, or as joblib wrote them behind the pickle."""

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from convert.errors import RefusalError
from convert.pickles.arrays import read_array, read_objects
from convert.pickles.values import StandIn, Value

Array = npt.NDArray[Any]


def find_array(value: Value) -> Array | None:
    """An array of numbers, text or rows of such; a scalar has no axes. None where a value is none."""
    return value if isinstance(value, np.ndarray) else read_array(value)


def find_plain(value: Value) -> Value:
    """One of NumPy's scalars, or an array of one element, as Python's own value; everything else as it is."""
    array = find_array(value)
    return value if array is None or array.size != 1 or array.dtype.names else array.ravel()[0].item()


def find_items(value: Value) -> list[Value] | None:
    """The items of a list, a tuple, an array of objects (in C order) or of numbers; None where a value is none."""
    if isinstance(value, list | tuple):
        return list(value)
    objects = read_objects(value)
    if objects is not None:
        shape, fortran = value.state[1], value.state[3]
        if not isinstance(shape, tuple) or not all(type(size) is int and size >= 0 for size in shape):
            return None
        return objects if math.prod(shape) == len(objects) and not (fortran and len(shape) > 1) else None
    array = find_array(value)
    return None if array is None or not array.ndim or array.dtype.names else list(array.ravel().tolist())


def find_names(value: Value) -> tuple[str, ...] | None:
    """Classes as text, in their order: 3 and 3.0 are "3", True is "True". None where a value lists none."""
    items = find_items(value)
    return None if items is None else tuple(_name(find_plain(item)) for item in items)


def _name(value: Value) -> str:
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    if isinstance(value, str | int | float):
        return str(value)
    what = str(value.of) if isinstance(value, StandIn) else type(value).__name__
    raise RefusalError(f"A class is a {what}, which is not known to us.", "Classes are text or numbers.")
