"""Jobs through the doors: the same answers, watched, fetched and cancelled."""

import json
import re
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.jobs_made import ended, job_of, kept, problem, result, serving, submit, told
from tests.media_made import film, numbered
from tests.receiving import SECRET, Receiver
from tests.running import ROOT, SAMPLES, RunningService, wait_until

CAB = SAMPLES / "word_cab_left_brown.mp4"
STRIDE_S = 0.2 + 1e-6


def test_a_job_in_chunks_answers_what_timeline_answers(
    jobs_service: RunningService, jobs_clip: Path, direct: dict[str, Any]
) -> None:
    location = job_of(submit(jobs_service, jobs_clip, return_windows=True))
    job = ended(jobs_service, location)
    assert (job["state"], job["progress"], job["error"]) == ("succeeded", 1.0, None)
    answer = result(jobs_service, location)
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


def test_a_job_of_predict_answers_what_predict_answers(jobs_service: RunningService) -> None:
    choices: tuple[dict[str, Any], ...] = ({}, {"clip_duration": 0.7, "start_time": 0.5, "return_probabilities": True})
    for options in choices:
        location = job_of(submit(jobs_service, CAB, "predict", **options))
        assert ended(jobs_service, location)["state"] == "succeeded"
        answer, expected = result(jobs_service, location), jobs_service.predict(CAB, **options).json()
        assert answer.keys() == expected.keys()
        assert answer["confidence"] == pytest.approx(expected["confidence"], abs=0.02)
        for name in ("predicted_class_name", "start_time", "end_time", "evidence", "media", "warnings"):
            assert answer[name] == expected[name]


def test_a_picture_is_a_job_too(jobs_service: RunningService) -> None:
    import io  # noqa: PLC0415

    from PIL import Image  # noqa: PLC0415

    content = io.BytesIO()
    Image.new("RGB", (64, 64)).save(content, "PNG")
    location = job_of(submit(jobs_service, content.getvalue(), "predict"))
    assert ended(jobs_service, location)["state"] == "succeeded"
    assert result(jobs_service, location)["declined"] is True
    refused = ended(jobs_service, job_of(submit(jobs_service, content.getvalue())))
    assert refused["error"]["code"] == "media-wrong-kind"


def test_a_result_comes_in_every_format(jobs_service: RunningService) -> None:
    location = job_of(submit(jobs_service, CAB, format="srt", media_name="folder/수어.mp4"))
    ended(jobs_service, location)
    assert jobs_service.client.get(f"{location}/result").text.startswith("1\n00:00:00,")
    for name, beginning in (("vtt", "WEBVTT"), ("eaf", "<?xml"), ("csv", "start"), ("aihub", "{")):
        response = jobs_service.client.get(f"{location}/result", params={"format": name})
        assert response.text.startswith(beginning)
        assert "%EC%88%98%EC%96%B4" in response.headers["content-disposition"]
    by_accept = jobs_service.client.get(f"{location}/result", headers={"Accept": "text/vtt"})
    assert by_accept.text.startswith("WEBVTT")
    assert problem(jobs_service.client.get(f"{location}/result", params={"format": "png"})) == (
        406,
        "format-not-acceptable",
    )


def test_a_recording_that_does_not_say_how_long_it_is_is_looked_at_to_its_end(
    jobs_service: RunningService, tmp_path: Path
) -> None:
    clip = film(
        tmp_path / "live.webm", numbered(), frames=70, codec="libvpx-vp9", container="webm", options={"live": "1"}
    )
    direct = jobs_service.client.post("/timeline", content=clip.read_bytes()).json()
    location = job_of(submit(jobs_service, clip))
    assert ended(jobs_service, location)["progress"] == 1.0
    answer = result(jobs_service, location)
    assert answer == direct
    assert answer["duration"] > 6.9


