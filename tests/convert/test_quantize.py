"""A quantized graph answers as the float one does, or it is refused with the figure."""

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from convert.errors import CallError, RefusalError
from convert.quantize import Array, find_float_nodes, find_grouped_nodes, foresee, quantize


def graph(seed: int = 0, gain: float = 1.0) -> bytes:
    """Three convolutions, a gate, a mean and a classifier of four."""
    rng = np.random.default_rng(seed)
    shapes = {"first": (8, 3, 3, 3), "middle": (16, 8, 3, 3), "squeeze": (4, 16, 1, 1), "expand": (16, 4, 1, 1)}
    weights = {name: rng.normal(0, 0.3, shape) for name, shape in shapes.items()} | {
        "head": rng.normal(0, gain, (16, 4))
    }
    nodes = [
        helper.make_node("Conv", ["x", "first"], ["a"], "conv_first", pads=[1] * 4),
        helper.make_node("Relu", ["a"], ["b"], "relu"),
        helper.make_node("Conv", ["b", "middle"], ["c"], "conv_middle", pads=[1] * 4),
        helper.make_node("GlobalAveragePool", ["c"], ["d"], "mean"),
        helper.make_node("Conv", ["d", "squeeze"], ["e"], "conv_squeeze"),
        helper.make_node("Relu", ["e"], ["f"], "relu_gate"),
        helper.make_node("Conv", ["f", "expand"], ["g"], "conv_expand"),
        helper.make_node("Sigmoid", ["g"], ["h"], "gate"),
        helper.make_node("Mul", ["c", "h"], ["i"], "gated"),
        helper.make_node("GlobalAveragePool", ["i"], ["j"], "mean_all"),
        helper.make_node("Flatten", ["j"], ["k"], "flat"),
        helper.make_node("MatMul", ["k", "head"], ["y"], "matmul_head"),
    ]
    made = helper.make_graph(
        nodes,
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["batch", 3, 16, 16])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["batch", 4])],
        [numpy_helper.from_array(values.astype(np.float32), name) for name, values in weights.items()],
    )
    model = helper.make_model(made, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    return bytes(model.SerializeToString())


def clips(count: int) -> list[Array]:
    rng = np.random.default_rng(1)
    return [rng.normal(0, 1, (1, 3, 16, 16)).astype(np.float32) for _ in range(count)]


def test_a_convolutional_graph_keeps_its_answers() -> None:
    made = quantize(graph(), clips(12), min_agreement=0.8)
    kinds = {node.op_type for node in onnx.load_from_string(made.model).graph.node}
    assert {"QuantizeLinear", "DequantizeLinear"} <= kinds
    assert made.agreement >= 0.8
    assert made.samples == 12
    assert made.speedup > 0
    assert "static QDQ" in made.method


def test_first_last_and_gates_stay_float() -> None:
    kept = set(find_float_nodes(onnx.load_from_string(graph()).graph))
    assert kept == {"conv_first", "matmul_head", "conv_squeeze", "conv_expand"}


def test_grouped_convolutions_are_known_by_their_groups() -> None:
    node = helper.make_node("Conv", ["x", "w"], ["y"], "depthwise", group=8)
    plain = helper.make_node("Conv", ["y", "v"], ["z"], "plain")
    assert find_grouped_nodes(helper.make_graph([node, plain], "g", [], [])) == ["depthwise"]


def depthwise() -> bytes:
    """The graph above, its middle convolution in groups of one."""
    model = onnx.load_from_string(graph())
    for node in model.graph.node:
        if node.name == "conv_middle":
            node.attribute.append(helper.make_attribute("group", 8))
    for stored in model.graph.initializer:
        if stored.name == "middle":
            stored.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(stored)[:, :1], "middle"))
    return bytes(model.SerializeToString())


def test_that_int8_of_depthwise_convolutions_is_hardly_faster_is_said_before_it_is_tried() -> None:
    assert foresee(graph()) is None
    warning = foresee(depthwise())
    assert warning is not None
    assert warning.startswith("1 of 4 convolutions are depthwise or grouped")


def test_of_those_that_agree_the_faster_one_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    speeds = iter([0.8, 1.2])
    monkeypatch.setattr("convert.quantize._measure_speedup", lambda *_: next(speeds))
    made = quantize(depthwise(), clips(12), min_agreement=0.0)
    assert (made.speedup, made.method.endswith(", grouped")) == (1.2, True)


def test_what_does_not_agree_is_refused_with_the_figure() -> None:
    with pytest.raises(RefusalError, match=r"agrees with itself on \d"):
        quantize(graph(), clips(12), min_agreement=1.1)


def test_too_few_clips_are_a_wrong_call() -> None:
    with pytest.raises(CallError, match="at least 8"):
        quantize(graph(), clips(3))


def test_a_graph_of_products_is_quantized_dynamically() -> None:
    weights = np.random.default_rng(0).normal(0, 1, (32, 32)).astype(np.float32)
    made = helper.make_graph(
        [helper.make_node("MatMul", ["x", "w"], ["y"], "product")],
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["batch", 32])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["batch", 32])],
        [numpy_helper.from_array(weights, "w")],
    )
    model = helper.make_model(made, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    rows = [np.random.default_rng(seed).normal(0, 1, (1, 32)).astype(np.float32) for seed in range(10)]
    small = quantize(bytes(model.SerializeToString()), rows, min_agreement=0.8)
    assert small.method.startswith("dynamic")
    assert small.agreement >= 0.8
