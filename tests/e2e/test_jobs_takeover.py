"""A replica that is lost, stops or freezes leaves its jobs to the others, and what it writes late counts nowhere."""

import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests import object_store
from tests.jobs_made import at_work, ended, job_of, kept, replicas, result, submit, told, worker
from tests.postgres import fresh_database
from tests.running import RunningService, wait_until

TAKEOVER_S = 10.0
TAKEN_OVER = "sign_jobs_taken_over_total"


def attempts(service: RunningService, location: str) -> int:
    return int(service.client.get(location).json()["attempts"])


def until_attempt(service: RunningService, location: str, number: int, seconds: float) -> None:
    wait_until(lambda: attempts(service, location) >= number, seconds, "nobody takes the job over")


def is_undisturbed(service: RunningService, location: str, expected: dict[str, Any], tries: int) -> None:
    """The job's answer is what it would have been anyway, and each of its chunks was counted once."""
    job = ended(service, location)
    assert (job["state"], job["error"], job["attempts"]) == ("succeeded", None, tries)
    assert result(service, location) == expected
    numbers = [event["id"] for event in told(service, location) if event["event"] == "progress"]
    assert numbers == [str(number) for number in range(len(numbers))]


def rows(database: str) -> list[tuple[Any, ...]]:
    """All that the database knows of jobs."""
    with psycopg.connect(database) as connection:
        found = connection.execute("SELECT * FROM sign_jobs ORDER BY id").fetchall()
        return found + connection.execute("SELECT * FROM sign_job_chunks ORDER BY job_id, number").fetchall()


def files(folder: Path) -> dict[str, tuple[int, int]]:
    """All that is kept of jobs, with the time of its last change."""
    return {str(path): (path.stat().st_size, path.stat().st_mtime_ns) for path in kept(folder)}


@pytest.fixture(params=["disk", "store"])
def shared(request: pytest.FixtureRequest) -> Iterator[dict[str, str]]:
    """What replicas share besides their database, as settings: a disk, or an S3 and no disk."""
    if request.param == "disk":
        yield {}
        return
    with object_store.running_store() as environment, object_store.reached(environment):
        yield {"SIGN_JOBS_STORE_URL": object_store.fresh_bucket()}


def test_a_job_of_a_killed_replica_goes_on_elsewhere_from_its_last_chunk(
    tmp_path: Path, jobs_clip: Path, postgres_server: str, shared: dict[str, str]
) -> None:
    database = fresh_database(postgres_server)
    with replicas(tmp_path, database, 2, SIGN_JOBS_TAKEOVER_S=str(TAKEOVER_S), **shared) as both:
        undisturbed = job_of(submit(both[0], jobs_clip, return_windows=True))
        ended(both[0], undisturbed)
        expected = result(both[0], undisturbed)
        location = job_of(submit(both[0], jobs_clip, return_windows=True))
        at_work(both[0], location)
        killed = worker(both)
        (other,) = (one for one in both if one is not killed)
        killed.process.kill()
        killed.process.wait(30)
        began = time.monotonic()
        before = other.client.get(location).json()
        until_attempt(other, location, 2, 60)
        assert time.monotonic() - began < TAKEOVER_S
        assert other.client.get(location).json()["progress"] >= before["progress"] > 0
        is_undisturbed(other, location, expected, 2)
        assert other.metric(TAKEN_OVER) == 1
        wait_until(
            lambda: other.metric('sign_jobs{state="succeeded"}') == 2, 60, "the last replica does not speak for all"
        )


def test_a_replica_that_stops_hands_its_job_over_and_one_that_wakes_up_late_writes_nothing(
    tmp_path: Path, jobs_clip: Path, postgres_server: str
) -> None:
    database = fresh_database(postgres_server)
    with replicas(tmp_path, database, 3, SIGN_JOBS_TAKEOVER_S=str(TAKEOVER_S)) as three:
        undisturbed = job_of(submit(three[0], jobs_clip, return_windows=True))
        ended(three[0], undisturbed)
        expected = result(three[0], undisturbed)
        location = job_of(submit(three[0], jobs_clip, return_windows=True))
        stopping = worker(three)
        at_work(stopping, location)
        assert stopping.stop() == -signal.SIGTERM
        both = [one for one in three if one is not stopping]
        until_attempt(both[0], location, 2, 60)
        assert "jobs_handed_over" in stopping.log.read_text()
        assert [one.metric(TAKEN_OVER) for one in both] == [0, 0]

        frozen = worker(both)
        (other,) = (one for one in both if one is not frozen)
        frozen.process.send_signal(signal.SIGSTOP)
        try:
            until_attempt(other, location, 3, 60)
            is_undisturbed(other, location, expected, 3)
            assert other.metric(TAKEN_OVER) == 1
            before = rows(database), files(tmp_path)
        finally:
            frozen.process.send_signal(signal.SIGCONT)
        wait_until(lambda: "jobs_available_again" in frozen.log.read_text(), 60, "it does not learn that it was lost")
        assert (rows(database), files(tmp_path)) == before
        other.stop()
        assert ended(frozen, job_of(submit(frozen, jobs_clip)))["state"] == "succeeded"
