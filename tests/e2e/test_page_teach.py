"""The page teaches signs before a camera: an avatar that signs, again and again, and rests in between."""

import re
from collections.abc import Iterator
from pathlib import Path

import av
import numpy as np
import pytest
from playwright.sync_api import Browser, Locator, Page

from tests.browser import running_browser
from tests.e2e.pages import PHONE, PIXELS_DRAWN, visit
from tests.e2e.test_page import barriers
from tests.lessons_made import Sign, pose_file
from tests.running import RunningService, running_service

CAMERA_RATE = 15
REST_S = 1.2
BRIGHTNESS = """canvas => {
    const values = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data;
    const drawn = values.filter((value, index) => values[4 * Math.floor(index / 4) + 3] > 200 && index % 4 === 1);
    return drawn.reduce((sum, value) => sum + value, 0) / drawn.length;
}"""
SEES_MORE = """video => new Promise((resolve) => {
    const from = video.currentTime;
    video.addEventListener("timeupdate", () => video.currentTime > from + 1.5 && resolve(true));
})"""


def write_camera(clip: Path, target: Path) -> Path:
    """The clip as Chromium takes it for a camera: a rest, the sign, and the way back to the rest."""
    with av.open(str(clip)) as container:
        rate = float(container.streams.video[0].average_rate or CAMERA_RATE)
        step = rate / CAMERA_RATE
        frames = [frame.reformat(640, 360, "yuv420p").to_ndarray() for frame in container.decode(video=0)]
    chosen = [frames[round(index * step)] for index in range(int((len(frames) - 1) / step) + 1)]
    shown = [*[chosen[0]] * round(REST_S * CAMERA_RATE), *chosen, *chosen[-2::-2]]
    with target.open("wb") as file:
        file.write(f"YUV4MPEG2 W640 H360 F{CAMERA_RATE}:1 Ip A1:1 C420jpeg\n".encode())
        for frame in shown:
            file.write(b"FRAME\n" + np.ascontiguousarray(frame).tobytes())
    return target


