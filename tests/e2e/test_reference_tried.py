"""/docs as a newcomer meets it: "Try it out" on each route as it stands; a file is chosen and a job named where needed.

SIGN_SHOTS names a folder for a picture of each route as it was tried.
"""

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.e2e.pages import visit
from tests.running import SAMPLES, RunningService, running_service

A = SAMPLES / "letter_a_right_light.mp4"
ADMIN = "boss"
AS_IT_STANDS = {
    "get_health": 200, "get_readiness": 200, "get_metrics": 200, "get_models": 200, "get_model": 200,
    "get_version": 200, "get_jobs": 200, "post_load": 200, "post_unload": 200, "post_reload": 200,
}  # fmt: skip
WITH_A_FILE = {
    "post_predict": 200, "post_timeline": 200, "post_highlights": 200,
    "post_job_predict": 202, "post_job_timeline": 202, "post_job_highlights": 202,
}  # fmt: skip
OF_A_JOB = {"get_job": 200, "get_events": 200, "get_result": 200, "delete_job": 204}
"""In this order: its events end when it has, then there is a result, then it is forgotten."""


@pytest.fixture(scope="module")
def reference(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningService]:
    with running_service(tmp_path_factory.mktemp("docs"), SIGN_SLOTS="2", SIGN_ADMIN_KEYS=ADMIN) as running:
        yield running


@pytest.mark.timeout(600)  # Swagger UI draws long pages, and a machine may have other work
def test_each_route_succeeds_as_it_stands_with_a_file_and_a_job_where_they_are_needed(
    chromium: Browser, reference: RunningService
) -> None:
    with visit(chromium) as visitor:
        page = visitor.page
        page.context.set_default_timeout(90_000)
        page.goto(f"{reference.url}/docs")
        give_admin_key(page)
        for name, status in AS_IT_STANDS.items():
            try_out(opened(page, name), name, status)
        said = ""
        for name, status in WITH_A_FILE.items():
            block = opened(page, name)
            block.locator("input[type=file]").set_input_files(A)
            said = try_out(block, name, status)
        for name, status in OF_A_JOB.items():
            block = opened(page, name)
            block.locator("tr[data-param-name=id] input").fill(json.loads(said)["id"])
            try_out(block, name, status)
        page.goto(reference.url)


def test_every_route_is_among_the_tried(reference: RunningService) -> None:
    paths = reference.client.get("/openapi.json").json()["paths"]
    operations = [operation for methods in paths.values() for operation in methods.values()]
    assert {one["operationId"] for one in operations} == {*AS_IT_STANDS, *WITH_A_FILE, *OF_A_JOB}
    assert {one["operationId"] for one in operations if "requestBody" in one} == set(WITH_A_FILE)


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
