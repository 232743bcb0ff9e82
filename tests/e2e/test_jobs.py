"""Jobs: as sure as what is asked directly, whoever dies on the way."""

import json
import os
import signal
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.jobs_made import ended, job_of, long_clip, submit
from tests.postgres import fresh_database
from tests.running import SAMPLES, RunningService, running_service, wait_until

CAB = SAMPLES / "word_cab_left_brown.mp4"
CHUNK_S = "3"
STRIDE_S = 0.2 + 1e-6


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Fourteen seconds: five chunks."""
    return long_clip(tmp_path_factory.mktemp("clips") / "long.mp4", 14)


@pytest.fixture(scope="module")
def single(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningService]:
    """A service with one slot, and short chunks."""
    folder = tmp_path_factory.mktemp("single")
    with serving(folder) as running:
        yield running


@pytest.fixture(scope="module")
def direct(single: RunningService, clip: Path) -> dict[str, Any]:
    """What /timeline answers for the clip."""
    return dict(single.client.post("/timeline", content=clip.read_bytes(), params={"return_windows": "true"}).json())


def serving(folder: Path, **settings: str) -> Any:
    chosen = {"SIGN_SLOTS": "1", "SIGN_JOBS_DIR": str(folder / "jobs"), "SIGN_JOBS_CHUNK_S": CHUNK_S, **settings}
    return running_service(folder, **chosen)


def problem(response: httpx.Response) -> tuple[int, str]:
    return response.status_code, response.json()["code"]


def result(service: RunningService, location: str, **params: str) -> dict[str, Any]:
    response = service.client.get(f"{location}/result", params=params)
    assert response.status_code == 200, response.text
    return dict(response.json())


def at_work(service: RunningService, location: str) -> None:
    """Wait until the job has finished a chunk, and another is to come."""
    wait_until(
        lambda: service.client.get(location).json()["progress"] > 0,
        60,
        f"the job does not start: {service.client.get(location).text}",
    )


def kept(folder: Path) -> list[Path]:
    """Files of jobs, without the databases and locks."""
    return [path for path in (folder / "jobs").rglob("*") if path.is_file() and len(path.parent.name) == 36]


def told(service: RunningService, location: str, last: str | None = None) -> list[dict[str, Any]]:
    """A job's events up to its end."""
    headers = {} if last is None else {"Last-Event-ID": last}
    found: list[dict[str, Any]] = []
    with service.client.stream("GET", f"{location}/events", headers=headers) as response:
        assert response.headers["content-type"].startswith("text/event-stream")
        event: dict[str, Any] = {}
        for line in response.iter_lines():
            name, _, value = line.partition(": ")
            if name in ("event", "id"):
                event[name] = value
            elif name == "data":
                event["data"] = json.loads(value)
            elif not line and event:
                found.append(event)
                event = {}
    return found


def test_a_job_in_chunks_answers_what_timeline_answers(
    single: RunningService, clip: Path, direct: dict[str, Any]
) -> None:
    location = job_of(submit(single, clip, return_windows=True))
    job = ended(single, location)
    assert (job["state"], job["progress"], job["error"]) == ("succeeded", 1.0, None)
    answer = result(single, location)
    assert answer["transcript"] == direct["transcript"]
    assert answer["evidence"] == direct["evidence"]
    assert (answer["duration"], answer["media"]) == (direct["duration"], direct["media"])
    assert job["segments"] == answer["segments"]
    for found, expected in zip(answer["segments"], direct["segments"], strict=True):
        assert found["class_name"] == expected["class_name"]
        assert found["start_time"] == pytest.approx(expected["start_time"], abs=STRIDE_S)
        assert found["end_time"] == pytest.approx(expected["end_time"], abs=STRIDE_S)
    spans = [[(window["start_time"], window["end_time"]) for window in one["windows"]] for one in (answer, direct)]
    assert spans[0] == spans[1]


