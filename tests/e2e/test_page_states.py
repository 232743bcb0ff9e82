"""States of the page that nobody may overlook, and what hurried people do to it."""

import re
import signal
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page, Route

from tests.e2e.pages import DESKTOP, PHONE, visit
from tests.e2e.test_page import barriers
from tests.running import SAMPLES, RunningService

FLY = SAMPLES / "word_fly_right_tan.mp4"
CAB = SAMPLES / "word_cab_left_brown.mp4"
A = SAMPLES / "letter_a_right_light.mp4"
SIZES = pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
DROP = """async ([names, folder]) => {
    const data = new DataTransfer();
    const main = document.querySelector("script[type=module]").src;
    for (const name of names) {
        const content = await (await fetch(main.replace("main.js", `samples/${name}`))).blob();
        data.items.add(new File([content], name, { type: content.type }));
    }
    if (folder) DataTransferItem.prototype.webkitGetAsEntry = () => ({ isDirectory: true });
    if (folder && names.length === 0) data.items.add(new File([], "folder"));
    const event = new DragEvent("drop", { bubbles: true, cancelable: true, dataTransfer: data });
    document.querySelector("h1").dispatchEvent(event);
    return event.defaultPrevented;
}"""

BACKGROUND = "stage => getComputedStyle(stage).backgroundImage"
REFUSE = """() => {
    navigator.mediaDevices.getUserMedia = async () => { throw new DOMException("no", "NotAllowedError"); };
}"""


def drop(page: Page, *names: str, folder: bool = False) -> None:
    """Drop samples on the page's first line, as if they were files of the reader's own, or folders."""
    assert page.evaluate(DROP, [names, folder])


def inside(part: Locator, size: dict[str, int]) -> bool:
    """Whether nothing of it lies beside the screen."""
    box = part.bounding_box()
    return box is not None and box["x"] >= 0 and box["x"] + box["width"] <= size["width"]


@SIZES
def test_a_lost_service_is_said_over_everything_until_it_answers_again(
    chromium: Browser, service: RunningService, size: dict[str, int]
) -> None:
    with visit(chromium, service.url, size=size, expected="ERR_") as visitor:
        page = visitor.page
        page.set_input_files("#file-input", A)
        page.context.set_offline(True)
        page.click("#ask-go")
        page.locator("#lost[role=alert]", has_text="The service does not answer").wait_for()
        box = page.locator("#lost").bounding_box()
        assert box is not None
        assert box["y"] == 0
        assert box["width"] == size["width"]
        page.locator("#file-problem", has_text="could not be reached").wait_for()
        assert barriers(page) == []
        page.context.set_offline(False)
        page.locator("#found[role=status]", has_text="answers again").wait_for()
        assert page.locator("#lost").is_hidden()
        page.locator("#file-problem").get_by_role("button", name="Try again").click()
        page.locator(".answer .block").wait_for()


def test_a_service_that_hangs_is_lost_too(chromium: Browser, service: RunningService) -> None:
    with visit(chromium, service.url, expected="ERR_|Failed to load") as visitor:
        page = visitor.page
        service.process.send_signal(signal.SIGSTOP)
        try:
            page.evaluate("dispatchEvent(new Event('offline'))")
            page.locator("#lost", has_text="The service does not answer").wait_for()
        finally:
            service.process.send_signal(signal.SIGCONT)
        page.get_by_role("button", name="Try now").click()
        page.locator("#found", has_text="answers again").wait_for()


@SIZES
def test_a_camera_that_is_refused_is_a_state_of_its_own_with_ways_on(
    chromium: Browser, service: RunningService, size: dict[str, int]
) -> None:
    with visit(chromium, service.url, size=size) as visitor:
        page = visitor.page
        page.evaluate(REFUSE)
        page.click("#camera-start")
        failed = page.locator("#camera-failed[role=alert]")
        failed.get_by_role("heading", name="The camera is not allowed").wait_for()
        assert "Allow it beside the address" in failed.inner_text()
        assert barriers(page) == []
        failed.get_by_role("button", name="Try one of our clips").click()
        assert page.evaluate("document.activeElement.id") == "samples-title"
        assert page.locator("#panel-file").is_visible()


