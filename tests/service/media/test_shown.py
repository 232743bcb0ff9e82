"""What of a file is shown: which stream, in which size, of which frames; and what never is."""

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from av.stream import Disposition
from av.video.stream import VideoStream
from PIL import Image

from service.errors import SignError
from service.media.decoding import decoding
from service.media.frame import display_size, sane_aspect
from service.media.medium import MOST_SIDE, check_picture_size
from service.media.moving import open_moving
from service.media.picture import is_still
from service.media.sniff import sniff
from service.media.video import open_video
from service.observe.landmarkers import Landmarkers
from service.observe.observe import observe
from service.track import Window
from tests.clock_made import clock, numbered_clock, read_clock
from tests.media_made import LIMITS, call_for, medium

WHOLE = Window(0.0, float("inf"))
DATA = Path(__file__).parents[2] / "data" / "media"


def several(path: Path, *sizes: tuple[int, int], default: int | None = None, still: int | None = None) -> Path:
    """A file of several videos of these sizes; each carries its place as its number."""
    with av.open(str(path), "w") as output:
        streams = []
        for place, (width, height) in enumerate(sizes):
            stream = output.add_stream("libx264", rate=10)
            assert isinstance(stream, VideoStream)
            stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
            if default is not None:
                stream.disposition = Disposition.default if place == default else Disposition(0)
            streams.append(stream)
        for index in range(10):
            for place, stream in enumerate(streams):
                if place == still and index:
                    continue
                frame = av.VideoFrame.from_ndarray(numbered_clock(place + 1, *sizes[place]), format="rgb24")
                frame.pts, frame.time_base = index, Fraction(1, 10)
                output.mux(stream.encode(frame))
        for stream in streams:
            output.mux(stream.encode(None))
    return path


def number_shown(path: Path) -> int:
    with open_video(medium(path), sniff(path.read_bytes()[:4096]), LIMITS) as video:
        frames = list(video.frames(WHOLE))
        assert len(frames) == 10
        return read_clock(frames[5].pixels())


@pytest.mark.parametrize("suffix", ["mp4", "mkv"])
def test_the_default_stream_is_shown_else_the_largest(suffix: str, tmp_path: Path) -> None:
    small, large = (100, 40), (200, 80)
    assert number_shown(several(tmp_path / f"a.{suffix}", small, large, default=0)) == 1
    assert number_shown(several(tmp_path / f"b.{suffix}", small, large, default=1)) == 2
    assert number_shown(several(tmp_path / f"c.{suffix}", small, large, small)) in (1, 2)
    assert number_shown(several(tmp_path / f"d.{suffix}", large, large, still=0)) == 2


def test_of_equal_streams_the_one_that_moves_is_chosen(tmp_path: Path) -> None:
    path = several(tmp_path / "two.mkv", (300, 120), (200, 80), default=0, still=0)
    assert number_shown(path) == 2


@pytest.mark.parametrize(
    ("aspect", "size"),
    [
        (Fraction(1), (200, 80)),
        (Fraction(16, 11), (291, 80)),
        (Fraction(4, 3), (267, 80)),
        (Fraction(3, 4), (200, 107)),
        (Fraction(1, 500), (200, 80)),
    ],
)
def test_pixels_that_are_not_square_are_brought_to_the_size_in_which_they_are_shown(
    aspect: Fraction, size: tuple[int, int], tmp_path: Path
) -> None:
    path = clock(tmp_path / "wide.mp4", frames=40, pixel_aspect=aspect)
    with open_video(medium(path), sniff(path.read_bytes()[:4096]), LIMITS) as video:
        assert (video.info.width, video.info.height) == size
        for number, frame in enumerate(video.frames(WHOLE)):
            pixels = frame.pixels()
            assert pixels.shape == (size[1], size[0], 3)
            assert read_clock(pixels) == number
    assert display_size(200, 80, sane_aspect(aspect)) == size


