"""Reading .tflite files: what stands in them, and files that are damaged or made to mislead."""

import contextlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from convert.errors import RefusalError
from convert.tflite.prune import keep_outputs
from convert.tflite.reader import MOST_ELEMENTS, read_network
from tests.convert.tflite.made import Made


def small() -> bytes:
    made = Made()
    entry = made.tensor(1, 4, name="entry")
    weight = made.constant(np.arange(12).reshape(3, 4))
    made.quantization[weight] = ([0.5, 0.25, 1.0], [0, 1, -3], 0)
    hidden = made.operation("FULLY_CONNECTED", [entry, weight, -1], made.tensor(1, 3, name="hidden"), activation=1)
    exit_ = made.operation("LOGISTIC", [hidden], made.tensor(1, 3, name="exit"))
    return made.file([entry], [hidden, exit_])


def test_a_network_is_read_as_it_was_written() -> None:
    network = read_network(small())
    assert [tensor.name for tensor in network.tensors] == ["entry", "t1", "hidden", "exit"]
    assert [tensor.shape for tensor in network.tensors] == [(1, 4), (3, 4), (1, 3), (1, 3)]
    assert network.tensors[1].data is not None
    np.testing.assert_array_equal(network.tensors[1].data, np.arange(12).reshape(3, 4))
    assert [operation.kind for operation in network.operations] == ["FULLY_CONNECTED", "LOGISTIC"]
    assert network.operations[0].inputs == (0, 1, -1)
    assert network.operations[0].options == {"activation": 1, "format": 0, "keep_dims": 0}
    assert (network.inputs, network.outputs) == ((0,), (2, 3))


def test_scales_and_zero_points_are_read() -> None:
    quantization = read_network(small()).tensors[1].quantization
    assert quantization is not None
    assert (quantization.scales, quantization.zero_points, quantization.axis) == ((0.5, 0.25, 1.0), (0, 1, -3), 0)


def test_a_sparse_matrix_is_expanded_along_its_order_of_traversal() -> None:
    made = Made()
    entry = made.tensor(1, 3)
    # rows dense, columns compressed: [[7 0 0] [0 0 0] [0 8 9]]
    rows = made.sparse(
        [7, 8, 9], (3, 3), [0, 1], [], [(3, None, None), (0, np.array([0, 1, 1, 3]), np.array([0, 1, 2]))]
    )
    made.operation("FULLY_CONNECTED", [entry, rows], made.tensor(1, 3))
    network = read_network(made.file([entry], [2]))
    assert network.tensors[rows].data is not None
    np.testing.assert_array_equal(network.tensors[rows].data, [[7, 0, 0], [0, 0, 0], [0, 8, 9]])


def test_blocks_of_a_sparse_matrix_lie_where_they_belong() -> None:
    made = Made()
    entry = made.tensor(1, 2)
    # 4 × 2, in blocks of 2 × 1; column 1 has the upper block, column 0 the lower one
    levels = [(2, None, None), (0, np.array([0, 1, 2]), np.array([1, 0])), (2, None, None)]
    weight = made.sparse([1, 2, 3, 4], (4, 2), [0, 1, 2], [0], levels)
    made.operation("FULLY_CONNECTED", [entry, weight], made.tensor(1, 4))
    network = read_network(made.file([entry], [2]))
    assert network.tensors[weight].data is not None
    np.testing.assert_array_equal(network.tensors[weight].data, [[0, 1], [0, 2], [3, 0], [4, 0]])


@pytest.mark.parametrize(
    "levels",
    [
        [(3, None, None), (0, np.array([0, 1, 1, 9]), np.array([0, 1, 2]))],
        [(3, None, None), (0, np.array([0, 3, 1, 3]), np.array([0, 1, 2]))],
        [(3, None, None), (0, np.array([0, 1, 1, 3]), np.array([0, 1, 7]))],
        [(3, None, None), (0, np.array([0, 3]), np.array([0, 1, 2]))],
        [(200, None, None), (200, None, None)],
        [(3, None, None)],
    ],
)
def test_a_sparse_tensor_that_contradicts_itself_is_refused(
    levels: list[tuple[int, np.ndarray | None, np.ndarray | None]],
) -> None:
    made = Made()
    entry = made.tensor(1, 3)
    weight = made.sparse([7, 8, 9], (3, 3), [0, 1], [], levels)
    made.operation("FULLY_CONNECTED", [entry, weight], made.tensor(1, 3))
    with pytest.raises(RefusalError, match="sparse tensor"):
        read_network(made.file([entry], [2]))


def test_only_what_the_kept_output_needs_is_kept() -> None:
    network = keep_outputs(read_network(small()), ["hidden"])
    assert [operation.kind for operation in network.operations] == ["FULLY_CONNECTED"]
    with pytest.raises(RefusalError, match="no outputs"):
        keep_outputs(network, ["exit"])


def test_a_shape_larger_than_any_network_is_refused() -> None:
    made = Made()
    entry = made.tensor(1, MOST_ELEMENTS, 2)
    made.operation("RELU", [entry], made.tensor(1, 4))
    with pytest.raises(RefusalError, match="numbers at most"):
        read_network(made.file([entry], [1]))


def test_a_constant_of_another_size_than_its_shape_is_refused() -> None:
    made = Made()
    entry = made.tensor(1, 4)
    weight = made.constant(np.zeros(4))
    name, _, kind, array, _ = made.tensors[weight]
    made.tensors[weight] = (name, (4, 4), kind, array, None)
    made.operation("ADD", [entry, weight], made.tensor(1, 4))
    with pytest.raises(RefusalError, match="the file holds 4 numbers"):
        read_network(made.file([entry], [2]))


def test_a_tensor_that_does_not_exist_is_refused() -> None:
    made = Made()
    entry = made.tensor(1, 4)
    made.operation("ADD", [entry, 99], made.tensor(1, 4))
    with pytest.raises(RefusalError, match="of 2 tensors"):
        read_network(made.file([entry], [1]))


def test_text_is_not_read() -> None:
    made = Made()
    entry = made.tensor(1, 4, kind=5)
    made.operation("RELU", [entry], made.tensor(1, 4))
    with pytest.raises(RefusalError, match="of the type 5"):
        read_network(made.file([entry], [1]))


def test_another_file_is_refused() -> None:
    with pytest.raises(RefusalError, match="identifier 'TFL3'"):
        read_network(b"GGUF or anything else")


@given(st.integers(min_value=8, max_value=len(small()) - 16))  # the last bytes may be no more than a string's end
def test_a_file_that_is_cut_off_is_refused(length: int) -> None:
    with pytest.raises(RefusalError):
        read_network(small()[:length])


@given(st.lists(st.tuples(st.integers(8, len(small()) - 1), st.integers(0, 255)), min_size=1, max_size=8))
def test_any_bytes_are_read_or_refused(changes: list[tuple[int, int]]) -> None:
    data = bytearray(small())
    for place, value in changes:
        data[place] = value
    with contextlib.suppress(RefusalError):
        read_network(bytes(data))
