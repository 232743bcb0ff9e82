"""The page's own arithmetic, called in the browser that runs it."""

import base64
import json
import shlex
import struct
from collections.abc import Iterator, Mapping, Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from playwright.sync_api import Browser

from tests.e2e.pages import Visit, visit
from tests.running import RunningService

MOST_FPS = 30.0


@pytest.fixture(scope="module")
def page(chromium: Browser, service: RunningService) -> Iterator[Visit]:
    with visit(chromium, service.url) as visitor:
        yield visitor


@settings(max_examples=15)
@given(st.integers(0, 2**32 - 1), st.floats(0, 1e9), st.binary(max_size=40))
def test_a_frame_is_its_number_its_time_and_the_picture(page: Visit, seq: int, time_s: float, picture: bytes) -> None:
    expression = "[...new Uint8Array(it.encodeFrame(given[0], given[1], new Uint8Array(given[2]).buffer))]"
    message = bytes(page.call("frames.js", expression, [seq, time_s, list(picture)]))
    assert message == struct.pack("<Id", seq, time_s) + picture


@pytest.mark.parametrize(
    ("taken", "most_pixels", "sent"),
    [((640, 480), 10**9, (640, 480)), ((1920, 1080), 10**9, (640, 360)), ((480, 640), 76800, (240, 320))],
)
def test_a_large_picture_is_sent_smaller_in_its_own_shape(
    page: Visit, taken: tuple[int, int], most_pixels: int, sent: tuple[int, int]
) -> None:
    size = page.call("frames.js", "it.sizeToSend(given[0], given[1], given[2])", [*taken, most_pixels])
    assert (size["width"], size["height"]) == sent


def rates(page: Visit, answers: Sequence[Mapping[str, float]]) -> list[float]:
    """The rate after each answer."""
    expression = (
        "given[0].reduce((all, one) => [...all, it.adapted(all.at(-1), one, given[1])], [it.firstRate(given[1])])"
    )
    return [one["fps"] for one in page.call("rate.js", expression, [answers, MOST_FPS])]


def test_the_rate_falls_while_pictures_are_dropped_and_rises_again_when_they_are_not(page: Visit) -> None:
    jam = [{"dropped": count, "latencyMs": 40} for count in range(1, 60)]
    calm = [{"dropped": 59, "latencyMs": 40}] * 200
    found = rates(page, [*jam, *calm])
    assert min(found) == 5
    assert found.index(min(found)) <= len(jam)
    assert found[-1] == MOST_FPS


def test_the_rate_falls_when_answers_come_late(page: Visit) -> None:
    found = rates(page, [{"dropped": 0, "latencyMs": 900}] * 40)
    assert found[-1] < found[0]


@settings(max_examples=10)
@given(st.lists(st.tuples(st.integers(0, 3), st.floats(0, 2000)), max_size=60))
def test_the_rate_stays_within_its_bounds(page: Visit, steps: list[tuple[int, float]]) -> None:
    dropped, answers = 0, []
    for more, latency_ms in steps:
        dropped += more
        answers.append({"dropped": dropped, "latencyMs": latency_ms})
    assert all(5 <= fps <= MOST_FPS for fps in rates(page, answers))


@pytest.mark.parametrize("camera_fps", [15, 24, 25, 30, 60])
def test_pictures_are_taken_at_the_rate_whatever_the_cameras_is(page: Visit, camera_fps: int) -> None:
    expression = """(() => {
        let due = 0, taken = 0;
        for (let index = 0; index < 10 * given; index += 1) {
            const now = (1000 * index) / given;
            if (it.isDue(now, due)) { taken += 1; due = it.nextDue(now, due, 15); }
        }
        return taken;
    })()"""
    assert page.call("rate.js", expression, camera_fps) == pytest.approx(150, abs=3)


@settings(max_examples=15)
@given(st.text(alphabet=st.characters(exclude_categories=["Cs"]), min_size=1, max_size=40))
def test_a_key_of_any_signs_is_offered_as_a_protocol(page: Visit, key: str) -> None:
    first, second = page.call("key.js", "it.protocols(given)", key)
    encoded = second.removeprefix("sign.key.")
    assert first == "sign.v1"
    assert base64.urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4)).decode() == key


@settings(max_examples=15)
@given(st.text(alphabet=st.characters(exclude_categories=["Cs", "Cc"]), max_size=40))
def test_any_file_name_is_one_word_of_a_shell(page: Visit, name: str) -> None:
    assert shlex.split(page.call("curl.js", "it.quoted(given)", f"@{name}")) == [f"@{name}"]


