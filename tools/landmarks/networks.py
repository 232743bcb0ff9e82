"""Which networks are taken, from which file, and what the engine reads of them."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

UNIT = (0.0, 1.0)
SIGNED = (-1.0, 1.0)
"""What MediaPipe's graphs bring 0 … 255 to, network by network."""


@dataclass(frozen=True, slots=True)
class LandmarkNetwork:
    """One network. path: in the wheel or the npm package; outputs: name here → name in the file.

    values: what 0 … 255 becomes at its input.
    """

    name: str
    source: Literal["wheel", "npm"]
    path: Path
    values: tuple[float, float]
    outputs: dict[str, str]
    optional: bool = False


_HAND = {"points": "Identity", "presence": "Identity_1", "side": "Identity_2"}
_DETECTIONS = {"boxes": "Identity", "scores": "Identity_1"}
_POSE = {"points": "Identity", "presence": "Identity_1", "heat": "Identity_3"}
_MODULES = Path("mediapipe/modules")

NETWORKS = (
    LandmarkNetwork("palm-full", "wheel", _MODULES / "palm_detection/palm_detection_full.tflite", UNIT, _DETECTIONS),
    LandmarkNetwork("palm-lite", "wheel", _MODULES / "palm_detection/palm_detection_lite.tflite", UNIT, _DETECTIONS),
    LandmarkNetwork("hand-full", "wheel", _MODULES / "hand_landmark/hand_landmark_full.tflite", UNIT, _HAND),
    LandmarkNetwork("hand-lite", "wheel", _MODULES / "hand_landmark/hand_landmark_lite.tflite", UNIT, _HAND),
    LandmarkNetwork("pose-detector", "wheel", _MODULES / "pose_detection/pose_detection.tflite", SIGNED, _DETECTIONS),
    LandmarkNetwork("pose-lite", "npm", Path("pose_landmark_lite.tflite"), UNIT, _POSE),
    LandmarkNetwork("pose-full", "wheel", _MODULES / "pose_landmark/pose_landmark_full.tflite", UNIT, _POSE),
    LandmarkNetwork("pose-heavy", "npm", Path("pose_landmark_heavy.tflite"), UNIT, _POSE, optional=True),
    LandmarkNetwork(
        "hand-recrop", "wheel", _MODULES / "holistic_landmark/hand_recrop.tflite", UNIT, {"points": "output_crop"}
    ),
    LandmarkNetwork(
        "face-detector",
        "wheel",
        _MODULES / "face_detection/face_detection_short_range.tflite",
        SIGNED,
        {"boxes": "regressors", "scores": "classificators"},
    ),
    LandmarkNetwork(
        "face-mesh",
        "wheel",
        _MODULES / "face_landmark/face_landmark.tflite",
        UNIT,
        {"points": "conv2d_21", "presence": "conv2d_31"},
    ),
)
