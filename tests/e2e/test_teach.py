"""Teaching over HTTP: examples are kept as landmarks, become a served model, and belong to who showed them."""

import io
import json
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest

from service.registry.store import Store
from service.teaching.examples import NOTHING
from tests.e2e.pages import KEY
from tests.jobs_made import ended, job_of, problem, result, told
from tests.lessons_made import SIGNS, Sign, pose_file
from tests.running import SAMPLES, RunningService, running_service

TAKES = 3
ME, YOU = "key-of-mine", "key-of-yours"
PICTURE = SAMPLES.parent / "service/web/samples/letter_a.webp"


@pytest.fixture(scope="module")
def teaching(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningService]:
    """A service on this machine that asks for no key, so that it may be taught."""
    folder = tmp_path_factory.mktemp("teaching")
    with running_service(folder, SIGN_SLOTS="1") as running:
        yield running


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningService]:
    """A service of several keys, with little room for each."""
    folder = tmp_path_factory.mktemp("shared")
    settings = {
        "SIGN_SLOTS": "1",
        "SIGN_API_KEYS": f"{ME},{YOU}",
        "SIGN_TEACH": "1",
        "SIGN_TEACH_MODELS": "2",
        "SIGN_TEACH_EXAMPLES": "3",
    }
    with running_service(folder, **settings) as running:
        yield running


def show(
    service: RunningService, name: str, label: str, medium: bytes, key: str = "", **options: str
) -> httpx.Response:
    """POST one example."""
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    params = {"label": label, **options}
    return service.client.post(f"/teach/{name}/examples", content=medium, params=params, headers=headers)


def teach(service: RunningService, name: str, *signs: Sign, takes: int = TAKES) -> None:
    """Show so many takes of each sign."""
    for sign in signs:
        for number in range(takes):
            assert show(service, name, sign, pose_file(sign, number)).status_code == 201


@pytest.fixture(scope="module")
def taught(teaching: RunningService) -> dict[str, Any]:
    """The result of a training of three signs, and its events."""
    teach(teaching, "mine", *SIGNS, NOTHING)
    location = job_of(teaching.client.post("/teach/mine/train"))
    second = teaching.client.post("/teach/mine/train")
    events = told(teaching, location)
    job = ended(teaching, location)
    assert job["state"] == "succeeded", job
    return {"job": job, "second": second, "events": events, "result": result(teaching, location)}


def test_examples_become_a_model_that_answers_on_every_route(teaching: RunningService, taught: dict[str, Any]) -> None:
    assert taught["result"]["model"] == {"name": "mine", "version": 1}
    for sign in SIGNS:
        answer = teaching.client.post("/predict", content=pose_file(sign, 90), params={"model": "mine"}).json()
        assert (answer["predicted_class_name"], answer["declined"]) == (sign, False), answer
    found = teaching.client.post("/timeline", content=pose_file("circle", 91), params={"model": "mine"}).json()
    assert found["model"] == {"name": "mine", "version": 1}
    manifest = teaching.client.get("/models/mine").json()["manifest"]
    assert set(SIGNS) <= set(manifest["labels"])


def test_a_training_is_a_job_with_progress_and_honest_figures(taught: dict[str, Any]) -> None:
    job = taught["job"]
    assert (job["kind"], job["model"], job["media_name"]) == ("teach", {"name": "mine", "version": None}, "")
    steps = [event["data"]["progress"] for event in taught["events"] if event["event"] == "progress"]
    assert len(steps) > 3
    assert steps == sorted(steps)
    assert taught["events"][-1]["data"] == {"state": "succeeded", "error": None}
    assert problem(taught["second"]) == (409, "model-state")
    assert job["id"] in taught["second"].json()["detail"]
    figures = taught["result"]["figures"]
    assert figures["takes"] == 3 * TAKES
    assert 0.5 < figures["accuracy"] <= 1


