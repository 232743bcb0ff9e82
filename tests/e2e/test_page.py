"""The page in a real browser: files are chosen, questions asked, answers read, in two languages and with keys."""

import json
import re
import urllib.parse
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page

from service.errors import KINDS
from tests.e2e.pages import DESKTOP, KEY, PHONE, visit
from tests.running import SAMPLES, RunningService

FLY = SAMPLES / "word_fly_right_tan.mp4"
A = SAMPLES / "letter_a_right_light.mp4"
METADATA_THERE = """video => video.readyState > 0 ||
    new Promise((resolve) => video.addEventListener("loadedmetadata", () => resolve(true)))"""


def ask(page: Page, file: Path | dict[str, object], question: str) -> None:
    """Choose a file and put a question to it."""
    page.set_input_files("#file-input", file)  # type: ignore[arg-type]
    page.check(f"#ask-{question}")
    page.click("#ask-go")


def saved(page: Page, name: str) -> tuple[str, bytes]:
    """What a download button saves: the file's name and its bytes."""
    with page.expect_download() as download:
        page.get_by_role("button", name=name, exact=True).click()
    return download.value.suggested_filename, Path(download.value.path()).read_bytes()


def saved_answer(page: Page) -> dict[str, Any]:
    """The answer that the page shows, as it is saved."""
    answer: dict[str, Any] = json.loads(saved(page, "JSON")[1])
    return answer


def test_the_first_line_says_which_language_is_read_and_that_nothing_is_stored(
    chromium: Browser, service: RunningService
) -> None:
    with visit(chromium, service.url) as visitor:
        lead = visitor.page.locator("h1").inner_text()
        assert lead.startswith("Reads fingerspelled letters of American Sign Language, not of Korean Sign Language")
        assert "nothing is stored" in visitor.page.locator("#promise").inner_text()


def test_one_answer_with_bars_as_long_as_its_confidences(chromium: Browser, service: RunningService) -> None:
    with visit(chromium, service.url) as visitor:
        ask(visitor.page, A, "predict")
        assert visitor.page.locator(".answer .big").inner_text() == "A"
        first = visitor.page.locator(".answer .bar").first
        assert re.fullmatch(r"(> )?\d\d%", first.locator(".bar-share").inner_text())
        filled = first.locator(".bar-track").evaluate(
            "track => parseFloat(getComputedStyle(track, '::before').width) / track.clientWidth"
        )
        assert filled == pytest.approx(saved_answer(page := visitor.page)["confidence"], abs=0.01)
        assert page.locator(".answer .bar").last.locator(".bar-share").inner_text() == "< 1%"


def test_a_timeline_is_played_where_its_track_is_clicked(chromium: Browser, service: RunningService) -> None:
    with visit(chromium, service.url) as visitor:
        page = visitor.page
        ask(page, FLY, "timeline")
        blocks = page.locator(".block")
        blocks.first.wait_for()
        assert blocks.all_inner_texts() == ["F", "L", "Y"]
        assert page.locator("#answer .transcript-line").inner_text() == "FLY"
        blocks.first.focus()
        page.keyboard.press("ArrowRight")
        page.keyboard.press("Enter")
        page.wait_for_selector(".block.playing >> text=L")
        assert page.locator("video#preview, #player video").last.evaluate("video => video.currentTime") > 1.0
        assert saved(page, "Captions (VTT)")[1].startswith(b"WEBVTT")
        name, content = saved(page, "JSON")
        assert (name, json.loads(content)["transcript"]) == ("word_fly_right_tan.json", "FLY")


def test_what_was_asked_can_be_asked_again_with_curl(chromium: Browser, service: RunningService) -> None:
    with visit(chromium, service.url) as visitor:
        page = visitor.page
        file = {"name": "it's mine.mp4", "mimeType": "video/mp4", "buffer": A.read_bytes()}
        page.set_input_files("#file-input", file)  # type: ignore[arg-type]
        page.check("#ask-predict")
        page.get_by_text("Options", exact=True).click()
        page.get_by_label("Decline below (0 to 1)").fill("0.9")
        page.click("#ask-go")
        page.get_by_text("The same with curl").click()
        command = page.locator(".curl pre").inner_text()
        assert "--data-binary '@it'\\''s mine.mp4'" in command
        url = re.findall(r"'?(http[^']+)'?$", command)[0]
        assert urllib.parse.urlsplit(url).path == "/predict"
        options = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(url).query))
        assert options == {"model": "asl-letters", "threshold": "0.9", "media_name": "it's mine.mp4"}
        page.get_by_role("button", name="Copy the command").click()
        page.get_by_text("Copied").wait_for()
        assert page.evaluate("navigator.clipboard.readText()") == command


