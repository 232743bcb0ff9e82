"""Files that attack or mislead: refused with what to do, nothing run, nothing published, memory bounded."""

import base64
import json
import os
import pickle
import resource
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from onnx import TensorProto, helper

from tests.convert.made import dense_weights, layer, save_h5, sequential, small_classifier
from tests.convert.running import answer, command

DENSE = layer("Dense", "answer", units=3, activation="softmax")


class Bomb:
    """Unpickled, it would leave a file behind."""

    def __init__(self, trace: Path) -> None:
        self.trace = trace

    def __reduce__(self) -> tuple[Any, tuple[str]]:
        return os.system, (f"touch {self.trace}",)


def refused(file: Path, folder: Path, *arguments: str | Path, code: int = 3) -> str:
    """Convert it; the sentence of the refusal. Nothing may be published."""
    labels = folder / "labels.txt"
    labels.write_text("a\nb\nc\n")
    store = folder / "store"
    report = answer("keras", file, "--name", "m", "--store", store, "--labels", labels, *arguments)
    assert report.get("exit_code") == code, report
    assert not store.exists()
    assert report["error"]
    return f"{report['error']} {report['advice']}"


def lambda_layer() -> dict[str, Any]:
    code = base64.b64encode(b"\xe3\x01\x00\x00").decode()
    return layer("Lambda", "trick", function=[code, None, None], function_type="lambda")


def test_a_lambda_with_code_is_refused_by_name_and_position(tmp_path: Path) -> None:
    file = save_h5(tmp_path / "m.h5", sequential((42,), lambda_layer(), DENSE), {"answer": dense_weights(42, 3)})
    said = refused(file, tmp_path)
    assert "Layer 1, 'trick', is a Lambda" in said
    assert "never run" in said


def test_a_custom_layer_is_refused_and_its_module_not_imported(tmp_path: Path) -> None:
    (tmp_path / "evil_layers.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w')")
    entry = layer("Gate", "gate") | {"module": "evil_layers", "registered_name": "evil>Gate"}
    file = save_h5(tmp_path / "m.h5", sequential((42,), DENSE, entry), {"answer": dense_weights(42, 3)})
    said = refused(file, tmp_path)
    assert "Layer 2, 'gate'" in said
    assert "evil>Gate" in said
    assert not (tmp_path / "ran").exists()


def test_shapes_far_over_the_files_size_take_no_memory(tmp_path: Path) -> None:
    file = small_classifier(tmp_path / "m.h5")
    with h5py.File(file, "a") as root:
        group = root["model_weights/answer"]
        del group["answer/kernel:0"]
        group.create_dataset("answer/kernel:0", (1 << 20, 1 << 20), "f4", chunks=(64, 64))
    assert "declares the shape" in refused(file, tmp_path)
    assert resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss < 2 << 20  # KiB; 4 TiB were declared


@pytest.mark.parametrize(
    "entry",
    [
        layer("RepeatVector", "many", n=1 << 40),
        layer("ZeroPadding1D", "wide", padding=[1 << 35, 0]),
        layer("UpSampling1D", "tall", size=1 << 33),
    ],
    ids=lambda entry: entry["class_name"],
)
def test_a_config_that_asks_for_enormous_tensors_is_refused(entry: dict[str, Any], tmp_path: Path) -> None:
    before = [] if entry["class_name"] == "RepeatVector" else [layer("Reshape", "steps", target_shape=[21, 2])]
    file = save_h5(tmp_path / "m.h5", sequential((42,), *before, entry), {})
    assert "numbers are allowed" in refused(file, tmp_path)


@pytest.mark.parametrize("kind", ["external link", "soft link", "external storage", "virtual"])
def test_ways_out_of_the_file_are_refused(kind: str, tmp_path: Path) -> None:
    file = small_classifier(tmp_path / "m.h5")
    with h5py.File(file, "a") as root:
        group = root["model_weights/answer/answer"]
        del group["bias:0"]
        match kind:
            case "external link":
                group["bias:0"] = h5py.ExternalLink("/etc/passwd", "/")
            case "soft link":
                group["bias:0"] = h5py.SoftLink("/elsewhere")
            case "external storage":
                group.create_dataset("bias:0", (3,), "f4", external=[("/etc/passwd", 0, 12)])
            case "virtual":
                plan = h5py.VirtualLayout((3,), "f4")
                plan[:] = h5py.VirtualSource("/etc/passwd", "x", (3,))
                group.create_virtual_dataset("bias:0", plan)
    said = refused(file, tmp_path)
    assert "another" in said