def test_events_tell_all_there_is_and_go_on_where_they_were(jobs_service: RunningService, jobs_clip: Path) -> None:
    location = job_of(submit(jobs_service, jobs_clip))
    everything = told(jobs_service, location)
    assert [event["event"] for event in everything].count("end") == 1
    assert everything[-1] == {"event": "end", "id": "end", "data": {"state": "succeeded", "error": None}}
    progress = [event["data"]["progress"] for event in everything if event["event"] == "progress"]
    assert len(progress) >= 5
    assert progress == sorted(progress)
    segments = [event["data"] for event in everything if event["event"] == "segment"]
    assert segments == result(jobs_service, location)["segments"]
    assert len({event["id"] for event in everything}) == len(everything)
    for place, event in enumerate(everything[:-1]):
        rest = told(jobs_service, location, event["id"])
        assert [event["id"] for event in rest] == [event["id"] for event in everything[place + 1 :]]
        assert [event["data"] for event in rest if event["event"] == "segment"] == segments[
            len(segments) - sum(event["event"] == "segment" for event in rest) :
        ]
    assert jobs_service.client.get(f"{location}/events", headers={"Last-Event-ID": "end"}).status_code == 204


def test_what_is_not_finished_has_no_result_yet(jobs_service: RunningService, jobs_clip: Path) -> None:
    location = job_of(submit(jobs_service, jobs_clip))
    assert problem(jobs_service.client.get(f"{location}/result")) == (409, "job-not-finished")
    assert jobs_service.client.delete(location).status_code == 204
    assert problem(jobs_service.client.get(location)) == (404, "job-unknown")
    assert problem(jobs_service.client.get(f"{location}/result")) == (404, "job-unknown")
    assert problem(jobs_service.client.delete(location)) == (404, "job-unknown")


def test_cancelling_frees_the_slot_within_two_seconds(jobs_service: RunningService, jobs_clip: Path) -> None:
    location = job_of(submit(jobs_service, jobs_clip))
    wait_until(lambda: jobs_service.metric('sign_slots{state="busy"}') == 1, 30, "the job does not start")
    endings: list[dict[str, Any]] = []
    with ThreadPoolExecutor(1) as pool:
        listener = pool.submit(told, jobs_service, location)
        began = time.monotonic()
        jobs_service.client.delete(location)
        wait_until(lambda: jobs_service.metric('sign_slots{state="idle"}') == 1, 10, "the slot still works")
        assert time.monotonic() - began < 2
        endings = listener.result(10)
    assert endings[-1]["data"]["state"] == "cancelled"
    assert kept(jobs_service.log.parent) == [
        path for path in kept(jobs_service.log.parent) if location.rpartition("/")[2] not in str(path)
    ]


def test_jobs_are_listed_newest_first_by_state_and_page_by_page(jobs_service: RunningService) -> None:
    ids = [job_of(submit(jobs_service, CAB)).rpartition("/")[2] for _ in range(3)]
    for job_id in ids:
        ended(jobs_service, f"/jobs/{job_id}")
    first = jobs_service.client.get("/jobs", params={"limit": 2, "state": "succeeded"}).json()
    assert [job["id"] for job in first["jobs"]] == ids[:0:-1]
    after = jobs_service.client.get("/jobs", params={"limit": 1, "cursor": first["next_cursor"]}).json()
    assert [job["id"] for job in after["jobs"]] == ids[:1]
    for cursor in ("?", "\x80", "AAAA", first["next_cursor"] + "A"):
        assert problem(jobs_service.client.get("/jobs", params={"cursor": cursor})) == (422, "parameter-invalid")


def test_a_repeated_request_with_an_idempotency_key_gets_the_first_job(jobs_service: RunningService) -> None:
    def post(key: str) -> httpx.Response:
        return jobs_service.client.post("/jobs/timeline", content=CAB.read_bytes(), headers={"Idempotency-Key": key})

    first = post("one")
    with ThreadPoolExecutor(4) as pool:
        assert {job_of(response) for response in pool.map(post, ["one"] * 4)} == {job_of(first)}
        both = {job_of(response) for response in pool.map(post, ["two"] * 4)}
    assert len(both) == 1
    assert both != {job_of(first)}


def test_what_is_wrong_is_said_on_submission_or_in_the_job(jobs_service: RunningService) -> None:
    assert problem(submit(jobs_service, b"")) == (400, "media-missing")
    assert problem(submit(jobs_service, CAB, model="nobody")) == (404, "model-unknown")
    assert problem(submit(jobs_service, CAB, timeout_s=3)) == (422, "parameter-invalid")
    assert problem(submit(jobs_service, CAB, nonsense=3)) == (422, "parameter-invalid")
    job = ended(jobs_service, job_of(submit(jobs_service, CAB.read_bytes()[:2000])))
    assert (job["state"], job["error"]["code"], job["error"]["status"]) == ("failed", "media-no-frames", 422)
    assert job["error"]["instance"] == f"urn:uuid:{job['id']}"
    location = f"/jobs/{job['id']}"
    assert problem(jobs_service.client.get(f"{location}/result")) == (422, "media-no-frames")
    assert told(jobs_service, location)[-1]["data"]["error"] == job["error"]


