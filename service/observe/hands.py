"""MediaPipe Hands behind the Landmarker protocol. Only workers import this."""

import numpy as np
from mediapipe.python.solutions.hands import Hands

from service.media.upright import Pixels
from service.observe.landmarker import DetectedHand, LandmarkFrame, to_landmarks
from service.observe.request import LandmarkRequest
from service.observe.same_hand import remove_duplicates
from service.track import Side

_NOTHING = np.zeros((64, 64, 3), np.uint8)


class HandsLandmarker:
    """One or two hands, each once, named by the person's own side.

    Hands names sides as in a selfie: on a picture that is not mirrored its "Left" is the person's right.
    """

    def __init__(self, request: LandmarkRequest) -> None:
        self._names: dict[str, Side] = (
            {"Left": "left", "Right": "right"} if request.selfie else {"Left": "right", "Right": "left"}
        )
        self._remembers = False
        self._graph = Hands(
            max_num_hands=request.max_hands,
            model_complexity=request.complexity,
            min_detection_confidence=request.min_detection_confidence,
            min_tracking_confidence=request.min_tracking_confidence,
        )

    def detect(self, rgb: Pixels) -> LandmarkFrame:
        found = self._graph.process(rgb)
        hands = []
        for points, sides in zip(found.multi_hand_landmarks or (), found.multi_handedness or (), strict=True):
            side = sides.classification[0]
            hands.append(DetectedHand(self._names[side.label], float(side.score), to_landmarks(points)))
        self._remembers = True
        return LandmarkFrame(hands=remove_duplicates(hands))

    def reset(self) -> None:
        """Forget the tracked hands.

        All that this graph remembers is where hands were in the last frame, so that a frame without any makes it
        forget, at a third of what its own reset costs (that loads both networks again, 35 ms).
        """
        if self._remembers and self.detect(_NOTHING).hands:
            self._graph.reset()
        self._remembers = False

    def close(self) -> None:
        self._graph.close()
