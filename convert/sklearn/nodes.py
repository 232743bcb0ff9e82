"""A small builder of ONNX graphs in float64, whose input and output are float32."""

from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

INPUT, OUTPUT = "x", "y"
_OPSET, _ML_OPSET, _IR = 17, 5, 10
Attribute = Any
"""What ONNX takes as an attribute: numbers, text, tensors, or lists of them."""


class Nodes:
    """Collects operations and constants; values are named by the strings that it returns."""

    def __init__(self) -> None:
        self._nodes: list[onnx.NodeProto] = []
        self._constants: dict[str, np.ndarray] = {}
        self._by_content: dict[tuple[str, tuple[int, ...], bytes], str] = {}

    def op(self, kind: str, *inputs: str, domain: str = "", **attributes: Attribute) -> str:
        """Add an operation with one output; its name."""
        return self.ops(kind, 1, *inputs, domain=domain, **attributes)[0]

    def ops(self, kind: str, outputs: int, *inputs: str, domain: str = "", **attributes: Attribute) -> list[str]:
        """Add an operation; the names of its outputs."""
        names = [f"{kind}_{len(self._nodes)}" + (f"_{place}" if place else "") for place in range(outputs)]
        self._nodes.append(helper.make_node(kind, list(inputs), names, name=names[0], domain=domain, **attributes))
        return names

    def constant(self, values: np.ndarray | float) -> str:
        """An array as it is, a number as float64; equal ones are kept once."""
        array = np.ascontiguousarray(values, None if isinstance(values, np.ndarray) else np.float64)
        array = array.reshape(np.shape(values))
        key = (array.dtype.str, array.shape, array.tobytes())
        if key not in self._by_content:
            self._by_content[key] = f"c{len(self._constants)}"
            self._constants[self._by_content[key]] = array
        return self._by_content[key]

    def ints(self, *values: int) -> str:
        """A vector of int64."""
        return self.constant(np.asarray(values, np.int64))

    def float64(self, name: str) -> str:
        return self.op("Cast", name, to=TensorProto.DOUBLE)

    def float32(self, name: str) -> str:
        return self.op("Cast", name, to=TensorProto.FLOAT)

    def int64(self, name: str) -> str:
        return self.op("Cast", name, to=TensorProto.INT64)

    def total(self, name: str, axis: int, *, keep: bool = True) -> str:
        """The sum along an axis."""
        return self.op("ReduceSum", name, self.ints(axis), keepdims=int(keep))

    def sigmoid(self, name: str) -> str:
        """1 / (1 + exp(−x)): ONNX Runtime's own Sigmoid is inexact far below 0, which shares of small numbers show."""
        grown = self.op("Exp", self.op("Neg", name))
        return self.op("Reciprocal", self.op("Add", grown, self.constant(1.0)))

    def columns(self, name: str, first: int, end: int) -> str:
        """Columns first … end − 1 of a table."""
        return self.op("Slice", name, self.ints(first), self.ints(end), self.ints(1))

    def beside(self, *names: str) -> str:
        """Tables of equal height as one."""
        return names[0] if len(names) == 1 else self.op("Concat", *names, axis=1)

    def model(self, answer: str, features: int, width: int) -> bytes:
        """The ONNX file: N × features → N × width, of the value `answer`."""
        self._nodes.append(helper.make_node("Cast", [answer], [OUTPUT], name=OUTPUT, to=TensorProto.FLOAT))
        graph = helper.make_graph(
            self._nodes,
            "classifier",
            [helper.make_tensor_value_info(INPUT, TensorProto.FLOAT, ["batch", features])],
            [helper.make_tensor_value_info(OUTPUT, TensorProto.FLOAT, ["batch", width])],
            [numpy_helper.from_array(array, name) for name, array in self._constants.items()],
        )
        opsets = [helper.make_opsetid("", _OPSET), helper.make_opsetid("ai.onnx.ml", _ML_OPSET)]
        model = helper.make_model(graph, opset_imports=opsets, ir_version=_IR, producer_name="sign-service converter")
        onnx.checker.check_model(model)
        content: bytes = model.SerializeToString()
        return content
