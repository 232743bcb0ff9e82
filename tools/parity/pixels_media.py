"""The media of the pixel parity: pictures and clips with hands from samples/, in many sizes, formats and at borders."""

import json
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import numpy.typing as npt
from av.video.reformatter import ColorRange, Colorspace
from av.video.stream import VideoStream
from PIL import Image

Pixels = npt.NDArray[np.uint8]
ROOT = Path(__file__).resolve().parents[2]
SCENES = (
    "letter_a_right_light",
    "digit_5_right_light",
    "letter_l_left_tan",
    "letter_c_right_brown",
    "word_fly_right_tan",
)
SIZES = ((320, 240), (300, 300), (640, 480), (97, 131), (1, 1), (301, 7), (1280, 720), (28, 28), (333, 500))
SMALL = ((28, 28), (64, 64), (64, 48), (50, 64), (27, 29), (13, 64), (7, 5), (1, 1), (56, 56))
TAGS = {"libx264": ("bt709", "untagged"), "libvpx-vp9": ("bt709",), "mjpeg": ("jpeg",)}
BOXES = {
    "tall": (0.40, 0.30, 0.15, 0.45),
    "wide": (0.20, 0.40, 0.50, 0.20),
    "square": (0.40, 0.40, 0.20, 0.20),
    "close to the left top": (0.09, 0.12, 0.3, 0.4),
    "over the left edge": (-0.05, 0.3, 0.3, 0.3),
    "over the top": (0.4, 0.01, 0.2, 0.3),
    "over the right edge": (0.75, 0.3, 0.22, 0.3),
    "over the bottom": (0.4, 0.6, 0.2, 0.38),
    "over the right bottom corner": (0.85, 0.80, 0.2, 0.25),
}
HAND_SIZES = ((640, 480), (480, 640), (321, 243), (1280, 720))


@dataclass
class Sample:
    """A file, which preset's steps it goes through, and how.

    every: each n-th frame of a clip is answered. points: 21 landmarks that are taken for found; None where MediaPipe
    looks itself. settings: overrides of the preset (convert's --set), each combination a model of its own.
    """

    preset: str
    name: str
    file: str
    every: int = 0
    points: list[list[float]] | None = None
    settings: tuple[str, ...] = ()
    tags: dict[str, Any] = field(default_factory=dict)

    @property
    def key(self) -> str:
        """The name of its answers."""
        return f"{self.preset}/{self.name}"


def samples_of(folder: Path) -> list[Sample]:
    """What `make` wrote there."""
    listed = json.loads((folder / "samples.json").read_text(encoding="utf-8"))
    return [Sample(**one | {"settings": tuple(one["settings"])}) for one in listed]


def make(folder: Path) -> list[Sample]:
    """Write all media into the folder and a list of them beside."""
    scenes = [list(_frames(ROOT / "samples" / f"{scene}.mp4")) for scene in SCENES]
    made: list[Sample] = []
    for part in (_numbers, _letters, _teachable, _hands, _gestures):
        made += part(folder, scenes)
    (folder / "samples.json").write_text(json.dumps([asdict(one) for one in made]), encoding="utf-8")
    return made


def _frames(path: Path) -> Iterator[Pixels]:
    with av.open(str(path)) as container:
        for frame in container.decode(video=0):
            yield np.asarray(frame.to_ndarray(format="rgb24"), np.uint8)


def _scene(scenes: list[list[Pixels]], number: int, size: tuple[int, int]) -> Image.Image:
    """A frame with a hand in a size, with grain so that a pixel's place matters."""
    frames = scenes[number % len(scenes)]
    picture = Image.fromarray(frames[(11 * number + 20) % len(frames)]).resize(size, Image.Resampling.BICUBIC)
    grain = np.random.default_rng(number).normal(0, 12, (size[1], size[0], 3))
    return Image.fromarray(np.clip(np.asarray(picture) + grain, 0, 255).astype(np.uint8))