def test_frames_of_another_shape_are_fitted_into_the_first_ones(tmp_path: Path) -> None:
    wide, tall = clock(tmp_path / "wide.ts", frames=20), clock(tmp_path / "tall.ts", frames=20, size=(80, 200))
    path = tmp_path / "both.ts"
    path.write_bytes(wide.read_bytes() + tall.read_bytes())
    with open_video(medium(path), sniff(path.read_bytes()[:4096]), LIMITS) as video:
        frames = list(video.frames(WHOLE))
        shapes = {frame.pixels().shape for frame in frames}
        last = frames[-1].pixels()
        assert any("200 × 80, then 80 × 200" in sentence for sentence in video.warnings)
    assert (len(frames), shapes) == (40, {(80, 200, 3)})
    assert last[:, :80].max() < 30
    assert read_clock(np.ascontiguousarray(last[:, 84:116])) == 19


@pytest.mark.parametrize(("suffix", "options"), [("webp", {"lossless": True}), ("png", {}), ("avif", {"quality": 90})])
def test_animated_pictures_are_clips_that_last_as_long_as_browsers_show_them(
    suffix: str, options: dict[str, object], tmp_path: Path
) -> None:
    pictures = [Image.fromarray(numbered_clock(number)) for number in range(12)]
    path = tmp_path / f"film.{suffix}"
    lasts_ms = [100] * 11 + [250]
    pictures[0].save(path, save_all=True, append_images=pictures[1:], duration=lasts_ms, loop=0, **options)  # type: ignore[arg-type]
    kind = sniff(path.read_bytes()[:4096])
    assert not is_still(medium(path), kind)
    with open_moving(medium(path), kind, LIMITS, "tagged", "upright") as animation:
        frames = [(frame.time_s, read_clock(frame.pixels())) for frame in animation.frames(WHOLE)]
        info = animation.info
    assert [number for _, number in frames] == list(range(12))
    assert [time_s for time_s, _ in frames] == pytest.approx([index / 10 for index in range(12)])
    assert info.duration == pytest.approx(1.35)
    assert observe(call_for(path), lambda: None, Landmarkers()).track.media.kind == "video"


def test_an_animated_picture_of_one_frame_is_a_picture(tmp_path: Path) -> None:
    for suffix in ("webp", "png", "avif"):
        path = tmp_path / f"one.{suffix}"
        Image.fromarray(numbered_clock(3)).save(path)
        assert is_still(medium(path), sniff(path.read_bytes()[:4096]))


def test_the_end_is_early_only_where_the_pictures_own_stream_ends_early() -> None:
    path = DATA / "CAB_longaudio.mkv"
    with open_video(medium(path), sniff(path.read_bytes()[:4096]), LIMITS) as video:
        assert len(list(video.frames(WHOLE))) == 102
        assert video.warnings == ()


def test_a_transport_stream_is_known_wherever_in_a_packet_it_begins(tmp_path: Path) -> None:
    data = clock(tmp_path / "whole.ts").read_bytes()
    for cut in (1, 50, 187, 189):
        assert sniff(data[cut : cut + 4096]).demuxer == "mpegts"
    assert sniff((b"\x00\xffjunk" * 100 + data)[:4096]).demuxer == "mpegts"


@pytest.mark.parametrize(("width", "height"), [(MOST_SIDE + 1, 1), (1, MOST_SIDE + 1)])
def test_a_side_that_is_too_long_is_refused_whatever_the_pixels(width: int, height: int) -> None:
    with pytest.raises(SignError) as caught:
        check_picture_size(width, height, LIMITS, "The picture")
    assert (caught.value.code, caught.value.limit, caught.value.actual) == ("picture-too-large", MOST_SIDE, 32_768)


@pytest.mark.parametrize("error", [KeyError("x"), RuntimeError("x"), AssertionError(), MemoryError(), ValueError()])
def test_whatever_a_decoder_raises_is_the_mediums_fault(error: Exception) -> None:
    with pytest.raises(SignError) as caught, decoding("The file begins well"):
        raise error
    assert caught.value.code == "media-corrupt"


def test_what_is_ours_passes_the_boundary() -> None:
    with pytest.raises(SignError, match="media-too-long"), decoding("The file begins well"):
        raise SignError("media-too-long", "x")


def test_side_data_of_a_type_that_the_binding_does_not_know_is_skipped() -> None:
    path = DATA / "mj_exif.avi"
    with open_video(medium(path), sniff(path.read_bytes()[:4096]), LIMITS) as video:
        assert len(list(video.frames(WHOLE))) == 20
