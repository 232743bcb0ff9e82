"""The page on a phone-like machine: two cameras, a screen that would sleep, and a service that goes away."""

import re
import signal
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page

from tests.browser import running_browser
from tests.e2e.pages import PHONE, PIXELS_DRAWN, visit
from tests.running import RunningService, running_service, wait_until

REMEMBER_LOCKS = """window.locks = [];
const request = WakeLock.prototype.request;
WakeLock.prototype.request = async function (...given) {
    const lock = await request.apply(this, given);
    window.locks.push(lock);
    return lock;
};"""
CAMERA = "document.querySelector('#preview').srcObject?.getVideoTracks()[0].getSettings().deviceId"


@pytest.fixture(scope="module")
def phone() -> Iterator[Browser]:
    """A browser with two cameras."""
    with running_browser(
        "--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream=device-count=2"
    ) as browser:
        yield browser


@pytest.fixture(scope="module")
def passing_service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningService]:
    """A service that a test may stop."""
    folder = tmp_path_factory.mktemp("passing")
    with running_service(folder, SIGN_SLOTS="1", SIGN_STREAM_SLOTS="1") as running:
        yield running


def start(page: Page) -> None:
    """Start the camera and wait for the first answers."""
    page.click("#camera-start")
    page.get_by_text(re.compile("pictures a second")).wait_for()


def test_the_other_camera_goes_on_in_the_same_session_and_the_screen_stays_awake(
    phone: Browser, passing_service: RunningService
) -> None:
    with visit(phone, size=PHONE) as visitor:
        page = visitor.page
        page.add_init_script(REMEMBER_LOCKS)
        visitor.open(passing_service.url)
        start(page)
        assert page.evaluate("window.locks.map((lock) => lock.released)") == [False]
        first = page.evaluate(CAMERA)
        page.get_by_role("button", name="Other camera").click()
        wait_until(lambda: page.evaluate(CAMERA) not in (first, None), 10, "the camera has not changed")
        page.click("#camera-stop")
        page.get_by_text(re.compile("s read: ")).wait_for()
        assert page.evaluate("window.locks.map((lock) => lock.released)") == [True]
        assert sum(url.startswith("ws:") for url in visitor.requested) == 1


def test_the_transcript_is_in_sight_while_the_camera_runs(phone: Browser, passing_service: RunningService) -> None:
    with visit(phone, passing_service.url, size=PHONE) as visitor:
        page = visitor.page
        start(page)
        for part in ("#preview", "#camera-stop", "#transcript-box"):
            box = page.locator(part).bounding_box()
            assert box is not None
            assert box["y"] >= 0
            assert box["y"] + box["height"] <= PHONE["height"]
        page.click("#camera-stop")
        page.get_by_text(re.compile("s read: ")).wait_for()


def test_a_service_that_restarts_is_waited_for(phone: Browser, passing_service: RunningService) -> None:
    with visit(phone, passing_service.url, size=PHONE, expected="ERR_CONNECTION_REFUSED") as visitor:
        page = visitor.page
        start(page)
        passing_service.process.send_signal(signal.SIGTERM)
        page.get_by_text(re.compile("s read: ")).wait_for()
        page.get_by_text(re.compile(r"The connection ended\. Trying again in \d s")).wait_for()
        assert page.locator("#now-bars .bar").count() == 0
        assert page.locator("#overlay").evaluate(PIXELS_DRAWN) == 0
        page.locator("#lost", has_text="The service does not answer").wait_for()
        assert page.locator("#camera-stop").is_visible()
        page.click("#camera-stop")
