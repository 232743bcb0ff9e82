"""What operators write into: values on their way from a Network to ONNX."""

from typing import Any

import numpy as np
import numpy.typing as npt

from convert.errors import RefusalError
from convert.tflite.onnx_graph import BATCH, OnnxGraph
from convert.tflite.reader import Network, Operation
from convert.tflite.schema import ACTIVATIONS

Array = npt.NDArray[Any]

TO_FIRST = [0, 3, 1, 2]
TO_LAST = [0, 2, 3, 1]


class Exporter:
    """Values on their way into the graph: what has four axes lies channels first, all else as in the file.

    graph: what is written. Operators (see operators.py) ask for `value` or `constant` of their inputs and `give` their
    output.
    """

    def __init__(self, network: Network) -> None:
        self.network = network
        self.graph = OnnxGraph()
        self._names: dict[int, str] = {}
        self._folded: dict[int, Array] = {}

    def shape(self, index: int) -> tuple[int, ...]:
        """A tensor's shape as the file says, batch first and channels last."""
        return self.network.tensors[index].shape

    def constant(self, index: int) -> Array | None:
        """The numbers of a tensor that the file holds, or that follow from such; else None."""
        return self._folded.get(index, self.network.tensors[index].data)

    def known(self, index: int, operation: Operation) -> Array:
        """As `constant`, where the operator needs one. Raises RefusalError."""
        found = self.constant(index)
        if found is None:
            raise RefusalError(f"{operation.kind} computes what it would have to know beforehand; that is not read.")
        return found

    def fold(self, index: int, values: Array) -> None:
        """Say what a tensor holds that needs no computing."""
        self._folded[index] = values

    def value(self, index: int, rank: int | None = None) -> str:
        """The name of a tensor in the graph; rank: of what it is combined with, where axes of 1 are to be added."""
        values = self.constant(index)
        if values is not None:
            values = values.astype(np.float32)
            wide = values.reshape((1,) * max(0, (rank or 0) - values.ndim) + values.shape)
            return self.graph.constant(wide.transpose(TO_FIRST) if wide.ndim == 4 else wide)
        if index not in self._names:
            raise RefusalError(f"Tensor {self.network.tensors[index].name!r} is used before anything has made it.")
        if rank is not None and rank != len(self.shape(index)):
            raise RefusalError(f"A tensor of the shape {self.shape(index)} is combined with one of {rank} axes.")
        return self._names[index]

    def as_stored(self, index: int) -> str:
        """A computed tensor with its axes as in the file."""
        name = self.value(index)
        return self.graph.op("Transpose", name, perm=TO_LAST) if len(self.shape(index)) == 4 else name

    def give(self, operation: Operation, name: str) -> None:
        """Name an operation's output, after its fused activation."""
        self._names[operation.outputs[0]] = self._activated(operation, name)

    def give_as_stored(self, operation: Operation, name: str) -> None:
        """The same for a result whose axes lie as in the file."""
        last = len(self.shape(operation.outputs[0])) == 4
        self.give(operation, self.graph.op("Transpose", name, perm=TO_FIRST) if last else name)

    def _activated(self, operation: Operation, name: str) -> str:
        number = int(operation.options.get("activation", 0))
        kind = ACTIVATIONS[number] if 0 <= number < len(ACTIVATIONS) else f"number {number}"
        if kind == "none":
            return name
        if kind == "relu":
            return self.graph.op("Relu", name)
        if kind == "relu6":
            return self.graph.op("Clip", name, self.graph.constant(np.float32(0)), self.graph.constant(np.float32(6)))
        if kind == "tanh":
            return self.graph.op("Tanh", name)
        raise RefusalError(f"{operation.kind} is followed by the activation {kind}, which is not converted.")

    def begin(self) -> dict[str, list[int | str]]:
        """Name the network's inputs and say the shape of each, with any number of rows."""
        for index in self.network.inputs:
            port = self._port(index)
            last = len(self.shape(index)) == 4
            self._names[index] = self.graph.op("Transpose", port, perm=TO_FIRST) if last else port
        return {self._port(index): self._free(index) for index in self.network.inputs}

    def finish(self) -> dict[str, tuple[str, list[int | str]]]:
        """The network's outputs: the value that each is, axes as in the file, and its shape."""
        return {self._port(index): (self.as_stored(index), self._free(index)) for index in self.network.outputs}

    def _port(self, index: int) -> str:
        tensor = self.network.tensors[index]
        if tensor.dtype != np.float32:
            raise RefusalError(f"{tensor.name!r} takes or gives {tensor.dtype}; only float32 networks are converted.")
        return tensor.name or f"tensor_{index}"

    def _free(self, index: int) -> list[int | str]:
        return [BATCH, *self.shape(index)[1:]]
