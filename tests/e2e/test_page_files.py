"""GET / and the page's files: what is served, as what, for how long, and what it may do."""

import json
import re
from typing import get_args

import pytest

from service.api.page import DIGEST, FILES, WEB
from service.pipelines import Described
from service.pipelines.series import SeriesSection
from service.pipelines.tensor_only import TensorSection
from tests.running import RunningService


def test_the_page_is_at_the_root_and_is_asked_for_each_time(service: RunningService) -> None:
    page = service.client.get("/")
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert page.headers["cache-control"] == "no-cache"
    again = service.client.get("/", headers={"If-None-Match": page.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


def test_what_the_page_names_is_there_and_is_kept_for_good(service: RunningService) -> None:
    named = set(re.findall(r'(?:src|href)="(web/[^"]+)"', service.client.get("/").text))
    samples = {name for name in FILES if name.startswith("samples/")}  # samples.js names them
    assert {name.rpartition("/")[2] for name in named} == set(FILES) - {"index.html"} - samples
    types = {".js": "text/javascript; charset=utf-8", ".css": "text/css; charset=utf-8", ".svg": "image/svg+xml"}
    for name in named:
        answer = service.client.get(f"/{name}")
        assert answer.status_code == 200
        assert answer.headers["content-type"] == types[name[name.rindex(".") :]]
        assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"


def test_samples_come_as_what_they_are_and_are_small(service: RunningService) -> None:
    folder = {f"samples/{path.name}" for path in (WEB / "samples").iterdir()}
    assert folder == {name for name in FILES if name.startswith("samples/")}
    for name, kind, most_bytes in (("letter_a.webp", "image/webp", 4_000), ("word_fly.mp4", "video/mp4", 40_000)):
        answer = service.client.get(f"/web/{DIGEST}/samples/{name}")
        assert answer.headers["content-type"] == kind
        assert "content-encoding" not in answer.headers
        assert len(answer.content) < most_bytes


def test_a_page_of_another_release_gets_todays_files_and_does_not_keep_them(service: RunningService) -> None:
    answer = service.client.get("/web/another/main.js")
    assert (answer.content, answer.headers["cache-control"]) == (FILES["main.js"].content, "no-cache")


@pytest.mark.parametrize(
    "path",
    [
        "index.html",
        "absent.js",
        "..%2Fapp.py",
        "%2e%2e/app.py",
        "../../settings.py",
        "main.js%00",
        "samples",
        "samples/",
        "reference/start.js",
    ],
)
def test_nothing_but_the_pages_own_files_is_served(service: RunningService, path: str) -> None:
    answer = service.client.get(f"/web/{DIGEST}/{path}")
    assert (answer.status_code, answer.json()["code"]) == (404, "route-unknown")


@pytest.mark.parametrize("path", ["/", f"/web/{DIGEST}/main.js", f"/web/{DIGEST}/icon.svg"])
def test_the_policy_lets_in_nothing_from_elsewhere_and_nothing_inline(service: RunningService, path: str) -> None:
    headers = service.client.get(path).headers
    rules = {name: values for name, *values in (rule.split() for rule in headers["content-security-policy"].split(";"))}
    assert rules["default-src"] == ["'none'"]
    assert rules["script-src"] == rules["style-src"] == ["'self'"]
    own = service.url.removeprefix("http://")
    assert rules.pop("connect-src") == ["'self'", f"ws://{own}", f"wss://{own}"]
    assert {value for values in rules.values() for value in values} == {"'none'", "'self'", "blob:", "'script'"}
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["permissions-policy"].startswith("camera=(self)")


def test_a_host_that_is_none_changes_no_policy(keyed_service: RunningService) -> None:
    headers = keyed_service.client.get("/", headers={"Host": "a; script-src *"}).headers
    assert headers["content-security-policy"].endswith("; connect-src 'self'")


def test_head_answers_as_get_does_without_the_body(service: RunningService) -> None:
    answer = service.client.head("/")
    assert (answer.status_code, answer.content) == (200, b"")


def test_the_page_holds_no_inline_script_style_or_handler() -> None:
    text = (WEB / "index.html").read_text()
    assert re.findall(r"<script(?![^>]*\bsrc=)|<style|\sstyle=|\son[a-z]+=", text) == []


def test_a_file_of_the_page_is_a_screenful_or_two() -> None:
    lines = {path.name: len(path.read_text().splitlines()) for path in WEB.glob("*.js")}
    tables = {"words-en.js", "words-ko.js"}
    assert {name: count for name, count in lines.items() if count > 300 and name not in tables} == {}


def test_the_page_names_kinds_of_pipelines_as_manifests_do() -> None:
    models = (WEB / "models.js").read_text()
    streamed = re.search(r"const STREAMED = (\[.*\]);", models)
    unusable = re.search(r'const UNUSABLE = "(\w+)";', models)
    streaming = [kind for kind in get_args(Described) if kind is not SeriesSection and kind.streams is not None]
    assert streamed is not None
    assert unusable is not None
    assert set(json.loads(streamed[1])) == {kind.model_fields["kind"].default for kind in streaming}
    assert unusable[1] == TensorSection.model_fields["kind"].default