def test_a_job_of_predict_answers_what_predict_answers(single: RunningService) -> None:
    choices: tuple[dict[str, Any], ...] = ({}, {"clip_duration": 0.7, "start_time": 0.5, "return_probabilities": True})
    for options in choices:
        location = job_of(submit(single, CAB, "predict", **options))
        assert ended(single, location)["state"] == "succeeded"
        answer, expected = result(single, location), single.predict(CAB, **options).json()
        assert answer.keys() == expected.keys()
        assert answer["confidence"] == pytest.approx(expected["confidence"], abs=0.02)
        for name in ("predicted_class_name", "start_time", "end_time", "evidence", "media", "warnings"):
            assert answer[name] == expected[name]


def test_a_picture_is_a_job_too(single: RunningService) -> None:
    import io  # noqa: PLC0415

    from PIL import Image  # noqa: PLC0415

    content = io.BytesIO()
    Image.new("RGB", (64, 64)).save(content, "PNG")
    location = job_of(submit(single, content.getvalue(), "predict"))
    assert ended(single, location)["state"] == "succeeded"
    assert result(single, location)["declined"] is True
    refused = ended(single, job_of(submit(single, content.getvalue())))
    assert refused["error"]["code"] == "media-wrong-kind"


def test_a_result_comes_in_every_format(single: RunningService) -> None:
    location = job_of(submit(single, CAB, format="srt", media_name="folder/수어.mp4"))
    ended(single, location)
    assert single.client.get(f"{location}/result").text.startswith("1\n00:00:00,")
    for name, beginning in (("vtt", "WEBVTT"), ("eaf", "<?xml"), ("csv", "start"), ("aihub", "{")):
        response = single.client.get(f"{location}/result", params={"format": name})
        assert response.text.startswith(beginning)
        assert "%EC%88%98%EC%96%B4" in response.headers["content-disposition"]
    by_accept = single.client.get(f"{location}/result", headers={"Accept": "text/vtt"})
    assert by_accept.text.startswith("WEBVTT")
    assert problem(single.client.get(f"{location}/result", params={"format": "png"})) == (406, "format-not-acceptable")


def test_events_tell_all_there_is_and_go_on_where_they_were(single: RunningService, clip: Path) -> None:
    location = job_of(submit(single, clip))
    everything = told(single, location)
    assert [event["event"] for event in everything].count("end") == 1
    assert everything[-1] == {"event": "end", "id": "end", "data": {"state": "succeeded", "error": None}}
    progress = [event["data"]["progress"] for event in everything if event["event"] == "progress"]
    assert len(progress) >= 5
    assert progress == sorted(progress)
    segments = [event["data"] for event in everything if event["event"] == "segment"]
    assert segments == result(single, location)["segments"]
    assert len({event["id"] for event in everything}) == len(everything)
    for place, event in enumerate(everything[:-1]):
        rest = told(single, location, event["id"])
        assert [event["id"] for event in rest] == [event["id"] for event in everything[place + 1 :]]
        assert [event["data"] for event in rest if event["event"] == "segment"] == segments[
            len(segments) - sum(event["event"] == "segment" for event in rest) :
        ]
    assert single.client.get(f"{location}/events", headers={"Last-Event-ID": "end"}).status_code == 204


def test_what_is_not_finished_has_no_result_yet(single: RunningService, clip: Path) -> None:
    location = job_of(submit(single, clip))
    assert problem(single.client.get(f"{location}/result")) == (409, "job-not-finished")
    assert single.client.delete(location).status_code == 204
    assert problem(single.client.get(location)) == (404, "job-unknown")
    assert problem(single.client.get(f"{location}/result")) == (404, "job-unknown")
    assert problem(single.client.delete(location)) == (404, "job-unknown")


def test_cancelling_frees_the_slot_within_two_seconds(single: RunningService, clip: Path) -> None:
    location = job_of(submit(single, clip))
    wait_until(lambda: single.metric('sign_slots{state="busy"}') == 1, 30, "the job does not start")
    endings: list[dict[str, Any]] = []
    with ThreadPoolExecutor(1) as pool:
        listener = pool.submit(told, single, location)
        began = time.monotonic()
        single.client.delete(location)
        wait_until(lambda: single.metric('sign_slots{state="idle"}') == 1, 10, "the slot still works")
        assert time.monotonic() - began < 2
        endings = listener.result(10)
    assert endings[-1]["data"]["state"] == "cancelled"
    assert kept(single.log.parent) == [
        path for path in kept(single.log.parent) if location.rpartition("/")[2] not in str(path)
    ]


