"""How the page cuts takes: by the hands that are seen, and as a film that the service reads."""

import base64
import io
from collections.abc import Iterator, Sequence
from typing import Any

import av
import pytest
from playwright.sync_api import Browser

from tests.e2e.pages import Visit, visit
from tests.running import RunningService

RATE = 25.0
UP, LOW = [0.4, 0.3, 0.2, 0.3], [0.4, 0.85, 0.1, 0.15]
"""Boxes of a hand before the chest, and at the picture's lower border: left, top, width, height."""


@pytest.fixture(scope="module")
def page(chromium: Browser, service: RunningService) -> Iterator[Visit]:
    with visit(chromium, service.url) as visitor:
        yield visitor


def takes(page: Visit, *parts: tuple[float, Sequence[float] | None], moves: bool = True) -> list[dict[str, Any]]:
    """The takes of a hand that is at each place for so many seconds, None: nowhere. It moves about there, or not."""
    frames, count = [], 0
    for seconds, box in parts:
        for _ in range(round(seconds * RATE)):
            shift = 0.02 * (count % 5) if moves else 0.0
            hands = [] if box is None else [{"box": [box[0] + shift, *box[1:]]}]
            frames.append({"time": count / RATE, "hands": hands})
            count += 1
    expression = """(() => { const watch = new it.TakeWatch(6);
        return given.map(({time, hands}) => watch.see(time, hands)).filter((take) => take !== null); })()"""
    found: list[dict[str, Any]] = page.call("takes.js", expression, frames)
    return found


def test_a_take_is_from_the_hands_rise_to_its_rest(page: Visit) -> None:
    for rest in (None, LOW):
        first, second = takes(page, (1, rest), (1.2, UP), (1, rest), (0.8, UP), (1, rest))
        assert (first["startS"], first["endS"]) == pytest.approx((0.7, 2.36), abs=0.05)
        assert (second["startS"], second["endS"]) == pytest.approx((2.9, 4.16), abs=0.05)


def test_a_hand_that_is_lost_for_a_moment_or_twitches_makes_no_take_of_its_own(page: Visit) -> None:
    assert len(takes(page, (0.5, None), (0.8, UP), (0.3, None), (0.8, UP), (1, None))) == 1
    assert takes(page, (0.5, None), (0.2, UP), (1, None)) == []


def test_a_hand_held_still_has_said_it_and_must_rest_before_the_next_take(page: Visit) -> None:
    assert len(takes(page, (0.5, None), (5, UP), moves=False)) == 1
    assert len(takes(page, (0.5, None), (5, UP), (1, None), (2, UP), (1, None), moves=False)) == 2


def test_who_never_rests_has_takes_of_the_longest_length_only(page: Visit) -> None:
    (take,) = takes(page, (0.5, None), (12, UP))
    assert take["endS"] - take["startS"] <= 6.1


def test_only_the_last_seconds_of_the_camera_are_kept(page: Visit) -> None:
    expression = """(() => { const last = new it.LastPictures(2);
        for (let timeMs = 0; timeMs < 5000; timeMs += 40) last.add({timeMs, jpeg: new Uint8Array(1)});
        return [last.pictures.length, last.between(4000, 4200).map(({timeMs}) => timeMs)]; })()"""
    assert page.call("takes.js", expression) == [51, [4000, 4040, 4080, 4120, 4160, 4200]]


FILM = """(async () => {
    const canvas = document.createElement("canvas");
    Object.assign(canvas, {width: 96, height: 64});
    const pen = canvas.getContext("2d");
    const pictures = [];
    for (const [index, timeMs] of given.entries()) {
        pen.fillStyle = index % 2 ? "rgb(220 40 40)" : "rgb(40 40 220)";
        pen.fillRect(0, 0, 96, 64);
        const blob = await new Promise((resolve) => canvas.toBlob(resolve, "image/jpeg", 0.9));
        pictures.push({timeMs, jpeg: new Uint8Array(await blob.arrayBuffer())});
    }
    const film = new Uint8Array(await it.filmOf(pictures, {width: 96, height: 64}).arrayBuffer());
    let text = "";
    for (const byte of film) text += String.fromCharCode(byte);
    return btoa(text);
})()"""


def test_pictures_of_the_camera_become_a_film_with_their_times(page: Visit, service: RunningService) -> None:
    times_ms = [1000, 1041, 1079, 1300, 1333.4, 32000, 32040]
    film = base64.b64decode(page.call("film.js", f"await {FILM}", times_ms))
    with av.open(io.BytesIO(film), "r") as container:
        frames = list(container.decode(video=0))
    assert [frame.time for frame in frames] == pytest.approx([(at - 1000) / 1000 for at in times_ms], abs=0.001)
    colors = [frame.to_ndarray(format="rgb24").mean(axis=(0, 1)).argmax() for frame in frames]
    assert colors == [2, 0, 2, 0, 2, 0, 2]
    answer = service.predict(film)
    assert (answer.status_code, answer.json()["media"]["width"]) == (200, 96), answer.text