def _pictures(
    folder: Path, scenes: list[list[Pixels]], sizes: tuple[tuple[int, int], ...]
) -> Iterator[tuple[Path, Image.Image]]:
    """Pictures of these sizes as png, and every other one as jpeg too."""
    folder.mkdir(parents=True, exist_ok=True)
    for number, size in enumerate(sizes):
        picture = _scene(scenes, number, size)
        stem = f"{size[0]}x{size[1]}"
        picture.save(folder / f"{stem}.png")
        yield folder / f"{stem}.png", picture
        if number % 2 == 0:
            picture.save(folder / f"{stem}.jpg", quality=87, subsampling=number % 3)
            yield folder / f"{stem}.jpg", picture


def _numbers(folder: Path, scenes: list[list[Pixels]]) -> list[Sample]:
    own = folder / "numbers" / "1"
    made = [Sample("ksl-numbers", path.name, str(path)) for path, _ in _pictures(own, scenes, SIZES)]
    other = folder / "numbers" / "10"
    other.mkdir(parents=True, exist_ok=True)
    picture = _scene(scenes, 3, (210, 160))
    turned = Image.Exif()
    turned[0x0112] = 6
    alpha = picture.copy()
    alpha.putalpha(Image.linear_gradient("L").resize(picture.size))
    ramp = np.linspace(0, 65535, 210 * 160).reshape(160, 210).astype(np.uint16)
    special: dict[str, tuple[Image.Image, dict[str, Any]]] = {
        "grey.png": (picture.convert("L"), {}),
        "palette.png": (picture.convert("P", palette=Image.Palette.ADAPTIVE), {}),
        "cmyk.jpg": (picture.convert("CMYK"), {}),
        "levels.bmp": (picture, {}),
        "turned.jpg": (picture, {"exif": turned}),
        "transparent.png": (alpha, {}),
        "sixteen-bit.png": (Image.fromarray(ramp), {}),
    }
    for name, (image, options) in special.items():
        image.save(other / name, **options)
        made.append(Sample("ksl-numbers", name, str(other / name)))
    made.append(
        Sample("ksl-numbers", "turned.jpg, as stored", str(other / "turned.jpg"), settings=("orientation=as_stored",))
    )
    return made


def _letters(folder: Path, scenes: list[list[Pixels]]) -> list[Sample]:
    pictures = _pictures(folder / "letters", scenes, SMALL)
    made = [Sample("sign-mnist", path.name, str(path)) for path, _ in pictures]
    return made + _clips(folder / "letters", "sign-mnist", scenes, ((64, 64), (64, 48), (30, 46)), ((51, 37), (63, 64)))


def _teachable(folder: Path, scenes: list[list[Pixels]]) -> list[Sample]:
    pictures = _pictures(folder / "teachable", scenes, (*SIZES, (224, 224), (225, 223), (223, 301)))
    return [Sample("teachable-machine", path.name, str(path)) for path, _ in pictures]


def _hands(folder: Path, scenes: list[list[Pixels]]) -> list[Sample]:
    made = []
    own = folder / "hands"
    own.mkdir(parents=True, exist_ok=True)
    for number, size in enumerate(HAND_SIZES):
        path = own / f"{size[0]}x{size[1]}.png"
        _scene(scenes, number, size).save(path)
        for where, box in BOXES.items():
            spread = np.random.default_rng(7).random((21, 3))
            spread[0, :2], spread[1, :2] = (0, 0), (1, 1)
            points = (spread * (box[2], box[3], 0.1) + (box[0], box[1], 0)).astype(np.float32).tolist()
            tags = {"box": where, "size": list(size)}
            name = f"{path.name}, {where}"
            for kind in ("cvzone", "hand-crop"):
                made.append(Sample(kind, name, str(path), points=points, tags=tags))
                if "right" in where or "bottom" in where:
                    white = Sample(
                        kind, f"{name}, white", str(path), points=points, settings=("edge=white",), tags=tags
                    )
                    made.append(white)
        made += [Sample(kind, f"{path.name}, MediaPipe", str(path)) for kind in ("cvzone", "hand-crop")]
    looped = ('sampling={"every":1,"fps":30}',)
    clip = film(own / "bt709.mp4", lambda k: np.asarray(_scene(scenes, 1, (320, 240)).rotate(k / 2)), 12)
    made += [Sample(kind, "bt709.mp4, MediaPipe", str(clip), 1, settings=looped) for kind in ("cvzone", "hand-crop")]
    return made


