"""Videos: exact times, upright frames, limits, and damage."""

import io
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
import pytest

from service.errors import SignError
from service.media.medium import ColorMatrix, MediaLimits
from service.media.sniff import sniff
from service.media.upright import Pixels
from service.media.video import Video, open_video
from service.track import MediaInfo, Window
from tests.media_made import (
    LIMITS,
    MATRICES,
    corner_names,
    corners,
    film,
    medium,
    number_of,
    numbered,
    sound_only,
    stored_as,
    turned,
)

WHOLE = Window(0.0, float("inf"))
LONG = 60


def watch(
    path: Path, window: Window = WHOLE, counted: bool = False, limits: MediaLimits = LIMITS
) -> tuple[list[float], list[int], Video]:
    """Times and numbers of the frames, and the video after it was read."""
    with open_video(medium(path), sniff(path.read_bytes()[:4096]), limits) as video:
        frames = [(frame.time_s, number_of(frame.pixels())) for frame in video.frames(window, counted)]
        return [time_s for time_s, _ in frames], [number for _, number in frames], video


def info(path: Path, limits: MediaLimits = LIMITS) -> MediaInfo:
    return watch(path, limits=limits)[2].info


def first(path: Path, color: ColorMatrix = "tagged") -> Pixels:
    with open_video(medium(path), sniff(path.read_bytes()[:4096]), LIMITS, color) as video:
        return next(video.frames(WHOLE)).pixels()


def refusal(path: Path, limits: MediaLimits = LIMITS) -> SignError:
    with pytest.raises(SignError) as caught:
        watch(path, limits=limits)
    return caught.value


def overwrite_packets(path: Path, numbers: range) -> None:
    """Fill these packets of a file with zeros."""
    data = bytearray(path.read_bytes())
    with av.open(str(path)) as container:
        packets = [bytes(packet) for packet in container.demux() if packet.size]
    at = 0
    for number, packet in enumerate(packets):
        at = data.index(packet, at)
        if number in numbers:
            data[at : at + len(packet)] = bytes(len(packet))
    path.write_bytes(data)


def threads() -> int:
    """How many threads this process has."""
    return len(list(Path("/proc/self/task").iterdir()))


@pytest.mark.parametrize("color", ["tagged", "bt601"])
def test_decoding_and_converting_start_no_threads(tmp_path: Path, color: ColorMatrix) -> None:
    path = film(tmp_path / "large.mp4", numbered(1280, 720))
    before = threads()
    with open_video(medium(path), sniff(path.read_bytes()[:4096]), LIMITS, color) as video:
        for frame in video.frames(WHOLE):
            frame.pixels()
            assert threads() <= before


@pytest.mark.parametrize(
    ("suffix", "codec", "expected"),
    [
        ("mp4", "libx264", "mp4"),
        ("mov", "libx264", "mov"),
        ("mkv", "libx264", "mkv"),
        ("webm", "libvpx-vp9", "webm"),
        ("avi", "mpeg4", "avi"),
        ("ts", "libx264", "mpeg-ts"),
        ("gif", "gif", "gif"),
    ],
)
def test_every_kind_of_video_gives_all_its_frames_in_time(
    suffix: str, codec: str, expected: str, tmp_path: Path
) -> None:
    container = "avi" if suffix == "avi" else None
    path = film(tmp_path / f"film.{suffix}", numbered(), frames=10, codec=codec, container=container)
    path = path.rename(tmp_path / "upload")
    times, numbers, video = watch(path)
    assert times == pytest.approx([index / 10 for index in range(10)], abs=0.002)
    assert numbers == pytest.approx(list(range(10)), abs=1)
    assert (video.info.kind, video.info.format, video.info.width, video.info.height) == ("video", expected, 64, 48)
    assert video.info.duration == pytest.approx(1.0, abs=0.11)
    assert video.info.frame_rate == pytest.approx(10, abs=0.2)
    assert video.warnings == ()


def test_time_zero_is_what_players_show_as_zero(tmp_path: Path) -> None:
    late = [5.0 + index / 10 for index in range(10)]
    times, _, video = watch(film(tmp_path / "late.ts", numbered(), times=late))
    assert times == pytest.approx([index / 10 for index in range(10)])
    assert video.info.duration == pytest.approx(1.0, abs=0.11)


def test_times_of_a_variable_rate_are_exact(tmp_path: Path) -> None:
    shown = [0.0, 0.1, 0.15, 0.9, 1.0, 2.5]
    times, _, _ = watch(film(tmp_path / "variable.mp4", numbered(), frames=6, times=shown))
    assert times == pytest.approx(shown, abs=1e-9)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_the_display_matrix_is_applied(orientation: int, tmp_path: Path) -> None:
    stored = stored_as(corners(), orientation)
    path = turned(film(tmp_path / "lying.mp4", lambda _: stored), MATRICES[orientation])
    assert first(path).shape == (48, 64, 3)
    assert corner_names(first(path)) == "rgbw"
    assert (info(path).width, info(path).height) == (64, 48)