def test_a_missing_camera_is_as_hard_to_overlook_where_signs_are_taught(
    chromium: Browser, service: RunningService
) -> None:
    with visit(chromium, service.url, locale="ko-KR") as visitor:
        page = visitor.page
        page.click("#tab-teach")
        page.get_by_role("button", name="시작하기").click()
        page.click("#teach-camera")
        page.locator("[role=alert] #teach-off-title", has_text="카메라를 찾지 못했습니다").wait_for()
        assert "radial-gradient" in page.locator("#teach-picture .stage").evaluate(BACKGROUND)
        assert barriers(page) == []


def test_samples_are_asked_about_by_one_click_and_the_next_one_takes_over(
    chromium: Browser, service: RunningService
) -> None:
    with visit(chromium, service.url) as visitor:
        page = visitor.page
        page.click("#tab-file")
        page.get_by_role("button", name="A clip of the letters FLY").dblclick()
        page.locator("#answer .transcript-line", has_text="FLY").wait_for()
        for letter in ("A", "W"):
            page.get_by_role("button", name=f"A picture of {letter}", exact=True).click()
            page.locator(".answer .big", has_text=re.compile(f"^{letter}$")).wait_for()
            assert page.locator("#ask-predict").is_checked()
            assert page.locator("#answer .block").count() == 0
        page.get_by_text("A hand was found in the picture").wait_for()


def test_samples_without_their_pictures_get_them_when_the_service_answers_again(
    chromium: Browser, service: RunningService
) -> None:
    with visit(chromium, service.url, expected="ERR_") as visitor:
        page = visitor.page
        page.context.set_offline(True)
        page.click("#tab-file")
        picture = page.locator(".sample img").first
        page.locator(".sample img.missing").first.wait_for(state="attached")
        assert picture.evaluate("picture => getComputedStyle(picture).visibility") == "hidden"
        box = page.locator(".sample-picture").first.bounding_box()
        assert box is not None
        assert box["width"] / box["height"] == pytest.approx(4 / 3, abs=0.05)
        page.context.set_offline(False)
        page.locator("#found", has_text="answers again").wait_for()
        # The list is written anew with what the service answers, so the picture is looked up each time
        page.wait_for_function("document.querySelector('.sample img').naturalWidth > 0")
        page.wait_for_function("getComputedStyle(document.querySelector('.sample img')).visibility === 'visible'")


def test_every_sample_shows_what_it_says(service: RunningService) -> None:
    pictures = sorted((Path(__file__).parents[2] / "service/web/samples").glob("*_?.webp"))
    assert len(pictures) >= 14
    for path in pictures:
        kind, _, label = path.stem.partition("_")
        answer = service.predict(path, model=f"asl-{kind}s").json()
        assert (path.name, answer["predicted_class_name"], answer["declined"]) == (path.name, label.upper(), False)


def test_each_model_has_its_own_samples_and_instructions(chromium: Browser, service: RunningService) -> None:
    with visit(chromium, service.url) as visitor:
        page = visitor.page
        assert "Hold each letter" in page.locator("#camera-hint").inner_text()
        page.select_option("#model", "American Sign Language digits, 0 to 9")
        page.click("#tab-file")
        assert page.locator("#samples-list li").all_inner_texts() == ["1", "3", "5"]
        page.select_option("#model", "How much a face moves")
        assert page.locator("#samples").is_hidden()
        assert page.locator("#drop-title").inner_text() == "Drop a video of a face here"
        words = visitor.call("models.js", "it.subjectOf()")
        assert words == "faces"


