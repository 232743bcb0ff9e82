"""WebVTT as it is meant to be used: in a browser's own <track>, beside the video."""

import contextlib
import http.server
import threading
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser

from tests.running import SAMPLES, RunningService

CUES = """() => {
  const track = document.querySelector('video').textTracks[0];
  return Array.from(track.cues, cue => [cue.startTime, cue.endTime, cue.text]);
}"""
PAGE = """<!doctype html><title>signs</title>
<video src="video.mp4" muted></video>
<script>
  const video = document.querySelector('video');
  const track = Object.assign(document.createElement('track'), {kind: 'subtitles', src: 'signs.vtt', default: true});
  window.shown = [];
  track.onload = () => { window.loaded = true; };
  track.onerror = () => { window.loaded = false; };
  video.append(track);
  track.track.mode = 'showing';
  track.track.oncuechange = () => window.shown.push(...Array.from(track.track.activeCues, cue => cue.text));
</script>"""


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        """Say nothing about requests."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("page")


@pytest.fixture(scope="module")
def site(folder: Path) -> Iterator[str]:
    """The folder as a site, as a person would put it on the web."""
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(folder))) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        with contextlib.ExitStack() as stack:
            stack.callback(thread.join)
            stack.callback(server.shutdown)
            yield f"http://127.0.0.1:{server.server_port}"


@pytest.mark.parametrize("clip", sorted(SAMPLES.glob("word_*.mp4")), ids=lambda clip: clip.stem)
def test_a_browser_shows_each_sign_when_it_is_signed(
    service: RunningService, chromium: Browser, site: str, folder: Path, clip: Path
) -> None:
    content = clip.read_bytes()
    segments: list[dict[str, Any]] = service.client.post("/timeline", content=content).json()["segments"]
    (folder / "video.mp4").write_bytes(content)
    (folder / "signs.vtt").write_bytes(service.client.post("/timeline?format=vtt", content=content).content)
    (folder / "index.html").write_text(PAGE)

    page = chromium.new_page()
    page.goto(site)
    page.wait_for_function("window.loaded !== undefined")
    assert page.evaluate("window.loaded"), "the browser does not read the file"
    cues = page.evaluate(CUES)
    assert [text for _, _, text in cues] == [segment["class_name"] for segment in segments]
    for (start_s, end_s, _), segment in zip(cues, segments, strict=True):
        assert round(1000 * start_s) == round(1000 * segment["start_time"])
        assert round(1000 * end_s) == round(1000 * segment["end_time"])

    page.evaluate("async () => { const v = document.querySelector('video'); v.playbackRate = 2; await v.play(); }")
    page.wait_for_function("document.querySelector('video').ended", timeout=30_000)
    assert page.evaluate("window.shown") == [text for _, _, text in cues]
    page.close()
