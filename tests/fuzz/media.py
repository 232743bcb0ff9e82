"""Mutated media: each gets an answer or a listed error, in a process that is limited as a slot is.

`python -m tests.fuzz.media --count 400 --seed 1` is what the tests run; `make fuzz` runs it for minutes from a seed of
its own. It prints what came of the media and ends with 1 where one raised anything else, or took too long; that medium
is kept. The corpus is generated, and the cases on which the service once was wrong.
"""

import argparse
import collections
import io
import resource
import signal
import sys
import tempfile
import time
import traceback
import warnings
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from types import FrameType

import numpy as np
import pillow_heif
from PIL import Image

from service.errors import SignError
from service.media.medium import MediaLimits
from service.media.resize import Resize
from service.observe.call import ObserveCall
from service.observe.landmarkers import Landmarkers
from service.observe.observe import observe
from service.observe.request import PictureRequest
from service.pipelines.clip import ClipChoice
from service.pipelines.windows import WindowRule
from tests.clock_made import clock, numbered_clock
from tests.media_made import call_for

CASES = Path(__file__).parents[1] / "data" / "media"
LISTED = (400, 413, 415, 422)
LONGEST_S = 30
MEMORY_BYTES = 4 * 1024**3
LIMITS = MediaLimits(frame_pixels=4_000_000, seconds=60, frames=300)
EXTREMES = (b"\x00" * 4, b"\xff" * 4, b"\x7f\xff\xff\xff", b"\x80\x00\x00\x00", b"\x00\x00\x00\x01")
REQUEST = PictureRequest(Resize(w=16, h=16, method="area", library="opencv"))


class TooSlowError(BaseException):
    """A medium took longer than LONGEST_S; what guards decoders does not catch it."""


def corpus(folder: Path) -> dict[str, bytes]:
    """Small media of every kind that is read."""
    videos = {
        "mp4": ("libx264", {}),
        "fragments.mp4": ("libx264", {"movflags": "frag_keyframe+empty_moov"}),
        "mov": ("libx264", {}),
        "mkv": ("libx264", {}),
        "webm": ("libvpx", {}),
        "ts": ("libx264", {}),
        "gif": ("gif", {}),
        "mjpeg.mkv": ("mjpeg", {}),
    }
    for suffix, (codec, options) in videos.items():
        clock(folder / f"video.{suffix}", frames=12, codec=codec, options=options)
    pictures = [Image.fromarray(numbered_clock(number)) for number in range(5)]
    for suffix in ("jpeg", "png", "webp", "bmp", "avif"):
        pictures[3].save(folder / f"still.{suffix}")
    for suffix in ("webp", "png", "avif"):
        pictures[0].save(folder / f"moving.{suffix}", save_all=True, append_images=pictures[1:], duration=80)
    pillow_heif.from_pillow(pictures[3]).save(folder / "still.heic")
    made = {path.name: path.read_bytes() for path in sorted(folder.iterdir())}
    made["joined.webm"], made["joined.ts"] = 2 * made["video.webm"], 2 * made["video.ts"]
    return {**made, **{path.name: path.read_bytes() for path in sorted(CASES.iterdir())}}


def mutated(data: bytes, other: bytes, rng: np.random.Generator) -> bytes:
    """The bytes with one to four things wrong."""
    changed = bytearray(data)
    for _ in range(int(rng.integers(1, 5))):
        at = _place(changed, rng)
        length = min(len(changed) - at, int(rng.integers(1, 400)))
        _CHANGES[int(rng.integers(len(_CHANGES)))](changed, at, length, other, rng)
    return bytes(changed)


def _place(data: bytearray, rng: np.random.Generator) -> int:
    """A place, as often in the head as in all the rest."""
    return int(rng.integers(0, max(1, min(len(data), 600) if rng.integers(2) else len(data))))


def _flip(data: bytearray, at: int, length: int, _other: bytes, rng: np.random.Generator) -> None:
    for place in range(at, at + min(length, 8)):
        data[place] ^= 1 << int(rng.integers(8))


def _fill(data: bytearray, at: int, length: int, _other: bytes, rng: np.random.Generator) -> None:
    data[at : at + length] = rng.bytes(length)


