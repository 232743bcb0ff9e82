"""A command that `inspect` prints works as it is printed, once its capitals are filled in."""

import shlex
from pathlib import Path

import pytest

from tests.convert.made import conv3d_features, dense_weights, layer, recurrent_weights, save_h5, sequential
from tests.convert.running import answer, command


def _run_printed(file: Path, folder: Path, *, labels: int) -> str:
    """Type what was printed, with a name, labels and a store; what it then says."""
    written = folder / "labels.txt"
    written.write_text("".join(f"sign {number}\n" for number in range(labels)))
    words = shlex.split(answer("inspect", file)["command"])[3:]
    filled = [{"NAME": "m", "FILE": str(written)}.get(word, word) for word in words]
    result = command(*filled, "--store", folder / "store")
    assert result.exit_code == 0, result.stderr
    return result.stdout


def test_gestures_of_ten_values_are_not_taken_for_a_tension_head(tmp_path: Path) -> None:
    layers = [
        layer("Conv1D", "c", filters=4, kernel_size=[3], padding="same", activation="relu"),
        layer("GlobalAveragePooling1D", "g"),
        layer("Dense", "answer", units=5, activation="softmax"),
    ]
    weights = {"c": {"kernel": dense_weights(30, 4)["kernel"].reshape(3, 10, 4), "bias": dense_weights(1, 4)["bias"]}}
    file = save_h5(tmp_path / "glove.h5", sequential((20, 10), *layers), weights | {"answer": dense_weights(4, 5)})
    printed = command("inspect", file).stdout
    assert "Possible preset: highlight-sequence" in printed
    assert "as a head, if it reads another model's outputs" in printed
    assert "--requires" not in answer("inspect", file)["command"]
    assert "sign 4" in _run_printed(file, tmp_path, labels=5)


def test_a_head_with_one_number_is_still_likely_one(tmp_path: Path) -> None:
    weights = {"rnn": recurrent_weights(10, 4, 4), "answer": dense_weights(4, 1)}
    parts = [layer("LSTM", "rnn", units=4), layer("Dense", "answer", units=1, activation="sigmoid")]
    file = save_h5(tmp_path / "head.h5", sequential((20, 10), *parts), weights)
    assert "--requires MODEL" in answer("inspect", file)["command"]


def test_a_network_that_was_cut_before_its_classes_gives_features(tmp_path: Path) -> None:
    file = conv3d_features(tmp_path / "cut.h5")
    printed = answer("inspect", file)["command"]
    assert "--task features --pipeline c3d" in printed
    assert "--labels" not in printed
    assert "Published" in _run_printed(file, tmp_path, labels=0)


@pytest.mark.parametrize("activation", ["relu", "tanh", "softmax", "linear"])
def test_an_ending_that_does_not_tell_is_asked_for(activation: str, tmp_path: Path) -> None:
    part = layer("Dense", "answer", units=3, activation=activation)
    file = save_h5(tmp_path / "m.h5", sequential((42,), part), {"answer": dense_weights(42, 3)})
    assert "Published" in _run_printed(file, tmp_path, labels=3)


def test_an_input_of_more_numbers_than_any_model_takes_is_refused_before_it_is_tried(tmp_path: Path) -> None:
    layers = [layer("GlobalAveragePooling1D", "g"), layer("Dense", "answer", units=3, activation="softmax")]
    file = save_h5(tmp_path / "m.h5", sequential((8_000_000, 126), *layers), {"answer": dense_weights(126, 3)})
    result = command("inspect", file)
    assert result.exit_code == 3
    assert "The input x makes a tensor of the shape (None, 8000000, 126)" in result.stderr
