"""Real files of other people reproduce the outputs that their own Keras gave."""

import json
from pathlib import Path

import numpy as np
import pytest

from convert.graph.export import export
from convert.parity import measure_reference
from tests.convert.made import layer, sequential
from tests.convert.running import command, read, session_of

FILES = [
    "hand_keypoint_k240.h5", "point_history_k240.h5", "tello_keypoint_k240.h5", "slr_letters24_k212.h5",
    "libras_keypoint_k350.keras", "handmotion_landmarks63_k370.h5", "gesturesai_bn3_k3121.h5",
    "gesturesai_sigmoid_k3121.h5", "angles_lstm_relu_k240.h5", "lsec_lstm_bn_k3120.keras",
    "fer_mini_xception64_k205.h5", "fer_mini_xception48_k205.h5", "kdef_tiny_xception_k205.h5",
    "smnist_cnn_k2150.h5", "asl27_weightsonly_k224.h5", "tm_mobilenetv2_k240.h5",
]  # fmt: skip


@pytest.mark.parametrize("name", FILES)
def test_a_real_file_says_what_its_author_saw(name: str, testdata: Path) -> None:
    file = testdata / "keras" / "models" / name
    beside = file.with_suffix(".json")
    session, _ = session_of(read(file, beside if beside.is_file() else None))
    with np.load(testdata / "keras" / "golden" / f"{file.stem}.npz") as golden:
        for inputs, outputs, allowed in (("x0", "y0", 1e-5), ("xr0", "yr0", 1e-4)):
            if inputs in golden.files:
                got = session.run([golden[inputs].astype(np.float32)])[0]
                assert np.abs(got - golden[outputs]).max() <= allowed


@pytest.mark.parametrize("name", ["gesturesai_bn3_k3121.h5", "angles_lstm_relu_k240.h5", "smnist_cnn_k2150.h5"])
def test_the_graph_of_a_real_file_agrees_with_the_reference(name: str, testdata: Path) -> None:
    graph = read(testdata / "keras" / "models" / name)
    assert measure_reference(graph, export(graph).model.SerializeToString()).passed


def test_the_holistic_weights_convert_with_an_architecture_beside_them(testdata: Path, tmp_path: Path) -> None:
    beside = tmp_path / "architecture.json"
    lstm = {"activation": "relu", "use_bias": True}
    layers = [
        layer("LSTM", "lstm", units=64, return_sequences=True, **lstm),
        layer("LSTM", "lstm_1", units=128, return_sequences=True, **lstm),
        layer("LSTM", "lstm_2", units=64, **lstm),
        layer("Dense", "dense", units=64, activation="relu"),
        layer("Dense", "dense_1", units=32, activation="relu"),
        layer("Dense", "dense_2", units=3, activation="softmax"),
    ]
    beside.write_text(json.dumps({**sequential((30, 1662), *layers), "keras_version": "2.9.0"}))
    file = testdata / "keras" / "models" / "holistic_lstm1662_weightsonly_k290.h5"
    session, _ = session_of(read(file, beside))
    with np.load(testdata / "keras" / "golden" / f"{file.stem}.npz") as golden:
        assert np.abs(session.run([golden["x0"]])[0] - golden["y0"]).max() <= 1e-5


def test_weights_without_an_architecture_are_refused_with_what_to_do(testdata: Path, tmp_path: Path) -> None:
    file = testdata / "keras" / "models" / "asl27_weightsonly_k224.h5"
    result = command("keras", file, "--name", "asl", "--store", tmp_path)
    assert result.exit_code == 3
    assert "--architecture" in result.stderr


def test_four_labels_for_five_outputs_are_refused_with_both_figures(testdata: Path, tmp_path: Path) -> None:
    labels = tmp_path / "labels.txt"
    labels.write_text("A Libras\nB Libras\nC Libras\nL Libras\n")
    file = testdata / "keras" / "models" / "libras_keypoint_k350.keras"
    arguments = ("keras", file, "--name", "libras", "--store", tmp_path / "store", "--labels", labels)
    result = command(*arguments)
    assert result.exit_code == 3
    assert "4 labels" in result.stderr
    assert "5 outputs" in result.stderr
    assert not (tmp_path / "store").exists()
    labels.write_text(labels.read_text() + "other\n")
    assert command(*arguments).exit_code == 0