def test_jobs_are_listed_newest_first_by_state_and_page_by_page(single: RunningService) -> None:
    ids = [job_of(submit(single, CAB)).rpartition("/")[2] for _ in range(3)]
    for job_id in ids:
        ended(single, f"/jobs/{job_id}")
    first = single.client.get("/jobs", params={"limit": 2, "state": "succeeded"}).json()
    assert [job["id"] for job in first["jobs"]] == ids[:0:-1]
    after = single.client.get("/jobs", params={"limit": 1, "cursor": first["next_cursor"]}).json()
    assert [job["id"] for job in after["jobs"]] == ids[:1]
    assert problem(single.client.get("/jobs", params={"cursor": "?"})) == (422, "parameter-invalid")


def test_a_repeated_request_with_an_idempotency_key_gets_the_first_job(single: RunningService) -> None:
    def post(key: str) -> httpx.Response:
        return single.client.post("/jobs/timeline", content=CAB.read_bytes(), headers={"Idempotency-Key": key})

    first = post("one")
    with ThreadPoolExecutor(4) as pool:
        assert {job_of(response) for response in pool.map(post, ["one"] * 4)} == {job_of(first)}
        both = {job_of(response) for response in pool.map(post, ["two"] * 4)}
    assert len(both) == 1
    assert both != {job_of(first)}


def test_what_is_wrong_is_said_on_submission_or_in_the_job(single: RunningService) -> None:
    assert problem(submit(single, b"")) == (400, "media-missing")
    assert problem(submit(single, CAB, model="nobody")) == (404, "model-unknown")
    assert problem(submit(single, CAB, timeout_s=3)) == (422, "parameter-invalid")
    assert problem(submit(single, CAB, nonsense=3)) == (422, "parameter-invalid")
    job = ended(single, job_of(submit(single, CAB.read_bytes()[:2000])))
    assert (job["state"], job["error"]["code"], job["error"]["status"]) == ("failed", "media-no-frames", 422)
    assert job["error"]["instance"] == f"urn:uuid:{job['id']}"
    location = f"/jobs/{job['id']}"
    assert problem(single.client.get(f"{location}/result")) == (422, "media-no-frames")
    assert told(single, location)[-1]["data"]["error"] == job["error"]


def test_interactive_requests_go_before_jobs(single: RunningService, clip: Path) -> None:
    wait_until(lambda: single.metric('sign_slots{state="idle"}') == 1, 30, "the slot is not idle")
    locations = [job_of(submit(single, clip)) for _ in range(3)]
    wait_until(lambda: single.metric('sign_slots{state="busy"}') == 1, 30, "the jobs do not start")
    for _ in range(3):
        assert single.predict(CAB, clip_duration=0.2).status_code == 200
    states = [single.client.get(location).json()["state"] for location in locations]
    assert "succeeded" not in states[1:]  # they would have to be finished, were they asked first
    for location in locations:
        assert single.client.delete(location).status_code == 204


def test_a_job_goes_on_after_its_worker_was_killed(single: RunningService, clip: Path) -> None:
    undisturbed = job_of(submit(single, clip))
    ended(single, undisturbed)
    location = job_of(submit(single, clip))
    at_work(single, location)
    for pid in single.workers():
        os.kill(pid, signal.SIGKILL)
    job = ended(single, location)
    assert job["state"] == "succeeded"
    assert result(single, location)["segments"] == result(single, undisturbed)["segments"]


