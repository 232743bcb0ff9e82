"""Small models for the registry's tests: real ONNX graphs, and what it takes to publish them."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnx
from onnx import TensorProto, helper, numpy_helper

from service.pipelines.rows import ModelRows
from service.registry.manifest import Manifest
from service.registry.store import Store

FEATURES, LABELS = 3, ("A", "B")
Dimension = int | str


def linear(
    weights: npt.NDArray[np.float32] | None = None,
    *,
    rows: Dimension = "batch",
    element: int = TensorProto.FLOAT,
    ballast_bytes: int = 0,
) -> bytes:
    """y = x · weights. ballast_bytes: weights that are loaded and do next to nothing."""
    chosen = np.eye(FEATURES, len(LABELS), dtype=np.float32) if weights is None else weights
    stored = [numpy_helper.from_array(chosen, "w")]
    if ballast_bytes:
        stored.append(numpy_helper.from_array(np.zeros(ballast_bytes, np.uint8), "ballast"))
    graph = helper.make_graph(
        [helper.make_node("MatMul", ["x", "w"], ["y"])],
        "linear",
        [helper.make_tensor_value_info("x", element, [rows, chosen.shape[0]])],
        [helper.make_tensor_value_info("y", element, [rows, chosen.shape[1]])],
        stored,
    )
    return serialized(graph)


def truly_one_row() -> bytes:
    """A graph that says it takes any number of rows, and fails with more than one, as some exporters make them."""
    nodes = [
        helper.make_node("Reshape", ["x", "single"], ["fixed"]),
        helper.make_node("MatMul", ["fixed", "w"], ["one"]),
        helper.make_node("Shape", ["x"], ["rows"], start=0, end=1),
        helper.make_node("Concat", ["rows", "width"], ["shape"], axis=0),
        helper.make_node("Expand", ["one", "shape"], ["y"]),
    ]
    stored = [
        numpy_helper.from_array(np.array([1, FEATURES], np.int64), "single"),
        numpy_helper.from_array(np.array([len(LABELS)], np.int64), "width"),
        numpy_helper.from_array(np.eye(FEATURES, len(LABELS), dtype=np.float32), "w"),
    ]
    return serialized(_any_rows(nodes, stored, len(LABELS)))


def width_known_to_the_run_alone(width: int) -> bytes:
    """A graph whose output's width stands nowhere in it."""
    nodes = [
        helper.make_node("MatMul", ["x", "w"], ["wide"]),
        helper.make_node("Compress", ["wide", "all"], ["y"], axis=1),
    ]
    stored = [
        numpy_helper.from_array(np.ones((FEATURES, width), np.float32), "w"),
        numpy_helper.from_array(np.ones(width, np.bool_), "all"),
    ]
    return serialized(_any_rows(nodes, stored, "any"))


def _any_rows(nodes: Sequence[onnx.NodeProto], stored: Sequence[onnx.TensorProto], width: Dimension) -> onnx.GraphProto:
    return helper.make_graph(
        nodes,
        "graph",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["batch", FEATURES])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["batch", width])],
        stored,
    )


def cubic(features: int, labels: int) -> bytes:
    """y = x · w for each step of time: batch × time × features → batch × time × labels."""
    graph = helper.make_graph(
        [helper.make_node("MatMul", ["x", "w"], ["y"])],
        "cubic",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["batch", "time", features])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["batch", "time", labels])],
        [numpy_helper.from_array(np.ones((features, labels), np.float32), "w")],
    )
    return serialized(graph)


def masked_sum(steps: int = 4) -> bytes:
    """y = the sum over time of x where the mask is 1: x is batch × steps × FEATURES, the mask batch × steps."""
    nodes = [
        helper.make_node("Unsqueeze", ["mask", "last"], ["wide"]),
        helper.make_node("Mul", ["x", "wide"], ["kept"]),
        helper.make_node("ReduceSum", ["kept", "time"], ["y"], keepdims=0),
    ]
    graph = helper.make_graph(
        nodes,
        "masked_sum",
        [
            helper.make_tensor_value_info("x", TensorProto.FLOAT, ["batch", steps, FEATURES]),
            helper.make_tensor_value_info("mask", TensorProto.FLOAT, ["batch", steps]),
        ],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["batch", FEATURES])],
        [
            numpy_helper.from_array(np.array([2], np.int64), "last"),
            numpy_helper.from_array(np.array([1], np.int64), "time"),
        ],
    )
    return serialized(graph)


