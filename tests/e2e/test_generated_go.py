"""A client that openapi-generator makes in Go from the running service's schema, and what it sends: `make clients`."""

import json
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests import golang
from tests.media_made import still
from tests.running import SAMPLES, RunningService

A = SAMPLES / "letter_a_right_light.mp4"
CAB = SAMPLES / "word_cab_left_brown.mp4"
PROGRAM = Path(__file__).with_name("generated_client.go")

pytestmark = pytest.mark.timeout(300)  # Go compiles its own library first

Sends = Callable[[str, Path], dict[str, Any]]


@pytest.fixture(scope="module")
def sends(service: RunningService, tmp_path_factory: pytest.TempPathFactory) -> Sends:
    """Run one part of the program on a file: what it got."""
    generator = golang.need_tools()
    folder = tmp_path_factory.mktemp("generated")
    (folder / "openapi.json").write_bytes(service.client.get("/openapi.json").content)
    package = folder / "src/sign"
    options = "packageName=sign,withGoMod=false"
    ran(
        folder,
        generator,
        "generate",
        "-g",
        "go",
        "-i",
        "openapi.json",
        "-o",
        package,
        "--additional-properties",
        options,
    )
    shutil.rmtree(package / "test")  # examples, which need one more package
    shutil.copy(PROGRAM, folder)
    ran(folder, "go", "build", "-o", "program", PROGRAM.name)
    return lambda what, path: dict(json.loads(ran(folder, folder / "program", service.url, what, path)))


def ran(folder: Path, program: Path | str, *arguments: object) -> str:
    """What a program prints there, with packages of the folder and of Debian; AssertionError where it fails."""
    go = {"GO111MODULE": "off", "GOPATH": f"{folder}:{golang.DEBIAN}", "GOCACHE": str(folder / "cache")}
    command = [program, *map(str, arguments)]
    done = subprocess.run(command, check=False, cwd=folder, env={**os.environ, **go}, capture_output=True, text=True)
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    return done.stdout


def test_a_go_client_sends_a_picture(sends: Sends, tmp_path: Path) -> None:
    answer = sends("predict", still(A, tmp_path / "a.png"))
    assert answer == {"predicted_class_name": "A", "kind": "picture"}


def test_a_go_client_sends_a_video_with_options(sends: Sends) -> None:
    answer = sends("timeline", CAB)
    assert answer == {"transcript": "CAB", "second_window_at": pytest.approx(0.2)}


def test_a_go_client_sends_a_job_and_gets_its_answer_and_an_export(sends: Sends) -> None:
    answer = sends("job", CAB)
    captions = answer.pop("vtt")
    assert answer == {"state": "succeeded", "progress": 1.0, "transcript": "CAB"}
    assert captions.startswith("WEBVTT")


def test_a_go_client_gets_an_error_as_a_problem(sends: Sends) -> None:
    assert sends("problem", A) == {"type": "application/problem+json", "code": "model-unknown", "status": 404}