def test_a_chunk_that_kills_its_worker_each_time_ends_the_job_with_the_reason(
    single: RunningService, clip: Path
) -> None:
    location = job_of(submit(single, clip))
    at_work(single, location)
    over = threading.Event()

    def kill() -> None:
        while not over.wait(0.05):
            if single.metric('sign_slots{state="busy"}'):
                for pid in single.workers():
                    os.kill(pid, signal.SIGKILL)

    with ThreadPoolExecutor(1) as pool:
        killing = pool.submit(kill)
        try:
            job = ended(single, location, 90)
        finally:
            over.set()
            killing.result(10)
    assert (job["state"], job["error"]["code"]) == ("failed", "worker-died")
    assert "tried 3 times" in job["error"]["detail"]
    wait_until(lambda: single.metric('sign_slots{state="idle"}') == 1, 60, "the slot does not come back")
    assert single.predict(CAB).status_code == 200


def test_a_job_belongs_to_its_key_and_nothing_is_stored_beyond_the_room(tmp_path: Path, clip: Path) -> None:
    room = str(2 * 1024**2 + 200_000)
    with serving(
        tmp_path, SIGN_API_KEYS="me,you", SIGN_JOBS_DISK_BYTES=room, SIGN_JOBS_MEDIA_BYTES="300000"
    ) as service:
        mine, yours = ({"Authorization": f"Bearer {key}"} for key in ("me", "you"))
        assert problem(submit(service, CAB)) == (401, "key-missing")
        location = job_of(submit(service, CAB, key="me"))
        for suffix in ("", "/result", "/events"):
            assert problem(service.client.get(location + suffix, headers=yours)) == (404, "job-unknown")
        assert problem(service.client.delete(location, headers=yours)) == (404, "job-unknown")
        assert service.client.get("/jobs", headers=yours).json() == {"jobs": [], "next_cursor": None}
        before = set(kept(tmp_path))
        assert problem(submit(service, CAB, key="you")) == (507, "disk-full")
        endless = service.client.post("/jobs/timeline", content=iter([CAB.read_bytes()] * 3), headers=yours)
        assert problem(endless)[1] in ("disk-full", "media-too-large")
        assert problem(submit(service, clip.read_bytes() * 9, key="you")) == (413, "media-too-large")
        assert set(kept(tmp_path)) <= before
        wait_until(
            lambda: service.client.get(location, headers=mine).json()["state"] == "succeeded", 60, "it does not end"
        )
        assert [path.name for path in kept(tmp_path)] == ["answer.json"]
        location = job_of(submit(service, CAB, key="you"))
        assert len(service.client.get("/jobs", headers=yours).json()["jobs"]) == 1


@pytest.mark.parametrize(
    ("blow", "database"),
    [(signal.SIGKILL, "sqlite"), (signal.SIGKILL, "postgresql"), (signal.SIGTERM, "sqlite")],
    ids=lambda value: value.name if isinstance(value, signal.Signals) else value,
)
def test_a_job_goes_on_after_the_service_ended(
    blow: signal.Signals,
    database: str,
    tmp_path: Path,
    clip: Path,
    direct: dict[str, Any],
    request: pytest.FixtureRequest,
) -> None:
    settings = {}
    if database == "postgresql":
        settings["SIGN_JOBS_DATABASE_URL"] = fresh_database(request.getfixturevalue("postgres_server"))
    with serving(tmp_path, **settings) as service:
        location = job_of(submit(service, clip))
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


def test_a_stream_of_events_ends_with_the_service_and_goes_on_after_it(tmp_path: Path, clip: Path) -> None:
    with serving(tmp_path) as service, ThreadPoolExecutor(1) as pool:
        location = job_of(submit(service, clip))
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


def test_a_second_process_on_the_same_folder_answers_everything_but_jobs(tmp_path: Path) -> None:
    (tmp_path / "second").mkdir()
    with serving(tmp_path) as first, serving(tmp_path / "second", SIGN_JOBS_DIR=str(tmp_path / "jobs")) as second:
        assert second.predict(CAB, clip_duration=0.2).status_code == 200
        refused = submit(second, CAB)
        assert problem(refused) == (503, "busy")
        assert "another process" in refused.json()["detail"]
        assert first.stop() == -signal.SIGTERM
        wait_until(lambda: submit(second, CAB).status_code == 202, 30, "the jobs are not taken over")
