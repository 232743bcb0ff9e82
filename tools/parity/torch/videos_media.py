"""The videos on which clips are compared: real ones of the test data, and what they lack made from them by PyAV.

Needs no torch. Every made video shows real frames (an avatar that signs, film); only size, rate, times and coding
differ.
"""

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

TICKS = 90_000


@dataclass(frozen=True, slots=True)
class Sample:
    """A video and the part that is looked at. length_s None: as long as the network's own clip."""

    name: str
    file: Path
    start_s: float = 0.0
    length_s: float | None = None


@dataclass(frozen=True, slots=True)
class Made:
    """A video to make: from which one, the size, the times of its frames, and how it is coded."""

    source: str
    width: int
    height: int
    times_s: Callable[[int], float]
    frames: int
    suffix: str = ".mp4"
    codec: str = "libx264"
    options: tuple[tuple[str, str], ...] = ()
    bt709: bool = False
    pix_fmt: str = "yuv420p"


def _at(rate: float) -> Callable[[int], float]:
    return lambda index: index / rate


def _wavering(index: int) -> float:
    """Frames of a phone's variable rate: between 15 and 60 a second, with a pause."""
    steps = (1 / 60, 1 / 30, 1 / 24, 1 / 15, 1 / 48)
    passed = sum(steps[place % len(steps)] for place in range(index))
    return passed + (0.7 if index > 30 else 0.0)


_SPELLED, _WORDS = "sentences/spell_abc.mp4", "sentences/words_you_learn_sign_language.mp4"
_FACES = "faces/sintel_face_girl.mp4"
MADE = {
    "odd size, VP9": Made(_SPELLED, 333, 187, _at(30), 110, ".webm", "libvpx-vp9", (("crf", "20"), ("b", "0"))),
    "odd size, tall, 4:4:4": Made(_WORDS, 185, 331, _at(30), 110, pix_fmt="yuv444p"),
    "24 a second, B-frames": Made(_FACES, 480, 204, _at(24), 85, options=(("bf", "3"), ("crf", "18"))),
    "25 a second": Made(_WORDS, 640, 480, _at(25), 110),
    "60 a second": Made(_SPELLED, 426, 240, _at(60), 220),
    "29.97 a second": Made(_WORDS, 426, 240, _at(30000 / 1001), 110),
    "variable rate": Made(_SPELLED, 426, 240, _wavering, 90),
    "shorter than the window": Made(_SPELLED, 426, 240, _at(30), 9),
    "two frames": Made(_SPELLED, 426, 240, _at(30), 2),
    "BT.709, 1280 × 720": Made(_WORDS, 1280, 720, _at(30), 90, bt709=True),
    "smaller than the crop": Made(_SPELLED, 128, 72, _at(30), 90),
    "MPEG-4 in AVI": Made(_SPELLED, 320, 240, _at(30), 90, ".avi", "mpeg4", (("q", "3"),)),
}


def make(testdata: Path, folder: Path) -> None:
    """Write the made videos that are not there yet."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, made in MADE.items():
        path = folder / (_file_name(name) + made.suffix)
        if not path.exists():
            _write(path, made, testdata / "videos" / made.source)


def samples_of(testdata: Path, folder: Path) -> list[Sample]:
    """All samples, real ones first."""
    videos = testdata / "videos"
    real = [
        Sample("avatar letter, 30 a second", videos / "avatar/letters/z.mp4"),
        Sample("avatar word, 24 a second", videos / "avatar/words/computer.mp4"),
        Sample("avatar word, 25 a second", videos / "avatar/words/sign.mp4"),
        Sample("sentence, from 3.3 s (sought)", videos / _WORDS, 3.3),
        Sample("sentence, 7 s as one clip", videos / _SPELLED, 0.5, 7.0),
        Sample("film, 480 × 204", videos / "faces/sintel_face_close.mp4", 0.25),
        Sample("rendered hand, 12 a second", videos / "rendered/alphabet_12fps.mp4", 5.1),
        Sample("VP9, WebM", videos / "misc/avatar_b_vp9.webm"),
        Sample("turned by its display matrix", videos / "misc/avatar_b_rotated_matrix.mp4"),
    ]
    made = [Sample(name, folder / (_file_name(name) + one.suffix)) for name, one in MADE.items()]
    return real + made


def _file_name(name: str) -> str:
    return "".join(letter if letter.isalnum() else "_" for letter in name)


def _write(path: Path, made: Made, source: Path) -> None:
    with av.open(str(path), "w") as output:
        stream = output.add_stream(made.codec, rate=30, options=dict(made.options))
        assert isinstance(stream, VideoStream)
        stream.width, stream.height, stream.pix_fmt = made.width, made.height, made.pix_fmt
        base = Fraction(1, 1000 if made.suffix in (".webm", ".avi") else TICKS)
        stream.time_base = stream.codec_context.time_base = Fraction(1, 30) if made.suffix == ".avi" else base
        if made.bt709:
            stream.codec_context.colorspace = 1
        for index, picture in enumerate(itertools.islice(_pictures(source, made), made.frames)):
            frame = VideoFrame.from_ndarray(picture, format="rgb24")
            frame.time_base = stream.codec_context.time_base
            frame.pts = round(made.times_s(index) / frame.time_base)
            output.mux(stream.encode(frame))
        output.mux(stream.encode(None))


def _pictures(source: Path, made: Made) -> Iterator[np.ndarray]:
    with av.open(str(source)) as container:
        for frame in container.decode(video=0):
            yield frame.reformat(width=made.width, height=made.height, format="rgb24").to_ndarray()
