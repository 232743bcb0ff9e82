"""Faces that the detector finds and the mesh confirms, behind the Landmarker protocol: docs/adr/0011."""

from service.media.upright import Pixels
from service.observe.engine.detector import Detection, face_detector
from service.observe.engine.face import FaceReader, region_around
from service.observe.engine.region import Region, whole_picture
from service.observe.landmarker import FaceBox, LandmarkFrame, PartLandmarks
from service.observe.request import LandmarkRequest

MOST_FOUND = 8
"""Boxes of a frame that the mesh looks at, the surest first: hands among them must not crowd faces out."""

_SAME_REGION = 0.5


class Faces:
    """All faces, the largest first, each frame by itself.

    min_tracking_confidence of the request is how sure the mesh has to be.
    """

    def __init__(self, request: LandmarkRequest) -> None:
        self._request = request
        self._detector = face_detector()
        self._reader = FaceReader()

    def detect(self, rgb: Pixels) -> LandmarkFrame:
        height, width = rgb.shape[:2]
        found = self._detector.detect(rgb, whole_picture(rgb), self._request.min_detection_confidence)[:MOST_FOUND]
        regions: list[Region] = []
        for detection in found:
            region = region_around(detection.corners, detection.points[:2], 1.5)
            regions = [other for other in regions if other.overlap(region) <= _SAME_REGION]
            regions.append(region)
        meshes = [
            sighting.landmarks(width, height)
            for sighting in self._reader.read(rgb, regions)
            if sighting.presence > self._request.min_tracking_confidence
        ]
        faces = _confirmed(found, meshes, width, height)
        return LandmarkFrame(faces=tuple(mesh for _, mesh in faces), face_boxes=tuple(box for box, _ in faces))

    def reset(self) -> None:
        """Nothing is remembered."""

    def close(self) -> None:
        """Nothing is held: networks belong to the process."""


def _confirmed(
    found: list[Detection], meshes: list[PartLandmarks], width: int, height: int
) -> list[tuple[FaceBox, PartLandmarks]]:
    """What was found with a mesh whose center lies in its box, each mesh once; the largest first."""
    left = list(meshes)
    faces = []
    for detection in found:
        (x, y), (end_x, end_y) = (detection.corners / (width, height)).tolist()
        centers = [mesh[:, :2].mean(axis=0) for mesh in left]
        index = next((at for at, (cx, cy) in enumerate(centers) if x <= cx <= end_x and y <= cy <= end_y), None)
        if index is None:
            continue
        first, second = sorted((eye_x, eye_y) for eye_x, eye_y in (detection.points[:2] / (width, height)).tolist())
        box = FaceBox((x, y, end_x - x, end_y - y), (first, second), detection.score)
        faces.append((box, left.pop(index)))
    return sorted(faces, key=lambda face: -face[0].box[2] * face[0].box[3])
