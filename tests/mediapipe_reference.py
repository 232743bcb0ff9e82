"""MediaPipe 0.10.21, the reference of our landmarks, where this Python has it."""

import os
from importlib.util import find_spec

import pytest

WITHOUT = "needs MediaPipe 0.10.21, which has wheels for Python 3.11 and 3.12 alone"


def need_mediapipe() -> None:
    """Without MediaPipe the test is left out, or fails if SIGN_REQUIRE names mediapipe."""
    if find_spec("mediapipe") is not None:
        return
    if "mediapipe" in os.environ.get("SIGN_REQUIRE", "").split(","):
        pytest.fail(f"SIGN_REQUIRE asks for mediapipe: this test {WITHOUT}", pytrace=False)
    pytest.skip(WITHOUT)
