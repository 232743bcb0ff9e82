"""Jobs outlive whatever ends: their worker, the service, another replica."""

import os
import signal
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from tests.jobs_made import at_work, ended, job_of, problem, replicas, result, serving, submit, told
from tests.postgres import fresh_database
from tests.running import SAMPLES, RunningService, wait_until

CAB = SAMPLES / "word_cab_left_brown.mp4"


def test_a_job_goes_on_after_its_worker_was_killed(jobs_service: RunningService, jobs_clip: Path) -> None:
    undisturbed = job_of(submit(jobs_service, jobs_clip))
    ended(jobs_service, undisturbed)
    location = job_of(submit(jobs_service, jobs_clip))
    at_work(jobs_service, location)
    for pid in jobs_service.workers():
        os.kill(pid, signal.SIGKILL)
    job = ended(jobs_service, location)
    assert job["state"] == "succeeded"
    assert result(jobs_service, location)["segments"] == result(jobs_service, undisturbed)["segments"]


def test_a_chunk_that_kills_its_worker_each_time_ends_the_job_with_the_reason(
    jobs_service: RunningService, jobs_clip: Path
) -> None:
    location = job_of(submit(jobs_service, jobs_clip))
    at_work(jobs_service, location)
    over = threading.Event()

    def kill() -> None:
        while not over.wait(0.05):
            if jobs_service.metric('sign_slots{state="busy"}'):
                for pid in jobs_service.workers():
                    os.kill(pid, signal.SIGKILL)

    with ThreadPoolExecutor(1) as pool:
        killing = pool.submit(kill)
        try:
            job = ended(jobs_service, location, 90)
        finally:
            over.set()
            killing.result(10)
    assert (job["state"], job["error"]["code"]) == ("failed", "worker-died")
    assert "tried 3 times" in job["error"]["detail"]
    wait_until(lambda: jobs_service.metric('sign_slots{state="idle"}') == 1, 60, "the slot does not come back")
    assert jobs_service.predict(CAB).status_code == 200


@pytest.mark.parametrize(
    ("blow", "database"),
    [(signal.SIGKILL, "sqlite"), (signal.SIGKILL, "postgresql"), (signal.SIGTERM, "sqlite")],
    ids=lambda value: value.name if isinstance(value, signal.Signals) else value,
)
def test_a_job_goes_on_after_the_service_ended(
    blow: signal.Signals,
    database: str,
    tmp_path: Path,
    jobs_clip: Path,
    direct: dict[str, Any],
    request: pytest.FixtureRequest,
) -> None:
    settings = {}
    if database == "postgresql":
        settings["SIGN_JOBS_DATABASE_URL"] = fresh_database(request.getfixturevalue("postgres_server"))
        settings["SIGN_JOBS_TAKEOVER_S"] = "10"  # of the replica that was killed, by the one that follows it
    with serving(tmp_path, **settings) as service:
        location = job_of(submit(service, jobs_clip))
        waiting = job_of(submit(service, CAB))
        at_work(service, location)
        before = service.client.get(location).json()
        service.process.send_signal(blow)
        service.process.wait(30)
    with serving(tmp_path, **settings) as service:
        after = service.client.get(location).json()
        assert after["progress"] >= before["progress"]
        assert after["segments"][: len(before["segments"])] == before["segments"]
        job = ended(service, location)
        assert (job["state"], job["attempts"]) == ("succeeded", 2)
        labels = [segment["class_name"] for segment in job["segments"]]
        assert labels == [segment["class_name"] for segment in direct["segments"]]
        numbers = [event["id"] for event in told(service, location) if event["event"] == "progress"]
        assert numbers == [str(number) for number in range(len(numbers))]
        assert ended(service, waiting)["state"] == "succeeded"


def test_a_stream_of_events_ends_with_the_service_and_goes_on_after_it(tmp_path: Path, jobs_clip: Path) -> None:
    with serving(tmp_path) as service, ThreadPoolExecutor(1) as pool:
        location = job_of(submit(service, jobs_clip))
        listener = pool.submit(told, service, location)
        at_work(service, location)
        began = time.monotonic()
        service.stop()
        assert time.monotonic() - began < 10
        heard = listener.result(10)
    assert [event["event"] for event in heard].count("end") == 0
    with serving(tmp_path) as service:
        heard += told(service, location, heard[-1]["id"])
        everything = told(service, location)
    assert [event["id"] for event in heard] == [event["id"] for event in everything]


def test_replicas_share_jobs_in_postgresql(tmp_path: Path, jobs_clip: Path, postgres_server: str) -> None:
    with replicas(tmp_path, fresh_database(postgres_server), 2) as (one, two):
        locations = [job_of(submit(one, jobs_clip)) for _ in range(2)]
        for service in (one, two):
            wait_until(lambda: service.metric('sign_slots{state="busy"}') == 1, 30, "a replica does nothing")  # noqa: B023
        began = time.monotonic()
        for location in locations:
            assert two.client.delete(location).status_code == 204
        for service in (one, two):
            wait_until(lambda: service.metric('sign_slots{state="idle"}') == 1, 10, "a slot still works")  # noqa: B023
        assert time.monotonic() - began < 3
        assert ended(two, job_of(submit(one, CAB)))["state"] == "succeeded"


def test_a_second_process_on_the_same_folder_answers_everything_but_jobs(tmp_path: Path) -> None:
    (tmp_path / "second").mkdir()
    with serving(tmp_path) as first, serving(tmp_path / "second", SIGN_JOBS_DIR=str(tmp_path / "jobs")) as second:
        assert second.predict(CAB, clip_duration=0.2).status_code == 200
        refused = submit(second, CAB)
        assert problem(refused) == (503, "jobs-unavailable")
        assert "another process" in refused.json()["detail"]
        assert first.stop() == -signal.SIGTERM
        wait_until(lambda: submit(second, CAB).status_code == 202, 30, "the jobs are not taken over")
