"""Hands without a body: a webcam that shows a hand alone teaches, too."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from service.pipelines.keypoints import KeypointsSection
from service.registry.store import Store
from tests.running import ROOT, SAMPLES, RunningService, running_service

CLIPS = {"A": "letter_a_right_light", "B": "letter_b_left_brown", "L": "letter_l_left_tan", "Y": "letter_y_left_light"}
pytestmark = pytest.mark.timeout(400)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model of one clip of each sign, taught by the command."""
    home = tmp_path_factory.mktemp("alone")
    for label, name in CLIPS.items():
        (home / "clips" / label).mkdir(parents=True)
        (home / "clips" / label / f"{name}.mp4").symlink_to(SAMPLES / f"{name}.mp4")
    command = [sys.executable, "-m", "service", "teach", "clips", "--name", "letters-alone", "--store", "store"]
    clean = {name: value for name, value in os.environ.items() if not name.startswith("SIGN_")}
    done = subprocess.run(
        command, cwd=home, env={**clean, "PYTHONPATH": str(ROOT), "SIGN_SLOTS": "1"}, capture_output=True, text=True,
        timeout=350, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "A, B, L, Y have 1 take, on which the model cannot be checked" in done.stdout
    return home / "store"


@pytest.fixture(scope="module")
def service(store: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningService]:
    folder = tmp_path_factory.mktemp("serving")
    with running_service(
        folder, SIGN_MODEL_STORE=str(store), SIGN_DEFAULT_MODEL="letters-alone", SIGN_SLOTS="1"
    ) as own:
        yield own


def test_the_manifest_says_that_hands_are_looked_at_alone(store: Path) -> None:
    manifest = Store(store).read("letters-alone", 1).manifest
    assert isinstance(manifest.pipeline, KeypointsSection)
    assert manifest.pipeline.source == "hands"
    assert "It looks at hands alone" in manifest.description


@pytest.mark.parametrize("label", CLIPS)
def test_a_sign_of_a_hand_alone_is_recognized(service: RunningService, label: str) -> None:
    answer = service.client.post("/predict", content=(SAMPLES / f"{CLIPS[label]}.mp4").read_bytes()).json()
    assert answer["predicted_class_name"] == label


def test_an_example_of_a_hand_alone_is_kept(service: RunningService) -> None:
    medium = (SAMPLES / "letter_a_right_light.mp4").read_bytes()
    shown = service.client.post("/teach/alone/examples", content=medium, params={"label": "A"})
    assert shown.status_code == 201, shown.text
    assert [warning["code"] for warning in shown.json()["warnings"]] == ["no-body"]
