"""`convert torch` and `convert inspect` as a person calls them, without torch."""

import json
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from convert.__main__ import app
from tests.convert.torch.checkpoints_made import Called, Checkpoint, Named


def run(*words: str) -> tuple[int, str]:
    result = CliRunner().invoke(app, list(words))
    return result.exit_code, result.output


@pytest.fixture
def x3d(tmp_path: Path) -> Path:
    made = Checkpoint()
    state = {
        "model.blocks.0.conv.conv_t.weight": made.tensor(np.ones((24, 3, 1, 3, 3))),
        "model.blocks.5.proj.weight": made.tensor(np.ones((2, 2048))),
        "model.blocks.5.proj.bias": made.tensor(np.ones(2)),
        "criterion.weight": made.tensor(np.ones(2)),
    }
    stored = {"model_name": "x3d_s", "class_names": ["안녕", "감사"]}
    return made.zip(tmp_path / "a.ckpt", {"state_dict": state, "hyper_parameters": stored})


def test_inspect_describes_a_real_checkpoint_of_an_unknown_network(testdata: Path) -> None:
    code, said = run("inspect", str(testdata / "keras" / "pytorch" / "eegecg_state_dict.pt"))
    assert code == 0
    assert "46 tensors under state_dict" in said
    assert "no network that is known here" in said


def test_inspect_says_what_would_be_assumed(x3d: Path) -> None:
    code, said = run("inspect", str(x3d))
    assert code == 0
    assert "x3d_s: clips of 13 frames over 2.60 s, short side 182, crop 182" in said
    assert "assumed: head pooling kernel 13 × 5 × 5" in said
    assert "labels in the file: 안녕, 감사" in said
    assert "Left out, as they are outside the network: criterion.weight" in said


def test_inspect_answers_programs_too(x3d: Path) -> None:
    code, said = run("inspect", str(x3d), "--json")
    document = json.loads(said)
    assert code == 0
    assert document["network"]["network"] == "x3d_s"
    assert document["tensors"]["criterion.weight"] == [2]


def test_an_attack_ends_with_exit_code_3_and_the_name_of_what_it_calls(tmp_path: Path) -> None:
    path = Checkpoint().zip(tmp_path / "a.pt", {"x": Called(Named("builtins", "eval"), ("1",))})
    code, said = run("inspect", str(path))
    assert code == 3
    assert "calls builtins.eval" in said


def test_without_torch_the_command_says_how_to_get_it(x3d: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("convert.torch.convert.importlib.util.find_spec", lambda _: None)
    code, said = run("torch", str(x3d), "--name", "a")
    assert code == 2
    assert "make convert-torch-env" in said


@pytest.mark.parametrize(
    "wrong", [["--head-pool", "1,2"], ["--head-pool", "a,b,c"], ["--head-pool", "0,5,5"], ["--int8"]]
)
def test_a_wrong_call_ends_with_exit_code_2(wrong: list[str], x3d: Path) -> None:
    assert run("torch", str(x3d), "--name", "a", *wrong)[0] == 2
