"""A client that openapi-python-client makes from the running service's schema, and what it sends."""

import importlib
import io
import os
import subprocess
import sys
from collections.abc import Iterator
from mimetypes import guess_type
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from tests.jobs_made import ended
from tests.media_made import still
from tests.running import SAMPLES, RunningService

A = SAMPLES / "letter_a_right_light.mp4"
CAB = SAMPLES / "word_cab_left_brown.mp4"


class Generated:
    """The client's modules, and a client of the service."""

    def __init__(self, service: RunningService) -> None:
        self.models = self.module("models")
        self.client = self.module("client").Client(base_url=service.url, timeout=120)

    def module(self, name: str) -> ModuleType:
        """One of its modules."""
        return importlib.import_module(f"generated_client.{name}")

    def file(self, path: Path) -> Any:
        """A file as the client sends it."""
        return self.module("types").File(
            payload=io.BytesIO(path.read_bytes()), file_name=path.name, mime_type=guess_type(path)[0]
        )


@pytest.fixture(scope="module")
def generated(service: RunningService, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Generated]:
    folder = tmp_path_factory.mktemp("generated")
    (folder / "openapi.json").write_bytes(service.client.get("/openapi.json").content)
    command = [
        sys.executable, "-m", "openapi_python_client", "generate", "--path", "openapi.json",
        "--output-path", "generated_client", "--meta", "none",
    ]  # fmt: skip
    # it lays its code out with ruff, which it looks for in PATH
    environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"}
    subprocess.run(command, cwd=folder, env=environment, check=True, capture_output=True)
    sys.path.insert(0, str(folder))
    try:
        made = Generated(service)
        with made.client:
            yield made
    finally:
        sys.path.remove(str(folder))


def test_a_generated_client_sends_a_medium_as_a_form_and_as_the_body(generated: Generated) -> None:
    post = generated.module("api.answers.post_predict")
    form = generated.models.PostPredictFilesBody(file=generated.file(A))
    for body in (form, generated.file(A)):
        answer = post.sync(client=generated.client, body=body)
        assert isinstance(answer, generated.models.PredictBody)
        assert answer.predicted_class_name == "A"


def test_a_generated_client_sends_a_picture(generated: Generated, tmp_path: Path) -> None:
    form = generated.models.PostPredictFilesBody(file=generated.file(still(A, tmp_path / "a.png")))
    answer = generated.module("api.answers.post_predict").sync(client=generated.client, body=form)
    assert (answer.predicted_class_name, answer.media.kind) == ("A", "picture")


def test_a_generated_client_sends_a_video_with_options(generated: Generated) -> None:
    form = generated.models.PostTimelineFilesBody(file=generated.file(CAB))
    post = generated.module("api.answers.post_timeline")
    answer = post.sync(client=generated.client, body=form, stride=0.2, return_windows=True)
    assert (answer.transcript, answer.windows[1].start_time) == ("CAB", 0.2)


def test_a_generated_client_sends_a_job_and_gets_its_answer_and_an_export(
    generated: Generated, service: RunningService
) -> None:
    form = generated.models.PostJobTimelineFilesBody(file=generated.file(CAB))
    job = generated.module("api.jobs.post_job_timeline").sync(client=generated.client, body=form)
    ended(service, f"/jobs/{job.id}")
    assert generated.module("api.jobs.get_job").sync(job.id, client=generated.client).progress == 1.0
    result = generated.module("api.jobs.get_result")
    answer = result.sync(job.id, client=generated.client)
    assert isinstance(answer, generated.models.TimelineBody)
    # it parses one content type of each status, the first; a file is read from the response itself
    asked = result._get_kwargs(job.id, format_=generated.models.GetResultFormat("vtt"))
    assert generated.client.get_httpx_client().request(**asked).text.startswith("WEBVTT")


def test_a_generated_client_gets_an_error_as_a_problem(generated: Generated) -> None:
    form = generated.models.PostPredictFilesBody(file=generated.file(A))
    post = generated.module("api.answers.post_predict")
    problem = post.sync(client=generated.client, body=form, model="nobody")
    assert isinstance(problem, generated.models.Problem)
    assert (problem.code, problem.status) == ("model-unknown", 404)
