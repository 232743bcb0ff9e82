"""A small builder of ONNX graphs that names everything after the Keras layer it came from."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from convert.errors import UnsafeError
from convert.graph.layer_graph import Array, GraphInput, Shape

OPSET = 17
IR_VERSION = 8
MAX_ELEMENTS = 1 << 28
MAX_INPUT_ELEMENTS = 1 << 24
"""Most numbers of one tensor for one input; a config can declare sizes that no weight in the file backs."""

BATCH = "batch"

Attribute = Any
"""What ONNX takes as an attribute: numbers, text, or lists of them."""
ModelProto = Any
"""onnx.ModelProto, which has no types."""


@dataclass(frozen=True, slots=True)
class Value:
    """A tensor in the graph: its name, its shape (batch first), and the name of its mask (batch × time, bool)."""

    name: str
    shape: Shape
    mask: str | None = None

    @property
    def rank(self) -> int:
        return len(self.shape)

    def at(self, axis: int) -> int | None:
        """The size along an axis, None where unknown."""
        return self.shape[axis]


@dataclass(frozen=True, slots=True)
class _Operation:
    kind: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    name: str
    attributes: dict[str, Any]


class Builder:
    """Collects operations and constants; `model` makes the ONNX model of them."""

    def __init__(self) -> None:
        self._scope = ""
        self._operations: list[_Operation] = []
        self._constants: dict[str, Array] = {}
        self._by_content: dict[tuple[str, str, bytes], str] = {}
        self._by_identity: dict[tuple[int, str], tuple[str, Array]] = {}
        self._used: dict[str, int] = {}

    @contextmanager
    def scope(self, name: str) -> Iterator[None]:
        """Everything made inside is named `name/…`."""
        before, self._scope = self._scope, name
        try:
            yield
        finally:
            self._scope = before

    def op(self, kind: str, *inputs: str, **attributes: Attribute) -> str:
        """Add an operation with one output; its name."""
        return self.ops(kind, inputs, 1, **attributes)[0]

    def ops(self, kind: str, inputs: Sequence[str], outputs: int, **attributes: Attribute) -> list[str]:
        """Add an operation; the names of its outputs. An input that is left out is ""."""
        name = self._unique(f"{self._scope}/{kind}")
        names = [name if index == 0 else f"{name}:{index}" for index in range(outputs)]
        self._operations.append(_Operation(kind, tuple(inputs), tuple(names), name, attributes))
        return names

    def weight(self, array: Array, role: str, source: Array | None = None) -> str:
        """A weight by role. source: the file's array that it was made from, so that shared ones are kept once."""
        key = (id(array if source is None else source), role)
        if key not in self._by_identity:
            name = self._unique(f"{self._scope}/{role}")
            self._constants[name] = np.ascontiguousarray(array, dtype=np.float32)
            self._by_identity[key] = (name, array if source is None else source)
        return self._by_identity[key][0]

    def ints(self, *values: int) -> str:
        """A vector of int64."""
        return self._constant(np.asarray(values, np.int64), "ints")

    def whole(self, value: int) -> str:
        """A scalar int64."""
        return self._constant(np.asarray(value, np.int64), "int")

    def number(self, value: float) -> str:
        """A scalar float32."""
        return self._constant(np.asarray(value, np.float32), "number")

    def array(self, values: Array, hint: str) -> str:
        """A small constant of any type."""
        return self._constant(values, hint)

    def reshape(self, name: str, *sizes: int) -> str:
        """Reshape; one size may be -1, and 0 keeps the size that is there."""
        return self.op("Reshape", name, self.ints(*sizes))

    def cast(self, name: str, dtype: str) -> str:
        """Cast to float, int64, int32 or bool."""
        return self.op("Cast", name, to=_TYPES[dtype])

    def sizes(self, value: Value, first: int, last: int) -> str:
        """The run-time sizes of axes first … last−1 as a vector."""
        return self.op("Shape", value.name, start=first, end=last)

    def check_size(self, value: Value, place: str, most: int = MAX_ELEMENTS) -> None:
        """Refuse a tensor that no reasonable model makes. RefusalError."""
        total = 1
        for size in value.shape[1:]:
            total *= 1 if size is None else size
        if total > most or any(size is not None and size < 0 for size in value.shape[1:]):
            raise UnsafeError(
                f"{place} makes a tensor of the shape {value.shape} for one input.",
                f"At most {most} numbers are allowed; no model of this service needs more.",
            )

    def model(self, name: str, inputs: Sequence[GraphInput], outputs: Sequence[tuple[str, Value]]) -> ModelProto:
        """The ONNX model. outputs: (name to give, value)."""
        from onnx import TensorProto, checker, helper, numpy_helper  # noqa: PLC0415 - heavy

        nodes = [
            helper.make_node(one.kind, list(one.inputs), list(one.outputs), name=one.name, **one.attributes)
            for one in self._operations
        ]
        nodes += [helper.make_node("Identity", [value.name], [given], name=given) for given, value in outputs]
        graph = helper.make_graph(
            nodes,
            name,
            [helper.make_tensor_value_info(one.name, TensorProto.FLOAT, _symbolic(one.shape)) for one in inputs],
            [
                helper.make_tensor_value_info(given, TensorProto.FLOAT, _symbolic(value.shape))
                for given, value in outputs
            ],
            [numpy_helper.from_array(array, key) for key, array in self._list_needed_constants()],
        )
        model = helper.make_model(
            graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION, producer_name="sign-convert"
        )
        checker.check_model(model)
        return model

    def _list_needed_constants(self) -> Iterator[tuple[str, Array]]:
        read = {name for one in self._operations for name in one.inputs}
        return ((name, array) for name, array in self._constants.items() if name in read)

    def _constant(self, array: Array, hint: str) -> str:
        key = (str(array.dtype), str(array.shape), array.tobytes())
        if key not in self._by_content:
            name = self._unique(f"const/{hint}")
            self._constants[name] = array
            self._by_content[key] = name
        return self._by_content[key]

    def _unique(self, name: str) -> str:
        number = self._used.get(name, 0)
        self._used[name] = number + 1
        return f"{name}_{number}" if number else name


_TYPES = {"float": 1, "int32": 6, "int64": 7, "bool": 9}


def _symbolic(shape: Shape) -> list[int | str]:
    names = {0: BATCH, 1: "time"}
    return [names.get(axis, f"size{axis}") if size is None else size for axis, size in enumerate(shape)]


def rename(value: Value, name: str, shape: Shape | None = None) -> Value:
    """The value under another name, with the same mask, and another shape if one is given."""
    return replace(value, name=name, shape=value.shape if shape is None else shape)
