"""The page with a camera: a fake one that shows a rendered clip, over and over."""

import re
from collections.abc import Iterator
from pathlib import Path

import av
import pytest
from playwright.sync_api import Browser

from tests.browser import running_browser
from tests.e2e.pages import PHONE, PIXELS_DRAWN, visit
from tests.e2e.test_page import barriers
from tests.running import SAMPLES, RunningService

FLY = SAMPLES / "word_fly_right_tan.mp4"
SLOWLY = 2
"""Each picture is shown so often: a busy machine that drops pictures still sees each letter."""


def write_y4m(clip: Path, target: Path) -> Path:
    """The clip as Chromium takes it for a camera, at half its speed."""
    with av.open(str(clip)) as container, target.open("wb") as file:
        stream = container.streams.video[0]
        file.write(f"YUV4MPEG2 W{stream.width} H{stream.height} F30:1 Ip A1:1 C420jpeg\n".encode())
        for frame in container.decode(video=0):
            file.write((b"FRAME\n" + frame.to_ndarray(format="yuv420p").tobytes()) * SLOWLY)
    return target


@pytest.fixture(scope="module")
def filmed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """A browser whose camera shows FLY; the name sign.test leads to this machine, as an insecure address."""
    clip = write_y4m(FLY, tmp_path_factory.mktemp("camera") / "fly.y4m")
    camera = (
        "--use-fake-ui-for-media-stream",
        "--use-fake-device-for-media-stream",
        f"--use-file-for-fake-video-capture={clip}",
    )
    with running_browser(*camera, "--host-resolver-rules=MAP sign.test 127.0.0.1") as browser:
        yield browser


def test_what_is_spelled_before_the_camera_is_written(filmed: Browser, keyed_service: RunningService) -> None:
    with visit(filmed, size=PHONE) as visitor:
        page = visitor.come_in(keyed_service.url)
        page.click("#camera-start")
        page.get_by_text(re.compile(r"pictures a second · answered after")).wait_for()
        page.locator("#now-bars .leads .bar-name", has_text=re.compile("^[FLY]$")).wait_for()
        page.locator("#transcript-text", has_text="FLY").wait_for()
        assert page.locator("#overlay").evaluate(PIXELS_DRAWN) > 100
        assert (
            page.locator("#preview").evaluate("video => getComputedStyle(video).transform")
            == "matrix(-1, 0, 0, 1, 0, 0)"
        )
        assert barriers(page) == []
        page.click("#transcript-clear")
        assert page.locator("#transcript-text").inner_text() == ""
        page.locator("#transcript-text", has_text="L").wait_for()
        page.click("#transcript-space")
        page.locator("#transcript-text", has_text=re.compile(r"L\w* $")).wait_for()
        page.click("#camera-stop")
        page.get_by_text(re.compile(r"s read: \d+ signs in \d+ pictures")).wait_for()
        written = page.locator("#transcript-text").text_content() or ""
        page.get_by_role("button", name="Copy", exact=True).click()
        page.get_by_text("Copied").wait_for()
        assert page.evaluate("navigator.clipboard.readText()") == written.strip()
        page.click("#transcript-delete")
        assert page.locator("#transcript-text").text_content() == written[:-1]
        assert page.locator("#preview").evaluate("video => video.srcObject") is None


def test_another_model_begins_another_session(filmed: Browser, keyed_service: RunningService) -> None:
    with visit(filmed) as visitor:
        page = visitor.come_in(keyed_service.url)
        page.click("#camera-start")
        page.get_by_text(re.compile(r"pictures a second")).wait_for()
        page.select_option("#model", "American Sign Language digits, 0 to 9")
        page.locator("#now-bars .bar-name", has_text=re.compile(r"^\d$")).first.wait_for()
        page.select_option("#model", "How much a face moves")
        page.locator("#camera-status", has_text="This model does not read live pictures").wait_for()
        assert page.locator("#camera-start").is_disabled()


def test_who_finds_all_places_taken_is_told_so_and_can_try_again(
    filmed: Browser, keyed_service: RunningService
) -> None:
    with visit(filmed) as first, visit(filmed) as second:
        page = first.come_in(keyed_service.url)
        page.click("#camera-start")
        page.get_by_text(re.compile(r"pictures a second")).wait_for()
        other = second.come_in(keyed_service.url)
        other.click("#camera-start")
        other.locator("#camera-problem", has_text="All places for live signing are taken").wait_for()
        page.click("#camera-stop")
        page.get_by_text(re.compile(r"s read: ")).wait_for()
        other.get_by_role("button", name="Try again").click()
        other.get_by_text(re.compile(r"pictures a second")).wait_for()


def test_an_insecure_address_says_why_there_is_no_camera_and_takes_a_recording(
    filmed: Browser, keyed_service: RunningService
) -> None:
    with visit(filmed, size=PHONE) as visitor:
        page = visitor.come_in(keyed_service.url.replace("127.0.0.1", "sign.test"))
        assert "only to safe addresses" in page.locator("#camera-not-offered").inner_text()
        recorder = page.locator("#camera-not-offered input[capture=user]")
        assert recorder.get_attribute("accept") == "video/*"
        recorder.set_input_files(FLY)
        page.check("#ask-timeline")
        page.click("#ask-go")
        page.wait_for_selector(".block")
        assert page.locator(".block").all_inner_texts() == ["F", "L", "Y"]
