"""Weights without their architecture: it comes as Keras' JSON, however that was written, or by its name."""

import json
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from tests.convert.made import Arrays, dense_weights, layer, recurrent_weights, save_h5, sequential
from tests.convert.running import answer, command, read, session_of

STACK: dict[str, Arrays] = {
    "lstm": recurrent_weights(63, 8, 4, 1),
    "lstm_1": recurrent_weights(8, 6, 4, 2),
    "dense": dense_weights(6, 5),
    "dense_1": dense_weights(5, 3),
}
WHOLE = sequential(
    (30, 63),
    layer("LSTM", "lstm", units=8, activation="relu", return_sequences=True),
    layer("LSTM", "lstm_1", units=6, activation="relu"),
    layer("Dense", "dense", units=5, activation="relu"),
    layer("Dense", "dense_1", units=3, activation="softmax"),
)


def _save_weights(path: Path, weights: dict[str, Arrays]) -> Path:
    """As model.save_weights of Keras 2 writes them."""
    with h5py.File(path, "w") as file:
        file.attrs["keras_version"] = "2.15.0"
        file.attrs["layer_names"] = [name.encode() for name in weights]
        for name, arrays in weights.items():
            group = file.create_group(name)
            group.attrs["weight_names"] = [f"{name}/{role}:0".encode() for role in arrays]
            for role, array in arrays.items():
                group.create_dataset(f"{name}/{role}:0", data=array)
    return path


def _save_weights_by_path(path: Path, weights: dict[str, Arrays]) -> Path:
    """As model.save_weights of Keras 3 writes them (.weights.h5)."""
    with h5py.File(path, "w") as file:
        for name, arrays in weights.items():
            place = f"layers/{name}/cell/vars" if "recurrent_kernel" in arrays else f"layers/{name}/vars"
            for number, array in enumerate(arrays.values()):
                file.create_dataset(f"{place}/{number}", data=array)
    return path


def _answers(graph: Any) -> np.ndarray[Any, Any]:
    session, _ = session_of(graph)
    return session.run([np.sin(np.arange(30 * 63, dtype=np.float32)).reshape(1, 30, 63)])[0]


@pytest.mark.parametrize(
    "written",
    [
        json.dumps(WHOLE).encode(),
        b"\xef\xbb\xbf" + json.dumps(WHOLE).encode(),
        json.dumps(WHOLE).encode("utf-16"),
        json.dumps(json.dumps(WHOLE)).encode(),
        json.dumps({**WHOLE, "keras_version": "2.15.0", "backend": "tensorflow"}, indent=2).encode(),
    ],
    ids=["plain", "marked", "utf-16", "twice", "with its version"],
)
def test_the_architecture_may_lie_beside_it(written: bytes, tmp_path: Path) -> None:
    beside = tmp_path / "model.json"
    beside.write_bytes(written)
    whole = read(save_h5(tmp_path / "whole.h5", WHOLE, STACK))
    assert _answers(read(_save_weights(tmp_path / "w.h5", STACK), beside)) == pytest.approx(_answers(whole))


@pytest.mark.parametrize("save", [_save_weights, _save_weights_by_path])
def test_the_common_action_network_is_known_by_name(save: Any, tmp_path: Path) -> None:
    file = save(tmp_path / "action.weights.h5", STACK)
    refused = command("inspect", file)
    assert refused.exit_code == 3
    assert "--arch action-lstm" in refused.stderr
    graph = read(file, arch="action-lstm")
    assert "relu in every layer" in graph.warnings[0]
    whole = read(save_h5(tmp_path / "whole.h5", WHOLE, STACK))
    assert _answers(graph) == pytest.approx(_answers(whole))


def test_what_inspect_prints_names_the_architecture_and_the_file_again(tmp_path: Path) -> None:
    folder = tmp_path / "my models"
    folder.mkdir()
    file = _save_weights(folder / "action.h5", STACK)
    printed = answer("inspect", file, "--arch", "action-lstm")["command"]
    assert f"'{file}'" in printed
    assert "--arch action-lstm" in printed


def test_another_network_is_not_taken_for_it(tmp_path: Path) -> None:
    file = _save_weights(tmp_path / "w.h5", {"dense": dense_weights(4, 3)})
    refused = command("inspect", file, "--arch", "action-lstm")
    assert refused.exit_code == 3
    assert "LSTM layers and then Dense layers" in refused.stderr
