"""Media made for tests: small videos with whatever peculiarity a test is about."""

import struct
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.video.stream import VideoStream
from PIL import Image, ImageDraw, ImageFilter

from service.media.medium import MediaLimits, Medium
from service.media.sampling import Rate
from service.media.upright import Pixels
from service.observe.call import ObserveCall
from service.observe.request import LandmarkRequest, ObserverRequest
from service.track import Window

LIMITS = MediaLimits(frame_pixels=33_000_000, seconds=120, frames=20_000)
Painter = Callable[[int], Pixels]

# Display matrices (a, b, c, d) of the eight ways to store a picture, by EXIF's numbers.
MATRICES = {
    1: (1, 0, 0, 1),
    2: (-1, 0, 0, 1),
    3: (-1, 0, 0, -1),
    4: (1, 0, 0, -1),
    5: (0, 1, 1, 0),
    6: (0, 1, -1, 0),
    7: (0, -1, -1, 0),
    8: (0, -1, 1, 0),
}


def medium(path: Path) -> Medium:
    return Medium(str(path), path.stat().st_size)


def corners(width: int = 64, height: int = 48) -> Pixels:
    """A picture whose four corners differ: red, green, blue, white, clockwise from the top left."""
    picture = np.full((height, width, 3), 96, np.uint8)
    picture[: height // 2, : width // 2] = (255, 0, 0)
    picture[: height // 2, width // 2 :] = (0, 255, 0)
    picture[height // 2 :, width // 2 :] = (0, 0, 255)
    picture[height // 2 :, : width // 2] = (255, 255, 255)
    return picture


def corner_names(picture: Pixels) -> str:
    """The colors at the four corners, clockwise from the top left, as r g b w."""
    names = ""
    height, width = picture.shape[:2]
    for y, x in ((0.25, 0.25), (0.25, 0.75), (0.75, 0.75), (0.75, 0.25)):
        red, green, blue = (int(value) > 128 for value in picture[int(y * height), int(x * width)])
        names += "w" if red and green and blue else "r" if red else "g" if green else "b" if blue else "?"
    return names


def numbered(width: int = 64, height: int = 48) -> Painter:
    """Frames that carry their own number as brightness (5 a step), so that a test can read it back."""
    return lambda index: np.full((height, width, 3), (index * 5) % 250, np.uint8)


def number_of(picture: Pixels) -> int:
    """The number that a frame of `numbered` carries."""
    return round(float(picture.mean()) / 5)


def film(
    path: Path,
    painter: Painter,
    *,
    frames: int = 10,
    rate: int = 10,
    codec: str = "libx264",
    container: str | None = None,
    times: Sequence[float] | None = None,
    options: dict[str, str] | None = None,
    keyframe_every: int = 12,
    pixel_aspect: Fraction | None = None,
    b_frames: int = 0,
) -> Path:
    """Write a video of painted frames. times: seconds of each frame, where they are not i / rate.

    pixel_aspect: a pixel's width over its height, where it is not square.
    """
    with av.open(str(path), "w", format=container, options=options or {}) as output:
        stream = output.add_stream(codec, rate=rate)
        assert isinstance(stream, VideoStream)
        first = painter(0)
        stream.height, stream.width = first.shape[:2]
        stream.pix_fmt = {"gif": "rgb8", "mjpeg": "yuvj420p"}.get(codec, "yuv420p")
        ticks = 1000 if codec in ("mpeg4", "mjpeg") else 90_000
        stream.time_base = stream.codec_context.time_base = Fraction(1, rate if container == "avi" else ticks)
        if pixel_aspect is not None:
            stream.codec_context.sample_aspect_ratio = pixel_aspect
        stream.codec_context.gop_size = keyframe_every
        stream.codec_context.max_b_frames = b_frames
        for index in range(frames):
            frame = av.VideoFrame.from_ndarray(painter(index), format="rgb24")
            frame.time_base = stream.time_base
            time_s = index / rate if times is None else times[index]
            frame.pts = round(time_s / frame.time_base)
            output.mux(stream.encode(frame))
        output.mux(stream.encode(None))
    return path


def overwritten(path: Path, stretch: Window) -> Path:
    """Overwrite a video's bytes from the first packet of this stretch up to its last one."""
    with av.open(str(path)) as container:
        start_s = (container.start_time or 0) / av.time_base
        packets = [packet for packet in container.demux(video=0) if packet.pts is not None]
        times_s = [float((packet.pts or 0) * packet.time_base) - start_s for packet in packets]
        places = [
            packet.pos or 0
            for packet, time_s in zip(packets, times_s, strict=True)
            if stretch.start_s <= time_s < stretch.end_s
        ]
    data = bytearray(path.read_bytes())
    data[min(places) : max(places)] = np.random.default_rng(1).bytes(max(places) - min(places))
    path.write_bytes(data)
    return path


def sound_only(path: Path) -> Path:
    """An mp4 that holds half a second of silence and nothing to see."""
    with av.open(str(path), "w", format="mp4") as output:
        stream = output.add_stream("aac", rate=16_000)
        for index in range(8):
            frame = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), format="fltp", layout="mono")
            frame.sample_rate, frame.pts = 16_000, index * 1024
            output.mux(stream.encode(frame))
        output.mux(stream.encode(None))
    return path


def turned(path: Path, matrix: tuple[int, int, int, int]) -> Path:
    """Write another display matrix (whole numbers a, b, c, d) into an mp4's track header."""
    data = bytearray(path.read_bytes())
    at = data.index(b"tkhd") + 4
    start = at + (40 if data[at] == 0 else 52)
    a, b, c, d = (value * 65536 for value in matrix)
    struct.pack_into(">9i", data, start, a, b, 0, c, d, 0, 0, 0, 1 << 30)
    path.write_bytes(data)
    return path


def stored_as(upright: Pixels, orientation: int) -> Pixels:
    """How a picture lies in a file whose EXIF orientation is this, so that it comes out upright."""
    undo = {
        1: upright,
        2: upright[:, ::-1],
        3: upright[::-1, ::-1],
        4: upright[::-1],
        5: upright.transpose(1, 0, 2),
        6: upright.transpose(1, 0, 2)[::-1],
        7: upright.transpose(1, 0, 2)[::-1, ::-1],
        8: upright.transpose(1, 0, 2)[:, ::-1],
    }
    return np.ascontiguousarray(undo[orientation])


def drawn_hand(width: int = 320, height: int = 320, at: tuple[float, float] = (0.5, 0.55), size: float = 1.0) -> Pixels:
    """An open right hand as ellipses, its palm to the viewer, good enough for MediaPipe."""
    image = Image.new("RGB", (width, height), (90, 110, 100))
    draw = ImageDraw.Draw(image)
    skin = (224, 172, 140)
    unit = size * min(width, height) / 320
    x, y = at[0] * width, at[1] * height
    fingers: Iterable[tuple[float, float, float, float]] = (
        (-48, -20, -60, -105),
        (-18, -30, -20, -128),
        (12, -30, 18, -120),
        (40, -18, 54, -90),
        (48, 35, 100, -10),
    )
    draw.ellipse([x - 58 * unit, y - 48 * unit, x + 58 * unit, y + 75 * unit], fill=skin)
    draw.rectangle([x - 36 * unit, y + 50 * unit, x + 36 * unit, height], fill=skin)
    for x0, y0, x1, y1 in fingers:
        start, end = (x + x0 * unit, y + y0 * unit), (x + x1 * unit, y + y1 * unit)
        draw.line([start, end], fill=skin, width=int(27 * unit))
        for joint in (start, end):
            radius = 13 * unit
            draw.ellipse([joint[0] - radius, joint[1] - radius, joint[0] + radius, joint[1] + radius], fill=skin)
    return np.asarray(image.filter(ImageFilter.GaussianBlur(2)), dtype=np.uint8)


def drawn_face(
    width: int = 320,
    height: int = 240,
    at: tuple[float, float] = (0.5, 0.5),
    size: float = 1.0,
    mouth: float = 0.0,
    on: Pixels | None = None,
) -> Pixels:
    """A face as ellipses, good enough for MediaPipe; mouth: how far it is open, 0 to 16. on: what lies behind it."""
    image = Image.new("RGB", (width, height), (90, 110, 100)) if on is None else Image.fromarray(on)
    draw = ImageDraw.Draw(image)
    unit = size * height / 240
    x, y = at[0] * width, at[1] * height

    def oval(center: tuple[float, float], radii: tuple[float, float], color: tuple[int, int, int]) -> None:
        left, top = x + (center[0] - radii[0]) * unit, y + (center[1] - radii[1]) * unit
        draw.ellipse([left, top, left + 2 * radii[0] * unit, top + 2 * radii[1] * unit], fill=color)

    hair, skin, shade, lips = (60, 40, 30), (224, 172, 140), (210, 155, 125), (190, 90, 90)
    oval((0, -12), (66, 80), hair)
    oval((0, 2), (58, 76), skin)
    draw.rectangle([x - 24 * unit, y + 66 * unit, x + 24 * unit, y + 110 * unit], fill=shade)
    oval((0, 5), (56, 74), skin)
    for side in (-1, 1):
        oval((24 * side, -16), (13, 7), (250, 250, 250))
        oval((24 * side, -16), (6, 6), (50, 35, 30))
        brow = [(x + (24 * side + dx) * unit, y + dy * unit) for dx, dy in ((-15, -31), (0, -35), (15, -31))]
        draw.line(brow, fill=hair, width=max(1, int(5 * unit)))
        oval((5 * side, 14), (3, 2), (120, 70, 60))
    nose = [(x + dx * unit, y + dy * unit) for dx, dy in ((-2, -12), (-9, 14), (9, 14), (2, -12))]
    draw.polygon(nose, fill=shade)
    oval((0, 38), (22, 6 + mouth), lips)
    oval((0, 38), (17, 1 + 0.8 * mouth), (90, 30, 30))
    return np.asarray(image.filter(ImageFilter.GaussianBlur(1.2 * unit)), np.uint8)


def call_for(path: Path, request: ObserverRequest | None = None, **changes: object) -> ObserveCall:
    """A call for the whole medium, one followed hand, 10 observations a second, unless changed."""
    call = ObserveCall(
        medium=medium(path),
        request=request or LandmarkRequest(source="hands", parts=("hand",)),
        sampling=Rate(rate=10),
        start_s=0.0,
        duration_s=None,
        mirrored=False,
        limits=LIMITS,
    )
    return replace(call, **changes)  # type: ignore[arg-type]


def signing(path: Path, frames: int = 20, rate: int = 10, mirrored: bool = False) -> Path:
    """A video of the drawn right hand that wanders a little."""

    def paint(index: int) -> Pixels:
        picture = drawn_hand(320, 240, at=(0.45 + 0.004 * index, 0.6), size=0.9)
        return np.ascontiguousarray(picture[:, ::-1]) if mirrored else picture

    return film(path, paint, frames=frames, rate=rate)


def still(clip: Path, path: Path) -> Path:
    """The picture in the middle of a clip, as a file of the kind that the path's suffix says."""
    with av.open(str(clip)) as source:
        frames = [frame.to_ndarray(format="rgb24") for frame in source.decode(video=0)]
    Image.fromarray(frames[len(frames) // 2]).save(path)
    return path
