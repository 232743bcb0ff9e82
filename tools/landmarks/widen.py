"""Channels filled up with zeros to whole blocks: what is added computes nothing but zeros.

ONNX Runtime runs depthwise convolutions and what lies between them in its blocked layout only for whole blocks of
channels; else it reorders the tensor before and after.
"""

from typing import Any

import numpy as np
import numpy.typing as npt
from onnx import numpy_helper

Array = npt.NDArray[Any]
ModelProto = Any
NodeProto = Any

BLOCK = 16
_SPREADING = {"PRelu", "Relu", "MaxPool", "Add", "Pad"}
"""Operators that give zeros for zeros, channel by channel."""

_LAST_CHANNELS = 5  # of Pad's eight numbers: how many are added behind the last one


def widen(model: ModelProto) -> None:
    """Fill up every convolution whose result goes through nothing else on its way to the next convolutions."""
    _Widening(model).run()


class _Widening:
    """added: channels of zeros behind those of each tensor."""

    def __init__(self, model: ModelProto) -> None:
        self._graph = model.graph
        self._constants = {entry.name: entry for entry in model.graph.initializer}
        self._casts = {node.output[0]: node.input[0] for node in model.graph.node if node.op_type == "Cast"}
        self._ends = {output.name for output in model.graph.output}
        self._added: dict[str, int] = {}
        self._readers: dict[str, list[NodeProto]] = {}
        for node in model.graph.node:
            for name in node.input:
                self._readers.setdefault(name, []).append(node)

    def run(self) -> None:
        for node in self._graph.node:
            more = self._added.get(node.input[0], 0) if node.input else 0
            if node.op_type == "Conv":
                self._added[node.output[0]] = self._convolution(node, more)
            elif node.op_type == "Pad":
                self._added[node.output[0]] = self._pad(node, more)
            elif node.op_type in _SPREADING:
                self._added[node.output[0]] = more
                if node.op_type == "PRelu" and more:
                    self._store(node, 1, np.pad(self._stored(node.input[1]), [(0, 0), (0, more), (0, 0), (0, 0)]))
        del self._graph.initializer[:]
        self._graph.initializer.extend(self._constants.values())

    def _convolution(self, node: NodeProto, more: int) -> int:
        weight = self._stored(node.input[1])
        group = next(attribute for attribute in node.attribute if attribute.name == "group")
        depthwise = group.i > 1
        wider = more if depthwise else (-len(weight) % BLOCK if self._free(node.output[0]) else 0)
        if more or wider:
            self._store(node, 1, np.pad(weight, [(0, wider), (0, 0 if depthwise else more), (0, 0), (0, 0)]))
            self._store(node, 2, np.pad(self._stored(node.input[2]), (0, wider)))
            group.i += wider if depthwise else 0
        return wider

    def _pad(self, node: NodeProto, more: int) -> int:
        pads = numpy_helper.to_array(self._constants[node.input[1]]).copy()
        grown = int(pads[_LAST_CHANNELS])
        if not more and not (grown and self._free(node.output[0])):
            return 0
        wider = (more - grown) % BLOCK  # to whole blocks again, as what it is added to
        pads[_LAST_CHANNELS] = grown + wider - more
        self._store(node, 1, pads)
        return wider

    def _free(self, name: str) -> bool:
        """Whether a result may get more channels: all that reads it takes zeros for what they are."""
        return name not in self._ends and all(
            node.op_type == "Conv" or (node.op_type in _SPREADING and self._free(node.output[0]))
            for node in self._readers.get(name, [])
        )

    def _stored(self, name: str) -> Array:
        return numpy_helper.to_array(self._constants[self._casts.get(name, name)])

    def _store(self, node: NodeProto, place: int, values: Array) -> None:
        name = f"{node.name}_wide_{place}"
        exact = values.astype(np.float32) if values.dtype.kind == "f" else values
        self._constants[name] = numpy_helper.from_array(np.ascontiguousarray(exact), name)
        node.input[place] = name