def test_who_asked_for_it_is_told_of_a_jobs_end_and_can_check_by_whom(jobs_service: RunningService) -> None:
    page = (ROOT / "docs" / "api.md").read_text()
    (snippet,) = [code for code in re.findall(r"```python\n(.*?)```", page, re.DOTALL) if "def verify" in code]
    documented: dict[str, Any] = {}
    exec(snippet, documented)  # noqa: S102 - the page's own
    receiver = Receiver(503)
    try:
        answer = jobs_service.client.post(
            "/jobs/predict", content=CAB.read_bytes(), headers={"Webhook-URL": receiver.url, "Idempotency-Key": "told"}
        )
        assert answer.status_code == 202, answer.text
        wait_until(lambda: len(receiver.got) == 2, 60, "nobody was told of the job's end, and told again")
    finally:
        receiver.close()
    (_, first, _), (_, headers, body) = receiver.got
    assert documented["verify"](headers, body, SECRET)
    assert not documented["verify"](headers, body + b" ", SECRET)
    assert not documented["verify"]({**headers, "webhook-timestamp": "1"}, body, SECRET)
    assert first["webhook-id"] == headers["webhook-id"] == answer.json()["id"]
    told_of = json.loads(body)
    assert told_of["type"] == "job.ended"
    assert (told_of["data"]["id"], told_of["data"]["state"]) == (answer.json()["id"], "succeeded")
    other = {"Webhook-URL": receiver.url + "2", "Idempotency-Key": "told"}
    again = jobs_service.client.post("/jobs/predict", content=CAB.read_bytes(), headers=other)
    assert problem(again) == (422, "idempotency-key-reused")


@pytest.mark.parametrize("url", ["https://example.org/", "http://10.0.0.1/", "file:///etc/passwd", "x"])
def test_a_webhook_to_a_host_that_is_not_listed_is_refused_on_submission(
    jobs_service: RunningService, url: str
) -> None:
    answer = jobs_service.client.post("/jobs/predict", content=CAB.read_bytes(), headers={"Webhook-URL": url})
    assert problem(answer) == (422, "parameter-invalid")


def test_interactive_requests_go_before_jobs(jobs_service: RunningService, jobs_clip: Path) -> None:
    wait_until(lambda: jobs_service.metric('sign_slots{state="idle"}') == 1, 30, "the slot is not idle")
    locations = [job_of(submit(jobs_service, jobs_clip)) for _ in range(3)]
    wait_until(lambda: jobs_service.metric('sign_slots{state="busy"}') == 1, 30, "the jobs do not start")
    for _ in range(3):
        assert jobs_service.predict(CAB, clip_duration=0.2).status_code == 200
    states = [jobs_service.client.get(location).json()["state"] for location in locations]
    assert "succeeded" not in states[1:]  # they would have to be finished, were they asked first
    for location in locations:
        assert jobs_service.client.delete(location).status_code == 204


def test_a_job_belongs_to_its_key_and_nothing_is_stored_beyond_the_room(tmp_path: Path, jobs_clip: Path) -> None:
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
        assert problem(submit(service, jobs_clip.read_bytes() * 9, key="you")) == (413, "media-too-large")
        assert set(kept(tmp_path)) <= before
        wait_until(
            lambda: service.client.get(location, headers=mine).json()["state"] == "succeeded", 60, "it does not end"
        )
        assert [path.name for path in kept(tmp_path)] == ["answer-1.json"]
        location = job_of(submit(service, CAB, key="you"))
        assert len(service.client.get("/jobs", headers=yours).json()["jobs"]) == 1


def test_what_was_kept_long_enough_is_forgotten(tmp_path: Path) -> None:
    with serving(tmp_path, SIGN_JOBS_RETENTION_H="0.0006") as service:
        location = job_of(submit(service, CAB))
        wait_until(lambda: service.client.get(location).status_code == 404, 30, "the job is not forgotten")
        assert kept(tmp_path)
    with serving(tmp_path, SIGN_JOBS_RETENTION_H="0.0006"):
        wait_until(lambda: not kept(tmp_path), 30, "its answer is still there")
