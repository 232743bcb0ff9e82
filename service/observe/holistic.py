"""MediaPipe Holistic behind the Landmarker protocol, with or without its face mesh. Only workers import this."""

from typing import Any

from mediapipe.python.solutions.holistic import Holistic

from service.media.upright import Pixels
from service.observe.holistic_without_face import HolisticWithoutFaceGraph
from service.observe.landmarker import DetectedHand, LandmarkFrame, to_landmarks
from service.observe.request import LandmarkRequest
from service.track import Side

_SIDES: tuple[Side, ...] = ("left", "right")


class HolisticLandmarker:
    """Pose, hands and face of one person, named by the body that is seen."""

    def __init__(self, request: LandmarkRequest) -> None:
        self._graph: Any = Holistic(
            min_detection_confidence=request.min_detection_confidence,
            min_tracking_confidence=request.min_tracking_confidence,
        )

    def detect(self, rgb: Pixels) -> LandmarkFrame:
        found = self._graph.process(rgb)
        hands = {"left": found.left_hand_landmarks, "right": found.right_hand_landmarks}
        pose, face = found.pose_landmarks, getattr(found, "face_landmarks", None)
        return LandmarkFrame(
            hands=tuple(
                DetectedHand(side, 1.0, to_landmarks(hands[side])) for side in _SIDES if hands[side] is not None
            ),
            pose=None if pose is None else to_landmarks(pose),
            faces=() if face is None else (to_landmarks(face),),
        )

    def reset(self) -> None:
        self._graph.reset()

    def close(self) -> None:
        self._graph.close()


class HolisticWithoutFaceLandmarker(HolisticLandmarker):
    """The same without the face: the same numbers at less cost."""

    def __init__(self, request: LandmarkRequest) -> None:
        self._graph = HolisticWithoutFaceGraph(
            min_detection_confidence=request.min_detection_confidence,
            min_tracking_confidence=request.min_tracking_confidence,
        )
