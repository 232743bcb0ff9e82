"""The kinematic hand that the default models are trained on can be looked at: every sign in every way it is shown."""

import subprocess
import sys
from pathlib import Path

import cv2
import pytest

ROOT = Path(__file__).parents[2]
SIDE = 120


@pytest.mark.parametrize(("kind", "signs"), [("letters", "ABCDEFGHIKLMNOPQRSTUVWXY"), ("digits", "0123456789")])
def test_every_sign_is_drawn_with_one_row_a_way(kind: str, signs: str, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tools.train.draw", kind, "--out", str(tmp_path), "--each", "2"]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True, timeout=300)
    assert {path.stem for path in tmp_path.iterdir()} == set(signs)
    for path in tmp_path.iterdir():
        picture = cv2.imread(str(path))
        assert picture is not None
        height, width = picture.shape[:2]
        assert width == 2 * SIDE
        assert height % SIDE == 0
