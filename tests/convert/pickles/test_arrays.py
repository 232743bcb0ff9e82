"""NumPy's arrays in a pickle are made of their shape, type and bytes alone, whatever the pickle's protocol."""

import io
import pickle
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from convert.pickles.arrays import read_array, read_objects
from convert.pickles.interpreter import Dialect, PickleInterpreter
from convert.pickles.values import Global, StandIn

PLAIN = Dialect(advice="Write text.")
PROTOCOLS = st.integers(0, 5)


def read(content: bytes) -> Any:
    return PickleInterpreter(io.BytesIO(content), PLAIN).run()


def spelled(dtype: str, shape: Any, raw: Any) -> StandIn:
    """An array as a pickle would spell it."""
    kind = StandIn(Global("numpy", "dtype"), (dtype,), (3, "<", None, None, None, -1, -1, 0))
    return StandIn(Global("numpy.core.multiarray", "_reconstruct"), (), (1, shape, kind, False, raw))


@given(
    st.sampled_from(["?", "i1", "u1", "<i8", ">i4", "<f4", ">f8", "f2", "<U3", "S2"]),
    st.lists(st.integers(0, 4), max_size=3),
    st.sampled_from("CF"),
    PROTOCOLS,
)
def test_an_array_of_numbers_or_text_is_what_it_was(dtype: str, shape: list[int], order: Any, protocol: int) -> None:
    array = np.arange(np.prod(shape, dtype=int)).reshape(shape).astype(dtype, order=order)
    found = read_array(read(pickle.dumps(array, protocol)))
    assert found is not None
    assert found.dtype == array.dtype
    np.testing.assert_array_equal(found, array)


@given(st.sampled_from([np.float64(0.5), np.int64(-3), np.str_("ㄱ"), np.True_]), PROTOCOLS)
def test_a_scalar_is_an_array_without_axes(scalar: Any, protocol: int) -> None:
    found = read_array(read(pickle.dumps(scalar, protocol)))
    assert found is not None
    assert found.shape == ()
    assert found[()] == scalar


@given(PROTOCOLS)
def test_rows_of_named_fields_are_read(protocol: int) -> None:
    kind = np.dtype({"names": ["left", "gain"], "formats": ["<i8", "<f8"], "offsets": [0, 16], "itemsize": 24})
    array = np.zeros(3, kind)
    array["left"], array["gain"] = [1, 2, -1], [0.5, 0.25, 0]
    found = read_array(read(pickle.dumps(array, protocol)))
    assert found is not None
    assert found.dtype == kind
    assert found.tolist() == array.tolist()


def test_an_array_of_objects_stays_a_list_of_what_it_holds() -> None:
    value = read(pickle.dumps(np.array(["a", None, 3], dtype=object)))
    assert read_array(value) is None
    assert read_objects(value) == ["a", None, 3]


@pytest.mark.parametrize(
    ("dtype", "shape", "raw"),
    [
        ("O8", (1,), b"A" * 8),
        ("V8", (1,), b"A" * 8),
        ("M8", (1,), b"A" * 8),
        ("f8", (2,), b"A" * 8),
        ("f8", (-1,), b"A" * 8),
        ("f8", (True,), b"A" * 8),
        ("f8", (1 << 40, 0), b""),
        ("f3", (1,), b"A" * 3),
        ("U0", (1 << 40,), b""),
        ("f8", (1,), "𝄞" * 8),
        ("f8", [1], b"A" * 8),
        ("f8", (1,) * 40, b"A" * 8),
        (8, (1,), b"A" * 8),
    ],
)
def test_what_is_no_array_of_numbers_is_none(dtype: Any, shape: Any, raw: Any) -> None:
    found = read_array(spelled(dtype, shape, raw))
    assert found is None or found.size == 0 or found.dtype.kind == "f"


def test_a_field_beyond_its_row_is_refused() -> None:
    number = StandIn(Global("numpy", "dtype"), ("f8",))
    row = StandIn(Global("numpy", "dtype"), ("V8",), (3, "|", None, ("a",), {"a": (number, 4)}, 8, 1, 0))
    assert read_array(StandIn(Global("numpy.core.multiarray", "scalar"), (row, b"A" * 8))) is None