def test_a_lesson_tells_its_examples_its_model_and_what_is_missing(teaching: RunningService) -> None:
    empty = teaching.client.get("/teach/fresh").json()
    assert (empty["examples"], empty["ready"], empty["model"]) == ([], False, None)
    teach(teaching, "fresh", "circle", takes=1)
    lesson = teaching.client.get("/teach/fresh").json()
    assert [example["label"] for example in lesson["examples"]] == ["circle"]
    assert not lesson["ready"]
    assert {one["label"] for one in lesson["advice"]} >= {"circle"}
    assert all(one["text"] for one in lesson["advice"])
    refused = teaching.client.post("/teach/fresh/train")
    assert problem(refused) == (422, "examples-too-few")
    assert "there is 1" in refused.json()["detail"]


def test_one_example_is_seen_and_deleted(teaching: RunningService) -> None:
    made = show(teaching, "single", "hello you", pose_file("wave"), teacher="Kim", source="camera").json()
    assert (made["label"], made["teacher"], made["source"]) == ("hello you", "Kim", "camera")
    address = f"/teach/single/examples/{made['id']}"
    landmarks = teaching.client.get(address).json()["landmarks"]
    assert landmarks["aspect"] == pytest.approx(4 / 3)
    assert [len(landmarks["parts"][part]) for part in ("left_hand", "right_hand", "pose")] == [made["frames"]] * 3
    assert landmarks["parts"]["left_hand"][0] == [None] * 21
    assert all(0 <= x <= 1 and 0 <= y <= 1 for x, y in landmarks["parts"]["right_hand"][0])
    assert teaching.client.delete(address).status_code == 204
    assert problem(teaching.client.get(address)) == (404, "example-unknown")
    assert problem(teaching.client.delete(address)) == (404, "example-unknown")


def test_what_is_no_example_is_refused_in_words(teaching: RunningService) -> None:
    assert problem(show(teaching, "odd", "a", PICTURE.read_bytes())) == (415, "media-wrong-kind")
    handless = show(teaching, "odd", "a", pose_file("wave", hands=False))
    assert problem(handless) == (422, "parameter-invalid")
    assert "show the whole hand" in handless.json()["detail"]
    assert problem(show(teaching, "odd", "unknown", pose_file("wave"))) == (422, "parameter-invalid")
    assert problem(show(teaching, "odd", "", pose_file("wave"))) == (422, "parameter-invalid")
    assert problem(show(teaching, "asl-letters", "a", pose_file("wave"))) == (409, "name-taken")
    assert problem(teaching.client.delete("/teach/odd")) == (404, "example-unknown")


def test_all_examples_are_exported_for_those_who_train_elsewhere(teaching: RunningService) -> None:
    for number in (1, 2):
        assert show(teaching, "out", "wave/보다", pose_file("wave", number), teacher="Kim").status_code == 201
    file = teaching.client.get("/teach/out/export")
    assert file.headers["content-disposition"].startswith('attachment; filename="out.npz"')
    arrays = np.load(io.BytesIO(file.content), allow_pickle=False)
    assert (arrays["labels"].tolist(), arrays["teachers"].tolist()) == (["wave/보다"] * 2, ["Kim"] * 2)
    assert arrays["values"].shape == (arrays["starts"][-1], 75, 4)
    archive = zipfile.ZipFile(io.BytesIO(teaching.client.get("/teach/out/export?format=pose").content))
    assert len(archive.namelist()) == 2
    again = show(teaching, "again", "wave", archive.read(archive.namelist()[0]))
    assert (again.status_code, again.json()["frames"]) == (201, arrays["starts"][1])


