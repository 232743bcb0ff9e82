"""Detectors of palms, people and faces: one network over a region, its boxes merged where they overlap."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from service.media.upright import Pixels
from service.observe.engine.networks import Network, network
from service.observe.engine.region import Border, Cut, Points, Region

Array = npt.NDArray[Any]

_MERGED_FROM = 0.3
_STEEPEST = 80.0  # float32 holds no more of exp than 88


@dataclass(frozen=True, slots=True)
class Detection:
    """corners: the box's first and last; points: the key points; both in pixels of the picture. score: 0 to 1."""

    corners: Points
    points: Points
    score: float


class Detector:
    """cells: (cells along a side, anchors in each), finest first, as the network was trained."""

    def __init__(self, name: str, cells: tuple[tuple[int, int], ...], cut: Cut = Region.crop) -> None:
        self._network: Network = network(name)
        self._cut = cut
        self._anchors = np.concatenate([_centers(count, each) for count, each in cells])

    def detect(self, rgb: Pixels, region: Region, threshold: float, border: Border = "black") -> list[Detection]:
        """What is found in the region, the surest first."""
        crop = self._cut(region, rgb, self._network.side, border)
        boxes, raw = self._network.run([crop])
        scores = 1 / (1 + np.exp(-np.clip(raw[0, :, 0], -_STEEPEST, _STEEPEST)))
        sure = np.flatnonzero(scores >= threshold)
        if not sure.size:
            return []
        points = (boxes[0, sure] / self._network.side).reshape(len(sure), -1, 2)
        center, size = points[:, 0] + self._anchors[sure], points[:, 1]
        corners = np.stack([center - size / 2, center + size / 2], axis=1)
        return [
            Detection(region.to_picture(box), region.to_picture(keys), score)
            for box, keys, score in _merged(corners, points[:, 2:] + self._anchors[sure, None], scores[sure])
        ]


def palm_detector(complexity: int, cut: Cut = Region.crop) -> Detector:
    """Seven key points: the wrist first, the middle finger's base third."""
    return Detector("palm-lite" if complexity == 0 else "palm-full", ((24, 2), (12, 6)), cut)


def person_detector() -> Detector:
    """Four key points: the middle of the hips, then one that says how large and how turned the body is."""
    return Detector("pose-detector", ((28, 2), (14, 2), (7, 6)))


def face_detector() -> Detector:
    """Six key points: the person's own right eye, left eye, nose, mouth, right and left ear."""
    return Detector("face-detector", ((16, 2), (8, 6)))


def _centers(count: int, each: int) -> Array:
    """The centers of count × count cells, row by row, each several times."""
    at = (np.arange(count, dtype=np.float32) + 0.5) / count
    x, y = np.meshgrid(at, at)
    return np.repeat(np.stack([x.ravel(), y.ravel()], axis=1), each, axis=0)


def _merged(corners: Array, points: Array, scores: Array) -> list[tuple[Array, Array, float]]:
    """Boxes that overlap the surest one become one with it, averaged by their scores; then the next surest."""
    order = np.argsort(-scores, kind="stable")
    order = order[(corners[order, 1] >= corners[order, 0]).all(axis=1)]
    found = []
    while order.size:
        least, most = corners[order, 0], corners[order, 1]
        shared = np.prod(np.clip(np.minimum(most, most[0]) - np.maximum(least, least[0]), 0, None), axis=1)
        area = np.prod(most - least, axis=1)
        near = shared > _MERGED_FROM * (area + area[0] - shared)
        near[0] = True
        same = order[near]
        weights = scores[same] / scores[same].sum()
        merged = [np.tensordot(weights, values[same], axes=1) for values in (corners, points)]
        found.append((merged[0], merged[1], float(scores[order[0]])))
        order = order[~near]
    return found