def test_color_follows_the_tag_or_bt601_as_asked(testdata: Path, tmp_path: Path) -> None:
    del tmp_path
    path = testdata / "videos/faces/sintel_face_close.mp4"
    assert first(path).shape == first(path, "bt601").shape == (204, 480, 3)


def test_bt709_is_converted_differently_by_bt601(tmp_path: Path) -> None:
    path = tmp_path / "tagged.mp4"
    with av.open(str(path), "w") as output:
        stream = output.add_stream("libx264", rate=10)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        stream.codec_context.colorspace = 1
        for _ in range(3):
            frame = av.VideoFrame.from_ndarray(np.full((48, 64, 3), (200, 40, 40), np.uint8), format="rgb24")
            output.mux(stream.encode(frame.reformat(format="yuv420p", dst_colorspace="ITU709")))
        output.mux(stream.encode(None))
    tagged, bt601 = first(path).astype(int), first(path, "bt601").astype(int)
    assert np.abs(tagged.mean(axis=(0, 1)) - (200, 40, 40)).max() < 4
    assert np.abs(tagged - bt601).max() > 8


@pytest.mark.parametrize(("width", "height"), [(51, 37), (161, 121), (63, 64), (64, 48)])
def test_bt601_is_opencvs_conversion_to_the_level_in_odd_sizes_too(width: int, height: int, tmp_path: Path) -> None:
    noise = np.random.default_rng(width).integers(0, 256, (height, width, 3), np.uint8)
    path = film(tmp_path / "odd.webm", lambda _: noise, frames=3, codec="libvpx-vp9")
    found, author = cv2.VideoCapture(str(path)).read()
    assert found
    assert np.array_equal(first(path, "bt601"), author[..., ::-1])


@pytest.mark.parametrize(("suffix", "codec"), [("mp4", "libx264"), ("mkv", "libx264"), ("ts", "libx264")])
@pytest.mark.parametrize("start", [0.0, 0.55, 2.0, 3.33, 5.9])
def test_a_part_gives_the_frames_of_a_full_read(suffix: str, codec: str, start: float, tmp_path: Path) -> None:
    path = film(tmp_path / f"long.{suffix}", numbered(), frames=LONG, codec=codec, keyframe_every=10)
    window = Window(start, start + 0.5)
    all_times, all_numbers, _ = watch(path)
    shown_before = max(index for index, time_s in enumerate(all_times) if time_s <= start)
    after = next((index for index, time_s in enumerate(all_times) if time_s >= window.end_s), LONG - 1)
    times, numbers, _ = watch(path, window)
    assert times == pytest.approx(all_times[shown_before : after + 1], abs=1e-6)
    assert numbers == all_numbers[shown_before : after + 1]


def test_a_start_far_in_is_sought(tmp_path: Path) -> None:
    path = film(tmp_path / "long.mp4", numbered(), frames=LONG, keyframe_every=10)
    assert watch(path, Window(5.0, 5.5))[2].decoded <= 7
    assert watch(path, Window(5.0, 5.5), counted=True)[2].decoded == LONG - 4


