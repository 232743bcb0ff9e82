"""Runs in the parity environment (Keras 2.15, OpenCV 4.11, Pillow 11, cvzone 1.6.1): the authors' own steps.

python tools/parity/pixels_authors.py WORK: reads WORK/media/samples.json, builds small networks with random weights,
saves them as .h5 in WORK/models, and writes WORK/answers.npz: each sample's probabilities (N × C, one row a frame),
and under wrong/ what they would be with one step done wrongly, to show that the networks see the difference.
"""

import json
import math
import os
import random
import sys
from collections.abc import Callable, Iterator
from importlib.metadata import version
from pathlib import Path
from types import SimpleNamespace
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import cv2
import numpy as np
import PIL
from PIL import Image, ImageOps
from tensorflow import keras
from tensorflow.keras import layers
from tensorflow.keras.preprocessing.image import ImageDataGenerator

Sample = dict[str, Any]
Answers = dict[str, Any]
OUTPUTS = {"ksl-numbers": 11, "sign-mnist": 24, "teachable-machine": 5, "cvzone": 7, "hand-crop": 7, "c3d-bilstm": 9}
LOGITS_STD = 1.5


def network(preset: str, shape: tuple[int, ...], scale: float) -> Any:  # noqa: ANN401 - Keras has no types
    """Strided convolutions as in EfficientNet's blocks (depthwise, swish), and a head that keeps each place apart."""
    given = x = layers.Input(shape)
    x = layers.Rescaling(scale, offset=-1.0 if scale != 1.0 else 0.0)(x)
    while x.shape[1] > 12:
        x = layers.Conv2D(8, 3, strides=2, padding="same", activation="swish", kernel_initializer="he_normal")(x)
        x = layers.DepthwiseConv2D(3, padding="same", depthwise_initializer="he_normal")(x)
    x = layers.Dense(OUTPUTS[preset], name="logits")(layers.Flatten()(x))
    return keras.Model(given, layers.Softmax()(x), name=preset.replace("-", "_"))


def spread_out(model: Any, inputs: np.ndarray) -> None:  # noqa: ANN401
    """Scale the last layer so that the logits of these inputs differ: a softmax near a corner would show nothing."""
    layer = model.get_layer("logits")
    logits = keras.Model(model.input, layer.output).predict(inputs, verbose=0)
    kernel, _ = layer.get_weights()
    factor = LOGITS_STD / max(float(logits.std(axis=0).mean()), 1e-6)
    layer.set_weights([kernel * factor, -logits.mean(axis=0) * factor])


def frames_of(sample: Sample) -> Iterator[np.ndarray]:
    """The OpenCV loop over a clip (each n-th frame), or one picture as OpenCV reads it; BGR."""
    if not sample["every"]:
        picture = cv2.imread(sample["file"])
        assert picture is not None
        yield picture
        return
    capture = cv2.VideoCapture(sample["file"])
    index = 0
    while True:
        found, frame = capture.read()
        if not found:
            break
        if index % sample["every"] == 0:
            yield frame
        index += 1


def answer(model: Any, rows: list[np.ndarray]) -> np.ndarray:  # noqa: ANN401
    """One row after the other, as a loop does."""
    return np.concatenate([model.predict(row[None], verbose=0) for row in rows])


def numbers(samples: list[Sample], models: Path) -> Answers:
    """Keras' directory generator as it comes: 300 × 300, no rescaling, nearest."""
    folder = Path(samples[0]["file"]).parents[1]

    def batches(**options: Any) -> dict[str, np.ndarray]:  # noqa: ANN401
        flow = ImageDataGenerator().flow_from_directory(
            str(folder), target_size=(300, 300), class_mode="sparse", batch_size=1, shuffle=False, **options
        )
        assert flow.class_indices == {"1": 0, "10": 1}
        return {str(folder / name): next(flow)[0][0] for name in flow.filenames}

    read, smoothed = batches(), batches(interpolation="bilinear")
    model = network("ksl-numbers", (300, 300, 3), 1 / 127.5)
    spread_out(model, np.stack(list(read.values())))
    model.save(models / "ksl-numbers.h5")
    made = {sample["key"]: answer(model, [read[sample["file"]]]) for sample in samples}
    wrong = {
        f"wrong/bilinear instead of nearest/{sample['key']}": answer(model, [smoothed[sample["file"]]])
        for sample in samples
    }
    return made | wrong


def by_its_tag(frame: np.ndarray) -> np.ndarray:
    """A BGR frame that was converted by BT.601, as BT.709 would have given it: what OpenCV 5 does with tagged clips."""

    def luma_chroma(red: float, blue: float) -> np.ndarray:
        luma = np.array([blue, 1 - red - blue, red])
        return np.array([luma, ([1, 0, 0] - luma) / (2 - 2 * blue), ([0, 0, 1] - luma) / (2 - 2 * red)])

    turned = np.linalg.inv(luma_chroma(0.2126, 0.0722)) @ luma_chroma(0.299, 0.114)
    return np.asarray(np.clip(np.rint(frame @ turned.T), 0, 255), np.uint8)


