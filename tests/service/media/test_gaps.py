"""Damaged videos: what cannot be read is said, and nothing is put in its place."""

from pathlib import Path

import numpy as np
import pytest

from service.media.resize import Resize
from service.media.sniff import sniff
from service.media.upright import Pixels
from service.media.video import Video, open_video
from service.observe.landmarkers import Landmarkers
from service.observe.observe import observe
from service.observe.request import PictureRequest
from service.track import Window
from tests.media_made import LIMITS, call_for, film, medium, overwritten

RATE = 30
FRAMES = 300
WHOLE = Window(0.0, float("inf"))
DAMAGED = Window(5.0, 6.0)


def restless(index: int) -> Pixels:
    """Frames of which no two are alike, so that each takes bytes of its own."""
    noise = np.random.default_rng(index).integers(0, 60, (120, 160, 3), dtype=np.uint8)
    noise[:, 3 * index % 140 : 3 * index % 140 + 20] = 230
    return noise


def damaged(path: Path) -> Path:
    """A video that cannot be read between 5 and 6 s."""
    film(path, restless, frames=FRAMES, rate=RATE, keyframe_every=RATE)
    return overwritten(path, DAMAGED)


KINDS = ("mp4", "mov", "ts", "mkv")


def read(path: Path, window: Window = WHOLE) -> tuple[list[float], Video]:
    with open_video(medium(path), sniff(path.read_bytes()[:4096]), LIMITS) as video:
        return [frame.time_s for frame in video.frames(window)], video


@pytest.mark.parametrize("suffix", KINDS)
def test_a_stretch_that_cannot_be_read_is_a_gap(suffix: str, tmp_path: Path) -> None:
    times_s, video = read(damaged(tmp_path / f"film.{suffix}"))
    (gap,) = video.gaps
    assert gap.start_s == pytest.approx(DAMAGED.start_s, abs=0.1)
    assert gap.end_s == pytest.approx(DAMAGED.end_s, abs=0.1)
    assert not [time_s for time_s in times_s if gap.start_s <= time_s < gap.end_s]
    assert min(abs(time_s - gap.end_s) for time_s in times_s) < 1e-6


@pytest.mark.parametrize("suffix", KINDS)
@pytest.mark.parametrize("start_s", [3.0, 5.4])
def test_a_part_knows_the_gaps_that_reach_into_it(suffix: str, start_s: float, tmp_path: Path) -> None:
    path = damaged(tmp_path / f"film.{suffix}")
    whole = read(path)[1].gaps
    times_s, part = read(path, Window(start_s, 8.0))
    assert part.gaps == whole
    assert times_s[0] <= start_s


def test_a_sound_video_has_no_gaps_however_far_apart_its_frames_are(tmp_path: Path) -> None:
    times = [0.0, 0.1, 0.2, 2.0, 2.1, 5.0]
    for name in ("film.mp4", "film.mkv", "film.ts"):
        path = film(tmp_path / name, restless, frames=len(times), rate=10, times=times)
        assert read(path)[1].gaps == []
    assert read(film(tmp_path / "whole.ts", restless, frames=90, rate=RATE))[1].gaps == []


def test_what_is_sampled_in_a_gap_is_left_out_instead_of_repeating_the_frame_before(tmp_path: Path) -> None:
    request = PictureRequest(Resize(w=8, h=8, method="area", library="opencv"))
    result = observe(
        call_for(damaged(tmp_path / "film.mp4"), request),
        lambda: None,
        Landmarkers(),
    )
    track = result.track
    (gap,) = track.gaps
    assert gap.duration_s > 0.5
    assert not ((track.times_s >= gap.start_s) & (track.times_s < gap.end_s)).any()
    assert len(track) == pytest.approx(10 * (FRAMES / RATE - gap.duration_s), abs=2)
    assert track.media.duration == pytest.approx(FRAMES / RATE, abs=0.05)