def _extreme(data: bytearray, at: int, _length: int, _other: bytes, rng: np.random.Generator) -> None:
    data[at : at + 4] = EXTREMES[int(rng.integers(len(EXTREMES)))]


def _cut(data: bytearray, at: int, length: int, _other: bytes, _rng: np.random.Generator) -> None:
    del data[at : at + length]


def _end(data: bytearray, at: int, _length: int, _other: bytes, _rng: np.random.Generator) -> None:
    del data[max(at, 64) :]


def _repeat(data: bytearray, at: int, length: int, _other: bytes, _rng: np.random.Generator) -> None:
    data[at:at] = data[at : at + length]


def _splice(data: bytearray, at: int, length: int, other: bytes, _rng: np.random.Generator) -> None:
    data[at : at + length] = other[at : at + length]


_CHANGES: tuple[Callable[[bytearray, int, int, bytes, np.random.Generator], None], ...] = (
    _flip,
    _flip,
    _fill,
    _extreme,
    _extreme,
    _cut,
    _end,
    _repeat,
    _splice,
)


def calls(path: Path) -> Iterator[ObserveCall]:
    """A whole medium, a chunk of one, and windows of one, as routes and jobs ask for them."""
    whole = call_for(path, REQUEST, limits=LIMITS, longest_s=60.0)
    yield whole
    yield replace(whole, start_s=0.3, duration_s=2.0, counted=False, may_be_empty=True, moves_until_s=float("inf"))
    yield replace(whole, sampling=ClipChoice(4, WindowRule(0.0, 0.3, 0.1)))


def outcome(path: Path) -> str:
    """What became of a medium: `answered`, or the code of its error. Anything else is raised."""
    found = ""
    for call in calls(path):
        try:
            observe(call, lambda: None, _NO_GRAPHS)
            found = found or "answered"
        except SignError as error:
            if error.status not in LISTED:
                raise
            found = error.code
        except MemoryError:
            found = "memory"
    return found


_NO_GRAPHS = Landmarkers()


def run(count: int | None, seconds: float, seed: int, kept: Path) -> int:
    """Try media until there were so many, or so long; the exit status."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    signal.signal(signal.SIGALRM, _give_up)
    warnings.simplefilter("ignore")
    rng, outcomes, wrong = np.random.default_rng(seed), collections.Counter[str](), 0
    with tempfile.TemporaryDirectory() as folder:
        made = Path(folder, "corpus")
        made.mkdir()
        media = list(corpus(made).values())
        path, began = Path(folder, "medium"), time.monotonic()
        while sum(outcomes.values()) < (count or sys.maxsize) and time.monotonic() - began < seconds:
            data = mutated(media[int(rng.integers(len(media)))], media[int(rng.integers(len(media)))], rng)
            path.write_bytes(data)
            (kept / "last").write_bytes(data)  # what is there when the process dies
            signal.alarm(LONGEST_S)
            try:
                outcomes[outcome(path)] += 1
            except (Exception, TooSlowError):  # noqa: BLE001 - it is what is looked for
                wrong += 1
                outcomes["WRONG"] += 1
                (kept / f"wrong-{seed}-{sum(outcomes.values())}").write_bytes(data)
                traceback.print_exc()
            finally:
                signal.alarm(0)
    told = io.StringIO()
    told.write(f"{sum(outcomes.values())} media from seed {seed}: ")
    told.write(", ".join(f"{name} {number}" for name, number in outcomes.most_common()))
    used = resource.getrusage(resource.RUSAGE_SELF)
    told.write(f"; most memory {used.ru_maxrss // 1024} MiB\n")
    sys.stdout.write(told.getvalue())
    return 1 if wrong else 0


def _give_up(_signal: int, _frame: FrameType | None) -> None:
    raise TooSlowError(f"a medium took more than {LONGEST_S} s")


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--count", type=int)
    parser.add_argument("--seconds", type=float, default=float("inf"))
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--keep", type=Path, default=Path(tempfile.gettempdir()))
    asked = parser.parse_args()
    sys.exit(run(asked.count, asked.seconds, asked.seed, asked.keep))
