"""MediaPipe FaceMesh behind the Landmarker protocol. Only workers import this."""

from mediapipe.python.solutions.face_mesh import FaceMesh

from service.media.upright import Pixels
from service.observe.landmarker import LandmarkFrame, PartLandmarks, points_of
from service.observe.request import MOST_FACES, LandmarkRequest


class FaceMeshLandmarker:
    """Faces, the largest first; a hand that the detector takes for one has no mesh, and is none.

    Each frame is looked at for itself, nothing is tracked: faces are sampled a few times a second, when the last place
    of a face says little, and so chunks of a video see what the whole video sees.
    """

    def __init__(self, request: LandmarkRequest) -> None:
        self._graph = FaceMesh(
            static_image_mode=True,
            max_num_faces=MOST_FACES,
            min_detection_confidence=request.min_detection_confidence,
            min_tracking_confidence=request.min_tracking_confidence,
        )

    def detect(self, rgb: Pixels) -> LandmarkFrame:
        found = [points_of(face) for face in self._graph.process(rgb).multi_face_landmarks or ()]
        return LandmarkFrame(faces=tuple(sorted(found, key=_size, reverse=True)))

    def reset(self) -> None:
        """Nothing is remembered."""

    def close(self) -> None:
        self._graph.close()


def _size(face: PartLandmarks) -> float:
    width, height = face[:, :2].max(axis=0) - face[:, :2].min(axis=0)
    return float(width * height)
