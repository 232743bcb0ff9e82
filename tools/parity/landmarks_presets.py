"""What the engine changes in converted models' answers, preset by preset, beside what noise does to MediaPipe's own.

python -m tools.parity.landmarks_presets TESTDATA     prints the page's part
"""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal

import numpy as np

from service.errors import SignError
from service.media.medium import Medium
from service.observe.call import ObserveCall
from service.observe.landmarker import Landmarker
from service.observe.landmarkers import Landmarkers, build_engine, build_mediapipe
from service.observe.observe import observe
from service.observe.request import LandmarkRequest
from service.pipelines.image import ImageSection
from service.registry.scores import probabilities, votes
from service.registry.session import ModelSession
from service.registry.store import Store
from service.track import FloatArray, Track
from tools.parity.landmarks_answers import LIMITS, SAME, SEED, WHOLE, Compared, Noisy

ROOT = Path(__file__).resolve().parents[2]
_KERAS = "keras/models"
_AFFECT = ("--task", "affect")

Media = Literal["hands", "words", "faces"]


@dataclass(frozen=True, slots=True)
class Case:
    """A file of the test data's, converted for a preset. labels: how many it names; own: made for this preset."""

    preset: str
    file: str
    labels: int
    media: Media
    own: bool = True
    arguments: tuple[str, ...] = ()


_SLR = f"{_KERAS}/slr_letters24_k212.h5"
CASES = (
    Case("ksl-words", "five_signs_k3.keras", 5, "words"),
    Case("action-holistic", f"{_KERAS}/holistic_lstm1662_weightsonly_k290.h5", 3, "words"),
    Case("gesture-angles", f"{_KERAS}/angles_lstm_relu_k240.h5", 3, "hands"),
    Case("one-hand", f"{_KERAS}/lsec_lstm_bn_k3120.keras", 9, "hands"),
    Case("hand-keypoints", _SLR, 24, "hands"),
    Case("hand-keypoints", f"{_KERAS}/hand_keypoint_k240.h5", 3, "hands"),
    Case("hand-keypoints", f"{_KERAS}/tello_keypoint_k240.h5", 8, "hands"),
    Case("hand-keypoints", f"{_KERAS}/libras_keypoint_k350.keras", 5, "hands"),
    Case("hand-keypoints", f"{_KERAS}/gesturesai_bn3_k3121.h5", 3, "hands"),
    Case("hand-landmarks", f"{_KERAS}/handmotion_landmarks63_k370.h5", 7, "hands"),
    *(
        Case(preset, _SLR, 24, "hands", own=False)
        for preset in ("hand-min-origin", "hand-distance", "hand-base", "hand-box", "hand-zscore")
    ),
    Case("sign-mnist", f"{_KERAS}/smnist_cnn_k2150.h5", 25, "hands"),
    Case("hand-crop", f"{_KERAS}/tm_mobilenetv2_k240.h5", 3, "hands"),
    Case("cvzone", f"{_KERAS}/tm_mobilenetv2_k240.h5", 3, "hands"),
    Case("fer-48", f"{_KERAS}/fer_mini_xception48_k205.h5", 7, "faces", arguments=_AFFECT),
    Case("fer-64", f"{_KERAS}/fer_mini_xception64_k205.h5", 7, "faces", arguments=_AFFECT),
)


@dataclass(slots=True)
class Seen:
    """What one way of finding landmarks has seen, each clip once for all models that look at it alike."""

    landmarkers: Landmarkers
    tracks: dict[tuple[object, ...], Track | None] = field(default_factory=dict)

    def track(self, clip: Path, model: "Converted") -> Track | None:
        """None where there is nothing in the medium that the model could look at."""
        section = model.section
        key = (clip, section.request, section.sampling)
        if key not in self.tracks:
            medium = Medium(str(clip), clip.stat().st_size)
            sampling = section.part_sampling(0.0, float("inf"))
            call = ObserveCall(medium, section.request, sampling, 0.0, None, False, LIMITS)
            try:
                self.tracks[key] = observe(call, lambda: None, self.landmarkers).track
            except SignError:
                self.tracks[key] = None
        return self.tracks[key]


class Converted:
    """A converted model, without the service around it."""

    def __init__(self, store: Path, name: str) -> None:
        stored = Store(store).read(name, 1)
        section = stored.manifest.pipeline.observing
        if section is None:
            raise TypeError(f"{name} looks at no medium")
        if isinstance(section, ImageSection):  # one preset of these asks for `robust`
            section = section.model_copy(update={"landmarks": "faithful"})
        self.section, self._output = section, stored.manifest.output
        self._affect = stored.manifest.task == "affect"
        self._session = ModelSession(stored, threads=1)

    def probabilities(self, track: Track | None) -> FloatArray | None:
        """Of the medium as one window; None where nothing was seen."""
        if track is None or not track.present.any():
            return None
        plan = self.section.plan_rows(track, [WHOLE])
        if not plan.count:
            return None
        rows = plan.make(0, plan.count)
        raw = self._session.run(rows.values, rows.mask if self._session.takes_mask else None)
        if self._affect:
            return np.asarray(probabilities(raw, self._output).mean(axis=0), np.float32)
        return np.asarray(votes(raw, [len(raw)], self._output)[0], np.float32)


