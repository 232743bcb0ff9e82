"""The landmark networks against ai-edge-litert and the engine against MediaPipe, as landmarks.sh calls it.

python -m tools.parity.landmarks inputs WORK --npm FOLDER           what both sides are asked
python -m tools.parity.landmarks compare WORK TESTDATA --out PAGE   measures, and writes the page
"""

import argparse
import json
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import av
import numpy as np
import numpy.typing as npt
import onnxruntime as ort

from tools.landmarks.__main__ import STORE, source_folder
from tools.landmarks.networks import NETWORKS, LandmarkNetwork
from tools.parity.landmarks_answers import answers_part
from tools.parity.landmarks_engine import table
from tools.parity.landmarks_presets import presets_part
from tools.parity.landmarks_robust import PARTS, robust_part

ROOT = Path(__file__).resolve().parents[2]
SEED = 20261130
NOISE, NATURAL = 4, 12

Pixels = npt.NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Gap:
    """One output of a network: the largest |difference|, and the largest |number| that it ever is."""

    network: str
    output: str
    difference: float
    largest: float

    @property
    def share(self) -> float:
        return self.difference / self.largest


def write_inputs(work: Path, npm: Path) -> None:
    """Noise, and frames of our samples, as each network takes them."""
    frames = _frames()
    sources = {}
    for network in _present():
        height, width = _session(network).get_inputs()[0].shape[1:3]
        pictures = _pictures(frames, height, width)
        np.save(work / f"{network.name}.pixels.npy", pictures)
        least, most = network.values
        scaled = pictures.astype(np.float32) * np.float32((most - least) / 255) + np.float32(least)
        np.save(work / f"{network.name}.inputs.npy", scaled)
        sources[network.name] = str(source_folder(network, npm) / network.path)
    (work / "sources.json").write_text(json.dumps(sources), encoding="utf-8")


def gaps(work: Path) -> list[Gap]:
    """Ours against what landmarks_litert.py has stored."""
    found = []
    for network in _present():
        session = _session(network)
        pictures = np.load(work / f"{network.name}.pixels.npy")
        theirs = np.load(work / f"{network.name}.outputs.npz")
        rows = [session.run(list(network.outputs), {"image": picture[None]}) for picture in pictures]
        for place, (output, name) in enumerate(network.outputs.items()):
            ours = np.stack([row[place][0] for row in rows])
            gap = float(np.abs(ours - theirs[name]).max())
            found.append(Gap(network.name, output, gap, float(np.abs(theirs[name]).max())))
    return found


_HEAD = """# Landmarks: our engine beside MediaPipe

Written by `make parity-landmarks` (tools/parity/landmarks.sh), not by hand.

## The networks

Each network of `model_store/landmarks` in ONNX Runtime {onnxruntime} beside its own .tflite file in ai-edge-litert
(XNNPACK, one thread), on {noise} pictures of noise and {natural} frames of `samples/`. *share*: of the largest number
that the original ever gives.
"""


_ENGINE = """
## The engine, faithful

Photographs and videos of the test data ({frames} frames of each video) through MediaPipe {mediapipe} and through the
engine, as the service asks for landmarks. *difference*: mean distance of the points, of the part's size, where both see
it. *noise*: the same between MediaPipe and MediaPipe on the picture with −1, 0 or +1 grey level added to each value.
"""


_ANSWERS = """
## Answers

asl-letters and asl-digits on the samples and on the avatar's letters and digits, by `faithful` landmarks: probabilities
beside those by MediaPipe's, and what −1, 0 or +1 gray level added to each value does to MediaPipe's own.
"""


_PRESETS = """
The same for converted models, on the avatar's letters, digits and samples and the photographs (hands), its words and
sentences (bodies), words and films (faces), each clip as one window. A network *made for another preset* takes as many
numbers; it shows what a preset's features do, not what an author's model would say. No real model of the
other presets that look at landmarks is at hand.
"""


_ROBUST = """
## The engine, robust

"""


def page(work: Path, testdata: Path, frames: int) -> str:
    """The whole page."""
    head = _HEAD.format(onnxruntime=ort.__version__, noise=NOISE, natural=NATURAL)
    engine = _ENGINE.format(frames=frames, mediapipe=version("mediapipe"))
    return "\n".join([head, networks_table(work), engine, table(testdata, frames), *answers_and_robust(testdata)])


def answers_and_robust(testdata: Path) -> list[str]:
    """What changes in answers, and which hands are found that were lost."""
    answers = [_ANSWERS, answers_part(testdata), _PRESETS, presets_part(testdata)]
    return [*answers, _ROBUST.rstrip("\n"), "", robust_part(testdata, list(PARTS))]


def networks_table(work: Path) -> str:
    """One row an output of a network."""
    lines = ["| network | output | worst difference | of at most | share |", "|---|---|---|---|---|"]
    lines += [
        f"| `{gap.network}` | {gap.output} | {gap.difference:.1e} | {gap.largest:.3g} | {gap.share:.1e} |"
        for gap in gaps(work)
    ]
    return "\n".join(lines)


def _present() -> list[LandmarkNetwork]:
    return [network for network in NETWORKS if (STORE / f"{network.name}.onnx").exists()]


def _session(network: LandmarkNetwork) -> ort.InferenceSession:
    options = ort.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    return ort.InferenceSession(str(STORE / f"{network.name}.onnx"), options, providers=["CPUExecutionProvider"])


def _frames() -> list[Pixels]:
    clips = sorted((ROOT / "samples").glob("*.mp4"))
    chosen = [clips[place] for place in np.linspace(0, len(clips) - 1, NATURAL).astype(int)]
    frames = []
    for clip in chosen:
        with av.open(str(clip)) as container:
            frame = next(container.decode(video=0))
            frames.append(np.asarray(frame.to_ndarray(format="rgb24", threads=1), np.uint8))
    return frames


def _pictures(frames: list[Pixels], height: int, width: int) -> Pixels:
    import cv2  # noqa: PLC0415 - for this alone

    generator = np.random.default_rng(SEED)
    noise = generator.integers(0, 256, (NOISE, height, width, 3), dtype=np.uint8)
    return np.concatenate([noise, [cv2.resize(frame, (width, height)) for frame in frames]])


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("what", choices=("inputs", "compare"))
    parser.add_argument("work", type=Path)
    parser.add_argument("testdata", type=Path, nargs="?")
    parser.add_argument("--npm", type=Path)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--frames", type=int, default=4)
    arguments = parser.parse_args()
    if arguments.what == "inputs":
        write_inputs(arguments.work, arguments.npm)
        return
    text = page(arguments.work, arguments.testdata, arguments.frames)
    arguments.out.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
