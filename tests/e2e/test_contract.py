"""What HTTP promises beside the answers: methods, headers, forms as people send them, keys of repeated requests."""

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

import httpx
import pytest

from service.app import create_app
from service.settings import Settings
from service.track import Window
from tests.e2e.test_command_line import run
from tests.jobs_made import ended, job_of, problem, submit
from tests.media_made import overwritten
from tests.running import SAMPLES, RunningService, running_service, wait_until

A = SAMPLES / "letter_a_right_light.mp4"
B = SAMPLES / "letter_b_left_brown.mp4"
PAGE = "https://pages.example.org"
UNKNOWN_JOB = "00000000-0000-4000-8000-000000000000"


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningService]:
    """A service that pages of another origin may ask."""
    with running_service(tmp_path_factory.mktemp("shared"), SIGN_SLOTS="1", SIGN_CORS_ORIGINS=PAGE) as running:
        yield running


@pytest.fixture(scope="module")
def damaged(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clip of which a stretch cannot be read, so that its answers carry a warning."""
    clip = tmp_path_factory.mktemp("damaged") / "held.mp4"
    clip.write_bytes((SAMPLES / "word_cab_left_brown.mp4").read_bytes())
    return overwritten(clip, Window(1.0, 1.6))


def get_routes() -> list[str]:
    paths = create_app(Settings()).openapi()["paths"]
    values = {"{id}": UNKNOWN_JOB, "{name}": "asl-letters", "{version}": "2"}
    found = ["/", "/docs", "/docs/start.js", "/openapi.json"]
    for path in (path for path, methods in paths.items() if "get" in methods):
        for name, value in values.items():
            path = path.replace(name, value)  # noqa: PLW2901
        found.append(path)
    return found


@pytest.mark.parametrize("path", get_routes())
def test_head_is_answered_as_get_without_the_body(service: RunningService, path: str) -> None:
    head, get = (service.client.request(method, path) for method in ("HEAD", "GET"))
    assert head.status_code == get.status_code
    assert head.headers["content-type"] == get.headers["content-type"]
    assert head.content == b""


def test_head_of_events_does_not_wait_for_the_job(jobs_service: RunningService, jobs_clip: Path) -> None:
    location = job_of(submit(jobs_service, jobs_clip))
    head = jobs_service.client.head(f"{location}/events", timeout=5)
    assert head.headers["content-type"].startswith("text/event-stream")
    counted = 'sign_http_requests_total{method="HEAD",route="/jobs/{id}/events",status="200"}'
    wait_until(lambda: jobs_service.metric(counted) == 1, 5, "the service still answers it")  # it counts what is over
    waits = jobs_service.client.get(f"{location}/result")
    assert problem(waits) == (409, "job-not-finished")
    assert 1 <= int(waits.headers["retry-after"]) <= 60
    jobs_service.client.delete(location)


def test_head_of_a_route_that_is_posted_to_is_refused(service: RunningService) -> None:
    assert service.client.head("/predict").status_code == 405
    assert service.client.post("/models").headers["allow"] == "GET, HEAD"


def test_a_page_of_another_origin_may_trace_its_requests_and_read_a_downloads_name(shared: RunningService) -> None:
    asked = {
        "Origin": PAGE,
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "traceparent, tracestate, idempotency-key",
    }
    assert shared.client.options("/timeline", headers=asked).status_code == 200
    answer = shared.client.post("/timeline?format=csv", content=A.read_bytes(), headers={"Origin": PAGE})
    readable = {name.strip() for name in answer.headers["access-control-expose-headers"].split(",")}
    assert {"Content-Disposition", "Warning", "Link", "Retry-After", "Location"} <= readable
    assert "Access-Control-Allow-Origin".lower() in answer.headers


@pytest.mark.parametrize(
    ("accept", "content_type"),
    [
        ("text/*", "text/vtt"),
        ("text/csv;q=0.5, text/*;q=0.1", "text/csv"),
        ("text/vtt;q=0, text/*", "text/x-eaf+xml"),
        ("application/*", "application/json"),
        ("application/json;q=0, application/*", "application/x-subrip"),
        ("application/x-aihub+json", "application/x-aihub+json"),
        ("image/avif, */*;q=0.8", "application/json"),
    ],
)
def test_accept_may_name_a_range(service: RunningService, accept: str, content_type: str) -> None:
    answer = service.client.post("/timeline", content=A.read_bytes(), headers={"Accept": accept})
    assert answer.headers["content-type"].partition(";")[0] == content_type


def test_accept_that_takes_none_of_the_formats_is_told_them(service: RunningService) -> None:
    refused = service.client.post("/timeline", content=A.read_bytes(), headers={"Accept": "image/*"})
    assert problem(refused) == (406, "format-not-acceptable")
    assert "text/vtt" in refused.json()["detail"]


@pytest.mark.parametrize("name", ["video", "image", "files", "file[]"])
def test_curl_sends_the_file_under_another_name(service: RunningService, name: str) -> None:
    command = [
        "curl",
        "-sS",
        "--globoff",
        "-F",
        f"{name}=@{A}",
        "-F",
        "top_k=",
        f"{service.url}/predict?mirrored=False",
    ]
    answer = json.loads(subprocess.run(command, capture_output=True, check=True).stdout)
    assert answer["predicted_class_name"] == "A"


def test_curl_sends_a_name_with_quotes_and_the_download_has_it(service: RunningService, tmp_path: Path) -> None:
    named = tmp_path / 'say "hi" 100% 수어.mp4'
    named.write_bytes(A.read_bytes())
    part = f'file=@"{str(named).replace(chr(34), chr(92) + chr(34))}"'
    command = ["curl", "-sS", "-D", "-", "-o", "/dev/null", "-F", part, f"{service.url}/timeline?format=srt"]
    headers = subprocess.run(command, capture_output=True, check=True, text=True).stdout
    assert "filename*=UTF-8''say%20%22hi%22%20100%25%20%EC%88%98%EC%96%B4.srt" in headers


def test_two_files_and_a_field_too_long_are_told_to_name_the_part(service: RunningService) -> None:
    two = service.client.post("/predict", files={"image": ("a.png", b"x"), "video": ("a.mp4", A.read_bytes())})
    assert problem(two) == (400, "request-malformed")
    assert "name the part 'file'" in two.json()["detail"]


def test_values_are_compared_and_empty_ones_are_not_given(service: RunningService) -> None:
    files = {"file": ("a.mp4", A.read_bytes())}
    fields = {"start_time": "0.0", "mirrored": "False", "version": "", "model": "", "threshold": "", "timeout_s": ""}
    answer = service.client.post("/predict?start_time=0&mirrored=false&top_k=", files=files, data=fields)
    assert (answer.status_code, answer.json()["predicted_class_name"]) == (200, "A")
    assert service.client.get("/jobs?limit=&state=&cursor=").status_code == 200


def test_a_wrong_option_is_told_in_our_words(service: RunningService) -> None:
    refused = service.client.post("/predict?threshold=2&color=red", content=A.read_bytes()).json()
    assert refused["errors"] == [
        {"parameter": "threshold", "problem": "'2' is not 1 or less"},
        {"parameter": "color", "problem": "there is no such option here"},
    ]
    assert service.client.get("/models/Nobody").json()["errors"][0]["problem"].startswith("'Nobody' is not of the form")


def test_a_key_stands_for_one_request(jobs_service: RunningService) -> None:
    def post(medium: bytes, kind: str = "timeline", **options: str) -> httpx.Response:
        headers = {"Idempotency-Key": "contract"}
        params = {"media_name": "a.mp4", **options}
        return jobs_service.client.post(f"/jobs/{kind}", content=medium, params=params, headers=headers)

    first = job_of(post(A.read_bytes(), stride="0.5"))
    assert job_of(post(A.read_bytes(), stride="0.50")) == first
    assert job_of(post(A.read_bytes(), stride="0.5", model="")) == first
    as_form = jobs_service.client.post(
        "/jobs/timeline?stride=.5", files={"video": ("a.mp4", A.read_bytes())}, headers={"Idempotency-Key": "contract"}
    )
    assert job_of(as_form) == first
    for other in (
        post(B.read_bytes(), stride="0.5"),
        post(A.read_bytes()),
        post(A.read_bytes(), stride="0.5", media_name="b.mp4"),
        post(A.read_bytes(), "predict"),
    ):
        assert problem(other) == (422, "idempotency-key-reused")
        assert first.rpartition("/")[2] in other.json()["detail"]
    assert problem(post(A.read_bytes(), stride="none")) == (422, "parameter-invalid")
    assert problem(post(b"", stride="0.5")) == (400, "media-missing")
    assert len([job for job in jobs_service.client.get("/jobs").json()["jobs"] if first.endswith(job["id"])]) == 1


@pytest.mark.parametrize("format_name", ["vtt", "srt", "eaf", "csv", "aihub"])
def test_every_format_carries_the_warnings_beside_it(service: RunningService, damaged: Path, format_name: str) -> None:
    answer = service.client.post(f"/timeline?format={format_name}", content=damaged.read_bytes())
    assert '199 - "The video is damaged; nothing could be read from' in answer.headers["warning"]
    assert "warning" not in service.client.post(f"/timeline?format={format_name}", content=A.read_bytes()).headers


def test_a_jobs_file_says_where_the_whole_answer_is(jobs_service: RunningService, damaged: Path) -> None:
    location = job_of(submit(jobs_service, damaged))
    assert ended(jobs_service, location)["state"] == "succeeded"
    file = jobs_service.client.get(f"{location}/result?format=csv")
    assert file.headers["warning"].startswith("199 - ")
    assert file.headers["link"] == f'<{location}/result?format=json>; rel="alternate"; type="application/json"'
    assert jobs_service.client.get(f"{location}/result?format=json").json()["warnings"]


def test_the_command_line_says_warnings_and_links_a_film_that_lies_elsewhere(tmp_path: Path, damaged: Path) -> None:
    out = tmp_path / "annotations"
    done = run("timeline", str(damaged), "--format", "eaf", "--output", f"{out}/")
    assert done.returncode == 0, done.stderr
    assert "held.mp4: The video is damaged; nothing could be read from" in done.stderr
    document = ElementTree.parse(out / "held.eaf")
    (link,) = document.iter("MEDIA_DESCRIPTOR")
    assert link.attrib["MEDIA_URL"] == f"file://{damaged}"
    assert (out / link.attrib["RELATIVE_MEDIA_URL"]).resolve() == damaged.resolve()
    assert [one.text for one in document.iter("PROPERTY") if one.attrib["NAME"] == "warning"]
    printed = run("timeline", str(damaged), "--format", "csv")
    assert (printed.stdout.splitlines()[0][:10], "is damaged" in printed.stderr) == ("start_time", True)


def test_a_broken_file_of_a_folder_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "a.mp4").write_bytes(A.read_bytes())
    (tmp_path / "broken.mp4").write_bytes(b"\0" * 1000)
    done = run("predict", str(tmp_path))
    assert done.returncode == 1
    assert "broken.mp4: This kind of file is not supported" in done.stderr
    assert json.loads(done.stdout)["predicted_class_name"] == "A"
