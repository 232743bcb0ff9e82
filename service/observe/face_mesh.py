"""Faces that MediaPipe's detector finds and its face mesh confirms. Only workers import this.

The detector alone takes hands close to the camera for faces; the mesh that is laid over what was found tells how sure
it is that this is a face, and never was of a hand. Its graph runs the detector first and gives the boxes out as well,
so that both cost one run: docs/adr/0011.
"""

from collections.abc import Iterable
from typing import Protocol

from mediapipe.python.solution_base import SolutionBase

from service.media.upright import Pixels
from service.observe.landmarker import FaceBox, LandmarkFrame, PartLandmarks, to_landmarks
from service.observe.request import LandmarkRequest

MOST_FOUND = 8
"""Boxes of a frame that the mesh looks at, the surest first: hands among them must not crowd faces out."""

_GRAPH = "mediapipe/modules/face_landmark/face_landmark_front_cpu.binarypb"
_DETECTION_SCORE = (
    "facedetectionshortrangecpu__facedetectionshortrange__facedetection__TensorsToDetectionsCalculator.min_score_thresh"
)
_MESH_SCORE = "facelandmarkcpu__ThresholdingCalculator.threshold"


class FaceMeshLandmarker:
    """All faces, the largest first, each frame by itself.

    Faces are sampled a few times a second, when the last place of one says little; and so a part of a video shows what
    the whole shows.
    min_tracking_confidence of the request is how sure the mesh has to be.
    """

    def __init__(self, request: LandmarkRequest) -> None:
        self._graph = SolutionBase(
            binary_graph_path=_GRAPH,
            side_inputs={"num_faces": MOST_FOUND, "with_attention": False, "use_prev_landmarks": False},
            calculator_params={
                _DETECTION_SCORE: request.min_detection_confidence,
                _MESH_SCORE: request.min_tracking_confidence,
            },
            outputs=["face_detections", "multi_face_landmarks"],
        )

    def detect(self, rgb: Pixels) -> LandmarkFrame:
        found = self._graph.process(input_data={"image": rgb})
        meshes = [to_landmarks(points) for points in found.multi_face_landmarks or ()]
        faces = confirm_faces(found.face_detections or (), meshes)
        return LandmarkFrame(faces=tuple(mesh for _, mesh in faces), face_boxes=tuple(box for box, _ in faces))

    def reset(self) -> None:
        """Nothing is remembered."""

    def close(self) -> None:
        self._graph.close()


class _Eye(Protocol):
    x: float
    y: float


class _Box(Protocol):
    xmin: float
    ymin: float
    width: float
    height: float


class _Place(Protocol):
    @property
    def relative_bounding_box(self) -> _Box: ...
    @property
    def relative_keypoints(self) -> list[_Eye]: ...


class Detection(Protocol):
    """MediaPipe's Detection; its first two keypoints are the person's own right and left eye."""

    @property
    def score(self) -> list[float]: ...
    @property
    def location_data(self) -> _Place: ...


def confirm_faces(found: Iterable[Detection], meshes: list[PartLandmarks]) -> list[tuple[FaceBox, PartLandmarks]]:
    """What was found with a mesh whose center lies in its box, each mesh once; the largest first."""
    left = list(meshes)
    faces = []
    for detection in found:
        place = detection.location_data
        box = place.relative_bounding_box
        index = next((at for at, mesh in enumerate(left) if _holds(box, mesh)), None)
        if index is None:
            continue
        first, second = sorted((eye.x, eye.y) for eye in place.relative_keypoints[:2])
        corner = (box.xmin, box.ymin, box.width, box.height)
        faces.append((FaceBox(corner, (first, second), float(detection.score[0])), left.pop(index)))
    return sorted(faces, key=lambda face: -face[0].box[2] * face[0].box[3])


def _holds(box: _Box, mesh: PartLandmarks) -> bool:
    x, y = mesh[:, :2].mean(axis=0)
    return bool(0 <= x - box.xmin <= box.width and 0 <= y - box.ymin <= box.height)
