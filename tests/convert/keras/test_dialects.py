"""Keras 1, 2 and 3 say the same things in other words; all of them are understood."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from convert.keras.dialects import read_major_version, zeroes_masked_steps_both_ways
from convert.keras.weights import snake_case
from tests.convert.made import dense_weights, layer, recurrent_weights, save_h5, sequential
from tests.convert.running import read, session_of

X = np.random.default_rng(1).uniform(-1, 1, (3, 6, 4)).astype(np.float32)


def answers(path: Path, architecture: Any, weights: Any, version: str) -> np.ndarray[Any, Any]:
    session, _ = session_of(read(save_h5(path, architecture, weights, version)))
    return session.run([X if len(session.input_shapes[0]) == 3 else X[:, 0]])[0]


@pytest.mark.parametrize(
    ("version", "expected"), [("1.2.2", 1), ("2.2.4-tf", 2), ("2.15.0", 2), ("3.12.1", 3), ("", 2), ("nightly", 2)]
)
def test_the_major_version_is_found(version: str, expected: int) -> None:
    assert read_major_version(version) == expected


def test_a_sequential_may_be_a_bare_list_without_an_input_layer(tmp_path: Path) -> None:
    weights = {"d": dense_weights(4, 3)}
    entry = layer("Dense", "d", units=3, activation="tanh")
    wanted = answers(tmp_path / "a.h5", sequential((4,), entry), weights, "2.15.0")
    bare = layer("Dense", "d", units=3, activation="tanh", batch_input_shape=[None, 4])
    got = answers(tmp_path / "b.h5", {"class_name": "Sequential", "config": [bare]}, weights, "2.0.5")
    assert np.array_equal(got, wanted)


def test_keras_1_names_and_gates_are_understood(tmp_path: Path) -> None:
    fused = recurrent_weights(4, 3, 4)
    gates = {role: np.split(array, 4, axis=-1) for role, array in fused.items()}
    entry = layer("LSTM", "rnn", units=3, activation="tanh", recurrent_activation="hard_sigmoid")
    wanted = answers(tmp_path / "a.h5", sequential((6, 4), entry), {"rnn": fused}, "2.15.0")
    apart = {}
    for letter, index in (("i", 0), ("c", 2), ("f", 1), ("o", 3)):
        for short, role in (("W", "kernel"), ("U", "recurrent_kernel"), ("b", "bias")):
            apart[f"rnn_{short}_{letter}"] = gates[role][index]
    old = {"output_dim": 3, "activation": "tanh", "inner_activation": "hard_sigmoid", "batch_input_shape": [None, 6, 4]}
    architecture = {"class_name": "Sequential", "config": [layer("LSTM", "rnn", **old)]}
    assert np.array_equal(answers(tmp_path / "b.h5", architecture, {"rnn": apart}, "1.2.2"), wanted)


def test_weights_of_renamed_layers_are_found_by_order(tmp_path: Path) -> None:
    entries = [layer("Dense", name, units=4, activation="tanh") for name in ("first", "second")]
    weights = {"dense_7": dense_weights(4, 4, 1), "dense_8": dense_weights(4, 4, 2)}
    got = answers(tmp_path / "a.h5", sequential((4,), *entries), weights, "2.15.0")
    wanted = X[:, 0]
    for one in weights.values():
        wanted = np.tanh(wanted @ one["kernel"] + one["bias"])
    assert np.abs(got - wanted).max() <= 1e-6


@pytest.mark.parametrize(
    ("version", "expected"), [("2.2.4-tf", True), ("2.3.1", False), ("2.4.0", True), ("3.0.0", True)]
)
def test_masked_sequences_both_ways_are_zero_since_tf_keras(version: str, expected: bool) -> None:
    assert zeroes_masked_steps_both_ways(version) is expected


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("BatchNormalization", "batch_normalization"), ("LSTM", "lstm"), ("Conv1D", "conv1d"),
        ("GlobalAveragePooling1D", "global_average_pooling1d"), ("PReLU", "p_re_lu"), ("GRU", "gru"),
    ],
)  # fmt: skip
def test_paths_of_keras_3_are_written_as_it_writes_them(name: str, expected: str) -> None:
    assert snake_case(name) == expected


def test_a_fixed_batch_and_half_precision_are_said(tmp_path: Path) -> None:
    entry = layer("Dense", "d", units=3, activation="tanh", dtype="mixed_float16")
    architecture = sequential((4,), entry)
    architecture["config"]["layers"][0]["config"]["batch_input_shape"] = [8, 4]
    graph = read(save_h5(tmp_path / "m.h5", architecture, {"d": dense_weights(4, 3)}))
    assert any("half precision" in warning for warning in graph.warnings)
    assert any("fixed at 8" in warning for warning in graph.warnings)
    assert graph.inputs[0].shape == (None, 4)
