"""Jobs beside a database or a disk that fails: nothing is lost, callers are told, and all else is answered."""

import contextlib
import json
import os
import subprocess
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests import postgres
from tests.jobs_made import at_work, ended, job_of, problem, result, serving, submit
from tests.postgres import fresh_database
from tests.running import SAMPLES, RunningService, wait_until

CAB = SAMPLES / "word_cab_left_brown.mp4"
DISK = "16m"
UNAVAILABLE = (503, "jobs-unavailable")


def until_available(service: RunningService, seconds: float = 60) -> None:
    wait_until(lambda: service.metric("sign_jobs_available") == 1, seconds, _log(service))


def until_unavailable(service: RunningService) -> None:
    wait_until(lambda: service.metric("sign_jobs_available") == 0, 60, _log(service))


def _log(service: RunningService) -> str:
    return service.log.read_text()[-3000:]


def said(service: RunningService) -> Counter[str]:
    """How often the log says each thing; there is no traceback in it."""
    lines = service.log.read_text()
    assert "Traceback" not in lines
    return Counter(json.loads(line)["event"] for line in lines.splitlines() if line.startswith("{"))


def callers_are_told(service: RunningService, location: str) -> None:
    """All that is asked of an unfinished job is refused for now, and the rest of the service answers."""
    for answer in (
        service.client.get(location),
        service.client.get(f"{location}/result"),
        service.client.get(f"{location}/events"),
        service.client.get("/jobs"),
        service.client.delete(location),
        submit(service, CAB),
    ):
        assert problem(answer) == UNAVAILABLE
        assert int(answer.headers["retry-after"]) >= 1
    assert service.predict(CAB, clip_duration=0.2).status_code == 200
    assert service.client.get("/readyz").status_code == 200


def went_on(service: RunningService, location: str, expected: dict[str, Any]) -> None:
    """The job goes on by itself, and says what /timeline says of the clip."""
    until_available(service)
    job = ended(service, location)
    assert (job["state"], job["error"]) == ("succeeded", None)
    assert job["attempts"] in (1, 2)  # a chunk that takes longer than the fault goes on as if there had been none
    labels = [segment["class_name"] for segment in result(service, location)["segments"]]
    assert labels == [segment["class_name"] for segment in expected["segments"]]


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A small disk of its own."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={DISK}", "none", str(folder)], check=False)
    if mounted.returncode != 0:
        pytest.skip("needs to be allowed to mount a disk")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


@contextlib.contextmanager
def full(disk: Path) -> Iterator[None]:
    """In the block nothing more fits on the disk."""
    ballast = disk / "ballast"
    with ballast.open("wb", buffering=0) as file, contextlib.suppress(OSError):
        for size in (65536, 512):
            with contextlib.suppress(OSError):
                while file.write(bytes(size)):
                    pass
    yield
    ballast.unlink()


def test_jobs_go_on_after_postgresql_was_away(tmp_path: Path, jobs_clip: Path, direct: dict[str, Any]) -> None:
    with postgres.own_server() as server:
        address = fresh_database(server.address)
        with serving(tmp_path, SIGN_JOBS_DATABASE_URL=address) as service:
            location = job_of(submit(service, jobs_clip))
            at_work(service, location)
            server.stop()
            until_unavailable(service)
            callers_are_told(service, location)
            server.start()
            went_on(service, location, direct)
            told = said(service)
            assert (told["jobs_unavailable"], told["jobs_available_again"]) == (1, 1)
            assert told["request failed"] == 0


def test_jobs_go_on_after_the_disk_was_full_and_after_their_database_was_taken_away(
    tmp_path: Path, disk: Path, jobs_clip: Path, direct: dict[str, Any]
) -> None:
    with serving(tmp_path, SIGN_JOBS_DIR=str(disk)) as service:
        over = job_of(submit(service, CAB))
        ended(service, over)
        location = job_of(submit(service, jobs_clip))
        at_work(service, location)
        with full(disk):
            until_unavailable(service)
            callers_are_told(service, location)
            assert service.client.get(f"{over}/result").status_code == 200  # what has ended can be read
        went_on(service, location, direct)

        location = job_of(submit(service, jobs_clip))
        at_work(service, location)
        for path in disk.glob("jobs.sqlite*"):
            path.unlink()
        until_unavailable(service)
        went_on(service, location, direct)
        assert service.client.get(over).json()["state"] == "succeeded"

        location = job_of(submit(service, jobs_clip))
        at_work(service, location)
        (disk / "jobs.sqlite-wal").write_bytes(b"")  # or SQLite may put some of its pages back from there
        (disk / "jobs.sqlite").write_bytes(os.urandom(50_000))
        until_unavailable(service)
        callers_are_told(service, location)
        wait_until(lambda: "damaged" in submit(service, CAB).json()["detail"], 30, _log(service))
        (disk / "jobs.sqlite").rename(disk / "damaged.sqlite")
        until_available(service)
        assert problem(service.client.get(location)) == (404, "job-unknown")
        assert ended(service, job_of(submit(service, CAB)))["state"] == "succeeded"
        told = said(service)
        assert told["jobs_unavailable"] <= 5
        assert told["request failed"] == 0
