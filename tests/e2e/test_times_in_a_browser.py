"""What Chromium's <video> shows at a time is what the service sees there, within one frame.

Each medium is a clock that carries its frames' numbers. The browser plays it and is sent to times; what it shows is
read off its screen and compared with the frames that a slot would look at. `pytest -s` prints the table. Chromium plays
no MPEG-TS: there the rule alone is tested (tests/service/media/test_times.py).
"""

import base64
import bisect
import sys
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser

from service.media.sniff import HEAD_BYTES, sniff
from service.media.video import open_video
from service.track import Window
from tests.clock_made import COLUMNS, RATE, ROWS, clock, read_clock
from tests.media_made import LIMITS, medium

FRAME_S = 1 / RATE
SHOW = """async ([data, times, columns, rows, speed]) => {
  const video = document.createElement('video');
  const canvas = document.createElement('canvas');
  canvas.width = 200; canvas.height = 80;
  const context = canvas.getContext('2d', {willReadFrequently: true});
  const read = () => {
    context.drawImage(video, 0, 0, canvas.width, canvas.height);
    let number = 0;
    for (let place = 0; place < columns * rows; place++) {
      const x = (place % columns + 0.5) * canvas.width / columns;
      const y = (Math.floor(place / columns) + 0.5) * canvas.height / rows;
      const [red, green, blue] = context.getImageData(x, y, 1, 1).data;
      if (red + green + blue > 384) number |= 1 << place;
    }
    return number;
  };
  const happens = name => new Promise((done, failed) => {
    video.addEventListener(name, done, {once: true});
    video.addEventListener('error', () => failed(new Error(video.error.message)), {once: true});
  });
  video.muted = true;
  video.defaultPlaybackRate = speed;
  const loaded = happens('loadeddata');
  video.src = URL.createObjectURL(new Blob([Uint8Array.from(atob(data), sign => sign.charCodeAt(0))]));
  document.body.append(video);
  await loaded;
  const begins = video.currentTime, size = [video.videoWidth, video.videoHeight];
  const played = [];
  let playing = true;
  const note = (_, frame) => {
    if (!playing) return;
    played.push([frame.mediaTime, read()]);
    video.requestVideoFrameCallback(note);
  };
  video.requestVideoFrameCallback(note);
  const ended = happens('ended');
  await video.play();
  await Promise.race([ended, new Promise(done => setTimeout(done, 4000 / speed))]);
  playing = false;
  video.pause();
  const sought = [];
  const last = video.seekable.length ? video.seekable.end(0) : 0;
  for (const time of times) {
    if (time > last) continue;
    const arrived = happens('seeked');
    const painted = new Promise(done => { video.requestVideoFrameCallback(done); setTimeout(done, 500); });
    video.currentTime = time;
    await arrived;
    await painted;
    sought.push([time, read()]);
  }
  video.remove();
  return {begins, size, played, sought, duration: video.duration};
}"""


def joined(folder: Path) -> Path:
    """Two webm files end to end, the second of another size."""
    first = clock(folder / "first.webm", codec="libvpx", frames=40)
    second = clock(folder / "second.webm", codec="libvpx", frames=40, first=40, size=(400, 160))
    path = folder / "joined.webm"
    path.write_bytes(first.read_bytes() + second.read_bytes())
    return path


def in_fragments(folder: Path) -> Path:
    """Fragmented mp4 with B-frames: its first frame is shown late, where no edit list says otherwise."""
    options = {"movflags": "frag_keyframe+empty_moov+default_base_moof", "use_editlist": "0"}
    return clock(folder / "fragments.mp4", b_frames=2, options=options)


def joined_fragments(folder: Path) -> Path:
    """Two mp4 files in fragments end to end: Chromium ends where the second one begins."""
    options = {"movflags": "frag_keyframe+empty_moov+default_base_moof"}
    parts = [clock(folder / f"{first}.mp4", frames=40, first=first, options=options) for first in (0, 40)]
    path = folder / "joined.mp4"
    path.write_bytes(b"".join(part.read_bytes() for part in parts))
    return path


