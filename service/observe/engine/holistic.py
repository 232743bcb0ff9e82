"""One person's pose, hands and face as MediaPipe's Holistic finds them, behind the Landmarker protocol."""

import numpy as np

from service.media.upright import Pixels
from service.observe.engine import tracking
from service.observe.engine.detector import face_detector
from service.observe.engine.face import FaceReader, FaceSighting, region_around
from service.observe.engine.hand import HandReader, HandSighting
from service.observe.engine.networks import network
from service.observe.engine.pose import PoseTracker
from service.observe.engine.region import Points, Region, around
from service.observe.landmarker import DetectedHand, LandmarkFrame, PartLandmarks
from service.observe.request import LandmarkRequest
from service.track import Side

_THERE = 0.5
"""How sure the networks of hands and faces have to be; the request's confidences are the pose's."""

_WRIST_VISIBLE = 0.1
_FACE_POINTS = 11
_LEFT_EYE, _RIGHT_EYE = 2, 5
_WRISTS: dict[Side, int] = {"left": 15, "right": 16}
_TO_PINKY, _TO_INDEX = 2, 4


class Holistic:
    """The face is looked for only if asked."""

    def __init__(self, request: LandmarkRequest) -> None:
        self._pose = PoseTracker(request)
        self._hands = _HandsOfPose()
        self._face = _FaceOfPose() if "face" in request.parts else None

    def detect(self, rgb: Pixels) -> LandmarkFrame:
        height, width = rgb.shape[:2]
        pose = self._pose.track(rgb)
        hands = tuple(
            DetectedHand(side, 1.0, seen.landmarks(width, height)) for side, seen in self._hands.look(rgb, pose).items()
        )
        face = None if self._face is None else self._face.look(rgb, pose)
        return LandmarkFrame(hands=hands, pose=pose, faces=() if face is None else (face.landmarks(width, height),))

    def reset(self) -> None:
        self._pose.reset()
        self._hands.reset()
        if self._face is not None:
            self._face.reset()

    def close(self) -> None:
        """Nothing is held: networks belong to the process."""


class _HandsOfPose:
    """The hands at the pose's wrists, both read in one run."""

    def __init__(self) -> None:
        self._reader = HandReader(complexity=1)
        self._recrop = network("hand-recrop")
        self._last: dict[Side, HandSighting] = {}

    def look(self, rgb: Pixels, pose: PartLandmarks | None) -> dict[Side, HandSighting]:
        """The hands in the next frame."""
        last, self._last = self._last, {}
        if pose is None:
            return {}
        sides: list[Side] = [side for side, wrist in _WRISTS.items() if pose[wrist, 3] > _WRIST_VISIBLE]
        new = self._recropped(rgb, [_from_pose(rgb, pose, _WRISTS[side]) for side in sides])
        regions = [
            tracking.HAND.chosen(last[side].points, last[side].next_region, region) if side in last else region
            for side, region in zip(sides, new, strict=True)
        ]
        seen = zip(sides, self._reader.read(rgb, regions), strict=True)
        self._last = {side: one for side, one in seen if one.presence > _THERE}
        return self._last

    def reset(self) -> None:
        self._last = {}

    def _recropped(self, rgb: Pixels, regions: list[Region]) -> list[Region]:
        """The regions as a network made for that corrects them."""
        if not regions:
            return []
        side = self._recrop.side
        (points,) = self._recrop.run([region.crop(rgb, side, "edge") for region in regions])
        corrected = []
        for region, pair in zip(regions, points.reshape(-1, 2, 2).astype(np.float64) / side, strict=True):
            center, reach = region.to_picture(pair)
            corrected.append(around(center, reach, upright_deg=-90.0).shifted(0.1))
        return corrected


def _from_pose(rgb: Pixels, pose: PartLandmarks, at: int) -> Region:
    """Around the middle finger's base, which lies between the pose's points of the hand at this wrist."""
    height, width = rgb.shape[:2]
    wrist, pinky, index = (
        pose[at + step, :2].astype(np.float64) * (width, height) for step in (0, _TO_PINKY, _TO_INDEX)
    )
    middle = (2 * index + pinky) / 3
    arm = around(wrist, middle)
    return Region(float(middle[0]), float(middle[1]), arm.size, arm.angle).shifted(0.1).scaled(2.7)


class _FaceOfPose:
    """The face on the pose's head."""

    def __init__(self) -> None:
        self._detector = face_detector()
        self._reader = FaceReader()
        self._last: FaceSighting | None = None

    def look(self, rgb: Pixels, pose: PartLandmarks | None) -> FaceSighting | None:
        """The face in the next frame; None where it is not there."""
        last, self._last = self._last, None
        new = None if pose is None else self._detected(rgb, pose)
        if new is None:
            return None
        region = new
        if last is not None:
            region = tracking.FACE.chosen(last.points[:, :2], last.next_region, new)
        (seen,) = self._reader.read(rgb, [region])
        self._last = seen if seen.presence > _THERE else None
        return self._last

    def reset(self) -> None:
        self._last = None

    def _detected(self, rgb: Pixels, pose: PartLandmarks) -> Region | None:
        height, width = rgb.shape[:2]
        head: Points = pose[:_FACE_POINTS, :2].astype(np.float64) * (width, height)
        where = region_around(head, head[[_RIGHT_EYE, _LEFT_EYE]], 3.0)
        found = self._detector.detect(rgb, where, _THERE)
        if not found:
            return None
        keys = found[0].points
        return region_around(keys, keys[:2], 2.0, up=0.1)