def test_the_finished_model_is_downloaded_as_a_stores_folder(
    teaching: RunningService, taught: dict[str, Any], tmp_path: Path
) -> None:
    assert taught["result"]["model"]["version"] == 1
    file = teaching.client.get("/models/mine/versions/1/download")
    assert file.headers["content-type"] == "application/zip"
    zipfile.ZipFile(io.BytesIO(file.content)).extractall(tmp_path)
    assert Store(tmp_path).read("mine", 1).manifest.name == "mine"
    assert problem(teaching.client.get("/models/mine/versions/7/download")) == (404, "version-unknown")
    assert problem(teaching.client.get("/models/asl-letters/versions/2/download")) == (404, "model-unknown")


def test_one_call_deletes_everything_and_ends_a_training_that_runs(teaching: RunningService) -> None:
    teach(teaching, "gone", "circle", "wave", takes=2)
    location = job_of(teaching.client.post("/teach/gone/train"))
    with teaching.client.stream("GET", f"{location}/events") as events:
        for line in events.iter_lines():
            if line.startswith("data: ") and "progress" in json.loads(line.removeprefix("data: ")):
                break
    assert teaching.client.delete("/teach/gone").status_code == 204
    assert problem(teaching.client.get(location)) == (404, "job-unknown")
    assert problem(teaching.client.get("/models/gone")) == (404, "model-unknown")
    assert "gone" not in [lesson["name"] for lesson in teaching.client.get("/teach").json()["lessons"]]
    folder = teaching.log.parent / "taught"
    assert [path for path in folder.rglob("*") if "gone" in str(path.relative_to(folder))] == []
    assert teaching.client.get("/teach/gone").json()["examples"] == []


def as_you(service: RunningService, method: str, path: str) -> httpx.Response:
    return service.client.request(method, path, headers={"Authorization": f"Bearer {YOU}"})


def test_what_one_key_taught_another_neither_reads_nor_deletes(shared: RunningService) -> None:
    example = show(shared, "ours", "wave", pose_file("wave"), ME).json()["id"]
    for method, path in (
        ("GET", "/teach/ours"),
        ("GET", f"/teach/ours/examples/{example}"),
        ("GET", "/teach/ours/export"),
        ("DELETE", f"/teach/ours/examples/{example}"),
        ("DELETE", "/teach/ours"),
        ("POST", "/teach/ours/train"),
    ):
        assert problem(as_you(shared, method, path)) == (409, "name-taken"), path
    assert problem(show(shared, "ours", "wave", pose_file("wave"), YOU)) == (409, "name-taken")
    assert as_you(shared, "GET", "/teach").json()["lessons"] == []
    mine = shared.client.get("/teach/ours", headers={"Authorization": f"Bearer {ME}"}).json()
    assert [one["id"] for one in mine["examples"]] == [example]


def test_each_key_has_its_own_room(shared: RunningService) -> None:
    for name in ("one", "two"):
        assert show(shared, name, "wave", pose_file("wave"), YOU).status_code == 201
    refused = show(shared, "three", "wave", pose_file("wave"), YOU)
    assert problem(refused) == (429, "quota-exceeded")
    assert refused.json()["limit"] == 2
    assert show(shared, "two", "wave", pose_file("wave", 1), YOU).status_code == 201
    assert problem(show(shared, "two", "wave", pose_file("wave", 2), YOU)) == (429, "quota-exceeded")


def test_teaching_is_off_where_others_may_ask_until_it_is_allowed(
    keyed_service: RunningService, teaching: RunningService
) -> None:
    headers = {b"Authorization": f"Bearer {KEY}".encode("latin-1")}
    refused = keyed_service.client.get("/teach", headers=headers)
    assert problem(refused) == (403, "teach-disabled")
    assert "SIGN_TEACH=1" in refused.json()["detail"]
    through_a_proxy = teaching.client.get("/teach", headers={"X-Forwarded-For": "203.0.113.7"})
    assert problem(through_a_proxy) == (403, "teach-disabled")
    assert '"teaches": false' in keyed_service.client.get("/").text.replace("&quot;", '"')
    assert '"teaches": true' in teaching.client.get("/").text.replace("&quot;", '"')
