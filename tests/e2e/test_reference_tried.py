"""/docs as a newcomer meets it: "Try it out" on each route as it stands, with a file chosen where one is needed.

SIGN_SHOTS names a folder for a picture of each route as it was tried.
"""

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
    "get_version": 200, "get_jobs": 200, "post_load": 200, "post_reload": 200,
}  # fmt: skip
WITH_A_FILE = {
    "post_predict": 200, "post_timeline": 200, "post_highlights": 200,
    "post_job_predict": 202, "post_job_timeline": 202, "post_job_highlights": 202,
}  # fmt: skip


@pytest.fixture(scope="module")
def reference(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningService]:
    with running_service(tmp_path_factory.mktemp("docs"), SIGN_SLOTS="2", SIGN_ADMIN_KEYS=ADMIN) as running:
        yield running


@pytest.mark.timeout(400)  # Swagger UI draws long pages, and a machine may have other work
def test_each_route_succeeds_as_it_stands_with_a_file_where_one_is_needed(
    chromium: Browser, reference: RunningService
) -> None:
    with visit(chromium) as visitor:
        page = visitor.page
        page.context.set_default_timeout(90_000)
        page.goto(f"{reference.url}/docs")
        give_admin_key(page)
        for name, status in AS_IT_STANDS.items():
            try_out(opened(page, name), name, status)
        for name, status in WITH_A_FILE.items():
            block = opened(page, name)
            block.locator("input[type=file]").set_input_files(A)
            try_out(block, name, status)
        page.goto(reference.url)


def test_every_route_that_takes_a_file_is_among_the_tried(reference: RunningService) -> None:
    paths = reference.client.get("/openapi.json").json()["paths"]
    posts = [methods["post"] for methods in paths.values() if "post" in methods]
    assert {operation["operationId"] for operation in posts if "requestBody" in operation} == set(WITH_A_FILE)


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


def try_out(block: Locator, name: str, status: int) -> None:
    """Execute it, see the status, and close the block: the page stays small."""
    block.get_by_role("button", name="Execute").click()
    expect(block.locator(".live-responses-table tbody .response-col_status").first).to_contain_text(
        str(status), timeout=60_000
    )
    if folder := os.environ.get("SIGN_SHOTS"):
        block.screenshot(path=Path(folder) / f"{name}.png")
    block.locator(".opblock-summary-control").click()
