"""The command line: what it publishes, what it says, how it ends."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from service.registry.manifest import Manifest, read_manifest
from tests.convert.made import dense_weights, layer, recurrent_weights, save_h5, sequential, small_classifier
from tests.convert.running import answer, command


@pytest.fixture
def labels(tmp_path: Path) -> Path:
    path = tmp_path / "labels.txt"
    path.write_text("Open\nClose\nPointer\n")
    return path


@pytest.fixture
def store(tmp_path: Path) -> Path:
    return tmp_path / "store"


def published(store: Path, name: str, version: int = 1) -> Manifest:
    return read_manifest(store / name / str(version) / "manifest.json")


def test_importing_the_converter_is_cheap() -> None:
    code = "import time; t = time.perf_counter(); import convert; assert time.perf_counter() - t < 0.3"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_without_a_pipeline_it_publishes_what_it_finds_and_says_so(tmp_path: Path, store: Path, labels: Path) -> None:
    file = small_classifier(tmp_path / "m.h5")
    result = command("keras", file, "--name", "hand", "--store", store, "--labels", labels)
    assert result.exit_code == 0
    assert "No pipeline was given. Found hand-keypoints" in result.stdout
    assert "assumed: the author ran MediaPipe on the mirrored frame" in result.stdout
    assert published(store, "hand").pipeline.kind == "keypoints"
    assert "version 2" in command("keras", file, "--name", "hand", "--store", store, "--labels", labels).stdout


def test_where_nothing_fits_it_publishes_without_a_pipeline(tmp_path: Path, store: Path, labels: Path) -> None:
    report = answer(
        "keras", small_classifier(tmp_path / "m.h5", inputs=17), "--name", "odd", "--store", store, "--labels", labels
    )
    assert "kind `tensor`" in report["notes"][0]
    assert published(store, "odd").pipeline.kind == "tensor"


def test_a_head_without_the_model_that_it_reads_is_published_all_the_same(
    tmp_path: Path, store: Path, labels: Path
) -> None:
    weights = {"rnn": recurrent_weights(4096, 4, 4), "answer": dense_weights(4, 3)}
    dense = layer("Dense", "answer", units=3, activation="softmax")
    file = save_h5(tmp_path / "m.h5", sequential((8, 4096), layer("LSTM", "rnn", units=4), dense), weights)
    report = answer("keras", file, "--name", "head", "--store", store, "--labels", labels)
    assert "--requires" in report["notes"][0]
    assert published(store, "head").pipeline.kind == "tensor"


def test_a_section_and_details_from_files_become_the_manifest(tmp_path: Path, store: Path, labels: Path) -> None:
    weights = {"rnn": recurrent_weights(63, 4, 4), "answer": dense_weights(4, 3)}
    dense = layer("Dense", "answer", units=3, activation="softmax")
    file = save_h5(tmp_path / "m.h5", sequential((32, 63), layer("LSTM", "rnn", units=4), dense), weights)
    section = {
        "kind": "keypoints", "source": "hands", "mirror_left": True, "sampling": {"rate": 15},
        "layout": [{"part": "hand", "axes": ["x", "y", "z"]}], "derive": [{"step": "wrist_origin"}],
        "length": {"length": 32, "pad": "post"},
    }  # fmt: skip
    details = {
        "title": {"en": "Three", "ko": "셋"}, "language": "kvk", "unit": "word", "license": "MIT",
        "attribution": ["me"],
        "time": {"window_s": 2, "stride_s": 0.5}, "threshold": 0.4, "temperature": 1.3, "idle_labels": ["Close"],
        "evaluation": [{"dataset": "d", "protocol": "leave one person out", "accuracy": 0.9}],
        "label_text": {"Open": "open"},
    }  # fmt: skip
    (tmp_path / "p.json").write_text(json.dumps(section))
    (tmp_path / "d.json").write_text(json.dumps(details))
    arguments = ("--pipeline", tmp_path / "p.json", "--details", tmp_path / "d.json", "--labels", labels)
    result = command("keras", file, "--name", "three", "--store", store, *arguments, "--set", "sampling.every=2")
    assert result.exit_code == 0, result.stderr
    assert "set sampling.every = 2" in result.stdout
    manifest = published(store, "three")
    assert manifest.title == {"en": "Three", "ko": "셋"}
    assert manifest.output.threshold == 0.4
    assert manifest.output.temperature == 1.3
    assert manifest.idle_labels == ("Close",)
    assert manifest.time is not None
    assert manifest.time.window_s == 2
    assert manifest.source is not None
    assert manifest.source.overrides == {"sampling.every": 2}
    assert not any("sampling" in sentence for sentence in manifest.source.assumptions)
    assert manifest.parity is not None
    assert manifest.parity.reference == "numpy"
    assert manifest.parity.max_abs_diff <= manifest.parity.tolerance


@pytest.mark.parametrize(
    ("activation", "expected"), [("softmax", "probabilities"), ("linear", "softmax"), ("sigmoid", "probabilities")]
)
def test_what_is_yet_to_apply_is_found_out(
    activation: str, expected: str, tmp_path: Path, store: Path, labels: Path
) -> None:
    file = small_classifier(tmp_path / "m.h5", activation=activation)
    report = answer("keras", file, "--name", "m", "--store", store, "--labels", labels)
    assert report["activation"] == expected


def test_it_asks_where_the_graph_does_not_tell(tmp_path: Path, store: Path, labels: Path) -> None:
    file = small_classifier(tmp_path / "m.h5", activation="tanh")
    arguments = ("keras", file, "--name", "m", "--store", store, "--labels", labels)
    assert command(*arguments).exit_code == 2
    assert command(*arguments, "--activation", "softmax").exit_code == 0


def test_one_sigmoid_has_another_label_that_is_idle(tmp_path: Path, store: Path) -> None:
    file = small_classifier(tmp_path / "m.h5", classes=1, activation="sigmoid")
    (tmp_path / "one.txt").write_text("fist\n")
    assert command("keras", file, "--name", "m", "--store", store, "--labels", tmp_path / "one.txt").exit_code == 0
    assert published(store, "m").labels == ("other", "fist")
    assert published(store, "m").idle_labels == ("other",)


@pytest.mark.parametrize(
    "wrong",
    [
        ("--pipeline", "nothing"), ("--layout", "nothing"), ("--layout", "hand_63"), ("--set", "length.pad"),
        ("--set", "missing=guess"), ("--set", "nothing.at.all=3"), ("--details", "missing.json"),
        ("--labels", "no.txt"),
        ("--requires", "nobody"), ("--task", "dance"), ("--architecture", "missing.json"), ("--golden", "missing.npz"),
        ("--layout", "hand_42", "--pipeline", "hand-keypoints"), ("--threshold", "7"),
    ],
)  # fmt: skip
def test_wrong_calls_publish_nothing(wrong: tuple[str, ...], tmp_path: Path, store: Path, labels: Path) -> None:
    file = small_classifier(tmp_path / "m.h5")
    result = command("keras", file, "--name", "m", "--store", store, "--labels", labels, *wrong)
    assert result.exit_code in (2, 3)
    assert not list(store.glob("*/*"))


def test_a_sign_model_without_labels_is_asked_for_them(tmp_path: Path, store: Path) -> None:
    result = command("keras", small_classifier(tmp_path / "m.h5"), "--name", "m", "--store", store)
    assert result.exit_code == 2
    assert "--labels" in result.stderr
    features = command("keras", tmp_path / "m.h5", "--name", "m", "--store", store, "--task", "features")
    assert features.exit_code == 0


def test_a_graph_that_says_something_else_is_not_published(tmp_path: Path, store: Path, labels: Path) -> None:
    file = small_classifier(tmp_path / "m.h5")
    np.savez(tmp_path / "g.npz", x0=np.zeros((2, 42), np.float32), y0=np.full((2, 3), 1 / 3, np.float32))
    result = command("keras", file, "--name", "m", "--store", store, "--labels", labels, "--golden", tmp_path / "g.npz")
    assert result.exit_code == 4
    assert "max |difference|" in result.stderr
    assert not store.exists()


def test_inspect_names_the_preset_why_and_every_assumption(tmp_path: Path) -> None:
    report = answer("inspect", small_classifier(tmp_path / "m.h5"))
    assert report["presets"][0]["name"] == "hand-keypoints"
    assert "42 values" in report["presets"][0]["why"]
    assert report["presets"][0]["assumptions"]
    assert report["ending"] == "softmax"


def test_a_published_model_verifies_and_goes_in_again_as_onnx(tmp_path: Path, store: Path, labels: Path) -> None:
    file = small_classifier(tmp_path / "m.h5")
    assert command("keras", file, "--name", "m", "--store", store, "--labels", labels).exit_code == 0
    assert command("verify", "m", "--store", store).exit_code == 0
    assert command("verify", "m:7", "--store", store).exit_code == 2
    graph = store / "m" / "1" / "model.onnx"
    assert command("verify", graph).exit_code == 0
    report = answer("onnx", graph, "--name", "again", "--store", store, "--labels", labels)
    assert report["activation"] == "probabilities"
    assert published(store, "again").pipeline == published(store, "m").pipeline
    assert published(store, "again").parity is None  # it was compared with nothing but itself
    graph.write_bytes(graph.read_bytes()[:-10])
    assert command("verify", "m", "--store", store).exit_code == 3


def test_list_names_presets_layouts_layers_and_models(tmp_path: Path, store: Path, labels: Path) -> None:
    command("keras", small_classifier(tmp_path / "m.h5"), "--name", "m", "--store", store, "--labels", labels)
    report = answer("list", "--store", store)
    assert {"ksl-words", "action-holistic", "hand-keypoints"} <= set(report["presets"])
    assert report["layouts"]["hand_99"] == 99
    assert {"LSTM", "Bidirectional", "TimeDistributed"} <= set(report["layers"])
    assert report["presets"]["highlight-stats"]["task"] == "highlight"
    assert "x3d_s" in report["networks"]
    assert "binary:logistic" in report["objectives"]
    assert report["models"][0]["name"] == "m"


def test_verify_says_that_a_graph_is_of_another_network_than_the_golden_file(testdata: Path) -> None:
    """The author's own export of this checkpoint silently loaded none of its weights, and takes one channel for two."""
    folder = testdata / "keras" / "pytorch"
    result = command("verify", folder / "eegecg_author.onnx", "--golden", folder / "eegecg_golden.npz")
    assert result.exit_code == 4
    assert "[(4, 14, 384), (4, 2, 384)]" in result.output
    assert "[('B', 14, 'T'), ('B', 1, 'T')]" in result.output


def test_verify_gives_a_graph_of_bytes_the_golden_files_numbers_as_bytes(tmp_path: Path) -> None:
    graph = helper.make_graph(
        [helper.make_node("Cast", ["x"], ["y"], to=TensorProto.FLOAT)],
        "bytes",
        [helper.make_tensor_value_info("x", TensorProto.UINT8, ["batch", 4])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["batch", 4])],
    )
    onnx.save(
        helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9), tmp_path / "bytes.onnx"
    )
    levels = np.arange(8, dtype=np.float32).reshape(2, 4)
    np.savez(tmp_path / "golden.npz", x0=levels, y0=levels)
    result = command("verify", tmp_path / "bytes.onnx", "--golden", tmp_path / "golden.npz")
    assert result.exit_code == 0, result.output


def test_an_environment_that_only_serves_is_told_what_to_install() -> None:
    hidden = "import sys; sys.modules['onnx'] = None; import convert.__main__ as main; main.app(['list'])"
    done = subprocess.run([sys.executable, "-c", hidden], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert "needs onnx" in done.stderr
    assert "make convert" in done.stderr
