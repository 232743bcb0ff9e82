"""What the caller settles is no longer assumed."""

from pathlib import Path

from service.registry.manifest import read_manifest
from tests.convert.made import dense_weights, layer, recurrent_weights, save_h5, sequential
from tests.convert.running import command


def test_a_value_that_was_set_is_kept_as_an_override_and_no_longer_assumed(tmp_path: Path) -> None:
    weights = {"rnn": recurrent_weights(63, 4, 4), "answer": dense_weights(4, 2)}
    dense = layer("Dense", "answer", units=2, activation="softmax")
    file = save_h5(tmp_path / "m.h5", sequential((30, 63), layer("LSTM", "rnn", units=4), dense), weights)
    (tmp_path / "labels.txt").write_text("a\nb\n")
    result = command(
        "keras", file, "--name", "m", "--store", tmp_path / "store", "--labels", tmp_path / "labels.txt",
        "--pipeline", "one-hand", "--set", "length.pad=post", "--set", "sampling.rate=15",
    )  # fmt: skip
    assert result.exit_code == 0, result.stderr
    source = read_manifest(tmp_path / "store" / "m" / "1" / "manifest.json").source
    assert source is not None
    assert source.overrides == {"length.pad": "post", "sampling.rate": 15}
    assert not any(sentence.startswith(("length:", "sampling:")) for sentence in source.assumptions)
    assert any(sentence.startswith("time:") for sentence in source.assumptions)
