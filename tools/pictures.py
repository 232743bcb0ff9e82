"""Takes the README's pictures of the page, from the service as it is, so that they stay true.

Run it as `make pictures`: it starts the service, opens its page in Debian's Chromium and writes docs/pictures/. The
curve is of a face, of which samples/ has none: SIGN_TESTDATA says where a clip of the film Sintel lies (© Blender
Foundation, CC BY 3.0). Its last picture is held before and after it; only the curve is shown.
"""

import contextlib
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray
from PIL import Image
from playwright.sync_api import Browser, Locator, Page, sync_playwright

ROOT = Path(__file__).parents[1]
PLACE = ROOT / "docs/pictures"
WORD, WRITTEN = ROOT / "samples/word_fly_right_tan.mp4", "FLY"
FACE = "videos/faces/sintel_face_close.mp4"
FACE_FROM_S, FACE_HELD_S = 1.5, 4.0
"""Before that the clip shows no face; its last picture is held so long before it and after it: it moves in between."""
SIZE = {"width": 1100, "height": 880}
QUALITY = 82
START_S = 180.0
TRIES = 6
"""How often the word may be read wrongly before the camera, as on a busy machine, before that is said."""
SLOWLY = 4
"""The camera shows each picture so often: a busy machine that drops pictures still sees each letter."""
CAMERA_RATE = 30
REST_S = 4.0
"""So long there is no hand before the camera between two words: each word is read for itself."""


def main() -> None:
    """Take them all again, in light and in dark."""
    PLACE.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        face = write_face(Path(os.environ["SIGN_TESTDATA"]) / FACE, folder / "face.mp4")
        with running_service(folder) as url, running_browser(write_camera(folder / "word.y4m")) as browser:
            for colors in ("light", "dark"):
                take_pictures(browser, url, colors, face)
    for path in sorted(PLACE.iterdir()):
        print(f"{path.name} {path.stat().st_size / 1000:.0f} kB")


def take_pictures(browser: Browser, url: str, colors: str, face: Path) -> None:
    """A word before the camera, the timeline of a clip, and the tension of a face."""
    context = browser.new_context(viewport=SIZE, locale="en-US", color_scheme=colors, reduced_motion="reduce")  # type: ignore[arg-type]
    context.set_default_timeout(120_000)
    page = context.new_page()
    page.goto(url)
    page.wait_for_selector("#model option", state="attached")
    save(word_before_the_camera(page), f"camera-{colors}")
    save(picture_of(timeline_of_a_clip(page)), f"timeline-{colors}")
    save(picture_of(tension_of_a_face(page, face)), f"tension-{colors}")
    context.close()


def word_before_the_camera(page: Page) -> bytes:
    """The camera's panel while the word has been read and its last letter is held; nothing else is ever shown."""
    page.click("#camera-start")
    transcript, sure = page.locator("#transcript-box .transcript-line"), page.locator("#now-bars .leads .bar-name")
    read: list[str] = []
    while len(read) < TRIES:
        page.locator("#now-nothing").wait_for()  # between two words
        page.click("#transcript-clear")
        sure.filter(has_text=re.compile(f"^{WRITTEN[-1]}$")).wait_for()
        transcript.filter(has_text=re.compile(f"{WRITTEN[-1]}$")).wait_for()
        picture = picture_of(page.locator("#panel-camera"))
        read.append(transcript.inner_text())  # as it is after the picture, so as it was while it was taken
        if read[-1] == WRITTEN and sure.inner_text() == WRITTEN[-1]:
            return picture
    raise SystemExit(f"The word before the camera was read as {read}, not {WRITTEN}: is the machine busy?")


def timeline_of_a_clip(page: Page) -> Locator:
    """The player with the track below it, at the second letter."""
    page.click("#camera-stop")
    page.set_input_files("#file-input", WORD)
    page.click("#ask-go")
    page.locator(".block", has_text="L").wait_for()
    page.evaluate("const video = document.querySelector('#player video'); video.pause(); video.currentTime = 1.7")
    page.locator(".block.playing", has_text="L").wait_for()
    page.evaluate("for (const one of document.querySelectorAll('#answer details, .downloads')) one.hidden = true")
    return page.locator("#file-work")


def tension_of_a_face(page: Page, face: Path) -> Locator:
    """The curve with its axis, threshold and moments."""
    page.set_input_files("#file-input", face)
    page.check("#ask-highlights")
    page.get_by_text("Options", exact=True).click()
    page.get_by_label("Looks a second").fill("8")
    page.click("#ask-go")
    page.locator(".tension").wait_for()
    page.evaluate("for (const one of document.querySelectorAll('#answer details, .downloads')) one.hidden = true")
    return page.locator("#answer .answer")