@given(st.data())
@settings(max_examples=10)
def test_events_are_read_however_they_are_cut(page: Visit, data: st.DataObject) -> None:
    told = [{"n": number, "text": "신호: 안녕"} for number in range(4)]
    text = ": at work\n\n" + "".join(
        f"event: progress\nid: {one['n']}\ndata: {json.dumps(one, ensure_ascii=False)}\n\n" for one in told
    )
    cut = data.draw(st.integers(0, len(text)))
    expression = """(() => {
        const first = it.parseEvents(given[0]);
        const second = it.parseEvents(first.rest + given[1]);
        return [...first.events, ...second.events];
    })()"""
    found = page.call("events.js", expression, [text[:cut], text[cut:]])
    assert [(one["name"], one["id"], one["data"]) for one in found] == [
        ("progress", str(one["n"]), one) for one in told
    ]


def test_letters_are_joined_and_words_are_not(page: Visit) -> None:
    letters = [{"text": "H", "unit": "letter"}, {"text": "I", "unit": "letter"}]
    words = [{"text": "good", "unit": "word"}, {"text": "day", "unit": "word"}]
    space = {"text": " ", "unit": None}
    pieces = [*letters, space, *letters, *words, *letters]
    assert page.call("transcript.js", "it.joined(given)", pieces) == "HI HI good day HI"


def test_a_growing_sign_is_kept_until_it_is_final_and_replaced_while_it_grows(page: Visit) -> None:
    steps = [("F", 0.0, 0.4), ("F", 0.0, 0.8), ("L", 0.9, 1.2), ("L", 0.8, 1.4), ("Y", 1.5, 1.7)]
    news = [{"text": text, "unit": "letter", "start": start, "end": end} for text, start, end in steps]
    expression = "given.reduce((open, one) => it.grown(open, one), [])"
    growing = page.call("transcript.js", expression, news)
    assert [one["text"] for one in growing] == ["F", "L", "Y"]
    left = page.call("transcript.js", "it.stillOpen(given[0], given[1])", [growing, 0.8])
    assert [one["text"] for one in left] == ["L", "Y"]


def test_the_curve_has_its_gaps(page: Visit) -> None:
    values = [0.0, 1.0, None, None, 0.5, None, 0.2, 0.3]
    samples = [{"time": index / 2, "value": value} for index, value in enumerate(values)]
    paths = page.call("tension.js", "it.curves(given[0], 4, it.scaleOf(given[0], given[1]))", [samples, 0.4])
    assert [path.count("L") for path in paths] == [1, 0, 1]
    assert paths[0] == "M0.000 90.00L12.500 10.00"


def test_the_axis_reaches_the_threshold_where_nothing_else_does(page: Visit) -> None:
    samples = [{"time": 0.0, "value": 0.1}, {"time": 0.5, "value": -0.2}, {"time": 1.0, "value": None}]
    assert page.call("tension.js", "it.scaleOf(given, 0.4)", samples) == {"low": -0.2, "high": 0.4}
    assert page.call("tension.js", "it.scaleOf([{time: 0, value: 0}], null)", None)["high"] > 0


@settings(max_examples=20)
@given(st.floats(-50, 0), st.floats(1e-6, 1e4))
def test_an_axis_has_few_round_marks_within_what_it_spans(page: Visit, low: float, high: float) -> None:
    marks = page.call("tension.js", "it.levels({low: given[0], high: given[1]})", [low, high])
    assert 1 <= len(marks) <= 5
    assert all(low - 1e-6 <= mark <= high * (1 + 1e-6) for mark in marks)
    steps = {float(f"{two - one:.3g}") for one, two in zip(marks, marks[1:], strict=False)}
    assert all(f"{step:e}"[0] in "125" for step in steps)


@pytest.mark.parametrize(
    ("confidence", "words"), [(0, "0%"), (0.003, "< 1%"), (0.01, "1%"), (0.5, "50%"), (0.994, "> 99%"), (1, "100%")]
)
def test_a_confidence_is_a_whole_percentage_and_never_rounded_to_certainty(
    page: Visit, confidence: float, words: str
) -> None:
    assert page.call("figures.js", "it.share(given)", confidence) == words


@pytest.mark.parametrize("seconds", [0, 1.5, 59.96, 61.2, 3601])
def test_a_scale_has_few_marks(page: Visit, seconds: float) -> None:
    assert 1 <= len(page.call("track.js", "it.ticks(given)", seconds)) <= 7