def test_lively_moments_are_a_curve_and_a_list(chromium: Browser, service: RunningService, testdata: Path) -> None:
    face = next(path for path in sorted((testdata / "videos/faces").glob("*.mp4")))
    with visit(chromium, service.url) as visitor:
        page = visitor.page
        ask(page, face, "highlights")
        page.wait_for_selector(".answer")
        assert page.locator("#model").input_value() == "How much a face moves"
        assert page.locator(".tension .curve, .empty").count() > 0
        name, content = saved(page, "Curve (PNG)")
        assert name.endswith(".png")
        assert content.startswith(b"\x89PNG")


def test_a_job_is_watched_saved_in_every_format_and_found_again(chromium: Browser, service: RunningService) -> None:
    with visit(chromium, service.url) as visitor:
        page = visitor.page
        page.set_input_files("#file-input", FLY)
        page.check("#ask-timeline")
        page.check("#ask-job")
        page.click("#ask-go")
        page.wait_for_selector(".answer .block")
        assert page.locator("#answer .transcript-line").inner_text() == "FLY"
        beginnings = {
            "Captions (VTT)": ("word_fly_right_tan.vtt", b"WEBVTT"),
            "Captions (SRT)": ("word_fly_right_tan.srt", b"1\n"),
            "ELAN (EAF)": ("word_fly_right_tan.eaf", b"<?xml"),
            "Table (CSV)": ("word_fly_right_tan.csv", b"start"),
            "AI-Hub labels": ("word_fly_right_tan_morpheme.json", b"{"),
        }
        for button, (name, beginning) in beginnings.items():
            file_name, content = saved(page, button)
            assert file_name == name
            assert content.lstrip(b"\xef\xbb\xbf").startswith(beginning)
        assert "/jobs/timeline?" in page.locator(".curl pre").text_content()  # type: ignore[operator]
        page.reload()
        page.click("#tab-jobs")
        page.get_by_role("button", name="Show the answer").first.click()
        page.wait_for_selector(".answer .block")
        assert page.locator(".block").all_inner_texts() == ["F", "L", "Y"]
        page.click("#tab-jobs")
        kept = page.locator(".job").count()
        page.get_by_role("button", name="Forget").first.click()
        page.locator(f".job:nth-child({kept})").wait_for(state="detached")


def test_an_error_is_told_in_the_readers_language_and_the_services_own_words(
    chromium: Browser, service: RunningService
) -> None:
    file: dict[str, object] = {
        "name": "<img src=x onerror=alert(1)>.mp4",
        "mimeType": "video/mp4",
        "buffer": b"no video at all",
    }
    with visit(chromium, service.url, expected="415") as visitor:
        page = visitor.page
        ask(page, file, "predict")
        problem = page.locator("#file-problem [role=alert]")
        assert "This is not a kind of file that can be read" in problem.inner_text()
        page.click("#language")
        assert "읽을 수 있는 파일이 아닙니다" in problem.inner_text()
        assert "서비스가 보낸 설명" in problem.inner_text()
        assert page.locator("#file-name").inner_text().startswith("<img src=x onerror=alert(1)>.mp4")
        assert page.locator("#file-work img").count() == 0


def test_the_keyboard_reaches_every_tab_and_the_address_remembers_it(
    chromium: Browser, service: RunningService
) -> None:
    with visit(chromium, service.url) as visitor:
        page = visitor.page
        page.focus("#tab-camera")
        for key, name in (("ArrowRight", "file"), ("End", "jobs"), ("ArrowRight", "camera"), ("ArrowLeft", "jobs")):
            page.keyboard.press(key)
            assert page.evaluate("document.activeElement.id") == f"tab-{name}"
            assert page.locator(f"#panel-{name}").is_visible()
        page.reload()
        assert page.locator("#panel-jobs").is_visible()
        assert page.locator("#transcript-text").get_attribute("aria-live") == "polite"


def test_a_machine_without_a_camera_is_told_so(chromium: Browser, service: RunningService) -> None:
    with visit(chromium, service.url) as visitor:
        page = visitor.page
        page.click("#camera-start")
        failed = page.locator("#camera-failed[role=alert]")
        failed.get_by_role("heading", name="No camera was found").wait_for()
        assert page.locator("#camera-start").is_hidden()
        page.click("#language")
        failed.get_by_role("heading", name="카메라를 찾지 못했습니다").wait_for()
        page.click("#camera-retry")
        failed.get_by_role("heading", name="카메라를 찾지 못했습니다").wait_for()


