"""The stored spelling model reads words of a hand that is made, not filmed: doubles, and what is no double."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
STORE = ROOT / "model_store" / "asl-spelling"


@pytest.fixture(scope="module")
def read() -> dict[str, dict[str, str]]:
    """Of each way of the hand, what is read of each letter."""
    newest = max(STORE.iterdir(), key=lambda folder: int(folder.name))
    command = [sys.executable, "-m", "tools.train.spelling.made", str(newest)]
    said = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True, timeout=100).stdout
    found: dict[str, dict[str, str]] = json.loads(said)
    return found


@pytest.mark.parametrize("way", ["slid", "bounced"])
def test_letters_made_twice_are_two(read: dict[str, dict[str, str]], way: str) -> None:
    kept = [letter for letter, found in read[way].items() if found == 2 * letter]
    assert len(kept) >= 0.8 * len(read[way]), read[way]


@pytest.mark.parametrize("way", ["held", "drifting"])
def test_letters_that_are_held_are_one(read: dict[str, dict[str, str]], way: str) -> None:
    kept = [letter for letter, found in read[way].items() if found == letter]
    assert len(kept) >= 0.9 * len(read[way]), read[way]