def growing(step_bytes: int, steps: int) -> bytes:
    """y = x · w, and beside it a loop that makes a tensor longer by step_bytes, steps times."""
    chunk = helper.make_tensor("zero", TensorProto.FLOAT, [1], [0.0])
    body = helper.make_graph(
        [
            helper.make_node("ConstantOfShape", ["step"], ["more"], value=chunk),
            helper.make_node("Concat", ["held", "more"], ["longer"], axis=0),
            helper.make_node("Identity", ["goes_on"], ["goes_on_still"]),
        ],
        "body",
        [
            helper.make_tensor_value_info("turn", TensorProto.INT64, []),
            helper.make_tensor_value_info("goes_on", TensorProto.BOOL, []),
            helper.make_tensor_value_info("held", TensorProto.FLOAT, ["any"]),
        ],
        [
            helper.make_tensor_value_info("goes_on_still", TensorProto.BOOL, []),
            helper.make_tensor_value_info("longer", TensorProto.FLOAT, ["any"]),
        ],
    )
    nodes = [
        helper.make_node("Loop", ["turns", "", "begins"], ["ends"], body=body),
        helper.make_node("ReduceMax", ["ends"], ["most"], keepdims=0),
        helper.make_node("MatMul", ["x", "w"], ["answer"]),
        helper.make_node("Add", ["answer", "most"], ["y"]),
    ]
    stored = [
        numpy_helper.from_array(np.array([step_bytes // 4], np.int64), "step"),
        numpy_helper.from_array(np.array(steps, np.int64), "turns"),
        numpy_helper.from_array(np.zeros(1, np.float32), "begins"),
        numpy_helper.from_array(np.eye(FEATURES, len(LABELS), dtype=np.float32), "w"),
    ]
    return serialized(_any_rows(nodes, stored, len(LABELS)))


def beside(location: str) -> bytes:
    """A linear graph whose weights lie in another file."""
    weights = TensorProto(name="w", data_type=TensorProto.FLOAT, dims=[FEATURES, len(LABELS)])
    weights.data_location = TensorProto.EXTERNAL
    entry = weights.external_data.add()
    entry.key, entry.value = "location", location
    graph = helper.make_graph(
        [helper.make_node("MatMul", ["x", "w"], ["y"])],
        "beside",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["batch", FEATURES])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["batch", len(LABELS)])],
        [weights],
    )
    return serialized(graph)


def serialized(graph: onnx.GraphProto) -> bytes:
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    return bytes(model.SerializeToString())


def draft(name: str = "letters", **changes: object) -> dict[str, object]:
    """A manifest's fields for `linear()`, without version and files."""
    fields: dict[str, object] = {
        "name": name,
        "title": {"en": "Letters", "ko": "글자"},
        "task": "sign",
        "labels": list(LABELS),
        "pipeline": {"kind": "tensor"},
        "inputs": [{"name": "x", "dtype": "float32", "shape": ["batch", FEATURES], "from": "track"}],
        "output": {"name": "y", "shape": ["batch", len(LABELS)], "activation": "softmax"},
        "license": "MIT",
        "created": "2026-11-21T12:00:00Z",
    }
    return {**fields, **changes}


def output(**changes: object) -> dict[str, object]:
    return {"name": "y", "shape": ["batch", len(LABELS)], "activation": "softmax", **changes}


def inputs(shape: Sequence[Dimension], **changes: object) -> list[dict[str, object]]:
    return [{"name": "x", "dtype": "float32", "shape": list(shape), "from": "track", **changes}]


def publish(root: Path, name: str = "letters", graph: bytes | None = None, **changes: object) -> Manifest:
    """Publish the next version of a model; by default one that answers."""
    return Store(root).publish(draft(name, **changes), {"model.onnx": linear() if graph is None else graph})


def rows_of(*rows: Sequence[float]) -> ModelRows:
    """One window of these rows."""
    values = np.asarray(rows, np.float32).reshape(len(rows), -1)
    return ModelRows(values=values, mask=None, times_s=np.arange(len(rows), dtype=np.float64))