@pytest.mark.parametrize("lands", ["nowhere", "too late"])
def test_a_file_that_cannot_be_sought_is_read_from_its_start(
    lands: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = film(tmp_path / "long.mp4", numbered(), frames=LONG, keyframe_every=10)
    expected = watch(path, Window(3.0, 3.5))[:2]
    real = Video._seek

    def astray(video: Video, time_s: float) -> bool:
        return lands == "too late" and real(video, 5.0 if time_s else 0.0)

    monkeypatch.setattr(Video, "_seek", astray)
    assert watch(path, Window(3.0, 3.5))[:2] == expected


def test_whether_to_go_on_is_asked_for_every_decoded_frame(tmp_path: Path) -> None:
    path = film(tmp_path / "long.ts", numbered(), frames=LONG)
    asked = 0

    def keep_going() -> None:
        nonlocal asked
        asked += 1

    with open_video(medium(path), sniff(path.read_bytes()[:4096]), LIMITS) as video:
        assert len(list(video.frames(Window(5.0, 5.1), keep_going=keep_going))) == 2
    assert asked == 52


def test_counting_samplers_are_given_every_frame_from_the_first(tmp_path: Path) -> None:
    path = film(tmp_path / "long.mp4", numbered(), frames=LONG, keyframe_every=10)
    times, _, _ = watch(path, Window(5.0, 5.5), counted=True)
    assert times == pytest.approx([index / 10 for index in range(56)])


def test_a_recording_without_a_duration_is_measured_while_it_is_read(tmp_path: Path) -> None:
    path = film(
        tmp_path / "live.webm", numbered(), codec="libvpx-vp9", container="webm", options={"live": "1"}, frames=20
    )
    with open_video(medium(path), sniff(path.read_bytes()[:4096]), LIMITS) as video:
        assert video.info.duration is None
    assert info(path).duration == pytest.approx(2.0, abs=0.11)
    with pytest.raises(SignError, match="more than 1 s") as caught:
        watch(path, limits=MediaLimits(33_000_000, 1.0, 100))
    assert caught.value.code == "media-too-long"


def test_a_large_frame_is_refused_by_the_header(tmp_path: Path) -> None:
    path = film(tmp_path / "film.mp4", numbered(64, 64))
    error = refusal(path, MediaLimits(64 * 64 - 1, 120, 100))
    assert (error.code, error.limit, error.actual) == ("picture-too-large", 4095, 4096)


def test_a_video_that_grows_is_refused_where_it_does(tmp_path: Path) -> None:
    small = film(tmp_path / "small.ts", numbered(64, 48)).read_bytes()
    large = film(tmp_path / "large.ts", numbered(640, 480)).read_bytes()
    path = tmp_path / "grows"
    path.write_bytes(small + large)
    assert refusal(path, MediaLimits(100_000, 120, 100)).code == "picture-too-large"


def test_only_sound_is_no_video(tmp_path: Path) -> None:
    assert refusal(sound_only(tmp_path / "sound.mp4")).code == "media-no-video"


@pytest.mark.parametrize("options", [{}, {"movflags": "empty_moov+frag_keyframe"}])
def test_a_video_without_frames_says_so(options: dict[str, str], tmp_path: Path) -> None:
    path = tmp_path / "none.mp4"
    with av.open(str(path), "w", options=options) as output:
        stream = output.add_stream("libx264", rate=10)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        output.start_encoding()
    assert refusal(path).code == "media-no-frames"


@pytest.mark.parametrize("share", [0.02, 0.3, 0.6])
def test_a_file_without_its_index_is_corrupt(share: float, tmp_path: Path) -> None:
    path = film(tmp_path / "film.mp4", numbered())
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * share)])
    assert refusal(path).code == "media-corrupt"


def test_a_file_cut_off_is_read_as_far_as_it_goes_with_a_warning(tmp_path: Path) -> None:
    path = film(tmp_path / "film.mp4", numbered(320, 240), frames=LONG, options={"movflags": "faststart"})
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * 0.7)])
    times, _, video = watch(path)
    assert 5 < len(times) < LONG
    assert any("cut off" in sentence for sentence in video.warnings)
    assert video.info.duration == pytest.approx(len(times) / 10, abs=0.11)


def test_damaged_packets_are_passed_over_with_a_warning(tmp_path: Path) -> None:
    rng = np.random.default_rng(7)
    noise = rng.integers(0, 255, (30, 48, 64, 3), dtype=np.uint8)
    path = film(tmp_path / "film.mkv", lambda index: noise[index], frames=30, codec="mjpeg")
    overwrite_packets(path, range(5, 15))
    times, _, video = watch(path)
    assert len(times) == 20
    assert any("damaged" in sentence for sentence in video.warnings)


def test_what_cannot_be_decoded_at_all_is_corrupt(tmp_path: Path) -> None:
    path = film(tmp_path / "film.mkv", numbered(), codec="mjpeg")
    overwrite_packets(path, range(10))
    assert refusal(path).code == "media-corrupt"


def test_an_unnamed_file_is_all_that_ffmpeg_sees(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = film(tmp_path / "film.mp4", numbered())
    opened: dict[str, object] = {}
    real = av.open

    def spy(file: io.BytesIO, **options: Any) -> object:
        opened.update(options, name=getattr(file, "name", None))
        return real(file, **options)

    monkeypatch.setattr("service.media.video.av.open", spy)
    watch(path)
    assert opened["name"] is None
    assert opened["format"] == "mov"
    assert opened["container_options"] == {
        "protocol_whitelist": "none",
        "format_whitelist": "mov,mp4,m4a,3gp,3g2,mj2",
    }


def test_a_turned_clip_equals_the_upright_one(testdata: Path) -> None:
    lying = first(testdata / "videos/misc/avatar_b_rotated_matrix.mp4").astype(int)
    upright = first(testdata / "videos/misc/avatar_b_vp9.webm").astype(int)
    assert lying.shape == upright.shape == (360, 640, 3)
    assert np.abs(lying - upright).mean() < 3
