"""Mutated media: each gets an answer or a listed error, in a process that is limited as a slot is.

`python -m tests.fuzz.media --count 400 --seed 1` is what the tests run; `make fuzz` runs it for minutes from a seed of
its own. It prints what came of the media and ends with 1 where one raised anything else, or took too long; that medium
is kept. The corpus is generated, and the cases on which the service once was wrong.
"""

import resource
import signal
import sys
import tempfile
import traceback
import warnings
from collections.abc import Iterator
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
from tests.fuzz.findings import Budget, Findings, read_budget
from tests.fuzz.mutation import mutated
from tests.media_made import call_for

CASES = Path(__file__).parents[1] / "data" / "media"
LISTED = (400, 413, 415, 422)
LONGEST_S = 30
MEMORY_BYTES = 4 * 1024**3
LIMITS = MediaLimits(frame_pixels=4_000_000, seconds=60, frames=300)
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


def run(budget: Budget) -> int:
    """Try media until there were so many, or so long; the exit status."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    signal.signal(signal.SIGALRM, _give_up)
    warnings.simplefilter("ignore")
    rng = np.random.default_rng(budget.seed)
    with tempfile.TemporaryDirectory() as folder:
        made = Path(folder, "corpus")
        made.mkdir()
        media = list(corpus(made).values())
        path, findings = Path(folder, "medium"), Findings("media", budget)
        while findings.go_on:
            data = mutated(media[int(rng.integers(len(media)))], media[int(rng.integers(len(media)))], rng)
            path.write_bytes(data)
            findings.about_to_try(data)
            signal.alarm(LONGEST_S)
            try:
                findings.note(outcome(path))
            except (Exception, TooSlowError):  # noqa: BLE001 - it is what is looked for
                findings.note("WRONG", traceback.format_exc(), data)
            finally:
                signal.alarm(0)
    used = resource.getrusage(resource.RUSAGE_SELF)
    return findings.tell(f"; most memory {used.ru_maxrss // 1024} MiB")


def _give_up(_signal: int, _frame: FrameType | None) -> None:
    raise TooSlowError(f"a medium took more than {LONGEST_S} s")


if __name__ == "__main__":
    sys.exit(run(read_budget()))
