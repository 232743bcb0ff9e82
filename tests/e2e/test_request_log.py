"""The request log: each request's line, found by the id that its caller was told."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.running import SAMPLES, RunningService, running_service, wait_until
from tests.streaming import streaming

A = SAMPLES / "letter_a_right_light.mp4"
KEY = {"Authorization": "Bearer green-key"}


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningService]:
    folder = tmp_path_factory.mktemp("logged")
    keys = {"SIGN_API_KEYS": "blue-key,green-key", "SIGN_ADMIN_KEYS": "boss"}
    with running_service(folder, SIGN_SLOTS="1", SIGN_STREAM_SLOTS="1", **keys) as running:
        yield running


def lines(service: RunningService) -> list[dict[str, Any]]:
    """All lines of the log; each is JSON."""
    return [json.loads(line) for line in service.log.read_text().splitlines() if not line.startswith("Open http")]


def line_of(service: RunningService, request_id: str) -> dict[str, Any]:
    """The one line of a request."""

    def found() -> list[dict[str, Any]]:
        return [line for line in lines(service) if line.get("request_id") == request_id]

    wait_until(lambda: bool(found()), 10, f"the log has no line of {request_id}")
    (line,) = found()
    return line


def test_an_answer_is_one_line_with_its_model_key_bytes_and_stages(service: RunningService) -> None:
    content = A.read_bytes()
    given = service.client.post("/predict?top_k=2", content=content, headers=KEY)
    line = line_of(service, given.headers["x-request-id"])
    assert (line["event"], line["level"], line["method"], line["route"]) == ("request", "info", "POST", "/predict")
    assert (line["status"], line["model"], line["version"], line["key"]) == (200, "asl-letters", 2, "api-2")
    assert line["bytes_in"] == len(content)
    assert line["bytes_out"] == int(given.headers["content-length"])
    assert {"upload", "queue", "decode", "observe", "tensor", "inference"} <= set(line["stages_s"])
    assert sum(line["stages_s"].values()) <= line["seconds"] + 0.01


def test_a_refusal_is_found_by_the_id_that_its_problem_names(service: RunningService) -> None:
    problem = service.client.post("/predict?top_k=0", content=b"x", headers=KEY).json()
    line = line_of(service, problem["instance"].removeprefix("urn:uuid:"))
    assert (line["level"], line["status"], line["code"]) == ("warning", 422, "parameter-invalid")


def test_neither_names_of_files_nor_answers_nor_keys_nor_addresses_are_logged(service: RunningService) -> None:
    form = {"file": ("grandmother.mp4", A.read_bytes(), "video/mp4")}
    given = service.client.post("/predict?media_name=uncle.mp4", files=form, headers={**KEY, "X-Request-ID": "seen"})
    service.client.post("/predict", files=form, headers={"Authorization": "Bearer wrong"})
    assert given.json()["predicted_class_name"] == "A"
    line = line_of(service, "seen")
    assert "A" not in line.values()
    text = service.log.read_text()
    assert [
        told for told in ("grandmother", "uncle", "wrong", "green-key", "127.0.0.1:") if told in text_of(text)
    ] == []
    assert "address" not in line


def text_of(log: str) -> str:
    """The log without the line that says where the page is."""
    return "\n".join(line for line in log.splitlines() if not line.startswith("Open http"))


def test_probes_and_files_of_the_page_are_not_logged_unless_asked(service: RunningService) -> None:
    service.client.get("/healthz", headers={"X-Request-ID": "probe"})
    service.client.get("/models", headers={**KEY, "X-Request-ID": "later"})
    line_of(service, "later")
    assert [line for line in lines(service) if line.get("request_id") == "probe"] == []


def test_a_live_session_is_one_line_under_the_id_that_it_was_told(service: RunningService) -> None:
    with streaming(service, additional_headers=KEY) as client:
        session = client.start()["session"]
        client.stop()
    line = line_of(service, session)
    assert (line["route"], line["status"], line["level"]) == ("/stream", 1000, "info")
    assert (line["model"], line["key"]) == ("asl-letters", "api-2")
    with streaming(service) as client:
        client.say("start")
        client.closed()
    wait_until(lambda: lines(service)[-1].get("code") == "key-missing", 10, "a refused session has no line")
    assert lines(service)[-1]["status"] == 1008


def test_addresses_are_logged_where_asked_and_refusals_alone_where_wanted(tmp_path: Path) -> None:
    wanted = {"SIGN_REQUEST_LOG": "warning", "SIGN_REQUEST_LOG_ADDRESSES": "true", "SIGN_LOG_LEVEL": "error"}
    with running_service(tmp_path, SIGN_SLOTS="1", **wanted) as service:
        service.client.get("/models", headers={"X-Request-ID": "fine"})
        service.client.get("/nothing", headers={"X-Request-ID": "refused"})
        assert line_of(service, "refused")["address"] == "127.0.0.1"
        assert [line for line in lines(service) if line.get("request_id") == "fine"] == []
