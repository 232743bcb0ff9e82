"""Files that mean harm: each is made here, and each gets an answer or a listed error without touching anything else."""

import os
import struct
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

import av
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image, PngImagePlugin

from service.errors import SignError
from service.media.medium import MediaLimits
from service.media.picture import read_picture
from service.media.sniff import MediaType, sniff
from service.media.video import open_video
from service.observe.landmarkers import Landmarkers
from service.observe.observe import observe
from service.track import Window
from tests.media_made import LIMITS, call_for, corners, film, medium, numbered

SMALL = MediaLimits(frame_pixels=500_000, seconds=60, frames=100)
LISTED = (400, 413, 415, 422)
DEMUXERS = ("mov", "matroska", "avi", "mpegts", "gif")


@pytest.fixture
def canary(tmp_path: Path) -> Iterator[Path]:
    """A pipe that blocks whoever opens it: a reader that follows a reference would never come back."""
    path = tmp_path / "secret"
    os.mkfifo(path)
    yield path
    with pytest.raises(OSError, match="No such device"):  # nobody holds it open for reading
        os.close(os.open(path, os.O_WRONLY | os.O_NONBLOCK))


def lists_that_name(canary: Path) -> dict[str, bytes]:
    """Small texts that make FFmpeg open other files or sockets."""
    return {
        "m3u8": f"#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:10,\nfile://{canary}\n#EXT-X-ENDLIST\n".encode(),
        "m3u8 after a mark": b"\xef\xbb\xbf" + f"#EXTM3U\n#EXTINF:1,\n{canary}\n#EXT-X-ENDLIST\n".encode(),
        "m3u8 with a key": f'#EXTM3U\n#EXT-X-KEY:METHOD=AES-128,URI="{canary}"\n#EXTINF:1,\n{canary}\n'.encode(),
        "ffconcat": f"ffconcat version 1.0\nfile '{canary}'\n".encode(),
        "sdp": b"v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\ns=x\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=video 45454 RTP/AVP 96\r\n"
        b"a=rtpmap:96 H264/90000\r\n",
        "dash": f'<?xml version="1.0"?>\n<MPD xmlns="urn:mpeg:dash:schema:mpd:2011"><Period><AdaptationSet>'
        f"<Representation><BaseURL>file://{canary}</BaseURL></Representation></AdaptationSet></Period></MPD>".encode(),
        "svg": f'<svg xmlns="http://www.w3.org/2000/svg"><image href="file://{canary}"/></svg>'.encode(),
        "playlist": f"[playlist]\nFile1={canary}\n".encode(),
    }


NAMES = tuple(lists_that_name(Path("x")))


def code_of(path: Path, limits: MediaLimits = LIMITS) -> str:
    with pytest.raises(SignError) as caught:
        observe(call_for(path, limits=limits), lambda: None, Landmarkers())
    assert caught.value.status in LISTED
    return caught.value.code


def read_all(path: Path, kind: MediaType, limits: MediaLimits = SMALL) -> str:
    """Decode what there is; `answered`, or the code of the error."""
    try:
        if kind.kind == "picture":
            read_picture(medium(path), kind, limits)
        else:
            with open_video(medium(path), kind, limits) as video:
                for frame in video.frames(Window(0, 60)):
                    frame.pixels()
    except SignError as error:
        assert error.status in LISTED
        return error.code
    return "answered"


def udp_ports() -> list[str]:
    return sorted(line.split()[1] for line in Path("/proc/net/udp").read_text().splitlines()[1:])


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("suffix", [".mp4", ".m3u8", ""])
def test_lists_that_name_other_files_are_refused_whatever_they_are_called(
    name: str, suffix: str, canary: Path, tmp_path: Path
) -> None:
    path = tmp_path / f"upload{suffix}"
    path.write_bytes(lists_that_name(canary)[name])
    assert code_of(path) == "media-unsupported"


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("demuxer", DEMUXERS)
def test_even_unrecognized_they_open_nothing(name: str, demuxer: str, canary: Path, tmp_path: Path) -> None:
    path = tmp_path / "upload.m3u8"
    path.write_bytes(lists_that_name(canary)[name])
    ports = udp_ports()
    assert read_all(path, MediaType("video", demuxer, demuxer)) in ("media-corrupt", "media-no-video")
    assert udp_ports() == ports


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("head", [b"\x1a\x45\xdf\xa3", b"\x00\x00\x00\x18ftypisom\x00\x00\x00\x00isom", b"GIF89a"])
def test_a_list_behind_a_videos_first_bytes_opens_nothing(name: str, head: bytes, canary: Path, tmp_path: Path) -> None:
    path = tmp_path / "upload"
    path.write_bytes(head + b"\n" + lists_that_name(canary)[name])
    assert code_of(path) in ("media-corrupt", "media-no-video", "media-no-frames", "picture-too-large")


@pytest.mark.parametrize("name", ["list.m3u8", "%03d.jpg", "concat:a|b", "x.sdp", "-i", "pipe:0"])
def test_the_name_of_a_good_video_means_nothing(name: str, tmp_path: Path) -> None:
    made = film(tmp_path / "made.mp4", numbered())
    path = made.rename(tmp_path / name)
    assert read_all(path, sniff(path.read_bytes()[:4096])) == "answered"


