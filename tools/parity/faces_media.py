"""The media of the face parity: films and pictures with faces, and what is made of them in other sizes and rates."""

import json
from dataclasses import asdict, dataclass
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import numpy.typing as npt
from av.video.reformatter import ColorRange, Colorspace
from PIL import Image

Pixels = npt.NDArray[np.uint8]
FILMS = (
    "faces/sintel_face_close.mp4",
    "faces/sintel_face_girl.mp4",
    "avatar/letters/a.mp4",
    "avatar/words/happy.mp4",
    "avatar/words/sign.mp4",
    "avatar/words/thank_you.mp4",
    "sentences/spell_abc.mp4",
    "misc/avatar_b_vp9.webm",
    "misc/avatar_b_rotated_matrix.mp4",
)
PICTURES = ("a_orientation1", "b_orientation6", "l_orientation8", "v_orientation3", "y_orientation5")
MADE = (
    ("sintel_face_girl", (641, 273), 60),
    ("sintel_face_close", (321, 137), 25),
    ("sintel_face_girl", (960, 408), 30),
)


@dataclass
class Sample:
    """A file, and how many samples a second are looked at; 0 of a picture."""

    name: str
    file: str
    rate: int


def make(folder: Path, testdata: Path) -> list[Sample]:
    """Write what is made, and a list of all; testdata: the folder that SIGN_TESTDATA names."""
    folder.mkdir(parents=True, exist_ok=True)
    videos = testdata / "videos"
    samples = [Sample(name, str(videos / name), 2) for name in FILMS]
    for name, size, rate in MADE:
        path = folder / f"{name}_{size[0]}x{size[1]}_{rate}fps_bt709.webm"
        frames = [Image.fromarray(frame).resize(size, Image.Resampling.BICUBIC) for frame in _frames(videos, name)]
        _film(path, [np.asarray(frame, np.uint8) for frame in frames], rate)
        samples.append(Sample(path.name, str(path), 2))
    samples += [Sample(f"{name}.jpg", str(videos / "heic" / f"avatar_{name}.jpg"), 0) for name in PICTURES]
    samples += _pictures(folder, videos)
    (folder / "samples.json").write_text(json.dumps([asdict(one) for one in samples]), encoding="utf-8")
    return samples


def samples_of(folder: Path) -> list[Sample]:
    """What `make` wrote there."""
    return [Sample(**one) for one in json.loads((folder / "samples.json").read_text(encoding="utf-8"))]


def _frames(videos: Path, name: str) -> list[Pixels]:
    with av.open(str(videos / "faces" / f"{name}.mp4")) as container:
        return [np.asarray(frame.to_ndarray(format="rgb24"), np.uint8) for frame in container.decode(video=0)]


def _film(path: Path, frames: list[Pixels], rate: int) -> None:
    """A VP9 film of any size, coded by BT.709 and saying so."""
    with av.open(str(path), "w") as output:
        stream = output.add_stream("libvpx-vp9", rate=rate, options={"crf": "20", "b": "0", "cpu-used": "8"})
        stream.height, stream.width = frames[0].shape[:2]
        stream.pix_fmt = "yuv420p"
        stream.codec_context.time_base = stream.time_base = Fraction(1, rate)
        stream.codec_context.colorspace = Colorspace.ITU709
        stream.codec_context.color_range = ColorRange.MPEG
        for index, pixels in enumerate(frames):
            frame = av.VideoFrame.from_ndarray(pixels, format="rgb24")
            coded = frame.reformat(format="yuv420p", dst_colorspace=Colorspace.ITU709, dst_color_range=ColorRange.MPEG)
            coded.pts, coded.time_base = index, Fraction(1, rate)
            output.mux(stream.encode(coded))
        output.mux(stream.encode(None))


def _pictures(folder: Path, videos: Path) -> list[Sample]:
    """The avatar's head in odd sizes, several heads in one picture, and one that reaches over the border."""
    whole = Image.open(videos / "heic" / "avatar_a_orientation1.jpg").convert("RGB")
    head = whole.crop((300, 60, 600, 360))
    made = {
        "head_97x131": head.resize((97, 131), Image.Resampling.BICUBIC),
        "head_1280x999": head.resize((1280, 999), Image.Resampling.BICUBIC),
        "head_turned": head.rotate(20, Image.Resampling.BICUBIC, fillcolor=(90, 90, 90)),
        "head_at_the_border": whole.crop((415, 150, 700, 500)),
    }
    several = Image.new("RGB", (900, 300), (90, 90, 90))
    for place, side in enumerate((300, 240, 200)):
        several.paste(head.resize((side, side), Image.Resampling.BICUBIC), (300 * place, 20))
    made["three_heads"] = several
    samples = []
    for name, picture in made.items():
        path = folder / f"{name}.png"
        picture.save(path)
        samples.append(Sample(path.name, str(path), 0))
    return samples
