"""Jobs over many sudden ends: `make soak`. SIGN_SOAK_ROUNDS says how many (20)."""

import os
import signal
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from tests.jobs_made import ended, job_of, long_clip, submit
from tests.running import SAMPLES, RunningService, running_service, wait_until

ROUNDS = int(os.environ.get("SIGN_SOAK_ROUNDS", "20"))
JOBS = int(os.environ.get("SIGN_SOAK_JOBS", "20"))
BOUND_S = 600


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twenty seconds: seven chunks."""
    return long_clip(tmp_path_factory.mktemp("clips") / "long.mp4", 20)


def serving(folder: Path) -> Any:
    return running_service(folder, SIGN_SLOTS="1", SIGN_JOBS_DIR=str(folder / "jobs"), SIGN_JOBS_CHUNK_S="3")


def told(service: RunningService, location: str) -> list[str]:
    """The ids of all events of a job that has ended."""
    text = service.client.get(f"{location}/events").text
    return [line.removeprefix("id: ") for line in text.splitlines() if line.startswith("id: ")]


def beyond(service: RunningService, location: str, progress: float) -> None:
    wait_until(lambda: service.client.get(location).json()["progress"] > progress, BOUND_S, "the job does not go on")


def check(service: RunningService, location: str, expected: dict[str, Any], ids: list[str]) -> None:
    """Whatever happened on the way, the answer is the undisturbed job's, and no chunk is doubled or lost."""
    job = ended(service, location, BOUND_S)
    assert (job["state"], job["error"]) == ("succeeded", None)
    assert service.client.get(f"{location}/result").json() == expected
    assert told(service, location) == ids


@pytest.mark.timeout(3600)
def test_every_job_finishes_whatever_is_killed(tmp_path: Path, clip: Path) -> None:
    expected: dict[str, Any] = {}
    ids: list[str] = []
    location = ""
    reached = 0.0
    resumed_s = []
    for number in range(ROUNDS + 1):
        with serving(tmp_path) as service:
            began = time.monotonic()
            if number == 0:
                location = job_of(submit(service, clip, return_windows=True))
                ended(service, location, BOUND_S)
                expected, ids = service.client.get(f"{location}/result").json(), told(service, location)
            else:
                job = service.client.get(location).json()
                assert job["progress"] >= reached  # no finished chunk is done again
                beyond(service, location, reached)
                resumed_s.append(time.monotonic() - began)
                check(service, location, expected, ids)
            if number == ROUNDS:
                break
            location = job_of(submit(service, clip, return_windows=True))
            beyond(service, location, 0.0)
            for pid in service.workers():
                os.kill(pid, signal.SIGKILL)
            beyond(service, location, 0.2 + 0.5 * number / ROUNDS)
            reached = service.client.get(location).json()["progress"]
            service.process.kill()
            service.process.wait(30)
    sys.stdout.write(f"\n{ROUNDS} rounds; the next chunk was done {max(resumed_s):.1f} s after the start at most\n")


@pytest.mark.timeout(3600)
def test_interactive_requests_are_answered_while_jobs_wait(tmp_path: Path, clip: Path) -> None:
    letter = (SAMPLES / "letter_a_right_light.mp4").read_bytes()

    def seconds(service: RunningService) -> float:
        began = time.monotonic()
        assert service.predict(letter).status_code == 200
        return time.monotonic() - began

    with serving(tmp_path) as service:
        seconds(service)
        idle = sorted(seconds(service) for _ in range(20))
        locations = [job_of(submit(service, clip)) for _ in range(JOBS)]
        wait_until(lambda: service.metric('sign_slots{state="busy"}') == 1, 60, "the jobs do not start")
        busy = sorted(seconds(service) for _ in range(20))
        ratio = busy[10] / idle[10]
        sys.stdout.write(
            f"\nidle: median {idle[10]:.2f} s, slowest {idle[-1]:.2f} s; beside {JOBS} jobs: {busy[10]:.2f} s, "
            f"{busy[-1]:.2f} s; ratio of the medians {ratio:.2f}\n"
        )
        unfinished = [service.client.get(location).json()["state"] for location in locations]
        assert "queued" in unfinished
        for location in locations:
            service.client.delete(location)
        assert ratio < 2