def _gestures(folder: Path, scenes: list[list[Pixels]]) -> list[Sample]:
    own = folder / "gestures"
    own.mkdir(parents=True, exist_ok=True)
    made = []
    shapes = (("libx264", (320, 240)), ("libx264", (112, 112)), ("libx264", (642, 362)), ("libvpx-vp9", (161, 121)))
    for number, count in enumerate((1, 15, 16, 40, 101, 127, 128, 200)):
        codec, (width, height) = shapes[number % len(shapes)]
        path = own / f"{count} frames.{'mp4' if codec == 'libx264' else 'webm'}"
        film(path, _moving(scenes, number, (width, height)), count, codec=codec)
        made.append(Sample("c3d-bilstm", f"{path.name}, {width}x{height}", str(path), tags={"frames": count}))
    return made


def _clips(
    folder: Path,
    preset: str,
    scenes: list[list[Pixels]],
    even: tuple[tuple[int, int], ...],
    odd: tuple[tuple[int, int], ...],
) -> list[Sample]:
    """Clips of 31 frames that a model of pictures answers five times a second; H.264 in 4:2:0 has even sizes only."""
    kinds: list[tuple[str, str, str, tuple[int, int]]] = [("mp4", "libx264", "yuv420p", size) for size in even]
    for size in odd:
        kinds += [("mp4", "libx264", "yuv444p", size), ("webm", "libvpx-vp9", "yuv420p", size)]
        kinds += [("avi", "mjpeg", "yuvj420p", size)]
    kinds += [("avi", "mjpeg", "yuvj420p", even[0]), ("webm", "libvpx-vp9", "yuv420p", even[0])]
    made = []
    for number, (ending, codec, form, size) in enumerate(kinds):
        for tagged in TAGS[codec]:
            path = folder / f"{size[0]}x{size[1]}-{form}-{tagged}.{ending}"
            film(path, _moving(scenes, number, size), 31, codec=codec, form=form, tagged=tagged == "bt709")
            made.append(Sample(preset, path.name, str(path), every=6, tags={"form": form, "size": list(size)}))
    return made


def _moving(scenes: list[list[Pixels]], number: int, size: tuple[int, int]) -> Callable[[int], Pixels]:
    """A sample's frames in a size, each a little turned, with colors that tell BT.601 from BT.709."""
    frames = scenes[number % len(scenes)]

    def paint(index: int) -> Pixels:
        picture = Image.fromarray(frames[(index * 2 + 10) % len(frames)]).resize(size, Image.Resampling.BICUBIC)
        tint = np.array((1.0 + 0.2 * np.sin(index / 9), 0.9, 1.0 - 0.3 * np.sin(index / 7)))
        return np.asarray(np.clip(np.asarray(picture) * tint, 0, 255), np.uint8)

    return paint


def film(
    path: Path,
    painter: Callable[[int], Pixels],
    frames: int,
    *,
    codec: str = "libx264",
    form: str = "yuv420p",
    tagged: bool = True,
) -> Path:
    """Thirty frames a second; tagged: coded by BT.709 and said so, as phones and browsers do."""
    space, number = (Colorspace.ITU709, 1) if tagged else (Colorspace.ITU601, 2)
    full = form.startswith("yuvj")
    with av.open(str(path), "w") as output:
        stream = output.add_stream(codec, rate=30)
        assert isinstance(stream, VideoStream)
        first = painter(0)
        stream.height, stream.width, stream.pix_fmt = *first.shape[:2], form
        stream.time_base = stream.codec_context.time_base = Fraction(1, 30)
        stream.options = {"crf": "12", "b": "0"} if codec == "libvpx-vp9" else {} if full else {"crf": "12"}
        coding = stream.codec_context
        coding.colorspace = coding.color_primaries = coding.color_trc = number
        coding.color_range = ColorRange.JPEG if full else ColorRange.MPEG
        for index in range(frames):
            painted = av.VideoFrame.from_ndarray(np.ascontiguousarray(painter(index)), format="rgb24")
            frame = painted.reformat(
                format=form, dst_colorspace=space, dst_color_range=ColorRange.JPEG if full else ColorRange.MPEG
            )
            frame.pts, frame.time_base = index, Fraction(1, 30)
            output.mux(stream.encode(frame))
        output.mux(stream.encode(None))
    return path
