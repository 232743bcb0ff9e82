"""Replicas that are killed at random moments, and one that is frozen: `make soak`.

SIGN_SOAK_TAKEOVERS says how many are killed (10), SIGN_SOAK_REPLICAS of how many (2,3), SIGN_SOAK_TAKEOVER_S with which
SIGN_JOBS_TAKEOVER_S (6), SIGN_SOAK_FROZEN_S how long the frozen one is (120).
"""

import contextlib
import os
import random
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests import postgres
from tests.jobs_made import at_work, ended, job_of, kept, long_clip, replica, replicas, submit, told, worker
from tests.postgres import fresh_database
from tests.running import RunningService, wait_until

TAKEOVERS = int(os.environ.get("SIGN_SOAK_TAKEOVERS", "10"))
REPLICAS = [int(count) for count in os.environ.get("SIGN_SOAK_REPLICAS", "2,3").split(",")]
TAKEOVER_S = float(os.environ.get("SIGN_SOAK_TAKEOVER_S", "6"))
DEFAULT_TAKEOVER_S = 60.0
FROZEN_S = float(os.environ.get("SIGN_SOAK_FROZEN_S", "120"))
BOUND_S = 600
RANDOM = random.Random(26)  # noqa: S311 - moments, no secrets


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twenty seconds: seven chunks."""
    return long_clip(tmp_path_factory.mktemp("clips") / "long.mp4", 20)


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with postgres.running_server() as address:
        yield address


class Outcome:
    """What a job of this clip comes to, and whether another came to the same."""

    def __init__(self, service: RunningService, clip: Path, database: str, folder: Path) -> None:
        self._database = database
        self._folder = folder
        location = self.submit(service, clip)
        ended(service, location, BOUND_S)
        self._answer = service.client.get(f"{location}/result").json()
        self._ids = [event["id"] for event in told(service, location)]

    def submit(self, service: RunningService, clip: Path) -> str:
        return job_of(submit(service, clip, return_windows=True))

    def check(self, service: RunningService, location: str, attempts: int) -> None:
        """The answer is the undisturbed job's; each chunk is written once, by the attempt that the table names."""
        job = ended(service, location, BOUND_S)
        assert (job["state"], job["error"], job["attempts"]) == ("succeeded", None, attempts)
        assert service.client.get(f"{location}/result").json() == self._answer
        assert [event["id"] for event in told(service, location)] == self._ids
        chunks = "SELECT number FROM sign_job_chunks WHERE job_id = %s ORDER BY number"
        with psycopg.connect(self._database) as connection:
            numbers = [number for (number,) in connection.execute(chunks, [location.rpartition("/")[2]])]
        assert numbers == list(range(len(numbers)))

    def written(self) -> object:
        """All that is kept of jobs: rows, and files with the time of their last change."""
        with psycopg.connect(self._database) as connection:
            rows = connection.execute("SELECT * FROM sign_jobs ORDER BY id").fetchall()
            rows += connection.execute("SELECT * FROM sign_job_chunks ORDER BY job_id, number").fetchall()
        return rows, {path: path.stat().st_mtime_ns for path in kept(self._folder)}


def seconds_until_attempt(service: RunningService, location: str, number: int, began: float) -> float:
    wait_until(lambda: service.client.get(location).json()["attempts"] >= number, BOUND_S, "nobody takes the job over")
    return time.monotonic() - began


