"""Bare operations of functional models, as TensorFlow's of Keras 2 and `keras.ops` of Keras 3 are written."""

import io
import zipfile
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from convert.errors import RefusalError
from convert.graph.export import export
from convert.graph.layer_graph import LayerGraph
from convert.parity import measure_reference
from tests.convert.made import layer, save_h5
from tests.convert.running import read, session_of

DATA = Path(__file__).parents[2] / "data" / "keras"
PARTS = ("conv2d/vars/0", "conv2d/vars/1", "dense/vars/0", "dense/vars/1")
X, Y = np.random.default_rng(8).uniform(-1, 1, (2, 3, 6, 4)).astype(np.float32)
WHOLE = {"start": None, "stop": None, "step": None}
REST = {"class_name": "__ellipsis__", "config": {}}


def model(path: Path, kind: dict[str, Any], inbound: list[Any], version: str) -> LayerGraph:
    """A functional model of two inputs, x and y, and one operation."""
    inputs = [layer("InputLayer", name, batch_input_shape=[None, 6, 4]) for name in ("x", "y")]
    config = {"name": "one", **kind.pop("config", {})}
    parts = [*inputs, {**kind, "config": config, "inbound_nodes": inbound}]
    architecture = {
        "class_name": "Functional",
        "config": {
            "name": "made",
            "layers": [{**part, "name": part["config"]["name"]} for part in parts],
            "input_layers": [["x", 0, 0], ["y", 0, 0]],
            "output_layers": [["one", 0, 0]],
        },
    }
    return read(save_h5(path, architecture, {}, version))


def tensorflow(path: Path, function: str, inbound: list[Any]) -> LayerGraph:
    kind = {"class_name": "SlicingOpLambda" if "getitem" in function else "TFOpLambda"}
    return model(path, {**kind, "config": {"function": function}}, inbound, "2.15.0")


def keras3(path: Path, name: str, arguments: list[Any], *, module: bool = True, **config: Any) -> LayerGraph:
    """An operation of `keras.ops`; "x" and "y" among the arguments are tensors."""

    def written(item: Any) -> Any:
        if isinstance(item, list):
            return [written(one) for one in item]
        if item in ("x", "y"):
            return {"class_name": "__keras_tensor__", "config": {"keras_history": [item, 0, 0]}}
        return item

    kind = {"class_name": name, "config": config}  # an .h5 file leaves the module out
    if module:
        kind |= {"module": "keras.src.ops.numpy", "registered_name": name}
    return model(path, kind, [{"args": written(arguments), "kwargs": {}}], "3.5.0")


def answer_of(graph: LayerGraph) -> Any:
    assert measure_reference(graph, export(graph).model.SerializeToString()).passed
    return session_of(graph)[0].run([X, Y])[0]


@pytest.mark.parametrize(
    ("function", "inbound", "wanted"),
    [
        ("math.multiply", [["x", 0, 0, {"y": 2.0, "name": None}]], X * 2),
        ("__operators__.add", [["x", 0, 0, {"y": ["y", 0, 0], "name": None}]], X + Y),
        ("math.subtract", [["_CONSTANT_VALUE", -1, 1.0, {"y": ["x", 0, 0]}]], 1 - X),
        ("math.truediv", [["x", 0, 0, {"y": [1.0, 2.0, 3.0, 4.0]}]], X / np.array([1, 2, 3, 4], np.float32)),
        ("math.reduce_mean", [["x", 0, 0, {"axis": 1, "keepdims": True}]], X.mean(1, keepdims=True)),
        ("concat", [[["x", 0, 0, {"axis": 1}], ["y", 0, 0, {"axis": 1}]]], np.concatenate([X, Y], 1)),
        ("reshape", [["x", 0, 0, {"shape": [-1, 3, 8]}]], X.reshape(-1, 3, 8)),
        ("compat.v1.transpose", [["x", 0, 0, {"perm": [0, 2, 1]}]], X.transpose(0, 2, 1)),
        ("linalg.matmul", [["x", 0, 0, {"b": ["y", 0, 0], "transpose_b": True}]], X @ Y.transpose(0, 2, 1)),
        ("clip_by_value", [["x", 0, 0, {"clip_value_min": -0.2, "clip_value_max": 0.3}]], X.clip(-0.2, 0.3)),
        ("cast", [["x", 0, 0, {"dtype": "float32"}]], X),
        ("__operators__.getitem", [["x", 0, 0, {"slice_spec": [WHOLE, -1]}]], X[:, -1]),
        ("__operators__.getitem", [["x", 0, 0, {"slice_spec": [REST, {**WHOLE, "step": -1}]}]], X[..., ::-1]),
        ("nn.bias_add", [["x", 0, 0, {"bias": [1.0, 2.0, 3.0, 4.0], "data_format": None}]], X + np.arange(1, 5)),
        ("nn.bias_add", [["x", 0, 0, {"bias": [1.0] * 4, "data_format": "NHWC"}]], X + 1),
        ("nn.bias_add", [["x", 0, 0, {"bias": [0.5] * 5 + [2.0], "data_format": "NCHW"}]],
         X + np.array([[0.5]] * 5 + [[2.0]], np.float32)),
    ],
)  # fmt: skip
def test_tensorflows_operations_are_numpys(function: str, inbound: list[Any], wanted: Any, tmp_path: Path) -> None:
    got = answer_of(tensorflow(tmp_path / "m.h5", function, [inbound] if isinstance(inbound[0][0], str) else inbound))
    assert np.abs(got - wanted).max() <= 1e-5