def letter(frame: np.ndarray, method: int = cv2.INTER_AREA) -> np.ndarray:
    """Grey, 28 × 28, × 1/255, as the tutorials of Sign-MNIST feed a camera's frame."""
    grey = cv2.cvtColor(frame, cv2.COLOR_BGR2GRAY)
    return cv2.resize(grey, (28, 28), interpolation=method).reshape(28, 28, 1).astype("float32") * (1 / 255.0)


def teachable(path: str, crop: bool = True) -> np.ndarray:
    """The snippet that Teachable Machine exports with a Keras model."""
    image = Image.open(path).convert("RGB")
    if crop:
        image = ImageOps.fit(image, (224, 224), Image.Resampling.LANCZOS)
    else:
        image = image.resize((224, 224), Image.Resampling.LANCZOS)
    return (np.asarray(image).astype(np.float32) / 127.5) - 1


def pictures(samples: list[Sample], models: Path, rows: Callable[[Sample, bool], list[np.ndarray]]) -> Answers:
    """A network over rows; `wrong` asks for the same with a step done wrongly."""
    preset = samples[0]["preset"]
    every = {sample["key"]: rows(sample, False) for sample in samples}
    model = network(preset, every[samples[0]["key"]][0].shape, 1.0)
    spread_out(model, np.concatenate(list(every.values())))
    model.save(models / f"{preset}.h5")
    what = {
        "sign-mnist": "bilinear instead of area; clips: BT.709 by the tag",
        "teachable-machine": "the whole picture instead of its middle",
    }
    made = {key: answer(model, one) for key, one in every.items()}
    wrong = {f"wrong/{what[preset]}/{one['key']}": answer(model, rows(one, True)) for one in samples}
    return made | wrong


def letters(samples: list[Sample], models: Path) -> Answers:
    def rows(sample: Sample, wrong: bool) -> list[np.ndarray]:
        if not wrong:
            return [letter(frame) for frame in frames_of(sample)]
        if sample["every"]:
            return [letter(by_its_tag(frame)) for frame in frames_of(sample)]
        return [letter(frame, cv2.INTER_LINEAR) for frame in frames_of(sample)]

    return pictures(samples, models, rows)


def middles(samples: list[Sample], models: Path) -> Answers:
    return pictures(samples, models, lambda one, wrong: [teachable(one["file"], crop=not wrong)])


class FixedHands:
    """In MediaPipe's place: hands where the sample says."""

    def __init__(self, points: list[list[float]]) -> None:
        from mediapipe.framework.formats import landmark_pb2  # noqa: PLC0415 - half a second that others need not wait

        found = landmark_pb2.NormalizedLandmarkList()
        for x, y, z in points:
            found.landmark.add(x=x, y=y, z=z)
        side = SimpleNamespace(classification=[SimpleNamespace(label="Right")])
        self._found = SimpleNamespace(multi_hand_landmarks=[found], multi_handedness=[side])

    def process(self, _rgb: np.ndarray) -> SimpleNamespace:
        return self._found


def white_square(image: np.ndarray, detector: Any, draw: bool) -> np.ndarray | str:  # noqa: ANN401
    """The tutorial's loop, word for word: offset 20, white 300 × 300. A sentence where it ends with an error."""
    offset, size = 20, 300
    hands, image = detector.findHands(image, draw=draw)
    if not hands:
        return "no hand found"
    x, y, w, h = hands[0]["bbox"]
    white = np.ones((size, size, 3), np.uint8) * 255
    crop = image[y - offset : y + h + offset, x - offset : x + w + offset]
    try:
        if h / w > 1:
            k = size / h
            wide = math.ceil(k * w)
            resized = cv2.resize(crop, (wide, size))
            gap = math.ceil((size - wide) / 2)
            white[:, gap : wide + gap] = resized
        else:
            k = size / w
            high = math.ceil(k * h)
            resized = cv2.resize(crop, (size, high))
            gap = math.ceil((size - high) / 2)
            white[gap : high + gap, :] = resized
    except (cv2.error, ValueError) as error:
        return f"{type(error).__name__} where the crop is {crop.shape[1]} × {crop.shape[0]}"
    return white


