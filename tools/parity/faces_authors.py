"""Runs in the parity environment of pixels.sh (Keras 2.15, OpenCV 4.11, Pillow 11, MediaPipe): the authors' own steps.

python tools/parity/faces_authors.py WORK TESTDATA: reads WORK/media/samples.json with OpenCV, finds faces with
MediaPipe's FaceDetection and cuts them out as HSEmotion's users do. Writes WORK/faces.npz, from which
faces_hsemotion.py goes on, and WORK/answers-fer.npz: what the real FER-2013 and KDEF networks say of them in Keras.
"""

import json
import os
import sys
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import cv2
import numpy as np
from mediapipe.python.solutions.face_detection import FaceDetection
from tensorflow import keras

Box = tuple[float, float, float, float]
FER = {
    "fer-48": "fer_mini_xception48_k205.h5",
    "fer-64": "fer_mini_xception64_k205.h5",
    "kdef": "kdef_tiny_xception_k205.h5",
}
FER_MARGIN = 0.1
MOST = 4


def frames_of(sample: dict[str, Any]) -> Iterator[np.ndarray]:
    """The frame that is shown at each 1 / rate s, or one picture as OpenCV reads it; RGB."""
    if not sample["rate"]:
        picture = cv2.imread(sample["file"])
        assert picture is not None
        yield cv2.cvtColor(picture, cv2.COLOR_BGR2RGB)
        return
    capture = cv2.VideoCapture(sample["file"])
    fps, wanted, index = capture.get(cv2.CAP_PROP_FPS), 0, -1
    while True:
        found, frame = capture.read()
        if not found:
            return
        index += 1
        if index == int(wanted * fps / sample["rate"] + 1e-6):
            wanted += 1
            yield cv2.cvtColor(frame, cv2.COLOR_BGR2RGB)


def boxes_in(frame: np.ndarray, detector: FaceDetection) -> list[Box]:
    """x, y, width, height of each face, the largest first."""
    found = [one.location_data.relative_bounding_box for one in detector.process(frame).detections or ()]
    boxes = [(box.xmin, box.ymin, box.width, box.height) for box in found]
    return sorted(boxes, key=lambda box: -box[2] * box[3])[:MOST]


def cut(frame: np.ndarray, box: Box, margin: float) -> np.ndarray:
    """The face's pixels: corners as int() cuts them, none beyond the picture."""
    height, width = frame.shape[:2]
    x, y, w, h = box
    x1, y1 = int((x - margin * w) * width), int((y - margin * h) * height)
    x2, y2 = int((x + w + margin * w) * width), int((y + h + margin * h) * height)
    return frame[max(y1, 0) : min(y2, height), max(x1, 0) : min(x2, width)]


def fer_answer(model: Any, face: np.ndarray) -> np.ndarray:  # noqa: ANN401 - Keras has no types
    """As oarriaga/face_classification prepares a face: grey, resized, / 255, − 0.5, × 2."""
    side = model.input_shape[1]
    grey = cv2.resize(cv2.cvtColor(face, cv2.COLOR_RGB2GRAY), (side, side))
    scaled = (grey.astype("float32") / 255.0 - 0.5) * 2.0
    return np.asarray(model.predict(scaled[None, :, :, None], verbose=0)[0])


def main() -> None:
    """All samples, one after the other."""
    work, testdata = Path(sys.argv[1]), Path(sys.argv[2])
    samples = json.loads((work / "media" / "samples.json").read_text(encoding="utf-8"))
    networks = {
        name: keras.models.load_model(testdata / "keras" / "models" / file, compile=False) for name, file in FER.items()
    }
    faces: dict[str, Any] = {}
    answers: dict[str, Any] = {}
    with FaceDetection(model_selection=0, min_detection_confidence=0.5) as detector:
        for sample in samples:
            for number, frame in enumerate(frames_of(sample)):
                boxes = boxes_in(frame, detector)
                key = f"{sample['name']}/{number}"
                faces[f"{key}/boxes"] = np.array(boxes, np.float64).reshape(-1, 4)
                for place, box in enumerate(boxes):
                    faces[f"{key}/{place}"] = cut(frame, box, 0.0)
                for name, model in networks.items() if boxes else ():
                    answers[f"{name}/{key}"] = fer_answer(model, cut(frame, boxes[0], FER_MARGIN))
    np.savez(work / "faces.npz", **faces)
    np.savez(work / "answers-fer.npz", **answers)
    packages = {"Keras": "keras", "OpenCV": "opencv-python-headless", "MediaPipe": "mediapipe"}
    versions = {shown: version(name) for shown, name in packages.items()}
    (work / "versions-authors.json").write_text(json.dumps(versions), encoding="utf-8")
    print(f"{sum(key.endswith('boxes') for key in faces)} frames, {len(faces)} faces and lists")


if __name__ == "__main__":
    main()