def test_the_tests_of_a_model_are_a_table_without_empty_columns(chromium: Browser, service: RunningService) -> None:
    with visit(chromium, service.url) as visitor:
        page = visitor.page
        page.click("#about")
        page.locator("#card tbody tr").first.wait_for()
        columns = page.evaluate(
            "() => [...document.querySelectorAll('#card thead th')].map((_, place) =>"
            " [...document.querySelectorAll(`#card tbody tr > :nth-child(${place + 1})`)].map(one => one.textContent))"
        )
        assert len(columns) > 3
        assert [column for column in columns if set(column) == {"–"}] == []


def test_a_video_dropped_anywhere_gets_its_timeline_at_once(chromium: Browser, service: RunningService) -> None:
    with visit(chromium, service.url) as visitor:
        page = visitor.page
        drop(page, "word_cab.mp4")
        page.locator("#answer .transcript-line", has_text="CAB").wait_for()
        assert page.locator("#panel-file").is_visible()
        assert page.locator("#ask-timeline").is_checked()


def test_of_several_files_the_first_is_read_and_a_folder_is_declined_in_words(
    chromium: Browser, service: RunningService
) -> None:
    with visit(chromium, service.url) as visitor:
        page = visitor.page
        drop(page, folder=True)
        page.locator("#file-note", has_text="A folder cannot be read here").wait_for()
        page.reload()
        page.wait_for_selector("#model option", state="attached")
        drop(page, "letter_a.webp", "word_cab.mp4", "letter_b.webp")
        page.locator("#file-note", has_text="this is the answer for letter_a.webp").wait_for()
        page.locator(".answer .big", has_text=re.compile("^A$")).wait_for()
        assert page.locator("#file-note").inner_text() != ""


def test_an_answer_vanishes_when_its_question_options_or_model_change(
    chromium: Browser, service: RunningService
) -> None:
    with visit(chromium, service.url) as visitor:
        page = visitor.page
        page.set_input_files("#file-input", FLY)

        def answered() -> None:
            page.click("#ask-go")
            page.locator("#answer .answer").wait_for()

        answered()
        page.check("#ask-predict")
        assert page.locator("#answer").inner_text() == ""
        answered()
        page.get_by_text("Options", exact=True).click()
        page.get_by_label("From second").fill("0.5")
        assert page.locator("#answer").inner_text() == ""
        answered()
        page.select_option("#model", "American Sign Language digits, 0 to 9")
        assert page.locator("#answer").inner_text() == ""


def test_a_label_that_means_no_sign_is_worded_in_the_language_of_the_page(
    chromium: Browser, service: RunningService
) -> None:
    with visit(chromium, service.url, locale="ko-KR") as visitor:
        page = visitor.page
        page.click("#tab-file")
        page.locator("#samples-list button").filter(has_text=re.compile("^B$")).click()
        named = page.locator("#answer .bar-name")
        named.filter(has_text="수어 없음").wait_for()
        page.click("#language")
        named.filter(has_text="no sign").wait_for()
        assert "nothing" not in named.all_inner_texts()


def test_asking_twice_in_a_hurry_sends_the_file_once(chromium: Browser, service: RunningService) -> None:
    with visit(chromium, service.url) as visitor:
        page = visitor.page
        page.set_input_files("#file-input", FLY)
        page.locator("#ask-go").dblclick()
        page.locator("#answer .transcript-line", has_text="FLY").wait_for()
        assert sum("/timeline?" in url for url in visitor.requested) == 1


def test_reloading_in_the_middle_of_an_upload_leaves_a_page_that_works(
    chromium: Browser, service: RunningService
) -> None:
    with visit(chromium, service.url) as visitor:
        page = visitor.page

        def hold(_route: Route) -> None:
            """Never answer."""

        page.route("**/timeline?*", hold)
        page.set_input_files("#file-input", FLY)
        page.click("#ask-go")
        page.locator("#ask-cancel").wait_for()
        page.unroute("**/timeline?*")
        page.reload()
        page.wait_for_selector("#model option", state="attached")
        assert page.locator("#lost").is_hidden()
        page.set_input_files("#file-input", FLY)
        page.click("#ask-go")
        page.locator("#answer .transcript-line", has_text="FLY").wait_for()


