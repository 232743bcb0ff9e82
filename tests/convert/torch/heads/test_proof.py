"""A head whose structure is not in its file: proven by its author's answers, said by flags, or named not proven."""

from pathlib import Path

import numpy as np
import pytest

from convert.torch.checkpoint.checkpoint import open_checkpoint
from convert.torch.heads.convert import open_head
from convert.torch.heads.flags import HeadFlags
from service.registry.manifest import read_manifest
from tests.convert.running import answer, command

DATA = Path(__file__).parents[3] / "data" / "proof"
CASES = {
    "t_mlp42.pth": ("net.0 relu net.2 net.4 relu net.6", ()),
    "lstm_proj.pt": ("proj lstm last head.0 head.1 relu head.4", ()),
    "convpool.pt": (
        "conv.0:padding=same relu maxpool:2 conv.3:padding=same relu maxpool:2 flatten fc.1",
        ("--steps", "30"),
    ),
}


def asked(name: str, tmp_path: Path, *more: str) -> tuple[str, ...]:
    (tmp_path / "labels.txt").write_text("a\nb\nc\nd\n")
    labels = str(tmp_path / "labels.txt")
    return ("torch", str(DATA / name), "--name", "m", "--store", str(tmp_path / "store"), "--labels", labels, *more)


@pytest.mark.parametrize("name", CASES)
def test_a_guess_is_not_published_and_what_else_fits_is_listed(name: str, tmp_path: Path) -> None:
    result = command(*asked(name, tmp_path))
    assert result.exit_code == 3
    assert result.stderr.startswith("Not proven: ")
    assert f"--order '{CASES[name][0]}'" in result.stderr
    assert "--golden" in result.stderr
    assert "--assume" in result.stderr
    assert not (tmp_path / "store").exists()


@pytest.mark.parametrize("name", CASES)
def test_the_golden_file_finds_the_structure(name: str, tmp_path: Path) -> None:
    golden = (DATA / name).with_suffix(".npz")
    report = answer(*asked(name, tmp_path, "--golden", str(golden)))
    assert report["proven"]
    assert [one["reference"] for one in report["parity"]] == ["numpy", "golden"]
    assert report["parity"][-1]["max_abs_diff"] <= 1e-6
    assert report["overrides"]["torch"]["order"] == CASES[name][0]
    parity = read_manifest(tmp_path / "store" / "m" / "1" / "manifest.json").parity
    assert parity is not None
    assert parity.proven


@pytest.mark.parametrize("name", CASES)
def test_an_order_that_is_said_is_declared_and_right(name: str, tmp_path: Path) -> None:
    order, more = CASES[name]
    report = answer(*asked(name, tmp_path, "--order", order, *more))
    assert {"fact": "structure", "value": order, "origin": "declared"} in report["facts"]
    golden = (DATA / name).with_suffix(".npz")
    verified = answer("verify", "m", "--store", str(tmp_path / "store"), "--golden", str(golden))
    assert verified["parity"][0]["max_abs_diff"] <= 1e-6


def test_what_is_assumed_is_named_not_proven(tmp_path: Path) -> None:
    result = command(*asked("t_mlp42.pth", tmp_path, "--assume"))
    assert result.exit_code == 0, result.stderr
    assert "Parity, not proven" in result.stdout
    assert "Read from the file: weights, parts" in result.stdout
    assert "structure" in next(line for line in result.stdout.splitlines() if line.startswith("Assumed: "))


def test_a_golden_file_of_another_network_publishes_nothing_and_blames_nobody(tmp_path: Path) -> None:
    with np.load(DATA / "t_mlp42.npz") as known:
        np.savez(tmp_path / "other.npz", x0=known["x0"], y0=known["y0"] + 1)
    result = command(*asked("t_mlp42.pth", tmp_path, "--golden", str(tmp_path / "other.npz")))
    assert result.exit_code == 4
    assert "None of the" in result.stderr
    assert "report" not in result.stderr
    assert not (tmp_path / "store").exists()


def test_inputs_and_outputs_may_be_two_npy_files(tmp_path: Path) -> None:
    with np.load(DATA / "lstm_proj.npz") as known:
        np.save(tmp_path / "x.npy", known["x0"])
        np.save(tmp_path / "y.npy", known["y0"])
    pair = f"{tmp_path / 'x.npy'},{tmp_path / 'y.npy'}"
    assert answer(*asked("lstm_proj.pt", tmp_path, "--golden", pair))["proven"]


@pytest.mark.parametrize(
    ("order", "says"),
    [
        ("net.0 relu net.2 net.4", "leaves out net.6"),
        ("net.0 net.0 net.2 net.4 net.6", "names net.0 twice"),
        ("net.0 swoosh net.2 net.4 net.6", "'swoosh' is neither a part of the file nor a function"),
        ("net.0 net.2:eps=x net.4 net.6", "is no number"),
    ],
)
def test_an_order_that_cannot_be_is_refused(order: str, says: str, tmp_path: Path) -> None:
    result = command(*asked("t_mlp42.pth", tmp_path, "--order", order))
    assert result.exit_code == 2
    assert says in result.stderr


def test_a_golden_file_tells_a_functional_head_from_its_indexed_twin() -> None:
    """Kept heads: relu between a projection and a GRU, which is nowhere in the file."""
    data = DATA.parent / "torch"
    with open_checkpoint(data / "gru_deep.pt") as checkpoint:
        model = open_head(data / "gru_deep.pt", checkpoint, HeadFlags(), data / "gru_deep.npz")
    assert model.record["order"] == "norm proj relu gru last head.0 head.1 relu head.4"