def keras_zip(path: Path, entries: dict[str, bytes | str], compression: int = zipfile.ZIP_STORED) -> Path:
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, content in entries.items():
            archive.writestr(name, content)
    return path


@pytest.mark.parametrize("name", ["../../outside.txt", "/outside.txt", "a/..\\..\\outside.txt", "C:outside.txt"])
def test_zip_entries_that_point_out_are_refused(name: str, tmp_path: Path) -> None:
    file = keras_zip(tmp_path / "m.keras", {"config.json": "{}", "model.weights.h5": b"x", name: b"x"})
    assert "points out of it" in refused(file, tmp_path)
    assert not list(tmp_path.parent.glob("outside*"))


def test_a_zip_bomb_is_refused_before_it_unpacks(tmp_path: Path) -> None:
    entries: dict[str, bytes | str] = {"config.json": "{}", "model.weights.h5": b"\0" * (200 << 20)}
    file = keras_zip(tmp_path / "m.keras", entries, zipfile.ZIP_DEFLATED)
    assert "would unpack to" in refused(file, tmp_path)


def nested(depth: int) -> str:
    return '{"class_name": "Sequential", "config": {"layers": [' * depth + "]}}" * depth


def cyclic() -> dict[str, Any]:
    def dense(name: str, source: str) -> dict[str, Any]:
        return layer("Dense", name, units=4) | {"name": name, "inbound_nodes": [[[source, 0, 0, {}]]]}

    config = {
        "name": "loop",
        "layers": [
            layer("InputLayer", "x", batch_input_shape=[None, 4]) | {"name": "x", "inbound_nodes": []},
            dense("a", "b"),
            dense("b", "a"),
        ],
        "input_layers": [["x", 0, 0]],
        "output_layers": [["b", 0, 0]],
    }
    return {"class_name": "Functional", "config": config}


@pytest.mark.parametrize("depth", [100, 10_000])
def test_a_deep_config_is_refused(depth: int, tmp_path: Path) -> None:
    said = refused(save_h5(tmp_path / "m.h5", nested(depth), {}), tmp_path)
    assert "nested" in said


def test_a_cyclic_config_is_refused(tmp_path: Path) -> None:
    weights = {"a": dense_weights(4, 4), "b": dense_weights(4, 4)}
    assert "wait for each other: a, b" in refused(save_h5(tmp_path / "m.h5", cyclic(), weights), tmp_path)


def test_a_cyclic_hdf5_group_is_refused_or_read_but_ends(tmp_path: Path) -> None:
    file = small_classifier(tmp_path / "m.h5")
    with h5py.File(file, "a") as root:
        root["model_weights/answer/again"] = root["model_weights"]
    assert command("inspect", file).exit_code in (0, 3)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_weights_that_are_no_numbers_are_refused_by_name(value: float, tmp_path: Path) -> None:
    weights = dense_weights(42, 3)
    weights["kernel"][1, 2] = value
    said = refused(save_h5(tmp_path / "m.h5", sequential((42,), DENSE), {"answer": weights}), tmp_path)
    assert "answer/kernel:0" in said


def test_a_pickle_that_calls_the_system_is_refused_and_runs_nothing(tmp_path: Path) -> None:
    trace = tmp_path / "ran"
    info = tmp_path / "model_info.pkl"
    info.write_bytes(pickle.dumps({"labels": ["a", "b", "c"], "more": Bomb(trace)}))
    file = small_classifier(tmp_path / "m.h5")
    said = refused(file, tmp_path, "--labels", info)
    assert "system" in said
    assert not trace.exists()


@pytest.mark.parametrize(
    ("source", "says"),
    [
        ("cbuiltins\neval\n(S'1+1'\ntR.", "could run code"),
        ("cnumpy.core.multiarray\nfromfile\n(S'x'\ntR.", "could run code"),
        ("c__main__\nx\n(tR.", "could run code"),
        ("cnumpy.core.multiarray\nfromfile\n.", "holds no labels that are understood"),
        ("(c__main__\nx\nS'b'\nl.", "holds no labels that are understood"),
    ],
)
def test_pickles_reach_no_other_names(source: str, says: str, tmp_path: Path) -> None:
    info = tmp_path / "model_info.pkl"
    info.write_bytes(source.encode())
    assert says in refused(small_classifier(tmp_path / "m.h5"), tmp_path, "--labels", info)


