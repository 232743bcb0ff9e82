"""The service keeps to its own OpenAPI schema, whatever is sent: Schemathesis with all its checks."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from service.app import create_app
from service.errors import KINDS
from service.settings import Settings
from service.teaching.examples import NOTHING
from tests.e2e.test_teach import teach
from tests.lessons_made import SIGNS
from tests.running import ROOT, RunningService, running_service

ADMIN = "boss"
TAUGHT = {"get_lessons", "get_lesson", "post_example", "post_train", "get_export"}
"""Operations of teaching that come to their end: Schemathesis makes no id of an example, nor waits for a model."""
OF_NO_ROUTE = {"route-unknown", "method-not-allowed"}
"""Codes of addresses that are no route's."""


@pytest.fixture(scope="module")
def keyed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningService]:
    """A service that has been taught what the schema's examples name, enough to make a model of it."""
    settings = {"SIGN_SLOTS": "1", "SIGN_API_KEYS": "me", "SIGN_ADMIN_KEYS": ADMIN, "SIGN_TEACH": "1"}
    with running_service(tmp_path_factory.mktemp("keyed"), **settings) as running:
        running.client.headers["Authorization"] = f"Bearer {ADMIN}"
        teach(running, "my-signs", *SIGNS, NOTHING)
        yield running


@pytest.fixture(scope="module")
def schema() -> dict[str, Any]:
    return create_app(Settings()).openapi()


@pytest.mark.timeout(500)
def test_every_route_answers_as_the_schema_says(keyed: RunningService, tmp_path: Path) -> None:
    program = Path(sys.executable).with_name("schemathesis")
    command = [
        str(program), "--config-file", str(ROOT / "schemathesis.toml"), "run", f"{keyed.url}/openapi.json",
        "--checks", "all", "--header", f"Authorization: Bearer {ADMIN}", "--max-examples", "4",
        "--seed", "1", "--no-color",
        "--generation-database", "none", "--report", "har", "--report-har-path", "sent.har",
    ]  # fmt: skip
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "SCHEMATHESIS_HOOKS": "tests.e2e.schemathesis_media"}
    done = subprocess.run(
        command, env=environment, cwd=tmp_path, capture_output=True, text=True, timeout=480, check=False
    )
    assert done.returncode == 0, done.stdout[-20000:] + done.stderr[-2000:]
    selected = re.search(r"Selected: (\d+)/(\d+)", done.stdout)
    assert selected is not None
    assert selected[1] == selected[2]
    sys.stdout.write(done.stdout[done.stdout.rindex("SUMMARY") :])
    assert succeeded(keyed, tmp_path / "sent.har") >= TAUGHT


def succeeded(service: RunningService, har: Path) -> set[str]:
    """The operations that answered some of the sent requests with success."""
    templates = {
        re.compile(re.sub(r"\\{\w+\\}", "[^/]+", re.escape(path))): {
            method.upper(): operation["operationId"] for method, operation in methods.items()
        }
        for path, methods in service.client.get("/openapi.json").json()["paths"].items()
    }
    found = set()
    for entry in json.loads(har.read_text())["log"]["entries"]:
        method, path = entry["request"]["method"], urlsplit(entry["request"]["url"]).path
        if entry["response"]["status"] < 300:
            found |= {named[method] for one, named in templates.items() if one.fullmatch(path) and method in named}
    return found


def operations(schema: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    return [
        (f"{method.upper()} {path}", operation)
        for path, methods in schema["paths"].items()
        for method, operation in methods.items()
    ]


def test_every_code_is_named_by_a_route_that_sends_it_with_its_status(schema: dict[str, Any]) -> None:
    named = set()
    for _, operation in operations(schema):
        for status, response in operation["responses"].items():
            for code in response.get("content", {}).get("application/problem+json", {}).get("examples", {}):
                assert KINDS[code].status == int(status)
                named.add(code)
    assert named == set(KINDS) - OF_NO_ROUTE


def test_every_reference_leads_somewhere(schema: dict[str, Any]) -> None:
    named = set(re.findall(r'"\$ref": "([^"]+)"', json.dumps(schema)))
    known = {f"#/components/schemas/{name}" for name in schema["components"]["schemas"]}
    assert named - known == set()


def test_every_error_is_documented_as_what_is_sent(schema: dict[str, Any]) -> None:
    assert not {"HTTPValidationError", "ValidationError"} & set(schema["components"]["schemas"])
    for name, operation in operations(schema):
        errors = {status: one for status, one in operation["responses"].items() if status >= "400"}
        for status, response in errors.items():
            if (name, status) == ("GET /readyz", "503"):
                continue
            assert list(response["content"]) == ["application/problem+json"], (name, status)
            if status in ("409", "429", "503"):
                assert "Retry-After" in response["headers"], (name, status)


def test_options_stand_once_and_jobs_have_only_theirs(schema: dict[str, Any]) -> None:
    for case in ("predict", "timeline", "highlights"):
        direct, job = (schema["paths"][path]["post"] for path in (f"/{case}", f"/jobs/{case}"))
        names = [parameter["name"] for parameter in direct["parameters"]]
        assert len(set(names)) == len(names)
        assert {parameter["name"] for parameter in job["parameters"]} == {
            *names, "Idempotency-Key", "Webhook-URL",
        } - {"timeout_s"}  # fmt: skip
        form = direct["requestBody"]["content"]["multipart/form-data"]["schema"]
        assert list(form["properties"]) == ["file"]


def test_a_jobs_result_is_one_of_the_answers_or_a_file(schema: dict[str, Any]) -> None:
    content = schema["paths"]["/jobs/{id}/result"]["get"]["responses"]["200"]["content"]
    union = content["application/json"]["schema"]["anyOf"]
    assert [one["$ref"].rpartition("/")[2] for one in union] == [
        "PredictBody",
        "TimelineBody",
        "HighlightsBody",
        "TaughtBody",
    ]
    assert {"text/vtt", "text/csv", "image/png", "text/x-edl", "application/x-aihub+json"} <= set(content)


def test_what_is_always_sent_is_required_and_has_no_default(schema: dict[str, Any]) -> None:
    shown = schema["components"]["schemas"]
    for name in ("Manifest", "Output", "KeypointsSection", "MomentDecoder"):
        assert sorted(shown[name]["required"]) == sorted(shown[name]["properties"]), name
    assert not [
        name for name, one in shown.items() for field in one.get("properties", {}).values() if "default" in field
    ]


def test_every_answer_in_json_has_its_fields_in_the_schema(schema: dict[str, Any]) -> None:
    for name, operation in operations(schema):
        for response in operation["responses"].values():
            for media_type, content in response.get("content", {}).items():
                if media_type.endswith("json"):
                    assert {"$ref", "anyOf", "properties"} & set(content["schema"]), (name, media_type)


def test_keys_are_asked_for_where_they_are_set() -> None:
    open_, keyed = (
        create_app(settings).openapi()["paths"]
        for settings in (Settings(), Settings(api_keys=("a",), admin_keys=("b",)))
    )
    assert open_["/predict"]["post"]["security"] == [{}, {"apiKey": []}]
    assert keyed["/predict"]["post"]["security"] == [{"apiKey": []}]
    assert keyed["/models/reload"]["post"]["security"] == [{"adminKey": []}]
    assert "security" not in keyed["/healthz"]["get"]
