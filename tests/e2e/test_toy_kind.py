"""A new kind is one file and its line in the union: the service answers it by every door, and no other file changes."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from service.media.upright import Pixels
from tests.jobs_made import ended, job_of, result, submit
from tests.media_made import film
from tests.running import ROOT, RunningService, running_service
from tests.streaming import as_png, encoded, streamed

SHOWN = ("red", "blue", "green")
LEVELS = {"red": (220, 30, 30), "green": (30, 220, 30), "blue": (30, 30, 220)}
TOY = "tests.toy_kind"


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("store")
    assert run("publish", str(root)).returncode == 0
    return root


@pytest.fixture(scope="module")
def service(store: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningService]:
    settings = {"SIGN_MODEL_STORE": str(store), "SIGN_DEFAULT_MODEL": "colors", "SIGN_SLOTS": "1"}
    settings |= {"SIGN_STREAM_SLOTS": "1", "SIGN_STREAM_MAX_FPS": "1000", "SIGN_JOBS_CHUNK_S": "2"}
    with running_service(tmp_path_factory.mktemp("toy"), module=TOY, **settings) as running:
        yield running


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Nine seconds, three of each color."""

    def paint(index: int) -> Pixels:
        return np.full((48, 64, 3), LEVELS[SHOWN[index // 30]], np.uint8)

    return film(tmp_path_factory.mktemp("clip") / "colors.mp4", paint, frames=90, rate=10)


def run(*arguments: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    clean = {name: value for name, value in os.environ.items() if not name.startswith("SIGN_")}
    return subprocess.run(
        [sys.executable, "-m", TOY, *arguments],
        cwd=ROOT, env={**clean, **environment}, capture_output=True, text=True, timeout=100, check=False,
    )  # fmt: skip


def signs(answer: dict[str, Any]) -> list[tuple[str, float, float]]:
    return [(one["class_name"], one["start_time"], one["end_time"]) for one in answer["segments"]]


def test_a_picture_and_a_video_are_predicted(service: RunningService, clip: Path) -> None:
    picture = encoded(np.full((48, 64, 3), LEVELS["green"], np.uint8))
    assert service.predict(picture).json()["predicted_class_name"] == "green"
    answer = service.predict(clip, start_time=3.0, clip_duration=2.0, return_frames=True).json()
    assert answer["predicted_class_name"] == "blue"
    assert [frame["class_name"] for frame in answer["evidence"]["frames"]] == ["blue"] * 10


def test_a_timeline_a_job_and_a_stream_agree(service: RunningService, clip: Path) -> None:
    now = service.client.post("/timeline", content=clip.read_bytes()).json()
    assert [name for name, _, _ in signs(now)] == list(SHOWN)
    assert [start for _, start, _ in signs(now)] == pytest.approx([0.0, 3.0, 6.0], abs=0.5)
    location = job_of(submit(service, clip))
    assert ended(service, location)["state"] == "succeeded"
    assert signs(result(service, location)) == signs(now)
    assert signs(streamed(service, as_png(clip))) == signs(now)


def test_features_are_what_the_kind_sees(store: Path, clip: Path, tmp_path: Path) -> None:
    environment = {"SIGN_MODEL_STORE": str(store), "SIGN_DEFAULT_MODEL": "colors"}
    done = run("features", str(clip), "--out", str(tmp_path / "seen.npz"), **environment)
    assert done.returncode == 0, done.stderr
    with np.load(tmp_path / "seen.npz") as seen:
        assert seen["values"].shape == (45, 4, 4, 3)
        means = seen["values"].mean(axis=(1, 2))
    assert means[[0, 20, 44]] == pytest.approx(np.array([LEVELS[name] for name in SHOWN]), abs=8)


def test_the_service_alone_does_not_know_the_kind(store: Path, clip: Path) -> None:
    clean = {name: value for name, value in os.environ.items() if not name.startswith("SIGN_")}
    done = subprocess.run(
        [sys.executable, "-m", "service", "predict", str(clip)], cwd=ROOT, capture_output=True, text=True, timeout=100,
        env={**clean, "SIGN_MODEL_STORE": str(store), "SIGN_DEFAULT_MODEL": "colors"}, check=False,
    )  # fmt: skip
    assert done.returncode != 0
    assert "mean_color" in done.stderr
