"""From the bytes of a .tflite file to a Network: tensors, operations, and which of them go in and come out."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from convert.errors import ContradictionError, DamagedError, RefusalError
from convert.tflite.flatbuffer import OUTSIDE, Table, root_table
from convert.tflite.schema import DTYPES, IDENTIFIER, OPTIONS, operator_name
from convert.tflite.sparse import dense

Array = npt.NDArray[Any]

MOST_ELEMENTS = 1 << 28
"""Most numbers of one tensor: a shape costs a file nothing."""


@dataclass(frozen=True, slots=True)
class Quantization:
    """real = scale × (stored − zero point), for each slice along `axis` or for all of the tensor."""

    scales: tuple[float, ...]
    zero_points: tuple[int, ...]
    axis: int


@dataclass(frozen=True, slots=True)
class Tensor:
    """One tensor. shape: as the file lists it, batch first; data: its numbers where the file holds them."""

    name: str
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    data: Array | None
    quantization: Quantization | None


@dataclass(frozen=True, slots=True)
class Operation:
    """One step of the network; inputs that are left out are −1."""

    kind: str
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    options: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Network:
    """The file's first subgraph; inputs and outputs are indices of tensors."""

    tensors: tuple[Tensor, ...]
    operations: tuple[Operation, ...]
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]


def read_network(data: bytes) -> Network:
    """The network of a .tflite file; nothing of it is executed.

    Raises RefusalError where the file is none, is cut off, or holds what cannot be read.
    """
    model = root_table(data, IDENTIFIER)
    try:
        graphs = model.tables(2)
        if len(graphs) != 1:
            raise RefusalError(f"The file holds {len(graphs)} subgraphs; one is read: loops and branches are not.")
        buffers = model.tables(4)
        kinds = [_kind(code) for code in model.tables(1)]
        tensors = tuple(_tensor(entry, buffers) for entry in graphs[0].tables(0))
        operations = tuple(_operation(entry, kinds) for entry in graphs[0].tables(3))
        network = Network(tensors, operations, _indices(graphs[0], 1), _indices(graphs[0], 2))
    except OUTSIDE:
        raise DamagedError("The file refers to bytes that it does not have.", "Copy or download it again.") from None
    _check_indices(network)
    return network


def _kind(code: Table) -> str:
    custom = code.text(1)
    return f"CUSTOM {custom}" if custom else operator_name(code.integer(0, "b"), code.integer(3, "i"))


def _tensor(entry: Table, buffers: list[Table]) -> Tensor:
    name, shape = entry.text(3), _indices(entry, 0)
    kind = entry.integer(1, "b")
    if kind not in DTYPES:
        raise RefusalError(f"Tensor {name!r} is of the type {kind}, which is not read.")
    if any(size < 0 for size in shape) or math.prod(shape) > MOST_ELEMENTS:
        raise RefusalError(f"Tensor {name!r} has the shape {shape}; {MOST_ELEMENTS} numbers at most are taken.")
    return Tensor(name, shape, DTYPES[kind], _data(entry, name, shape, buffers), _quantization(entry.table(4)))


def _data(entry: Table, name: str, shape: tuple[int, ...], buffers: list[Table]) -> Array | None:
    """A constant's numbers; None where the tensor is computed."""
    index = entry.integer(2, "I")
    if index >= len(buffers):
        raise ContradictionError(f"Tensor {name!r} lies in buffer {index}; the file has {len(buffers)}.")
    raw = buffers[index].raw(0)
    if not raw:
        return None
    dtype = DTYPES[entry.integer(1, "b")]
    if len(raw) % dtype.itemsize:
        raise ContradictionError(f"Tensor {name!r} has {len(raw)} bytes, no whole number of {dtype}.")
    values = np.frombuffer(raw, dtype)
    sparsity = entry.table(6)
    if sparsity is not None:
        return dense(values, shape, sparsity, name)
    if len(values) != math.prod(shape):
        raise ContradictionError(
            f"Tensor {name!r} has the shape {shape}, but the file holds {len(values)} numbers of it."
        )
    return values.reshape(shape)


def _quantization(entry: Table | None) -> Quantization | None:
    scales = () if entry is None else tuple(entry.numbers(2, "f").tolist())
    if entry is None or not scales:
        return None
    zero_points = tuple(entry.numbers(3, "q").tolist()) or (0,) * len(scales)
    return Quantization(scales, zero_points, entry.integer(6, "i"))


def _operation(entry: Table, kinds: list[str]) -> Operation:
    index = entry.integer(0, "I")
    if index >= len(kinds):
        raise ContradictionError(f"An operator has the code {index}; the file names {len(kinds)}.")
    kind = kinds[index]
    table = entry.table(4)
    options = {
        name: default if table is None else table.number(field, letter, default)
        for name, (field, letter, default) in OPTIONS.get(kind, {}).items()
    }
    return Operation(kind, _indices(entry, 1), _indices(entry, 2), options)


def _indices(table: Table, field: int) -> tuple[int, ...]:
    return tuple(int(value) for value in table.numbers(field, "i"))


def _check_indices(network: Network) -> None:
    """Every tensor that is named exists; every operation has an input and an output."""
    most = len(network.tensors)
    for operation in network.operations:
        inputs, outputs = operation.inputs, operation.outputs
        if not inputs or not outputs or inputs[0] < 0 or max(*inputs, *outputs) >= most or min(outputs) < 0:
            raise ContradictionError(
                f"{operation.kind} has the inputs {inputs} and outputs {outputs} of {most} tensors."
            )
    ends = (*network.inputs, *network.outputs)
    if not network.inputs or not network.outputs or not all(0 <= index < most for index in ends):
        raise ContradictionError(
            f"The network's inputs {network.inputs} and outputs {network.outputs} are not all there."
        )
