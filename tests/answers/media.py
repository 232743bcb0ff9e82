"""The media that a release is asked about: samples, test data, and films made for what these do not show."""

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from service.media.upright import Pixels
from service.track import Window
from tests.e2e.test_heads import face_that_speaks
from tests.jobs_made import long_clip
from tests.media_made import drawn_hand, film, overwritten, signing
from tests.running import SAMPLES


@dataclass(frozen=True, slots=True)
class Media:
    """folder: where models and made films are kept; a medium's name begins with the folder that it lies in."""

    folder: Path
    testdata: Path

    def path(self, name: str) -> Path:
        """Where a medium lies."""
        top, _, rest = name.partition("/")
        folders = {"samples": SAMPLES, "made": self.folder / "media", "pictures": self.testdata / "pictures"}
        return folders.get(top, self.testdata / "videos" / top) / rest

    def names(self, pattern: str) -> list[str]:
        """Names of the media that match, in order."""
        top, _, rest = pattern.partition("/")
        within = self.path(f"{top}/")
        return [f"{top}/{path.relative_to(within)}" for path in sorted(within.glob(rest))]

    def roots(self) -> dict[str, str]:
        """Folders that may stand in an answer, and what they are called instead."""
        return {
            str(self.folder / "media"): "MADE",
            str(self.folder): "KEPT",
            str(SAMPLES): "SAMPLES",
            str(self.testdata): "TESTDATA",
        }


def make_media(folder: Path) -> None:
    """Films of plain colors, of numbers, of drawn hands and faces; one with a pause, one damaged, one long."""
    media = folder / "media"
    media.mkdir(parents=True)
    shades = ((220, 30, 30), (30, 220, 30), (30, 30, 220))

    def colored(changes: tuple[int, ...]) -> Callable[[int], Pixels]:
        return lambda index: _plain(shades[sum(index >= change for change in changes) % 3])

    film(media / "two_colors.mp4", colored((61,)), frames=127)
    film(media / "colors.mp4", colored((47, 100, 171, 208)), frames=270, rate=30)
    film(media / "minute.mp4", colored(tuple(range(210, 1890, 210))), frames=1890, rate=30)
    film(media / "brightening.mp4", lambda index: _plain((5 * index % 250,) * 3), frames=50)
    uneven = [0.0, 0.05, 0.1, 0.15, 0.2, 0.25, 1.5, 1.9, 2.5]
    film(media / "uneven.mp4", lambda index: _plain((5 * index,) * 3), frames=9, times=uneven)
    pause = [k / 10 for k in range(20)] + [70 + k / 10 for k in range(20)]
    film(media / "pause.mp4", colored((25,)), frames=40, times=pause)
    signing(media / "hand.mp4", frames=50)
    film(media / "moving.mp4", lambda index: drawn_hand(320, 240, (0.45 + 0.002 * index, 0.6), 0.9), frames=50)
    face_that_speaks(media / "speaks.mp4")
    long_clip(media / "long.mp4", 14)
    overwritten(long_clip(media / "damaged.mp4", 6), Window(2.0, 3.0))
    _label(folder / "labeled")
    (media / "text.mp4").write_text("This is no medium.\n")
    (media / "empty.mp4").write_bytes(b"")


def _label(folder: Path) -> None:
    """Clips in class folders, one of them in the wrong one."""
    for label, clip in (("A", "a_right_light"), ("A", "b_left_brown"), ("B", "b_left_brown"), ("C", "c_right_brown")):
        (folder / label).mkdir(parents=True, exist_ok=True)
        shutil.copy(SAMPLES / f"letter_{clip}.mp4", folder / label)


def _plain(color: tuple[int, int, int]) -> Pixels:
    return np.full((48, 64, 3), color, np.uint8)
