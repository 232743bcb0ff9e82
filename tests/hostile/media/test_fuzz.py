"""A fixed piece of what `make fuzz` goes on with: every mutated medium is answered, or refused in words."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.running import ROOT

COUNT = 400
pytestmark = pytest.mark.timeout(900)


def test_mutated_media_are_answered_or_refused_in_words(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tests.fuzz.media", "--count", str(COUNT), "--seed", "1", "--keep", str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr[-4000:]
    assert done.stdout.startswith(f"{COUNT} media from seed 1: ")