@pytest.mark.timeout(3600)
@pytest.mark.parametrize("count", REPLICAS)
def test_a_job_ends_as_it_would_have_whenever_its_replica_is_killed(
    count: int, tmp_path: Path, clip: Path, server: str
) -> None:
    database = fresh_database(server)
    settings = {"SIGN_JOBS_TAKEOVER_S": str(TAKEOVER_S)}
    taken_s: list[float] = []
    with contextlib.ExitStack() as stack:
        living = stack.enter_context(replicas(tmp_path, database, count, **settings))
        undisturbed = Outcome(living[0], clip, database, tmp_path)
        for number in range(TAKEOVERS):
            location = undisturbed.submit(living[0], clip)
            moment = RANDOM.uniform(0.0, 0.7)
            killed = worker(living)
            wait_until(lambda: killed.client.get(location).json()["progress"] >= moment, BOUND_S, "it stands still")  # noqa: B023
            time.sleep(RANDOM.uniform(0.0, 0.3))  # anywhere within a chunk
            killed.process.kill()
            killed.process.wait(30)
            began = time.monotonic()
            living = [one for one in living if one is not killed]
            taken_s.append(seconds_until_attempt(living[0], location, 2, began))
            undisturbed.check(living[0], location, 2)
            sys.stdout.write(f"\nkilled {number + 1} at {moment:.0%}: taken over after {taken_s[-1]:.1f} s")
            sys.stdout.flush()
            living.append(stack.enter_context(replica(tmp_path, database, f"after {number}", **settings)))
    sys.stdout.write(
        f"\n{TAKEOVERS} of {count} replicas killed, SIGN_JOBS_TAKEOVER_S={TAKEOVER_S:g}: taken over after "
        f"{sorted(taken_s)[len(taken_s) // 2]:.1f} s (median), {max(taken_s):.1f} s at most\n"
    )
    assert max(taken_s) < TAKEOVER_S


@pytest.mark.timeout(900)
def test_a_job_is_taken_over_within_a_minute_by_default(tmp_path: Path, clip: Path, server: str) -> None:
    database = fresh_database(server)
    with replicas(tmp_path, database, 2) as both:
        undisturbed = Outcome(both[0], clip, database, tmp_path)
        location = undisturbed.submit(both[0], clip)
        at_work(both[0], location)
        killed = worker(both)
        killed.process.kill()
        killed.process.wait(30)
        began = time.monotonic()
        (other,) = (one for one in both if one is not killed)
        taken_s = seconds_until_attempt(other, location, 2, began)
        undisturbed.check(other, location, 2)
    sys.stdout.write(f"\nby default: taken over after {taken_s:.1f} s\n")
    assert taken_s < DEFAULT_TAKEOVER_S


@pytest.mark.timeout(1200)
@pytest.mark.parametrize("count", REPLICAS)
def test_a_replica_that_wakes_up_late_writes_nothing(count: int, tmp_path: Path, clip: Path, server: str) -> None:
    database = fresh_database(server)
    with replicas(tmp_path, database, count, SIGN_JOBS_TAKEOVER_S=str(TAKEOVER_S)) as all_of_them:
        undisturbed = Outcome(all_of_them[0], clip, database, tmp_path)
        location = undisturbed.submit(all_of_them[0], clip)
        at_work(all_of_them[0], location)
        frozen = worker(all_of_them)
        frozen.process.send_signal(signal.SIGSTOP)
        began = time.monotonic()
        try:
            others = [one for one in all_of_them if one is not frozen]
            taken_s = seconds_until_attempt(others[0], location, 2, began)
            undisturbed.check(others[0], location, 2)
            before: Any = undisturbed.written()
            wait_until(lambda: time.monotonic() - began > FROZEN_S, FROZEN_S + 1, "time stands still")
        finally:
            frozen.process.send_signal(signal.SIGCONT)
        woken = time.monotonic()
        wait_until(lambda: "jobs_available_again" in frozen.log.read_text(), 60, "it does not learn that it was lost")
        back_s = time.monotonic() - woken
        assert undisturbed.written() == before
        for one in others:
            one.stop()
        undisturbed.check(frozen, undisturbed.submit(frozen, clip), 1)
    sys.stdout.write(
        f"\n1 of {count} replicas frozen for {FROZEN_S:g} s: its job taken over after {taken_s:.1f} s; "
        f"woken, it wrote nothing and lived again after {back_s:.1f} s\n"
    )
