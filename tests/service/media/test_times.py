"""Frames' times in files: late, joined and leaping ones are read alike in one go, from within, and in chunks."""

from pathlib import Path

import pytest

from service.errors import SignError
from service.media.medium import MediaLimits
from service.media.resize import Resize
from service.media.sniff import sniff
from service.media.video import Video, open_video
from service.observe.call import most_pixels
from service.observe.landmarkers import Landmarkers
from service.observe.observe import observe
from service.observe.request import PictureRequest
from service.track import Window
from tests.clock_made import RATE, clock, read_clock
from tests.media_made import LIMITS, call_for, medium

WHOLE = Window(0.0, float("inf"))
FRAME_S = 1 / RATE
SMALL = PictureRequest(Resize(w=20, h=8, method="area", library="opencv"))


def watch(path: Path, window: Window = WHOLE, limits: MediaLimits = LIMITS) -> tuple[list[float], list[int], Video]:
    with open_video(medium(path), sniff(path.read_bytes()[:4096]), limits) as video:
        frames = [(frame.time_s, read_clock(frame.pixels())) for frame in video.frames(window)]
        return [time_s for time_s, _ in frames], [number for _, number in frames], video


def joined(folder: Path, suffix: str, codec: str, options: dict[str, str] | None = None) -> Path:
    parts = [
        clock(folder / f"{first}.{suffix}", codec=codec, first=first, frames=90, options=options) for first in (0, 90)
    ]
    path = folder / f"joined.{suffix}"
    path.write_bytes(b"".join(part.read_bytes() for part in parts))
    return path


LATE = {"mp4": "libx264", "mov": "libx264", "webm": "libvpx", "mkv": "libx264"}


@pytest.mark.parametrize("suffix", LATE)
@pytest.mark.parametrize("late_s", [0.3, 5.0, 4000.0])
def test_a_first_frame_that_is_late_is_shown_late(suffix: str, late_s: float, tmp_path: Path) -> None:
    path = clock(tmp_path / f"late.{suffix}", codec=LATE[suffix], late_s=late_s)
    times_s, numbers, video = watch(path)
    assert times_s == pytest.approx([late_s + index * FRAME_S for index in range(60)], abs=1e-3)
    assert numbers == list(range(60))
    assert video.info.start == pytest.approx(late_s, abs=1e-3)
    assert video.info.duration == pytest.approx(late_s + 2.0, abs=2 * FRAME_S)
    assert (video.warnings, video.leaps, video.gaps) == ((), (), [])


def test_b_frames_in_fragments_make_the_first_frame_late(tmp_path: Path) -> None:
    options = {"movflags": "frag_keyframe+empty_moov+default_base_moof", "use_editlist": "0"}
    times_s, numbers, video = watch(clock(tmp_path / "fragments.mp4", b_frames=2, options=options))
    assert numbers == list(range(60))
    assert times_s == pytest.approx([(2 + index) * FRAME_S for index in range(60)], abs=1e-3)
    assert video.warnings == ()


def test_recordings_that_do_not_say_how_long_they_are_can_be_joined_too(tmp_path: Path) -> None:
    live = {"live": "1"}
    parts = [clock(tmp_path / f"{n}.webm", codec="libvpx", first=n, frames=90, options=live) for n in (0, 90)]
    path = tmp_path / "joined.webm"
    path.write_bytes(b"".join(part.read_bytes() for part in parts))
    assert watch(path)[1] == list(range(180))
    assert watch(path, Window(5.0, 5.2))[1][0] == pytest.approx(150, abs=1)
    assert watch(parts[0], Window(2.5, 2.6))[1][0] == pytest.approx(75, abs=1)


def test_transport_streams_begin_at_zero_wherever_they_count_from(tmp_path: Path) -> None:
    times_s, _, video = watch(clock(tmp_path / "late.ts", late_s=500.0))
    assert times_s[0] == video.info.start == 0.0


@pytest.mark.parametrize(("suffix", "codec"), [("ts", "libx264"), ("webm", "libvpx"), ("mkv", "libx264")])
def test_files_that_were_joined_go_on_counting_with_a_warning(suffix: str, codec: str, tmp_path: Path) -> None:
    path = joined(tmp_path, suffix, codec)
    times_s, numbers, video = watch(path)
    assert numbers == list(range(180))
    assert times_s == pytest.approx([index * FRAME_S for index in range(180)], abs=0.02)
    assert any("begin anew once" in sentence for sentence in video.warnings)
    assert not any("cut off" in sentence for sentence in video.warnings)
    for start_s in (2.5, 3.5, 5.0):
        part_s, part_numbers, _ = watch(path, Window(start_s, start_s + 0.2))
        assert part_s == pytest.approx([number * FRAME_S for number in part_numbers], abs=0.02)
        assert part_numbers[0] == pytest.approx(start_s * RATE, abs=1)