def squares(samples: list[Sample], models: Path) -> Answers:
    """cvzone's HandDetector draws and boxes, the tutorial cuts, cvzone's Classifier answers."""
    from cvzone.ClassificationModule import Classifier  # noqa: PLC0415 - TensorFlow and MediaPipe again
    from cvzone.HandTrackingModule import HandDetector  # noqa: PLC0415

    preset = samples[0]["preset"]
    seen: dict[str, list[np.ndarray | str]] = {}
    for sample in samples:
        detector = HandDetector(maxHands=1)
        if sample["points"]:
            detector.hands = FixedHands(sample["points"])
        seen[sample["key"]] = [white_square(frame, detector, preset == "cvzone") for frame in frames_of(sample)]
    good = [one for rows in seen.values() for one in rows if not isinstance(one, str)]
    model = network(preset, (224, 224, 3), 1.0)
    spread_out(model, np.stack([cv2.resize(one, (224, 224)) / 127.0 - 1 for one in good]))
    model.save(models / f"{preset}.h5")
    classifier = Classifier(str(models / f"{preset}.h5"))
    made: Answers = {}
    for key, rows in seen.items():
        failed = [one for one in rows if isinstance(one, str)]
        if failed:
            made[key] = np.array(failed[0])
            continue
        squares = [one for one in rows if not isinstance(one, str)]
        made[key] = np.array([classifier.getPrediction(one, draw=False)[0] for one in squares])
        other = [np.ascontiguousarray(one[..., ::-1]) for one in squares]
        made[f"wrong/rgb instead of bgr/{key}"] = np.array([classifier.getPrediction(one)[0] for one in other])
    return made


def clip(sample: Sample, tagged: bool = False) -> np.ndarray | str:
    """The gestures' author: 112 × 112, /255, black frames behind and before in turns up to 128, chunks of 16."""
    frames = [by_its_tag(frame) if tagged else frame for frame in frames_of(sample | {"every": 1})]
    small = [cv2.resize(frame, (112, 112), interpolation=cv2.INTER_AREA) / 255.0 for frame in frames]
    missing = 128 - len(small)
    if missing < 0:
        return f"{len(small)} frames: reshape fails"
    black = np.zeros((112, 112, 3))
    for _ in range(missing // 2):
        small.append(black)
        small.insert(0, black)
    if missing % 2:
        small.append(black)
    return np.array(small).reshape(8, 16, 112, 112, 3).astype("float32")


def gestures(samples: list[Sample], models: Path) -> Answers:
    """Features a chunk by a small network of C3D's shape (4096 numbers behind a ReLU), then a BiLSTM over eight."""
    c3d = keras.Sequential(
        [
            layers.Conv3D(4, 3, strides=(1, 2, 2), padding="same", activation="relu", input_shape=(16, 112, 112, 3)),
            layers.MaxPooling3D((1, 2, 2)),
            layers.Conv3D(8, 3, padding="same", activation="relu"),
            layers.MaxPooling3D((2, 2, 2)),
            layers.Conv3D(8, 3, padding="same", activation="relu"),
            layers.MaxPooling3D((4, 4, 4), padding="same"),
            layers.Flatten(),
            layers.Dense(4096, activation="relu", name="fc7"),
        ]
    )
    given = layers.Input((8, 4096))
    x = layers.Bidirectional(layers.LSTM(32))(given)
    head = keras.Model(given, layers.Softmax()(layers.Dense(OUTPUTS["c3d-bilstm"], name="logits")(x)))
    whole = {sample["key"]: clip(sample) for sample in samples}
    features = {key: c3d.predict(one, verbose=0) for key, one in whole.items() if not isinstance(one, str)}
    kernel, bias = c3d.layers[-1].get_weights()
    factor = 1.0 / float(np.std(list(features.values())))
    c3d.layers[-1].set_weights([kernel * factor, bias])
    features = {key: c3d.predict(one, verbose=0) for key, one in whole.items() if not isinstance(one, str)}
    spread_out(head, np.stack(list(features.values())))
    c3d.save(models / "c3d.h5")
    head.save(models / "c3d-bilstm.h5")
    made: Answers = {
        key: np.array(one) if isinstance(one, str) else head.predict(features[key][None], verbose=0)
        for key, one in whole.items()
    }
    for sample in samples:
        if sample["key"] in features:
            other = clip(sample, tagged=True)
            named = f"wrong/BT.709 by the tag instead of BT.601/{sample['key']}"
            made[named] = head.predict(c3d.predict(other, verbose=0)[None], verbose=0)
    return made


STEPS: dict[str, Callable[[list[Sample], Path], Answers]] = {
    "ksl-numbers": numbers,
    "sign-mnist": letters,
    "teachable-machine": middles,
    "cvzone": squares,
    "hand-crop": squares,
    "c3d-bilstm": gestures,
}


def main() -> int:
    """All presets, or those named behind the folder."""
    work, only = Path(sys.argv[1]), sys.argv[2:]
    models = work / "models"
    models.mkdir(parents=True, exist_ok=True)
    samples = json.loads((work / "media" / "samples.json").read_text(encoding="utf-8"))
    for preset, steps in STEPS.items():
        if only and preset not in only:
            continue
        random.seed(0)
        keras.utils.set_random_seed(11)
        own = [one | {"key": f"{one['preset']}/{one['name']}"} for one in samples if one["preset"] == preset]
        np.savez(work / f"answers-{preset}.npz", **steps(own, models))
        print(f"{preset}: {len(own)} samples", flush=True)
    versions = {
        "Keras": version("keras"),
        "OpenCV": cv2.__version__,
        "Pillow": PIL.__version__,
        "cvzone": version("cvzone"),
    }
    (work / "versions.json").write_text(json.dumps(versions | {"MediaPipe": version("mediapipe")}), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
