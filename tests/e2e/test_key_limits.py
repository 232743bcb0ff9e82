"""Keys with limits against a real service: 429 with Retry-After, and other keys notice nothing."""

from collections.abc import Iterator

import httpx
import pytest

from tests.jobs_made import long_clip, submit
from tests.running import SAMPLES, RunningService, running_service
from tests.streaming import streaming

A = SAMPLES / "letter_a_right_light.mp4"
SIZE = A.stat().st_size
KEYS = f"often;name=often;requests=3,much;bytes={2 * SIZE},work;jobs=1,look;sessions=1,free"


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningService]:
    settings = {"SIGN_SLOTS": "1", "SIGN_STREAM_SLOTS": "2", "SIGN_API_KEYS": KEYS, "SIGN_JOBS_CHUNK_S": "1"}
    with running_service(tmp_path_factory.mktemp("limited"), **settings) as running:
        yield running


def bearer(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}


def refusal(answer: httpx.Response) -> tuple[int, str]:
    assert int(answer.headers["retry-after"]) >= 1
    return answer.status_code, answer.json()["code"]


def test_a_key_that_asks_too_often_is_told_when_to_come_back(service: RunningService) -> None:
    answers = [service.client.get("/models", headers=bearer("often")) for _ in range(4)]
    assert [answer.status_code for answer in answers[:3]] == [200] * 3
    assert refusal(answers[3]) == (429, "rate-limited")
    assert service.client.get("/models", headers=bearer("free")).status_code == 200
    assert service.metric('sign_rejected_total{reason="key"}') >= 1


def test_bytes_are_counted_as_they_come_and_refused_as_they_are_announced(service: RunningService) -> None:
    content = A.read_bytes()
    for _ in range(2):
        assert service.client.post("/predict", content=content, headers=bearer("much")).status_code == 200
    assert refusal(service.client.post("/predict", content=content, headers=bearer("much"))) == (429, "quota-exceeded")
    pieces = iter([content])  # without Content-Length
    assert refusal(service.client.post("/predict", content=pieces, headers=bearer("much"))) == (429, "quota-exceeded")
    assert service.client.post("/predict", content=content, headers=bearer("free")).status_code == 200


def test_a_second_unfinished_job_is_refused_until_the_first_has_ended(
    service: RunningService, tmp_path_factory: pytest.TempPathFactory
) -> None:
    clip = long_clip(tmp_path_factory.mktemp("clips") / "long.mp4", 30)
    first = submit(service, clip, key="work")
    assert first.status_code == 202
    assert refusal(submit(service, A, key="work")) == (429, "quota-exceeded")
    assert submit(service, A, key="free").status_code == 202
    assert service.client.delete(first.headers["location"], headers=bearer("work")).status_code == 204
    assert submit(service, A, key="work").status_code == 202


def test_a_second_live_session_is_refused_while_the_first_lasts(service: RunningService) -> None:
    with streaming(service, additional_headers=bearer("look")) as first:
        first.start()
        with streaming(service, additional_headers=bearer("look")) as second:
            second.say("start")
            assert second.hear()["code"] == "quota-exceeded"
            assert second.closed()[0] == 1013
        with streaming(service, additional_headers=bearer("free")) as other:
            other.start()
            other.stop()
        first.stop()
    with streaming(service, additional_headers=bearer("look")) as again:
        again.start()
        again.stop()
