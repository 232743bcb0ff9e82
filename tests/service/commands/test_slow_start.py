"""A slot that does not start in time is one line and an exit code, whatever was asked for."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.running import ROOT, SAMPLES

IMPATIENT = """
from service.workers import worker
worker.START_S = 0.01
from service.__main__ import cli
cli()
"""
LETTER = str(SAMPLES / "letter_a_right_light.mp4")


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["predict", LETTER], 1),
        (["features", LETTER, "--pipeline", "two-hands", "--out", "features.npz"], 1),
        (["evaluate", "clips"], 1),
        (["teach", "clips", "--name", "mine"], 1),
        (["serve", "--port", "0"], 3),
    ],
    ids=lambda value: value[0] if isinstance(value, list) else None,
)
def test_a_slot_that_does_not_start_in_time_is_said_without_a_traceback(
    arguments: list[str], code: int, tmp_path: Path
) -> None:
    clips = tmp_path / "clips" / "A"
    clips.mkdir(parents=True)
    (clips / "a.mp4").symlink_to(LETTER)
    settings = {"SIGN_MODEL_STORE": str(ROOT / "model_store"), "PYTHONPATH": str(ROOT), "SIGN_STREAM_SLOTS": "0"}
    command = [sys.executable, "-c", IMPATIENT, *arguments]
    ended = subprocess.run(
        command, cwd=tmp_path, env=os.environ | settings, capture_output=True, text=True, timeout=120, check=False
    )
    assert ended.returncode == code, ended.stderr
    assert "A process that reads media cannot start: it was not ready within" in ended.stderr
    assert "Traceback" not in ended.stderr