@pytest.fixture(scope="module")
def signer(testdata: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """A browser before whose camera an avatar signs HELP."""
    clip = testdata / "videos/avatar/words/help.mp4"
    camera = write_camera(clip, tmp_path_factory.mktemp("camera") / "help.y4m")
    with running_browser(
        "--use-fake-ui-for-media-stream",
        "--use-fake-device-for-media-stream",
        f"--use-file-for-fake-video-capture={camera}",
    ) as browser:
        yield browser


@pytest.fixture(scope="module")
def teaching(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningService]:
    with running_service(tmp_path_factory.mktemp("teaching"), SIGN_SLOTS="1", SIGN_STREAM_SLOTS="1") as running:
        yield running


def opened(page: Page, url: str) -> Page:
    """The panel with a lesson open."""
    page.goto(f"{url}/#teach")
    page.wait_for_selector("#model option", state="attached")
    page.get_by_role("button", name=re.compile("^(Begin|시작하기)$")).click()
    page.wait_for_selector("#teach-lesson:not([hidden])")
    return page


def takes_of(page: Page, label: str) -> Locator:
    """The takes of a sign that are shown."""
    return page.locator(".teach-sign", has_text=label).locator(".take")


def files(sign: Sign, count: int) -> list[dict[str, object]]:
    """So many takes as files that a person would choose."""
    return [
        {"name": f"{sign}{number}.pose", "mimeType": "application/octet-stream", "buffer": pose_file(sign, number)}
        for number in range(count)
    ]


@pytest.mark.timeout(240)
def test_signs_are_taught_before_the_camera_recognized_live_corrected_and_deleted(
    signer: Browser, teaching: RunningService
) -> None:
    with visit(signer) as visitor:
        page = opened(visitor.page, teaching.url)
        page.get_by_label("Sign that you show").fill("wave")
        page.set_input_files("#teach-files", files("wave", 2))  # type: ignore[arg-type]
        takes_of(page, "wave").nth(1).wait_for()

        page.get_by_role("button", name="Start the camera").last.click()
        page.get_by_label("Sign that you show").fill("help")
        page.keyboard.press("Enter")
        page.locator("#teach-cue", has_text=re.compile("Raise your hand|Rest your hand")).wait_for()
        takes_of(page, "help").nth(1).wait_for()
        page.get_by_role("button", name="Stop recording").click()
        assert takes_of(page, "help").first.locator("canvas").evaluate(PIXELS_DRAWN) > 50
        assert page.locator("#teach-overlay").evaluate(PIXELS_DRAWN) >= 0
        assert barriers(page) == []

        page.get_by_role("button", name="Make the model").click()
        page.locator("#teach-figures", has_text="Version 1 answers now").wait_for(timeout=90_000)
        assert "Right in" in page.locator("#teach-figures").inner_text()
        assert "other people it is less sure" in page.locator("#teach-figures").inner_text()
        page.get_by_role("button", name="Try it live").click()
        page.locator("#teach-answers strong", has_text="help").first.wait_for()
        page.locator("#teach-bars .bar-name", has_text="no sign").wait_for()
        assert barriers(page) == []
        kept = takes_of(page, "wave").count()
        page.locator("#teach-answers").get_by_role("button", name="wave", exact=True).first.click()
        page.get_by_text("Kept as a take of wave").wait_for()
        takes_of(page, "wave").nth(kept).wait_for()

        with page.expect_download() as download:
            page.get_by_role("button", name="Download it (.zip)").click()
        assert download.value.suggested_filename == "my-signs-1.zip"
        page.get_by_role("button", name="Copy the link").click()
        page.locator("#teach-share").get_by_text("Copied").wait_for()
        assert page.evaluate("navigator.clipboard.readText()") == f"{teaching.url}/?model=my-signs#camera"

        page.get_by_role("button", name="Delete everything").click()
        page.get_by_role("button", name="Delete it all").click()
        page.locator("#teach-said", has_text="is deleted").wait_for(state="attached")
        assert teaching.client.get("/models/my-signs").status_code == 404
        assert teaching.client.get("/teach").json()["lessons"] == []


def test_a_take_is_replayed_doubted_and_deleted_on_a_phone_in_korean(signer: Browser, teaching: RunningService) -> None:
    with visit(signer, size=PHONE, locale="ko-KR", colors="dark") as visitor:
        page = opened(visitor.page, teaching.url)
        assert "화면은 보관하지 않습니다" in page.locator("#teach-kept").inner_text()
        page.get_by_label("보여 줄 수어").fill("circle")
        page.set_input_files("#teach-files", files("circle", 2))  # type: ignore[arg-type]
        takes_of(page, "circle").nth(1).wait_for()
        assert "수어를 두 가지 이상" in page.locator("#teach-advice").inner_text()
        assert page.locator("#teach-make").is_disabled()
        drawn = takes_of(page, "circle").first.locator("canvas")
        dark = drawn.evaluate(BRIGHTNESS)
        page.click("#theme")
        assert drawn.evaluate(BRIGHTNESS) < dark
        page.get_by_role("button", name="circle 1번째 녹화 재생").click()
        assert barriers(page) == []
        assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
        page.get_by_role("button", name="circle 2번째 녹화 지우기").press("Enter")
        takes_of(page, "circle").nth(1).wait_for(state="detached")
        assert takes_of(page, "circle").count() == 1
        page.get_by_role("button", name="모두 지우기").click()
        assert page.locator("#teach-delete-no").evaluate("button => button === document.activeElement")
        page.get_by_role("button", name="모두 지우기").last.click()
        page.wait_for_selector("#teach-lesson", state="hidden")


def test_a_take_of_nothing_is_recorded_without_a_hand_that_rises(signer: Browser, teaching: RunningService) -> None:
    with visit(signer) as visitor:
        page = opened(visitor.page, teaching.url)
        page.click("#teach-camera")
        page.get_by_label("Sign that you show").fill("help")
        page.keyboard.press("Enter")
        page.locator("#teach-cue", has_text=re.compile("Raise your hand|Rest your hand")).wait_for()
        page.get_by_role("button", name="Stop recording").click()
        page.get_by_role("button", name="Record “nothing”").click()
        page.locator("#teach-cue", has_text="Press again").wait_for()
        page.locator("#teach-preview").evaluate(SEES_MORE)
        page.get_by_role("button", name="Stop recording").click()
        page.locator(".teach-sign", has_text="no sign").locator(".take").first.wait_for()
        (kept,) = [
            one for one in teaching.client.get("/teach/my-signs").json()["examples"] if one["label"] == "nothing"
        ]
        assert (kept["source"], kept["duration"] > 1) == ("camera", True)
        teaching.client.delete("/teach/my-signs")


def test_without_a_place_for_live_signing_a_take_is_made_by_pressing_twice(
    signer: Browser, teaching: RunningService
) -> None:
    with visit(signer) as holder, visit(signer) as visitor:
        holder.open(teaching.url)
        holder.page.click("#camera-start")
        holder.page.get_by_text(re.compile(r"pictures a second")).wait_for()
        page = opened(visitor.page, teaching.url)
        page.click("#teach-camera")
        page.get_by_text("Your hands are not followed now").wait_for()
        page.get_by_label("Sign that you show").fill("help")
        page.locator("#teach-free").focus()
        page.keyboard.press("r")
        page.locator("#teach-cue", has_text="Press again").wait_for()
        page.locator("#teach-preview").evaluate(SEES_MORE)
        page.keyboard.press("r")
        takes_of(page, "help").first.wait_for()
        teaching.client.delete("/teach/my-signs")


def test_a_service_that_may_not_be_taught_has_no_such_tab(signer: Browser, keyed_service: RunningService) -> None:
    with visit(signer) as visitor:
        page = visitor.come_in(keyed_service.url)
        assert page.locator("#tab-teach").is_hidden()
        assert "What you teach" not in page.locator("#promise").inner_text()