def test_a_video_that_is_too_long_to_wait_for_is_offered_as_a_job_before_it_is_sent(
    chromium: Browser, keyed_service: RunningService, jobs_clip: Path
) -> None:
    with visit(chromium) as visitor:
        page = visitor.come_in(keyed_service.url)
        page.set_input_files("#file-input", jobs_clip)
        page.wait_for_selector("#player video")
        page.locator("#player video").evaluate(METADATA_THERE)
        page.check("#ask-predict")
        page.click("#ask-go")
        assert "too long to wait for" in page.locator("#file-problem").inner_text()
        assert "This file: 0:14.0. At most: 0:10.0." in page.locator("#file-problem").inner_text()
        assert [url for url in visitor.requested if "/predict" in url] == []
        page.get_by_role("button", name="Send it as a job").click()
        page.wait_for_selector("#ask-status:has-text('job')")
        page.click("#ask-cancel")
        page.wait_for_selector("#ask-status:has-text('Cancelled')")
        page.click("#tab-jobs")
        page.get_by_text("No jobs yet").wait_for()


def test_keys_are_asked_for_kept_for_the_tab_and_sent(chromium: Browser, keyed_service: RunningService) -> None:
    with visit(chromium, expected="403") as visitor:
        page = visitor.page
        page.goto(keyed_service.url)
        assert "American Sign Language" in page.locator("h1").inner_text()
        page.get_by_label("API key").fill("wrong")
        page.keyboard.press("Enter")
        page.locator("#key-dialog", has_text="This key is not accepted").wait_for()
        assert page.get_by_label("API key").get_attribute("aria-invalid") == "true"
        assert page.evaluate("sessionStorage.length") == 0
        page.get_by_label("API key").fill(KEY)
        page.keyboard.press("Enter")
        page.wait_for_selector("#model option", state="attached")
        ask(page, FLY, "timeline")
        page.wait_for_selector(".block")
        assert saved(page, "Captions (SRT)")[1].startswith(b"1\n")
        assert KEY not in page.locator(".curl pre").text_content()  # type: ignore[operator]
        page.reload()
        page.wait_for_selector("#model option", state="attached")
        assert page.evaluate("Object.keys(localStorage).concat(Object.keys(sessionStorage))") == ["sign.key"]


def test_the_page_speaks_korean_to_who_reads_korean(chromium: Browser, service: RunningService) -> None:
    with visit(chromium, service.url, locale="ko-KR") as visitor:
        page = visitor.page
        assert page.locator("html").get_attribute("lang") == "ko"
        assert page.locator("h1").inner_text() == "미국 수어(ASL) 지문자를 읽습니다. 한국수어는 읽지 못합니다."
        assert page.title().startswith("Sign: 무엇을")
        page.click("#about")
        page.locator("#card dt", has_text="라이선스").wait_for()
        page.click("#language")
        page.reload()
        assert page.locator("html").get_attribute("lang") == "en"


def test_both_languages_say_everything(chromium: Browser, service: RunningService) -> None:
    with visit(chromium, service.url) as visitor:
        page = visitor.page
        words = visitor.call("words.js", "it.WORDS")
        named = page.evaluate(
            "() => [...document.querySelectorAll('*')].flatMap(({dataset}) => "
            "[dataset.word, dataset.wordLabel, dataset.wordTitle, dataset.wordPlaceholder].filter(Boolean))"
        )
    english, korean = words["en"], words["ko"]
    assert english.keys() == korean.keys()
    blanks = {key: set(re.findall(r"\{\w+\}", text)) for key, text in english.items()}
    assert {key: set(re.findall(r"\{\w+\}", text)) for key, text in korean.items()} == blanks
    assert [key for words in (english, korean) for key, text in words.items() if not text.strip()] == []
    assert {f"error.{code}" for code in KINDS} <= english.keys()
    assert set(named) <= english.keys()
    spoken = {key: re.sub(r"\{\w+\}", "", text) for key, text in english.items()}
    untranslated = {key for key in english if english[key] == korean[key] and re.search(r"[a-z]{3}", spoken[key])}
    assert untranslated == {"page.version"}


@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_axe_finds_no_barrier_in_light_and_dark(
    chromium: Browser, service: RunningService, size: dict[str, int]
) -> None:
    with visit(chromium, service.url, size=size) as visitor:
        page = visitor.page
        page.click("#about")
        found: list[str] = []
        for question, shown in (("predict", ".answer .bar"), ("timeline", ".block")):
            ask(page, FLY, question)
            page.wait_for_selector(shown)
            page.evaluate("for (const one of document.querySelectorAll('details')) one.open = true")
            found += barriers(page)
        page.click("#tab-jobs")
        found += barriers(page)
        assert found == []
        wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert wide == 0


def barriers(page: Page) -> list[str]:
    """What axe-core finds in either set of colors, be it minor, each with the first element that shows it."""
    found = []
    for _ in ("light", "dark"):
        colors = page.locator("html").get_attribute("data-theme")
        for one in Axe().run(page).response["violations"]:
            first = one["nodes"][0]
            found.append(f"{colors}: {one['id']}: {first['html']} {first['failureSummary']}")
        page.click("#theme")
    return found
