"""A fixed piece of what `make fuzz` goes on with: whatever comes is answered, or refused in words."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.running import ROOT

pytestmark = pytest.mark.timeout(900)
COUNTS = {"media": 300, "models": 80, "doors": 200}


@pytest.mark.parametrize("part", COUNTS)
def test_inputs_with_something_wrong_are_answered_or_refused_in_words(part: str, tmp_path: Path) -> None:
    count = COUNTS[part]
    command = [
        sys.executable,
        "-m",
        f"tests.fuzz.{part}",
        "--count",
        str(count),
        "--seed",
        "1",
        "--keep",
        str(tmp_path),
    ]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr[-4000:]
    told = re.match(rf"(\d+) {part} from seed 1: ", done.stdout)
    assert told
    assert int(told[1]) >= count
