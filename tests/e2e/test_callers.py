"""Names that are not ours and pages of strangers are refused; people, programs and probes notice nothing."""

import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from tests.jobs_made import ended, job_of, submit
from tests.running import SAMPLES, RunningService, running_service

A = SAMPLES / "letter_a_right_light.mp4"
FRIEND = "https://friend.example"
EVIL = {"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"}


@pytest.fixture(scope="module")
def everywhere(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningService]:
    """A service as in its container: bound to all addresses, without keys; its pages may be asked by a friend's."""
    settings = {"SIGN_HOST": "0.0.0.0", "SIGN_CORS_ORIGINS": FRIEND, "SIGN_ALLOWED_HOSTS": "localhost,"}  # noqa: S104
    with running_service(tmp_path_factory.mktemp("everywhere"), SIGN_SLOTS="1", **settings) as running:
        yield running


def ask(service: RunningService, path: str, host: str) -> httpx.Response:
    return service.client.get(path, headers={"Host": host})


@pytest.mark.parametrize("path", ["/", "/healthz", "/metrics", "/models", "/nothing"])
def test_another_name_is_refused_on_every_route(everywhere: RunningService, path: str) -> None:
    refused = ask(everywhere, path, "evil.example")
    assert (refused.status_code, refused.json()["code"]) == (421, "host-refused")
    assert "SIGN_ALLOWED_HOSTS" in refused.json()["detail"]
    assert "models" not in refused.text


def test_prometheus_probes_and_people_on_the_network_are_answered(everywhere: RunningService) -> None:
    for host in ("service:8000", "192.168.1.5:8000", "mybox.local", "localhost", "127.0.0.1"):
        assert ask(everywhere, "/metrics", host).status_code == 200
        assert ask(everywhere, "/", host).status_code == 200


def test_a_socket_under_another_name_is_not_opened(everywhere: RunningService) -> None:
    address = everywhere.url.replace("http", "ws") + "/stream"
    with pytest.raises(InvalidStatus) as caught:
        connect(address, additional_headers={"Host": "evil.example"})
    assert caught.value.response.status_code == 421


def test_forms_of_other_sites_are_refused_before_they_are_read(everywhere: RunningService) -> None:
    form: Any = {"file": ("a.mp4", A.read_bytes(), "video/mp4")}
    for headers in (EVIL, {"Origin": "null"}, {"Sec-Fetch-Site": "same-site", "Origin": "http://localhost:3000"}):
        refused = everywhere.client.post("/predict", files=form, headers=headers)
        assert (refused.status_code, refused.json()["code"]) == (403, "origin-refused")
        assert everywhere.client.post("/jobs/predict", files=form, headers=headers).status_code == 403
        assert everywhere.client.delete("/jobs/x", headers=headers).status_code == 403


def test_own_pages_programs_and_allowed_sites_may_send(everywhere: RunningService) -> None:
    own = {"Origin": everywhere.url, "Sec-Fetch-Site": "same-origin"}
    friend = {"Origin": FRIEND, "Sec-Fetch-Site": "cross-site"}
    for headers in ({}, own, {"Origin": everywhere.url}, friend):
        answer = everywhere.client.post("/predict", content=A.read_bytes(), headers=headers)
        assert answer.status_code == 200
    assert answer.headers["access-control-allow-origin"] == FRIEND
    asked = {**friend, "Access-Control-Request-Method": "POST"}
    assert everywhere.client.request("OPTIONS", "/predict", headers=asked).status_code == 200


def test_every_answer_says_that_it_is_what_it_says_and_how_long_it_may_be_kept(everywhere: RunningService) -> None:
    answers = [
        everywhere.client.get(path) for path in ("/", "/healthz", "/models", "/nothing", "/openapi.json", "/jobs")
    ]
    answers += [everywhere.predict(A), everywhere.predict(b"x"), ask(everywhere, "/", "evil.example")]
    for answer in answers:
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["cache-control"] == ("no-cache" if answer is answers[0] else "no-store")


def test_what_jobs_keep_is_for_the_services_user_alone(everywhere: RunningService) -> None:
    assert ended(everywhere, job_of(submit(everywhere, A, "predict")))["state"] == "succeeded"
    root = everywhere.log.parent / "jobs"
    kept = [root, *root.rglob("*")]
    assert len(kept) > 3
    assert [path for path in kept if stat.S_IMODE(path.lstat().st_mode) & 0o077] == []


def test_a_folder_of_jobs_that_others_could_enter_is_closed_to_them(tmp_path: Path) -> None:
    jobs = tmp_path / "jobs"
    jobs.mkdir(mode=0o755)
    with running_service(tmp_path, SIGN_SLOTS="1"):
        assert stat.S_IMODE(jobs.stat().st_mode) == 0o700


def test_no_threshold_that_the_schema_allows_is_a_fault_of_ours(everywhere: RunningService) -> None:
    for threshold in ("1e308", "-1.7e308", "5e-324"):
        options = {"threshold": threshold, "format": "png"}
        answer = everywhere.client.post("/highlights", params=options, content=A.read_bytes())
        assert (answer.status_code, answer.headers["content-type"]) == (200, "image/png")