def picture_of(part: Locator) -> bytes:
    """A part of the page as it is now, with some room around it, as PNG."""
    part.evaluate("part => { part.style.padding = '1rem'; }")
    return part.screenshot()


def save(shot: bytes, name: str) -> None:
    """Keep a picture as a small WebP."""
    with Image.open(BytesIO(shot)) as picture:
        picture.save(PLACE / f"{name}.webp", "WEBP", quality=QUALITY, method=6)


def write_camera(target: Path) -> Path:
    """The word as Chromium takes it for a camera."""
    with av.open(str(WORD)) as container, target.open("wb") as file:
        stream = container.streams.video[0]
        file.write(f"YUV4MPEG2 W{stream.width} H{stream.height} F{CAMERA_RATE}:1 Ip A1:1 C420jpeg\n".encode())
        for frame in container.decode(video=0):
            file.write((b"FRAME\n" + frame.to_ndarray(format="yuv420p").tobytes()) * SLOWLY)
        nobody = without_hand(np.asarray(frame.to_ndarray(format="rgb24"), np.uint8))
        empty = av.VideoFrame.from_ndarray(nobody, format="rgb24").reformat(format="yuv420p")
        file.write((b"FRAME\n" + empty.to_ndarray().tobytes()) * round(REST_S * CAMERA_RATE))
    return target


def without_hand(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The wall behind the hand: each row goes over from its left end to its right one."""
    left, right = (picture[:, columns].mean(axis=1, keepdims=True) for columns in (slice(8), slice(-8, None)))
    share = np.linspace(0, 1, picture.shape[1])[None, :, None]
    wall: NDArray[np.uint8] = (left + (right - left) * share).round().astype(np.uint8)
    return wall


def write_face(clip: Path, target: Path) -> Path:
    """A face that is still, moves and is still again."""
    with av.open(str(clip)) as container, av.open(str(target), "w") as written:
        shown = container.streams.video[0]
        rate = shown.average_rate or CAMERA_RATE
        frames = [frame.to_ndarray(format="yuv420p") for frame in container.decode(video=0)]
        still = [frames[-1]] * round(FACE_HELD_S * rate)
        stream = written.add_stream("libx264", rate=rate, width=shown.width, height=shown.height, pix_fmt="yuv420p")
        for picture in [*still, *frames[round(FACE_FROM_S * rate) :], *still]:
            written.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="yuv420p")))
        written.mux(stream.encode())
    return target


@contextlib.contextmanager
def running_browser(camera: Path) -> Iterator[Browser]:
    """Debian's Chromium without a window, whose camera shows the clip."""
    program = shutil.which("chromium")
    if program is None:
        raise SystemExit("This needs Chromium (Debian: chromium).")
    arguments = [
        "--headless",
        "--no-sandbox",  # containers run this as root
        "--disable-gpu",
        "--disable-background-networking",
        "--disable-component-update",
        "--no-first-run",
        "--use-fake-ui-for-media-stream",
        "--use-fake-device-for-media-stream",
        f"--use-file-for-fake-video-capture={camera}",
    ]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=arguments)
        try:
            yield browser
        finally:
            browser.close()


@contextlib.contextmanager
def running_service(folder: Path) -> Iterator[str]:
    """The address of a service of this checkout, ready to answer."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    settings = {"SIGN_PORT": str(port), "SIGN_JOBS_DIR": str(folder / "jobs"), "SIGN_STREAM_SLOTS": "1"}
    log = folder / "service.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "service", "serve"],
            cwd=ROOT,
            env={**os.environ, **settings},
            stdout=output,
            stderr=output,
        )
    try:
        wait_until_ready(f"http://127.0.0.1:{port}", process, log)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait()


def wait_until_ready(url: str, process: "subprocess.Popen[bytes]", log: Path) -> None:
    """Wait for the service; RuntimeError with its log where it ends or takes too long."""
    until = time.monotonic() + START_S
    while process.poll() is None and time.monotonic() < until:
        with contextlib.suppress(OSError), urllib.request.urlopen(f"{url}/readyz") as answer:  # noqa: S310 - our own
            if answer.status == 200:
                return
        time.sleep(0.2)
    raise RuntimeError(log.read_text())


if __name__ == "__main__":
    main()