def test_the_back_button_goes_back_to_the_tab_before_and_keeps_the_answer(
    chromium: Browser, service: RunningService
) -> None:
    with visit(chromium, service.url) as visitor:
        page = visitor.page
        page.click("#tab-file")
        page.get_by_role("button", name="A picture of A", exact=True).click()
        page.locator(".answer .big").wait_for()
        page.click("#tab-jobs")
        page.go_back()
        assert page.locator("#panel-file").is_visible()
        assert page.locator(".answer .big").inner_text() == "A"
        page.go_back()
        assert page.locator("#panel-camera").is_visible()


def test_a_turned_phone_shows_everything_without_scrolling_sideways(chromium: Browser, service: RunningService) -> None:
    with visit(chromium, service.url, size=PHONE) as visitor:
        page = visitor.page
        page.click("#tab-file")
        page.get_by_role("button", name="A clip of the letters FLY").click()
        page.locator(".answer .block").first.wait_for()
        for size in ({"width": PHONE["height"], "height": PHONE["width"]}, PHONE, {"width": 320, "height": 568}):
            page.set_viewport_size(size)  # type: ignore[arg-type]
            for tab in ("camera", "file", "teach", "jobs"):
                page.click(f"#tab-{tab}")
                assert all(inside(one, size) for one in page.locator("[role=tab]").all())
                wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
                assert (size, tab, wide) == (size, tab, 0)


@SIZES
def test_the_curve_of_tension_has_an_axis_and_its_threshold(
    chromium: Browser, service: RunningService, testdata: Path, size: dict[str, int]
) -> None:
    face = next(path for path in sorted((testdata / "videos/faces").glob("*.mp4")))
    with visit(chromium, service.url, size=size, locale="ko-KR") as visitor:
        page = visitor.page
        page.set_input_files("#file-input", face)
        page.check("#ask-highlights")
        page.click("#ask-go")
        page.locator(".tension").wait_for()
        assert page.locator(".level-mark").all_inner_texts()[0] == "0"
        assert page.locator(".threshold-mark").inner_text() == "0.4부터 순간"
        assert page.locator(".tension .threshold").count() == 1
        assert barriers(page) == []


def test_a_clip_without_a_hand_is_not_said_to_be_near_to_anything(
    chromium: Browser, service: RunningService, testdata: Path
) -> None:
    with visit(chromium, service.url, locale="ko-KR") as visitor:
        page = visitor.page
        page.set_input_files("#file-input", next(iter(sorted((testdata / "videos/noface").glob("*.mp4")))))
        page.check("#ask-predict")
        page.click("#ask-go")
        page.locator(".answer", has_text="손을 찾지 못해 답할 것이 없습니다").wait_for()
        assert "가장 가까운 것은" not in page.locator(".answer").inner_text()


def test_who_gives_no_key_is_told_that_one_is_missing(chromium: Browser, keyed_service: RunningService) -> None:
    with visit(chromium) as visitor:
        page = visitor.page
        page.goto(keyed_service.url)
        page.get_by_role("button", name="Cancel").click()
        page.locator("#model-state", has_text="once a key is given").wait_for()


def test_a_model_that_is_not_live_asks_nobody_to_show_a_face(chromium: Browser, service: RunningService) -> None:
    with visit(chromium, service.url) as visitor:
        page = visitor.page
        page.select_option("#model", "How much a face moves")
        page.locator("#camera-cannot").wait_for()
        assert page.locator("#camera-hint").is_hidden()


def test_the_samples_are_those_of_the_repository() -> None:
    """What the page offers is made from samples/ by tools.page_samples, and was not forgotten when those changed."""
    for name, clip in (("word_fly", FLY), ("word_cab", CAB)):
        shown = Path(__file__).parents[2] / f"service/web/samples/{name}.mp4"
        assert shown.read_bytes() == clip.read_bytes()