def presets_part(testdata: Path, told: Callable[[str], None] = lambda _: None) -> str:
    """The page's part: one row a model."""
    ways = {
        "theirs": Seen(Landmarkers(build_mediapipe)),
        "ours": Seen(Landmarkers(build_engine)),
        "noisy": Seen(Landmarkers(_noisy)),
    }
    lines = [
        (
            "| preset | model | clips | same label: engine | noise | within "
            f"{SAME:g}: engine | noise | farthest, 90 % below: engine | noise |"
        ),
        "|---|---|---|---|---|---|---|---|---|",
    ]
    all_ours, all_noise = Compared(), Compared()
    with TemporaryDirectory() as folder:
        for place, case in enumerate(CASES):
            model = _converted(case, testdata, Path(folder), f"model-{place}")
            ours, noise = Compared(), Compared()
            for clip in _clips(case.media, testdata):
                reference, engine, noisy = (model.probabilities(seen.track(clip, model)) for seen in ways.values())
                for sums, other in ((ours, engine), (all_ours, engine), (noise, noisy), (all_noise, noisy)):
                    sums.add(reference, other)
            lines.append(_row(case, ours, noise))
            told(lines[-1])
    lines.append(f"| all | | {_figures(all_ours, all_noise)} |")
    for way in ("theirs", "noisy"):
        ways[way].landmarkers.close()
    return "\n".join(lines)


def _row(case: Case, ours: Compared, noise: Compared) -> str:
    name = Path(case.file).stem + ("" if case.own else " (made for another preset)")
    return f"| `{case.preset}` | {name} | {_figures(ours, noise)} |"


def _figures(ours: Compared, noise: Compared) -> str:
    pairs = [(each.labels, each.near, f"{each.most:.3f}") for each in (ours, noise)]
    return f"{ours.of} | " + " | ".join(f"{one} | {other}" for one, other in zip(*pairs, strict=True))


def _noisy(request: LandmarkRequest) -> Landmarker:
    return Noisy(build_mediapipe(request), SEED)


def _clips(media: Media, testdata: Path) -> Iterator[Path]:
    videos = testdata / "videos"
    if media == "hands":
        for folder, every in (
            (videos / "avatar" / "letters", 2),
            (videos / "avatar" / "digits", 1),
            (ROOT / "samples", 4),
        ):
            yield from sorted(folder.glob("*.mp4"))[::every]
        yield from sorted((testdata / "pictures" / "hands").glob("*.jpg"))
        return
    yield from sorted((videos / "avatar" / "words").glob("*.mp4"))[:: 3 if media == "faces" else 1]
    if media == "words":
        yield from sorted((videos / "sentences").glob("*.mp4"))
    else:
        yield from sorted((videos / "faces").glob("*.mp4"))
        yield from sorted((videos / "heic").glob("avatar_*.jpg"))


def _converted(case: Case, testdata: Path, folder: Path, name: str) -> Converted:
    labels = folder / f"{case.labels}.txt"
    labels.write_text("\n".join(f"sign {number}" for number in range(case.labels)), encoding="utf-8")
    file = testdata / case.file if "/" in case.file else ROOT / "tests" / "data" / "keras" / case.file
    arguments = [str(file), "--name", name, "--store", str(folder / "store"), "--pipeline", case.preset]
    if case.preset == "action-holistic":
        (folder / "architecture.json").write_text(json.dumps(_ACTION), encoding="utf-8")
        arguments += ["--architecture", str(folder / "architecture.json")]
    command = [sys.executable, "-m", "convert", "keras", *arguments, "--labels", str(labels), *case.arguments]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{case.file} cannot be converted: {done.stdout}{done.stderr}")
    return Converted(folder / "store", name)


def _layer(kind: str, name: str, units: int, activation: str, **more: object) -> dict[str, object]:
    return {"class_name": kind, "config": {"name": name, "units": units, "activation": activation, **more}}


_INPUT = {"class_name": "InputLayer", "config": {"name": "input", "batch_input_shape": [None, 30, 1662]}}
_ACTION = {
    "class_name": "Sequential",
    "keras_version": "2.9.0",
    "config": {
        "name": "sequential",
        "layers": [
            _INPUT,
            _layer("LSTM", "lstm", 64, "relu", return_sequences=True, use_bias=True),
            _layer("LSTM", "lstm_1", 128, "relu", return_sequences=True, use_bias=True),
            _layer("LSTM", "lstm_2", 64, "relu", return_sequences=False, use_bias=True),
            _layer("Dense", "dense", 64, "relu"),
            _layer("Dense", "dense_1", 32, "relu"),
            _layer("Dense", "dense_2", 3, "softmax"),
        ],
    },
}
"""What the tutorial of action.h5 builds; the file of the test data has its weights alone."""


def _print_now(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    print(presets_part(Path(sys.argv[1]), _print_now))
