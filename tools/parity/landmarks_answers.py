"""What the engine changes in answers: probabilities by its landmarks, MediaPipe's, and MediaPipe's of noisy frames.

python -m tools.parity.landmarks_answers TESTDATA     prints the page's part
"""

import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import onnxruntime as ort

from service.media.medium import MediaLimits, Medium
from service.media.upright import Pixels
from service.observe.call import ObserveCall
from service.observe.landmarker import Landmarker, LandmarkFrame
from service.observe.landmarkers import Landmarkers, build_engine, build_mediapipe
from service.observe.observe import observe
from service.observe.request import LandmarkMode, LandmarkRequest
from service.pipelines.keypoints import KeypointsSection, tensor
from service.registry.manifest import Manifest, read_manifest
from service.track import FloatArray, Track, Window

ROOT = Path(__file__).resolve().parents[2]
SEED = 20261201
LIMITS = MediaLimits(33_000_000, 600.0, 20_000)
WHOLE = Window(-1.0, 1e9)
SAME = 0.02
_NOISES = 1


class Noisy:
    """A landmarker that is shown each frame with −1, 0 or +1 gray level added to each value."""

    def __init__(self, landmarker: Landmarker, seed: int) -> None:
        self._landmarker = landmarker
        self._generator = np.random.default_rng(seed)

    def detect(self, rgb: Pixels) -> LandmarkFrame:
        noise = self._generator.integers(-1, 2, rgb.shape)
        return self._landmarker.detect(np.clip(rgb.astype(np.int16) + noise, 0, 255).astype(np.uint8))

    def reset(self) -> None:
        self._landmarker.reset()

    def close(self) -> None:
        self._landmarker.close()


class Model:
    """A default model, without the service around it. landmarks: which of the engine's ways it takes."""

    def __init__(self, name: str, landmarks: LandmarkMode = "faithful") -> None:
        folder = max((ROOT / "model_store" / name).glob("[0-9]*"), key=lambda path: int(path.name))
        self.manifest: Manifest = read_manifest(folder / "manifest.json")
        pipeline = self.manifest.pipeline
        if not isinstance(pipeline, KeypointsSection):
            raise TypeError(f"{name} reads no landmarks")
        self.section = pipeline.model_copy(update={"landmarks": landmarks})
        self._session = ort.InferenceSession(str(folder / "model.onnx"), providers=["CPUExecutionProvider"])

    def track(self, clip: Path, landmarkers: Landmarkers) -> Track:
        medium = Medium(str(clip), clip.stat().st_size)
        call = ObserveCall(medium, self.section.request, self.section.sampling, 0.0, None, False, LIMITS)
        return observe(call, lambda: None, landmarkers).track

    def probabilities(self, track: Track) -> FloatArray | None:
        """None where no hand was seen."""
        rows = tensor(track, WHOLE, self.section).values
        if not len(rows):
            return None
        (given,) = self._session.run([self.manifest.output.name], {self._session.get_inputs()[0].name: rows})
        sharpened = np.asarray(given[0], np.float64) ** (1 / self.manifest.output.temperature)
        return np.asarray(sharpened / sharpened.sum(), np.float32)

    def said(self, track: Track) -> str | None:
        """The label that /predict would name; None where it declines."""
        probabilities = self.probabilities(track)
        if probabilities is None:
            return None
        label = (self.manifest.labels or ())[int(probabilities.argmax())]
        declined = label in self.manifest.idle_labels or probabilities.max() < self.manifest.output.threshold
        return None if declined else label


@dataclass(slots=True)
class Compared:
    """Of so many clips: the same label, all probabilities within SAME; apart: the largest difference of each."""

    of: int = 0
    labels: int = 0
    apart: list[float] = field(default_factory=list)

    def add(self, one: FloatArray | None, other: FloatArray | None) -> None:
        self.of += 1
        if one is None or other is None:
            self.labels += one is other
            self.apart.append(0.0 if one is other else 1.0)
            return
        self.labels += int(one.argmax()) == int(other.argmax())
        self.apart.append(float(np.abs(one - other).max()))

    @property
    def near(self) -> int:
        return sum(apart <= SAME for apart in self.apart)

    @property
    def most(self) -> float:
        return float(np.percentile(self.apart, 90))

    def __str__(self) -> str:
        median = np.median(self.apart)
        return f"{self.labels} of {self.of} | {self.near} of {self.of} | {median:.4f} | {self.most:.3f}"


def clips(testdata: Path) -> list[tuple[str, Path]]:
    """(model, clip) of the samples and of the avatar's letters and digits."""
    avatar, samples = testdata / "videos" / "avatar", ROOT / "samples"
    letters = [*sorted(samples.glob("letter_*.mp4")), *sorted((avatar / "letters").glob("*.mp4"))]
    digits = [*sorted(samples.glob("digit_*.mp4")), *sorted((avatar / "digits").glob("*.mp4"))]
    return [("asl-letters", clip) for clip in letters] + [("asl-digits", clip) for clip in digits]


def answers_part(testdata: Path, told: Callable[[str], None] = lambda _: None) -> str:
    """The page's part: how far answers are apart, beside what noise does to MediaPipe's own."""

    def noisy(seed: int) -> Callable[[LandmarkRequest], Landmarker]:
        return lambda request: Noisy(build_mediapipe(request), seed)

    theirs, ours = Landmarkers(build_mediapipe), Landmarkers(build_engine)
    disturbed = [Landmarkers(noisy(SEED + place)) for place in range(_NOISES)]
    engine, noise = Compared(), Compared()
    models = {name: Model(name) for name in ("asl-letters", "asl-digits")}
    for name, clip in clips(testdata):
        model = models[name]
        reference = model.probabilities(model.track(clip, theirs))
        engine.add(reference, model.probabilities(model.track(clip, ours)))
        for each in disturbed:
            noise.add(reference, model.probabilities(model.track(clip, each)))
        told(f"{clip.stem}: ours {engine.apart[-1]:.4f}, noise {[round(one, 4) for one in noise.apart[-_NOISES:]]}")
    for each in (theirs, *disturbed):
        each.close()
    return "\n".join(
        [
            f"| beside MediaPipe | same label | all probabilities within {SAME:g} | farthest, median | 90 % below |",
            "|---|---|---|---|---|",
            f"| the engine | {engine} |",
            f"| MediaPipe with noise | {noise} |",
        ]
    )


def _print_now(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    print(answers_part(Path(sys.argv[1]), _print_now))