@pytest.mark.parametrize("suffix", ["mp4", "mov"])
@pytest.mark.parametrize("options", [{}, {"movflags": "+faststart"}])
def test_a_second_mp4_is_not_looked_at_as_players_do_not_show_it_and_that_is_said(
    suffix: str, options: dict[str, str], tmp_path: Path
) -> None:
    path = joined(tmp_path, suffix, "libx264", options)
    _, numbers, video = watch(path)
    assert numbers == list(range(90))
    (said,) = video.warnings
    assert "Another video lies behind this one" in said
    assert watch(tmp_path / f"0.{suffix}")[2].warnings == ()


def test_fragments_of_a_second_mp4_are_looked_at_and_one_warning_says_so(tmp_path: Path) -> None:
    path = joined(tmp_path, "mp4", "libx264", {"movflags": "frag_keyframe+empty_moov+default_base_moof"})
    _, numbers, video = watch(path)
    assert (numbers[0], numbers[-1]) == (0, 179)
    (said,) = video.warnings
    assert "begin anew once" in said


@pytest.mark.parametrize(("suffix", "codec"), [("ts", "libx264"), ("webm", "libvpx"), ("mp4", "libx264")])
def test_a_leap_is_a_gap_and_costs_nothing_of_the_length(suffix: str, codec: str, tmp_path: Path) -> None:
    path = clock(tmp_path / f"leap.{suffix}", codec=codec, leap_s=1000.0)
    times_s, numbers, video = watch(path)
    assert numbers == list(range(60))
    assert times_s[30] == pytest.approx(1001.0, abs=0.1)
    (leap,) = video.leaps
    assert leap.start_s == pytest.approx(1.0, abs=0.05)
    assert leap.end_s == pytest.approx(times_s[30])
    result = observe(call_for(path, SMALL), lambda: None, Landmarkers())
    assert len(result.track) == pytest.approx(20, abs=1)
    assert result.track.gaps == result.track.leaps == video.leaps


def test_a_long_video_is_long_with_a_leap_too(tmp_path: Path) -> None:
    path = clock(tmp_path / "leap.ts", leap_s=1000.0)
    limits = MediaLimits(LIMITS.frame_pixels, 1.5, LIMITS.frames)
    with pytest.raises(SignError) as caught:
        observe(call_for(path, SMALL, limits=limits), lambda: None, Landmarkers())
    assert caught.value.code == "media-too-long"


@pytest.mark.parametrize(("suffix", "codec"), [("ts", "libx264"), ("webm", "libvpx"), ("mp4", "libx264")])
@pytest.mark.parametrize("make", ["late", "leap"])
def test_a_chunk_that_shows_nothing_is_moved_on_to_what_is_shown_next(
    suffix: str, codec: str, make: str, tmp_path: Path
) -> None:
    late = {"late_s": 40.0} if make == "late" else {"leap_s": 1000.0}
    path = clock(tmp_path / f"{make}.{suffix}", codec=codec, **late)  # type: ignore[arg-type]
    times_s = watch(path)[0]
    if times_s[0] == 0.0 and make == "late":
        return  # a transport stream is never late
    call = call_for(path, SMALL, start_s=4.0, duration_s=10.0, counted=False, moves_until_s=float("inf"))
    result = observe(call, lambda: None, Landmarkers())
    shown = [time_s for time_s in times_s if time_s > 4.0]
    assert result.moved
    assert result.track.times_s[0] == pytest.approx(shown[0], abs=0.11)
    assert result.until_s == pytest.approx(shown[0] + 10.0)
    assert result.track.leaps == (() if make == "late" else tuple(watch(path)[2].leaps))
    stays = observe(call_for(path, SMALL, start_s=4.0, duration_s=10.0, may_be_empty=True), lambda: None, Landmarkers())
    assert (len(stays.track), stays.moved) == (0, False)


def test_landmarks_are_looked_for_in_no_more_pixels_than_they_need(tmp_path: Path) -> None:
    path = clock(tmp_path / "large.mp4", size=(1000, 400), frames=2)
    with open_video(medium(path), sniff(path.read_bytes()[:4096]), LIMITS) as video:
        frame = next(video.frames(WHOLE))
    assert frame.pixels(100_000).shape == (200, 500, 3)
    assert frame.pixels().shape == (400, 1000, 3)
    assert most_pixels(call_for(path, SMALL)) == float("inf")
    assert most_pixels(call_for(path)) == 4096 * 4096
