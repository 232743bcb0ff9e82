"""The command line: what a person types and reads."""

import json
import os
import subprocess
import sys

import pytest

from tests.running import ROOT, SAMPLES


def run(*arguments: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    clean = {name: value for name, value in os.environ.items() if not name.startswith("SIGN_")}
    return subprocess.run(
        [sys.executable, "-m", "service", *arguments],
        cwd=ROOT, env={**clean, **environment}, capture_output=True, text=True, timeout=100, check=False,
    )  # fmt: skip


def test_predict_prints_the_answer_for_a_file() -> None:
    done = run("predict", str(SAMPLES / "letter_a_right_light.mp4"))
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["predicted_class_name"] == "A"


def test_predict_says_what_is_wrong_with_a_file() -> None:
    done = run("predict", str(ROOT / "README.md"))
    assert done.returncode == 1
    assert "looks like text" in done.stderr


def test_a_wrong_setting_is_named_with_what_is_wrong() -> None:
    done = run("serve", SIGN_PORT="70000")
    assert done.returncode == 2
    assert done.stderr.startswith("SIGN_PORT: ")


def test_models_lists_the_store() -> None:
    done = run("models", COLUMNS="120")
    assert done.returncode == 0
    assert "asl-letters" in done.stdout
    assert "good" in done.stdout


@pytest.mark.parametrize("arguments", [[], ["--help"], ["serve", "--help"]])
def test_help_names_the_commands(arguments: list[str]) -> None:
    done = run(*arguments)
    assert "serve" in done.stdout + done.stderr
