"""The examples do what they say, as a person would run them."""

import contextlib
import http.server
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from tests.browser import running_browser
from tests.running import ROOT, SAMPLES, RunningService, running_service
from tests.streaming import as_y4m

EXAMPLES = ROOT / "examples"
FLY = SAMPLES / "word_fly_right_tan.mp4"


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        """Say nothing about requests."""


@pytest.fixture(scope="module")
def site() -> Iterator[str]:
    """The examples, served by a web server of their own."""
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(EXAMPLES))) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        with contextlib.ExitStack() as stack:
            stack.callback(thread.join)
            stack.callback(server.shutdown)
            yield f"http://127.0.0.1:{server.server_port}"


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory, site: str) -> Iterator[RunningService]:
    """A service that asks for a key and lets pages of the examples' site stream."""
    folder = tmp_path_factory.mktemp("guarded")
    settings = {"SIGN_STREAM_SLOTS": "2", "SIGN_API_KEYS": "a key+/with=signs", "SIGN_CORS_ORIGINS": site}
    with running_service(folder, SIGN_SLOTS="1", **settings) as running:
        running.client.headers["Authorization"] = "Bearer a key+/with=signs"
        yield running


def client(*arguments: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, str(EXAMPLES / "stream_client.py"), *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def test_the_python_client_reads_a_file(guarded: RunningService) -> None:
    address = guarded.url.replace("http", "ws") + "/stream"
    result = client(str(FLY), "--url", address, "--key", "a key+/with=signs")
    assert (result.returncode, result.stderr) == (0, "")
    last, counts = result.stdout.rstrip().splitlines()[-2:]
    assert last == "FLY"
    assert " 0 skipped" in counts


def test_the_python_client_says_why_it_was_sent_away(guarded: RunningService) -> None:
    result = client(str(FLY), "--url", guarded.url.replace("http", "ws") + "/stream")
    assert result.returncode == 1
    assert "1008" in result.stderr


def test_the_page_reads_a_camera(guarded: RunningService, site: str, tmp_path: Path) -> None:
    """The clip plays over and over as the camera's picture."""
    film = as_y4m(FLY, tmp_path / "camera.y4m")
    camera = ["--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream"]
    with running_browser(*camera, f"--use-file-for-fake-video-capture={film}") as browser:
        page = browser.new_page()
        faults: list[str] = []
        page.on("pageerror", lambda error: faults.append(str(error)))
        address = guarded.url.replace("http", "ws") + "/stream"
        query = f"url={address}&key=a%20key%2B/with%3Dsigns"
        page.goto(f"{site}/stream.html?{query}")
        page.click("#begin")
        page.wait_for_function("document.getElementById('transcript').textContent.includes('FL')", timeout=60_000)
        page.click("#end")
        page.wait_for_function("document.getElementById('transcript').textContent.length > 1")
        assert faults == []


def test_every_request_of_the_collection_is_answered(guarded: RunningService) -> None:
    environment = {**os.environ, "SIGN_URL": guarded.url, "SIGN_KEY": "a key+/with=signs"}
    result = subprocess.run(
        ["sh", str(EXAMPLES / "requests.sh")], env=environment, capture_output=True, text=True, timeout=60, check=False
    )
    assert (result.returncode, result.stderr) == (0, "")
    for found in ('"transcript":"FLY"', "WEBVTT", "event: end", '"state":"succeeded"', "00:00:0", "model-unknown"):
        assert found in result.stdout
