"""Small .tflite files, written field by field."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import flatbuffers
import numpy as np
import numpy.typing as npt

from convert.tflite.schema import DTYPES, OPERATORS, OPTIONS

Array = npt.NDArray[Any]

_CODES = {name: code for code, name in OPERATORS.items()}
_TYPES = {dtype: code for code, dtype in DTYPES.items()}


@dataclass
class Made:
    """A network in the making; `file` gives its bytes."""

    tensors: list[tuple[str, tuple[int, ...], int, Array | None, int | None]] = field(default_factory=list)
    operations: list[tuple[str, list[int], list[int], dict[str, float]]] = field(default_factory=list)
    sparsity: dict[int, tuple[list[int], list[int], list[tuple[int, Array | None, Array | None]]]] = field(
        default_factory=dict
    )
    quantization: dict[int, tuple[Sequence[float], Sequence[int], int]] = field(default_factory=dict)

    def tensor(self, *shape: int, dtype: str = "float32", name: str = "", kind: int | None = None) -> int:
        """A tensor that is computed, or comes in."""
        self.tensors.append((name or f"t{len(self.tensors)}", shape, _TYPES[np.dtype(dtype)], None, kind))
        return len(self.tensors) - 1

    def constant(self, values: npt.ArrayLike, dtype: str = "float32") -> int:
        """A tensor whose numbers the file holds."""
        array = np.asarray(values, dtype)
        self.tensors.append((f"t{len(self.tensors)}", array.shape, _TYPES[array.dtype], array, None))
        return len(self.tensors) - 1

    def sparse(
        self,
        values: npt.ArrayLike,
        shape: tuple[int, ...],
        order: list[int],
        blocks: list[int],
        levels: list[tuple[int, Array | None, Array | None]],
    ) -> int:
        """A sparse constant. levels: (size of a dense level, segments, indices of a compressed one)."""
        index = self.constant(values)
        name, _, kind, array, _ = self.tensors[index]
        self.tensors[index] = (name, shape, kind, array, None)
        self.sparsity[index] = (order, blocks, levels)
        return index

    def operation(self, kind: str, inputs: list[int], output: int, **options: float) -> int:
        """One step; the index of its output."""
        self.operations.append((kind, inputs, [output], options))
        return output

    def file(self, inputs: list[int], outputs: list[int]) -> bytes:
        """The bytes of a .tflite file."""
        builder = flatbuffers.Builder(1024)
        kinds = list(dict.fromkeys(kind for kind, *_ in self.operations))
        buffers = [_table(builder, {})] + [
            _table(builder, {0: builder.CreateByteVector(array.tobytes())} if array is not None else {})
            for _, _, _, array, _ in self.tensors
        ]
        tensors = [self._tensor(builder, index) for index in range(len(self.tensors))]
        operations = [
            _operation(builder, kinds.index(kind), kind, inputs, outputs, options)
            for kind, inputs, outputs, options in self.operations
        ]
        codes = [_operator_code(builder, _CODES[kind]) for kind in kinds]
        graph = _table(
            builder,
            {
                0: _offsets(builder, tensors),
                1: _ints(builder, inputs),
                2: _ints(builder, outputs),
                3: _offsets(builder, operations),
            },
        )
        fields = {1: _offsets(builder, codes), 2: _offsets(builder, [graph]), 4: _offsets(builder, buffers)}
        builder.Finish(_table(builder, fields, scalars={0: ("Uint32", 3)}), file_identifier=b"TFL3")
        return bytes(builder.Output())

    def _tensor(self, builder: Any, index: int) -> int:
        name, shape, dtype, _, kind = self.tensors[index]
        fields = {0: _ints(builder, shape), 3: builder.CreateString(name)}
        if index in self.sparsity:
            fields[6] = _sparsity(builder, *self.sparsity[index])
        if index in self.quantization:
            scales, zero_points, axis = self.quantization[index]
            vectors = {2: builder.CreateNumpyVector(np.asarray(scales, np.float32))}
            vectors[3] = builder.CreateNumpyVector(np.asarray(zero_points, np.int64))
            fields[4] = _table(builder, vectors, scalars={6: ("Int32", axis)})
        return _table(builder, fields, scalars={1: ("Int8", dtype if kind is None else kind), 2: ("Uint32", index + 1)})


def _operator_code(builder: Any, code: int) -> int:
    return _table(builder, {}, scalars={0: ("Int8", min(code, 127)), 3: ("Int32", code)})


def _operation(
    builder: Any, code: int, kind: str, inputs: list[int], outputs: list[int], options: dict[str, float]
) -> int:
    fields = {1: _ints(builder, inputs), 2: _ints(builder, outputs)}
    letters = {"b": "Int8", "i": "Int32", "?": "Bool", "f": "Float32"}
    known = OPTIONS.get(kind, {})
    if known:
        scalars = {known[key][0]: (letters[known[key][1]], value) for key, value in options.items()}
        fields[4] = _table(builder, {}, scalars=scalars)
    return _table(builder, fields, scalars={0: ("Uint32", code), 3: ("Uint8", 1)})


def _sparsity(
    builder: Any, order: list[int], blocks: list[int], levels: list[tuple[int, Array | None, Array | None]]
) -> int:
    tables = []
    for size, segments, indices in levels:
        if segments is None or indices is None:
            tables.append(_table(builder, {}, scalars={0: ("Int8", 0), 1: ("Int32", size)}))
            continue
        vectors = [
            _table(builder, {0: builder.CreateNumpyVector(np.asarray(values, np.uint8))})
            for values in (segments, indices)
        ]
        kinds: dict[int, tuple[str, float]] = {0: ("Int8", 1), 2: ("Uint8", 3), 4: ("Uint8", 3)}
        tables.append(_table(builder, {3: vectors[0], 5: vectors[1]}, scalars=kinds))
    return _table(builder, {0: _ints(builder, order), 1: _ints(builder, blocks), 2: _offsets(builder, tables)})


def _table(builder: Any, offsets: dict[int, int], scalars: dict[int, tuple[str, float]] | None = None) -> int:
    scalars = scalars or {}
    builder.StartObject(max([*offsets, *scalars, 0]) + 1)
    for slot, offset in offsets.items():
        builder.PrependUOffsetTRelativeSlot(slot, offset, 0)
    for slot, (kind, value) in scalars.items():
        getattr(builder, f"Prepend{kind}")(value if kind in ("Float32", "Bool") else int(value))
        builder.Slot(slot)
    return int(builder.EndObject())


def _ints(builder: Any, values: Sequence[int]) -> int:
    return int(builder.CreateNumpyVector(np.asarray(values, np.int32)))


def _offsets(builder: Any, offsets: list[int]) -> int:
    builder.StartVector(4, len(offsets), 4)
    for offset in reversed(offsets):
        builder.PrependUOffsetTRelative(offset)
    return int(builder.EndVector())
