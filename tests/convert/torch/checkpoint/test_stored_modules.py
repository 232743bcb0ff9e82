"""Recurrent networks in every form that PyTorch has saved them in, under any name, answer as the original."""

from pathlib import Path

import pytest

from tests.convert.running import answer, command

DATA = Path(__file__).parents[3] / "data" / "torch"


@pytest.mark.parametrize(
    ("name", "golden", "framework"),
    [
        ("lstm_ts.pt", "lstm_ts.npz", "pytorch (torchscript)"),
        ("rnn_script.pt", "rnn.npz", "pytorch (torchscript)"),
        ("rnn_dumped.pkl", "rnn.npz", "pytorch (pickle)"),
        ("rnn_module.p", "rnn.npz", "pytorch (pickle)"),
        ("rnn_legacy.pkl", "rnn.npz", "pytorch (legacy)"),
    ],
)
def test_a_network_is_known_by_its_content_and_says_what_it_said(
    name: str, golden: str, framework: str, tmp_path: Path
) -> None:
    assert answer("inspect", DATA / name)["framework"] == framework
    labels = tmp_path / "labels.txt"
    labels.write_text("a\nb\nc\nd\n")
    result = command(
        "torch", DATA / name, "--name", "m", "--store", tmp_path / "store", "--labels", labels, "--readout", "last",
        "--golden", DATA / golden,
    )  # fmt: skip
    assert result.exit_code == 0, result.stderr
    assert "from the golden file" in result.stdout