def truncated(path: Path) -> None:
    small_classifier(path)
    path.write_bytes(path.read_bytes()[:3000])


def wrong_weights(path: Path) -> None:
    save_h5(path, sequential((42,), DENSE), {"answer": dense_weights(41, 3)})


FOREIGN: dict[str, tuple[str, Callable[[Path], Any], str]] = {
    "lfs pointer": (
        "m.h5",
        lambda p: p.write_text("version https://git-lfs.github.com/spec/v1\noid x\n"),
        "git lfs pull",
    ),
    "tflite": ("m.tflite", lambda p: p.write_bytes(b"\x1c\0\0\0TFL3" + bytes(64)), "TensorFlow Lite"),
    "web page": ("m.h5", lambda p: p.write_text("<!DOCTYPE html><html>404</html>"), "web page"),
    "empty": ("m.h5", lambda p: p.write_bytes(b""), "empty"),
    "pickle": ("m.h5", lambda p: p.write_bytes(pickle.dumps({"a": 1})), "pickle"),
    "json": ("m.json", lambda p: p.write_text(json.dumps({"class_name": "Sequential"})), "--architecture"),
    "truncated": ("m.h5", truncated, "truncated"),
    "damaged zip": ("m.keras", lambda p: p.write_bytes(b"PK\x03\x04" + bytes(100)), "damaged"),
    "torch zip": ("m.pt", lambda p: keras_zip(p, {"archive/data.pkl": b"x"}), "PyTorch"),
    "foreign hdf5": ("m.h5", lambda p: h5py.File(p, "w").close(), "without a Keras model"),
    "noise": (
        "m.h5",
        lambda p: p.write_bytes(b"\x01\x02\x03" * 50),
        "no Keras, ONNX, TensorFlow Lite, XGBoost or scikit-learn file",
    ),
    "other weights": ("m.h5", wrong_weights, "do not fit"),
}


@pytest.mark.parametrize("name", FOREIGN)
def test_foreign_and_broken_files_say_what_to_do(name: str, tmp_path: Path) -> None:
    file_name, make, expected = FOREIGN[name]
    make(tmp_path / file_name)
    assert expected in refused(tmp_path / file_name, tmp_path)


def test_a_saved_model_folder_says_what_to_do(tmp_path: Path) -> None:
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "saved_model.pb").write_bytes(b"x")
    assert "SavedModel" in refused(folder, tmp_path)


def test_a_missing_file_is_a_wrong_call(tmp_path: Path) -> None:
    assert "no file" in refused(tmp_path / "nothing.h5", tmp_path, code=2)


def test_an_onnx_file_with_weights_elsewhere_or_foreign_operators_is_refused(tmp_path: Path) -> None:
    def graph(node: Any, tensor: Any, domain: str) -> bytes:
        ports = [helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n", 3]) for name in "xy"]
        made = helper.make_graph([node], "g", ports[:1], ports[1:], [tensor])
        content: bytes = helper.make_model(
            made, opset_imports=[helper.make_opsetid("", 17), helper.make_opsetid(domain, 1)], ir_version=8
        ).SerializeToString()
        return content

    weight = helper.make_tensor("w", TensorProto.FLOAT, [3], [1.0, 2.0, 3.0])
    outside = helper.make_tensor("w", TensorProto.FLOAT, [3], [1.0, 2.0, 3.0])
    outside.data_location = TensorProto.EXTERNAL
    outside.ClearField("float_data")
    outside.external_data.add(key="location", value="../../etc/passwd")
    add = helper.make_node("Add", ["x", "w"], ["y"])
    cases = {
        "foreign": graph(helper.make_node("Run", ["x", "w"], ["y"], domain="evil"), weight, "evil"),
        "elsewhere": graph(add, outside, "ai.onnx.ml"),
    }
    for name, content in cases.items():
        file = tmp_path / f"{name}.onnx"
        file.write_bytes(content)
        assert command("inspect", file).exit_code == 3, name
