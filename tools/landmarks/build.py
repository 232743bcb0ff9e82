"""From a .tflite file to the graph that the engine runs: uint8 pixels in, only what is read out, small weights."""

from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from convert.tflite.export import export
from convert.tflite.prune import keep_outputs
from convert.tflite.reader import read_network
from tools.landmarks.networks import LandmarkNetwork

ModelProto = Any
_BLOCKS = 16
"""Channels of a block of ONNX Runtime's own layout on AVX-512; 8 on AVX2."""


def build(data: bytes, network: LandmarkNetwork) -> ModelProto:
    """The network for `image` (N × H × W × 3, uint8), with outputs named as in networks.py."""
    model = export(keep_outputs(read_network(data), list(network.outputs.values())), network.name)
    given = {theirs: ours for ours, theirs in network.outputs.items()}
    nodes = [node for node in model.graph.node if not (node.op_type == "Identity" and node.output[0] in given)]
    renamed = {
        node.input[0]: given[node.output[0]]
        for node in model.graph.node
        if node.op_type == "Identity" and node.output[0] in given
    }
    for node in nodes:
        for names in (node.input, node.output):
            names[:] = [renamed.get(name, name) for name in names]
    for output in model.graph.output:
        output.name = given[output.name]
    constants = {entry.name: entry for entry in model.graph.initializer}
    _take_pixels(model, nodes, constants, network.values)
    nodes = _without_prelu(nodes, constants)
    del model.graph.node[:], model.graph.initializer[:]
    model.graph.node.extend(nodes)
    read = {name for node in nodes for name in node.input}
    model.graph.initializer.extend(entry for name, entry in constants.items() if name in read)
    onnx.checker.check_model(model)
    return model


def _take_pixels(model: ModelProto, nodes: list[Any], constants: dict[str, Any], values: tuple[float, float]) -> None:
    """Grey levels in, brought to the network's values inside."""
    entry = model.graph.input[0]
    own, entry.name = entry.name, "image"
    entry.type.tensor_type.elem_type = TensorProto.UINT8
    least, most = values
    constants["scale"] = numpy_helper.from_array(np.array((most - least) / 255, np.float32), "scale")
    constants["offset"] = numpy_helper.from_array(np.array(least, np.float32), "offset")
    first = [
        helper.make_node("Cast", ["image"], ["levels"], to=TensorProto.FLOAT),
        helper.make_node("Mul", ["levels", "scale"], ["scaled"]),
    ]
    if least:
        first.append(helper.make_node("Add", ["scaled", "offset"], ["pixels"]))
    else:
        first[-1].output[0] = "pixels"
    for node in nodes:
        node.input[:] = ["pixels" if name == own else name for name in node.input]
    nodes[:0] = first


def _without_prelu(nodes: list[Any], constants: dict[str, Any]) -> list[Any]:
    """PRelu as a·x + (1 − a)·relu(x), both factors depthwise convolutions.

    ONNX Runtime keeps convolutions in its blocked layout, and reorders the whole tensor before and after a PRelu.
    """
    made: list[Any] = []
    casts = {node.output[0]: node.input[0] for node in nodes if node.op_type == "Cast"}
    for node in nodes:
        slope = constants.get(casts.get(node.input[1], "")) if node.op_type == "PRelu" else None
        channels = 0 if slope is None else int(np.prod(slope.dims))
        if slope is None or slope.dims[1] != channels or channels % _BLOCKS:
            made.append(node)
            continue
        factor = numpy_helper.to_array(slope).astype(np.float32).reshape(channels, 1, 1, 1)
        source, target = node.input[0], node.output[0]
        for name, value in ((f"{target}_below", factor), (f"{target}_above", 1 - factor)):
            constants[name] = numpy_helper.from_array(np.ascontiguousarray(value), name)
        made += [
            helper.make_node("Relu", [source], [f"{target}_relu"]),
            helper.make_node(
                "Conv", [source, f"{target}_below"], [f"{target}_all"], kernel_shape=[1, 1], group=channels
            ),
            helper.make_node(
                "Conv", [f"{target}_relu", f"{target}_above"], [f"{target}_rest"], kernel_shape=[1, 1], group=channels
            ),
            helper.make_node("Add", [f"{target}_all", f"{target}_rest"], [target]),
        ]
    return made