MEDIA: dict[str, Callable[[Path], Path]] = {
    "mp4": lambda folder: clock(folder / "plain.mp4"),
    "mp4 that starts at 5 s": lambda folder: clock(folder / "late.mp4", late_s=5.0, options={"movflags": "+faststart"}),
    "webm that starts at 30 s": lambda folder: clock(folder / "late.webm", codec="libvpx", late_s=30.0),
    "fragmented mp4 with B-frames": in_fragments,
    "mkv that starts at 0.5 s": lambda folder: clock(folder / "late.mkv", late_s=0.5),
    "webm that leaps 1,000 s": lambda folder: clock(folder / "leap.webm", codec="libvpx", leap_s=1000.0),
    "mp4 that leaps 1,000 s": lambda folder: clock(folder / "leap.mp4", leap_s=1000.0),
    "joined webm, the second larger": joined,
    "joined mp4 in fragments": joined_fragments,
}


SPEED = {"fragmented": 0.5, "joined": 0.25}
"""How fast they are played of which nothing can be compared but what is played; others at their own."""


def ours(path: Path) -> tuple[list[float], list[int]]:
    """When each frame is shown for us, and the number that it carries."""
    with open_video(medium(path), sniff(path.read_bytes()[:HEAD_BYTES]), LIMITS) as video:
        frames = [(frame.time_s, read_clock(frame.pixels())) for frame in video.frames(Window(0, float("inf")))]
    return [time_s for time_s, _ in frames], [number for _, number in frames]


@pytest.fixture(scope="module")
def page(chromium: Browser) -> Any:
    opened = chromium.new_page()
    opened.set_default_timeout(60_000)
    yield opened
    opened.close()


@pytest.mark.parametrize("name", MEDIA)
def test_what_a_player_shows_at_a_time_is_what_we_see_there(name: str, page: Any, tmp_path: Path) -> None:
    path = MEDIA[name](tmp_path)
    times_s, numbers = ours(path)
    asked = [times_s[index] + FRAME_S / 2 for index in range(0, len(times_s), 7)]
    data = base64.b64encode(path.read_bytes()).decode()
    shown = page.evaluate(SHOW, [data, asked, COLUMNS, ROWS, SPEED.get(name.split(maxsplit=1)[0], 1.0)])
    at = [bisect.bisect_right(times_s, time_s + FRAME_S / 4) - 1 for time_s, _ in shown["played"]]
    played = [(time_s, number, place) for (time_s, number), place in zip(shown["played"], at, strict=True)]
    sought = [(time_s, number, bisect.bisect_right(times_s, time_s) - 1) for time_s, number in shown["sought"]]
    if name.startswith("joined"):  # where it is sent back Chromium shows the second file, whatever it showed first
        played, sought = [row for row in played if row[0] < times_s[39]], []
    if name.startswith("fragmented"):  # without an index it arrives at other frames than its own currentTime says
        sought = []
    told = [f"\n{name}: Chromium begins at {shown['begins']:.3f} s, we at {times_s[0]:.3f} s"]
    for way, rows in (("played", played[::12]), ("sought", sought)):
        for time_s, number, place in rows:
            off_s = times_s[place] - times_s[numbers.index(number)]
            told.append(f"  {way} at {time_s:8.3f} s: frame {number:3}; ours {numbers[place]:3}, {off_s:+.3f} s")
    sys.stdout.write("\n".join(told) + "\n")
    assert played or sought
    assert [row for row in sought if abs(row[1] - numbers[row[2]]) > 1] == []
    # while it plays, what is read may already be the next frame that it told of
    following = [*played[1:], (0.0, 0, len(numbers) - 1)]
    for (time_s, number, place), (_, _, then) in zip(played, following, strict=True):
        if then > place:  # else it begins again: a duration before its first frame ends it at once
            assert numbers[place] - 1 <= number <= numbers[then] + 1, time_s


def test_pixels_are_shown_in_the_size_in_which_we_look_at_them(page: Any, tmp_path: Path) -> None:
    path = clock(tmp_path / "wide.mp4", pixel_aspect=Fraction(16, 11))
    shown = page.evaluate(SHOW, [base64.b64encode(path.read_bytes()).decode(), [], COLUMNS, ROWS, 1.0])
    with open_video(medium(path), sniff(path.read_bytes()[:HEAD_BYTES]), LIMITS) as video:
        assert [video.info.width, video.info.height] == shown["size"] == [291, 80]
        first = next(video.frames(Window(0, 1))).pixels()
    assert first.shape == (80, 291, 3)
    assert read_clock(first) == 0
