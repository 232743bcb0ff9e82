"""An ONNX file from operations and constants, without the `onnx` package, which the service does not need to run.

The protocol buffers' wire format and the field numbers are those of onnx.proto3 (IR version 8, opset 17); the tests
read what is written with `onnx` itself.
"""

import struct
from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

OPSET: Final = 17
IR_VERSION: Final = 8
PRODUCER: Final = "sign-service"

Attribute = int | float | str | Sequence[int]
Shape = Sequence[int | str]

_TYPES: Final = {np.dtype(np.float32): 1, np.dtype(np.int64): 7}
_FLOAT: Final = 1


class OnnxFile:
    """Collects operations and constants; `content` is the file."""

    def __init__(self) -> None:
        self._nodes: list[bytes] = []
        self._constants: list[bytes] = []

    def op(self, kind: str, *inputs: str, output: str | None = None, **attributes: Attribute) -> str:
        """Add an operation with one output; the output's name."""
        name = output or f"{kind}_{len(self._nodes)}"
        node = b"".join(_text(1, one) for one in inputs) + _text(2, name) + _text(3, name) + _text(4, kind)
        node += b"".join(_bytes(5, _attribute(key, value)) for key, value in attributes.items())
        self._nodes.append(_bytes(1, node))
        return name

    def constant(self, values: npt.ArrayLike, dtype: type[np.float32 | np.int64] = np.float32) -> str:
        """Add a constant; its name."""
        name = f"constant_{len(self._constants)}"
        array = np.ascontiguousarray(values, dtype)
        shape = b"".join(_number(1, length) for length in np.shape(values))
        tensor = shape + _number(2, _TYPES[array.dtype]) + _text(8, name)
        self._constants.append(_bytes(5, tensor + _bytes(9, array.astype(array.dtype.newbyteorder("<")).tobytes())))
        return name

    def content(self, name: str, inputs: Mapping[str, Shape], outputs: Mapping[str, Shape]) -> bytes:
        """The file. inputs, outputs: float32 tensors by name; a text in a shape stands for any length."""
        graph = b"".join(self._nodes) + _text(2, name) + b"".join(self._constants)
        graph += b"".join(_bytes(11, _tensor_type(key, shape)) for key, shape in inputs.items())
        graph += b"".join(_bytes(12, _tensor_type(key, shape)) for key, shape in outputs.items())
        opset = _bytes(8, _text(1, "") + _number(2, OPSET))
        return _number(1, IR_VERSION) + _text(2, PRODUCER) + _bytes(7, graph) + opset


def _attribute(name: str, value: Attribute) -> bytes:
    if isinstance(value, int):
        return _text(1, name) + _number(3, value) + _number(20, 2)
    if isinstance(value, float):
        return _text(1, name) + _key(2, 5) + struct.pack("<f", value) + _number(20, 1)
    if isinstance(value, str):
        return _text(1, name) + _text(4, value) + _number(20, 3)
    return _text(1, name) + b"".join(_number(8, one) for one in value) + _number(20, 7)


def _tensor_type(name: str, shape: Shape) -> bytes:
    lengths = b"".join(_bytes(1, _text(2, one) if isinstance(one, str) else _number(1, one)) for one in shape)
    return _text(1, name) + _bytes(2, _bytes(1, _number(1, _FLOAT) + _bytes(2, lengths)))


def _key(field: int, wire: int) -> bytes:
    return _varint(field << 3 | wire)


def _number(field: int, value: int) -> bytes:
    return _key(field, 0) + _varint(value)


def _bytes(field: int, content: bytes) -> bytes:
    return _key(field, 2) + _varint(len(content)) + content


def _text(field: int, text: str) -> bytes:
    return _bytes(field, text.encode())


def _varint(value: int) -> bytes:
    value &= (1 << 64) - 1  # negative numbers are written in two's complement
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)
