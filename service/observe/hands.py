"""MediaPipe Hands behind the Landmarker protocol. Only workers import this."""

from mediapipe.python.solutions.hands import Hands

from service.media.upright import Pixels
from service.observe.landmarker import LandmarkFrame, SeenHand, points_of
from service.observe.request import LandmarkRequest
from service.observe.same_hand import without_doubles
from service.track import Side


class HandsLandmarker:
    """One or two hands, each once, named by the person's own side.

    Hands names sides as in a selfie: on a picture that is not mirrored its "Left" is the person's right.
    """

    def __init__(self, request: LandmarkRequest) -> None:
        self._names: dict[str, Side] = (
            {"Left": "left", "Right": "right"} if request.selfie else {"Left": "right", "Right": "left"}
        )
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
            hands.append(SeenHand(self._names[side.label], float(side.score), points_of(points)))
        return LandmarkFrame(hands=without_doubles(hands))

    def reset(self) -> None:
        self._graph.reset()

    def close(self) -> None:
        self._graph.close()
