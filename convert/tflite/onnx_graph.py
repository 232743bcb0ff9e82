"""A small writer of ONNX graphs: operations, constants, names."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

OPSET = 17
IR_VERSION = 8
BATCH = "N"

Array = npt.NDArray[Any]
Attribute = Any
"""What ONNX takes as an attribute: numbers, text, or lists of them."""
Shape = Sequence[int | str]
ModelProto = Any
"""onnx.ModelProto, which has no types."""


class OnnxGraph:
    """Collects operations and constants; `model` makes the ONNX model of them.

    Numbers that lose nothing in half precision are stored so, and of those that are mostly zeros only the others:
    ONNX Runtime makes the whole of them once, on loading.
    """

    def __init__(self) -> None:
        self._nodes: list[tuple[str, tuple[str, ...], str, dict[str, Any]]] = []
        self._constants: dict[str, Array] = {}
        self._known: dict[tuple[str, tuple[int, ...], bytes], str] = {}

    def op(self, kind: str, *inputs: str, **attributes: Attribute) -> str:
        """Add an operation with one output; the output's name. An input that is left out is ""."""
        name = f"{kind}_{len(self._nodes)}"
        self._nodes.append((kind, inputs, name, attributes))
        return name

    def constant(self, values: npt.ArrayLike, dtype: type[np.generic] | None = None) -> str:
        """A constant, kept once; its name."""
        array = np.ascontiguousarray(values, dtype)
        key = (array.dtype.str, array.shape, array.tobytes())
        if key not in self._known:
            self._known[key] = self._stored(array)
        return self._known[key]

    def _stored(self, array: Array) -> str:
        if array.dtype != np.float32 or array.size == 1:
            return self._keep(array)
        small = _halved(array)
        places = np.flatnonzero(array)
        steps = np.diff(places, prepend=0)
        steps = steps.astype(np.uint8 if steps.max(initial=0) < 256 else np.int32)
        if places.size * small.itemsize + steps.nbytes + _WORTH_SPARING < small.nbytes:
            return self._scattered(small, places, steps)
        name = self._keep(small)
        return name if small.dtype == np.float32 else self.op("Cast", name, to=_FLOAT)

    def _scattered(self, array: Array, places: Array, steps: Array) -> str:
        """A constant that is mostly zeros, from what is not and the steps from one of these to the next."""
        values = self._keep(array.ravel()[places])
        if array.dtype != np.float32:
            values = self.op("Cast", values, to=_FLOAT)
        indices = self.op("CumSum", self.op("Cast", self._keep(steps), to=_INT64), self.constant(0, np.int64))
        zeros = self.op("Expand", self.constant(0, np.float32), self.constant([array.size], np.int64))
        filled = self.op("ScatterElements", zeros, indices, values, axis=0)
        return self.op("Reshape", filled, self.constant(array.shape, np.int64))

    def _keep(self, array: Array) -> str:
        name = f"constant_{len(self._constants)}"
        self._constants[name] = array
        return name

    def model(self, name: str, inputs: Mapping[str, Shape], outputs: Mapping[str, tuple[str, Shape]]) -> ModelProto:
        """The ONNX model. inputs: name → shape; outputs: name to give → (name it has here, shape)."""
        from onnx import TensorProto, checker, helper, numpy_helper  # noqa: PLC0415 - heavy

        nodes = [
            helper.make_node(kind, list(reads), [writes], name=writes, **attributes)
            for kind, reads, writes, attributes in self._nodes
        ]
        nodes += [helper.make_node("Identity", [own], [given], name=given) for given, (own, _) in outputs.items()]
        read = {reads for node in nodes for reads in node.input}
        graph = helper.make_graph(
            nodes,
            name,
            [helper.make_tensor_value_info(key, TensorProto.FLOAT, list(shape)) for key, shape in inputs.items()],
            [helper.make_tensor_value_info(key, TensorProto.FLOAT, list(shape)) for key, (_, shape) in outputs.items()],
            [numpy_helper.from_array(array, key) for key, array in self._constants.items() if key in read],
        )
        model = helper.make_model(
            graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION, producer_name="sign-convert"
        )
        checker.check_model(model)
        return model


def _halved(array: Array) -> Array:
    """In half precision where that loses nothing."""
    with np.errstate(over="ignore"):
        half = array.astype(np.float16)
    return half if np.array_equal(half.astype(np.float32), array) else array


_FLOAT, _INT64 = 1, 7  # of onnx.TensorProto
_WORTH_SPARING = 1024  # bytes