def test_a_track_that_lies_in_another_file_is_not_looked_up(canary: Path, tmp_path: Path) -> None:
    path = film(tmp_path / "film.mp4", numbered())
    data = path.read_bytes()
    at = data.index(b"url \x00\x00\x00\x01")
    outside = str(canary).encode()[:200]
    entry = struct.pack(">I4sI", 12 + len(outside) + 1, b"url ", 0) + outside + b"\x00"
    path.write_bytes(data[: at - 4] + entry + data[at + 8 :])
    read_all(path, MediaType("video", "mp4", "mov"))


def chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def png_of(width: int, height: int) -> bytes:
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(bytes(10))) + chunk(b"IEND", b"")
    )


def jpeg_of(width: int, height: int) -> bytes:
    frame = b"\xff\xc0" + struct.pack(">HBHHB", 17, 8, height, width, 3) + b"\x01\x11\x00\x02\x11\x00\x03\x11\x00"
    return b"\xff\xd8" + frame + b"\xff\xda\x00\x0c\x03\x01\x00\x02\x11\x03\x11\x00\x3f\x00" + bytes(20) + b"\xff\xd9"


def gif_of(width: int, height: int) -> bytes:
    image = b"\x2c" + struct.pack("<4HB", 0, 0, width, height, 0) + b"\x02\x02\x4c\x01\x00"
    colors = b"\x00\x00\x00\xff\xff\xff"
    return b"GIF89a" + struct.pack("<HHBBB", width, height, 0x80, 0, 0) + colors + image + image + b"\x3b"


def bmp_of(width: int, height: int) -> bytes:
    return b"BM" + struct.pack("<IHHI", 60, 0, 0, 54) + struct.pack("<IiiHHIIiiII", 40, width, height, 1, 24, *[0] * 6)


MAKERS: tuple[Callable[[int, int], bytes], ...] = (png_of, jpeg_of, gif_of, bmp_of)


@pytest.mark.parametrize(("make", "side"), [(png_of, 60_000), *((make, 10_000) for make in MAKERS)])
def test_few_bytes_that_claim_a_huge_picture_are_refused_by_their_header(
    make: Callable[[int, int], bytes], side: int, tmp_path: Path
) -> None:
    path = tmp_path / "bomb"
    path.write_bytes(make(side, side))
    assert code_of(path) == "picture-too-large"


def test_a_video_of_8000_by_8000_is_refused_by_its_header(tmp_path: Path) -> None:
    path = tmp_path / "huge.mp4"
    with av.open(str(path), "w") as output:
        stream = output.add_stream("libx264", rate=10, options={"preset": "ultrafast"})
        stream.width = stream.height = 8000
        stream.pix_fmt = "yuv420p"
        frame = av.VideoFrame(8000, 8000, "yuv420p")
        for plane in frame.planes:
            plane.update(bytes(plane.buffer_size))
        frame.pts = 0
        output.mux(stream.encode(frame))
        output.mux(stream.encode(None))
    assert code_of(path) == "picture-too-large"


def test_a_video_that_claims_an_hour_is_refused_by_its_header(tmp_path: Path) -> None:
    path = film(tmp_path / "hour.mp4", numbered(), frames=2, times=[0, 3600])
    assert code_of(path) == "media-too-long"


def test_text_that_unpacks_to_gigabytes_is_not_unpacked(tmp_path: Path) -> None:
    path = tmp_path / "bomb.png"
    info = PngImagePlugin.PngInfo()
    info.add_text("comment", "0" * (200 * 1024 * 1024), zip=True)
    Image.fromarray(corners()).save(path, "PNG", pnginfo=info)
    assert code_of(path) == "media-corrupt"


def test_ten_million_frames_of_nothing_stop_at_the_limit(tmp_path: Path) -> None:
    path = film(tmp_path / "fast.mp4", numbered(), frames=300, times=[index / 10_000 for index in range(300)])
    result = read_all(path, MediaType("video", "mp4", "mov"))
    assert result == "answered"
    assert code_of(path, MediaLimits(33_000_000, 0.01, 20_000)) == "media-too-long"


@pytest.fixture(scope="module")
def good_files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    folder = tmp_path_factory.mktemp("good")
    for suffix, codec in (("mp4", "libx264"), ("webm", "libvpx"), ("ts", "libx264"), ("gif", "gif")):
        film(folder / f"video.{suffix}", numbered(), frames=5, codec=codec)
    film(folder / "video.avi", numbered(), frames=5, codec="mpeg4", container="avi")
    for reader in ("JPEG", "PNG", "WEBP", "BMP", "HEIF", "AVIF"):
        Image.fromarray(corners()).save(folder / f"picture.{reader.lower()}", reader)
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


@settings(max_examples=250, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_damage_to_any_medium_gives_an_answer_or_a_listed_error(
    data: st.DataObject, good_files: dict[str, bytes], tmp_path: Path
) -> None:
    whole = good_files[data.draw(st.sampled_from(sorted(good_files)))]
    damaged = bytearray(whole[: data.draw(st.integers(16, len(whole)))])
    for at in data.draw(st.lists(st.integers(0, len(damaged) - 1), max_size=8)):
        damaged[at] = data.draw(st.integers(0, 255))
    path = tmp_path / "upload"
    path.write_bytes(damaged)
    try:
        kind = sniff(bytes(damaged[:4096]))
    except SignError as error:
        assert error.status in LISTED
        return
    if kind.kind != "landmarks":
        read_all(path, kind)
