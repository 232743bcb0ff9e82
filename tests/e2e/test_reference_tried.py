"""/docs as a newcomer meets it: "Try it out" on each route as it stands, with a file or an id where one is needed.

SIGN_SHOTS names a folder for a picture of each route as it was tried.
"""

import json
import math
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from service.teaching.examples import NOTHING
from tests.e2e.pages import visit
from tests.e2e.test_teach import TAKES, teach
from tests.jobs_made import ended
from tests.lessons_made import SIGNS, pose_file
from tests.running import SAMPLES, RunningService, running_service

A = SAMPLES / "letter_a_right_light.mp4"
ADMIN = "boss"
pytestmark = pytest.mark.timeout(400)  # Swagger UI draws long pages, and a machine may have other work
AS_IT_STANDS = {
    "get_health": 200, "get_readiness": 200, "get_metrics": 200, "get_models": 200, "get_model": 200,
    "get_version": 200, "get_jobs": 200, "post_load": 200, "post_unload": 200, "post_reload": 200,
    "get_traffic": 200, "put_traffic": 200, "delete_traffic": 200, "get_server": 200, "get_live": 200,
    "get_server_ready": 200, "get_tensors": 200, "get_tensors_of_version": 200, "get_model_ready": 200,
    "get_version_ready": 200,
}  # fmt: skip
WITH_A_FILE = {
    "post_predict": 200, "post_timeline": 200, "post_highlights": 200,
    "post_job_predict": 202, "post_job_timeline": 202, "post_job_highlights": 202,
}  # fmt: skip
OF_A_JOB = {"get_job": 200, "get_events": 200, "get_result": 200, "delete_job": 204}
"""In this order: its events end when it has, then there is a result, then it is forgotten."""


TAUGHT = {
    "get_lessons": 200, "get_lesson": 200, "get_export": 200, "post_train": 202, "get_download": 200,
    "delete_lesson": 204,
}  # fmt: skip
"""In this order, of what was shown before."""
OF_AN_EXAMPLE = {"get_example": 200, "delete_example": 204}
WITH_TENSORS = {"post_infer": "/v2/models/asl-letters", "post_infer_of_version": "/v2/models/asl-letters/versions/1"}
"""And where that which the reference proposes says what tensors it takes."""


@pytest.fixture(scope="module")
def reference(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningService]:
    with running_service(tmp_path_factory.mktemp("docs"), SIGN_SLOTS="2", SIGN_ADMIN_KEYS=ADMIN) as running:
        yield running


@pytest.fixture
def page(chromium: Browser, reference: RunningService) -> Iterator[Page]:
    """The reference, with the admin's key given."""
    with visit(chromium) as visitor:
        visitor.page.context.set_default_timeout(90_000)
        visitor.page.goto(f"{reference.url}/docs")
        give_admin_key(visitor.page)
        yield visitor.page
        visitor.page.goto(reference.url)


def test_each_route_succeeds_as_it_stands(page: Page) -> None:
    for name, status in AS_IT_STANDS.items():
        try_out(opened(page, name), name, status)


def test_each_route_that_takes_a_medium_succeeds_with_a_file_and_each_of_a_job_with_its_id(page: Page) -> None:
    said = ""
    for name, status in WITH_A_FILE.items():
        said = try_out_with_file(page, name, status, A)
    for name, status in OF_A_JOB.items():
        try_out_with_id(page, name, status, said)


def test_each_route_of_teaching_succeeds_one_after_the_other(
    page: Page, reference: RunningService, tmp_path: Path
) -> None:
    teach(reference, "my-signs", *SIGNS, NOTHING)
    (tmp_path / "another.pose").write_bytes(pose_file(SIGNS[0], TAKES))
    said = try_out_with_file(page, "post_example", 201, tmp_path / "another.pose")
    for name, status in OF_AN_EXAMPLE.items():
        try_out_with_id(page, name, status, said)
    for name, status in TAUGHT.items():
        said = try_out(opened(page, name), name, status)
        if name == "post_train":
            assert ended(reference, f"/jobs/{json.loads(said)['id']}")["state"] == "succeeded"


def test_each_route_of_tensors_succeeds_with_those_that_the_model_names(page: Page, reference: RunningService) -> None:
    for name, metadata in WITH_TENSORS.items():
        block = opened(page, name)
        block.locator("textarea.body-param__text").fill(zeros(reference.client.get(metadata).json()["inputs"]))
        try_out(block, name, 200)


def test_every_route_is_among_the_tried(reference: RunningService) -> None:
    paths = reference.client.get("/openapi.json").json()["paths"]
    operations = [operation for methods in paths.values() for operation in methods.values()]
    tried = {*AS_IT_STANDS, *WITH_A_FILE, *OF_A_JOB, "post_example", *OF_AN_EXAMPLE, *TAUGHT, *WITH_TENSORS}
    assert {one["operationId"] for one in operations} == tried
    with_body = {one["operationId"] for one in operations if "requestBody" in one}
    assert with_body == {*WITH_A_FILE, "post_example", "put_traffic", *WITH_TENSORS}


def zeros(named: list[dict[str, Any]]) -> str:
    """A body with one row of zeros for each of these tensors."""
    shapes = [[max(1, length) for length in one["shape"]] for one in named]
    tensors = [one | {"shape": shape, "data": [0] * math.prod(shape)} for one, shape in zip(named, shapes, strict=True)]
    return json.dumps({"inputs": tensors})


def give_admin_key(page: Page) -> None:
    """Give the key by the reference's own dialog."""
    page.get_by_role("button", name="Authorize").first.click()
    dialog = page.locator(".auth-container", has_text="adminKey")
    dialog.get_by_role("textbox").fill(ADMIN)
    dialog.locator("button.authorize").click()
    page.locator(".modal-ux .close-modal").click()


def opened(page: Page, name: str) -> Locator:
    """The route's block, opened for trying."""
    block = page.locator(f".opblock[id$='-{name}']")
    block.locator(".opblock-summary-control").click()
    block.get_by_role("button", name="Try it out").click()
    return block


def try_out_with_file(page: Page, name: str, status: int, file: Path) -> str:
    """The same with a file chosen."""
    block = opened(page, name)
    block.locator("input[type=file]").set_input_files(file)
    return try_out(block, name, status)


def try_out_with_id(page: Page, name: str, status: int, said: str) -> None:
    """The same of what an answer told the id."""
    block = opened(page, name)
    block.locator("tr[data-param-name=id] input").fill(json.loads(said)["id"])
    try_out(block, name, status)


def try_out(block: Locator, name: str, status: int) -> str:
    """Execute it, see the status, and close the block: the page stays small. What the body showed, if anything."""
    block.get_by_role("button", name="Execute").click()
    live = block.locator(".live-responses-table tbody .response").first
    expect(live.locator(".response-col_status")).to_contain_text(str(status), timeout=60_000)
    body = live.locator(".highlight-code code, .highlight-code pre, .microlight").first
    said = body.inner_text() if body.count() else ""
    if folder := os.environ.get("SIGN_SHOTS"):
        block.screenshot(path=Path(folder) / f"{name}.png")
    block.locator(".opblock-summary-control").click()
    return said
