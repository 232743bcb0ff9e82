"""Real services for the tests that only ask them something."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.pages import KEY
from tests.jobs_made import long_clip, serving
from tests.receiving import SECRET
from tests.running import RunningService, running_service


@pytest.fixture(scope="session")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningService]:
    live = {"SIGN_STREAM_SLOTS": "2", "SIGN_STREAM_MAX_FPS": "1000"}  # tests send clips faster than cameras
    with running_service(tmp_path_factory.mktemp("service"), SIGN_SLOTS="2", **live) as running:
        yield running


@pytest.fixture(scope="session")
def keyed_service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningService]:
    """A service that asks for a key, under any name, with one place for live signing and little patience for long
    videos."""
    settings = {"SIGN_SLOTS": "1", "SIGN_STREAM_SLOTS": "1", "SIGN_API_KEYS": KEY, "SIGN_PREDICT_SECONDS": "10"}
    settings["SIGN_ALLOWED_HOSTS"] = "*"
    with running_service(tmp_path_factory.mktemp("keyed"), **settings) as running:
        yield running


@pytest.fixture(scope="session")
def jobs_clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Fourteen seconds: five chunks."""
    return long_clip(tmp_path_factory.mktemp("clips") / "long.mp4", 14)


@pytest.fixture(scope="session")
def jobs_service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningService]:
    """A service with one slot, and short chunks."""
    folder = tmp_path_factory.mktemp("single")
    with serving(folder, SIGN_WEBHOOK_HOSTS="127.0.0.0/8", SIGN_WEBHOOK_SECRET=SECRET) as running:
        yield running


@pytest.fixture(scope="session")
def direct(jobs_service: RunningService, jobs_clip: Path) -> dict[str, Any]:
    """What /timeline answers for the clip."""
    return dict(
        jobs_service.client.post("/timeline", content=jobs_clip.read_bytes(), params={"return_windows": "true"}).json()
    )
