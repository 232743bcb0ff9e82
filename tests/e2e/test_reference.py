"""/docs in a real browser: the routes are shown, and one is tried, without a file from elsewhere."""

from playwright.sync_api import Browser

from tests.e2e.pages import visit
from tests.running import RunningService


def test_the_routes_can_be_read_and_tried_without_a_file_from_elsewhere(
    chromium: Browser, service: RunningService
) -> None:
    with visit(chromium) as visitor:
        page = visitor.page
        page.goto(f"{service.url}/docs")
        page.locator(".opblock-summary-path", has_text="/healthz").click()
        page.get_by_role("button", name="Try it out").click()
        page.get_by_role("button", name="Execute").click()
        page.locator(".live-responses-table", has_text='"alive"').wait_for()
        assert all(url.startswith(service.url) for url in visitor.requested)
        page.goto(service.url)


def test_swagger_ui_is_served_and_nothing_else_of_its_package(service: RunningService) -> None:
    assert "frame-ancestors 'none'" in service.client.get("/docs").headers["content-security-policy"]
    bundle = service.client.get("/docs/swagger-ui-bundle.js")
    assert bundle.headers["content-type"] == "text/javascript; charset=utf-8"
    for name in ("redoc.standalone.js", "favicon.png", "index.html"):
        assert service.client.get(f"/docs/{name}").json()["code"] == "route-unknown"