@pytest.mark.parametrize(
    ("name", "arguments", "config", "wanted"),
    [
        ("Add", ["x", 1.5], {}, X + 1.5),
        ("Subtract", [1.0, "x"], {}, 1 - X),
        ("Maximum", ["x", "y"], {}, np.maximum(X, Y)),
        ("Multiply", ["x", {"class_name": "__numpy__", "config": {"value": [2.0], "dtype": "float32"}}], {}, X * 2),
        ("Sum", ["x"], {"axis": [1, 2], "keepdims": False}, X.sum((1, 2))),
        ("Concatenate", [["x", "y"]], {"axis": -1}, np.concatenate([X, Y], -1)),
        ("Stack", [["x", "y"]], {"axis": 1}, np.stack([X, Y], 1)),
        ("Reshape", ["x"], {"newshape": [-1, 24]}, X.reshape(-1, 24)),
        ("GetItem", ["x", [WHOLE, {"class_name": "__slice__", "config": {**WHOLE, "step": -1}}]], {}, X[:, ::-1]),
        ("GetItem", ["x", [REST, 2]], {}, X[..., 2]),
        ("GetItem", ["x", [WHOLE, REST, WHOLE, -1]], {}, X[:, :, -1]),
        ("GetItem", ["x", REST], {}, X),
    ],
)
def test_keras_operations_are_numpys(
    name: str, arguments: list[Any], config: dict[str, Any], wanted: Any, tmp_path: Path
) -> None:
    for module in (True, False):
        got = answer_of(keras3(tmp_path / "m.h5", name, arguments, module=module, **config))
        assert np.abs(got - wanted).max() <= 1e-5


@pytest.mark.parametrize(
    ("function", "arguments", "said"),
    [
        ("math.reduce_mean", {"axis": 0}, "reduces over the batch"),
        ("math.reduce_mean", {"axis": None}, "reduces over the batch"),
        ("reshape", {"shape": [24, -1]}, "Begin with −1"),
        ("transpose", {"perm": [1, 0, 2]}, "moves the batch"),
        ("cast", {"dtype": "int32"}, "casts to int32"),
        ("__operators__.getitem", {"slice_spec": [0]}, "a part of the batch"),
        ("__operators__.getitem", {"slice_spec": [REST, 0, 0, 0]}, "a part of the batch"),
        ("__operators__.getitem", {"slice_spec": [REST, REST]}, "… stands twice"),
        ("math.erfinv", {}, "tf.math.erfinv: it is not supported"),
    ],
)
def test_what_mixes_a_batch_or_is_unknown_is_refused(
    function: str, arguments: dict[str, Any], said: str, tmp_path: Path
) -> None:
    with pytest.raises(RefusalError) as caught:
        export(tensorflow(tmp_path / "m.h5", function, [[["x", 0, 0, arguments]]]))
    assert said in f"{caught.value.reason} {caught.value.advice}"


def test_resnets_preprocessing_inside_a_model_is_its_formula() -> None:
    """Colors in the order blue, green, red, minus ImageNet's means, before the first convolution."""
    graph = read(DATA / "k3_resprep.keras")
    assert measure_reference(graph, export(graph).model.SerializeToString()).passed
    picture = np.random.default_rng(0).uniform(0, 255, (2, 32, 32, 3)).astype(np.float32)
    with zipfile.ZipFile(DATA / "k3_resprep.keras") as archive:
        root = h5py.File(io.BytesIO(archive.read("model.weights.h5")))["layers"]
    kernel, bias, dense, offset = (root[name][()] for name in PARTS)
    colors = picture[..., ::-1] - np.array([103.939, 116.779, 123.68], np.float32)
    windows = np.lib.stride_tricks.sliding_window_view(colors, (3, 3), axis=(1, 2))
    features = np.einsum("bxychw,hwcf->bxyf", windows, kernel) + bias
    logits = features.reshape(2, -1) @ dense + offset
    wanted = np.exp(logits - logits.max(1, keepdims=True))
    got = session_of(graph)[0].run([picture])[0]
    assert np.abs(got - wanted / wanted.sum(1, keepdims=True)).max() <= 1e-5
