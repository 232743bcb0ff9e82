"""An environment with other people's programs that are too heavy, or have too few wheels, for the lock of the tests.

SIGN_OTHERS_PYTHON names its Python; `make others` makes one and runs the tests that need it.
"""

import os
import subprocess
from pathlib import Path

import pytest

WITHOUT = "needs tritonclient[http] 2.73 and opentimelineio 0.18: make others"


def run_with_others(program: str, *arguments: str, text: str = "") -> str:
    """What a program says that runs there; without that environment the test is left out."""
    python = os.environ.get("SIGN_OTHERS_PYTHON")
    if not python or not Path(python).exists():
        pytest.skip(WITHOUT)
    done = subprocess.run(
        [python, "-c", program, *arguments], input=text, capture_output=True, text=True, timeout=100, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout
