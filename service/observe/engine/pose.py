"""One person's pose, as MediaPipe's Pose finds it: detected once, then followed from frame to frame."""

from typing import Any

import numpy as np
import numpy.typing as npt

from service.media.upright import Pixels
from service.observe.engine.detector import person_detector
from service.observe.engine.networks import Network, network
from service.observe.engine.region import Points, Region, around, whole_picture
from service.observe.engine.smoothing import LowPassFilter, OneEuroFilter
from service.observe.landmarker import PartLandmarks
from service.observe.request import LandmarkRequest

Array = npt.NDArray[Any]

POSE_POINTS = 33
_ALL_POINTS, _VALUES = 39, 5
_CENTER, _REACH = 33, 34
"""Two points behind the pose's: the middle of the hips, and how large and how turned the body is."""

_WIDER = 1.25
_HEAT_REACH = 4  # as 0.10.21 does it, measured: its graph is printed with a kernel of 7, as newer ones have it
_HEAT_SURE = 0.5
_STEEPEST = 80.0  # float32 holds no more of exp than 88
_AROUND = np.arange(-_HEAT_REACH, _HEAT_REACH + 1)
_SMALLEST = 1e-6
_NETWORKS = {0: "pose-lite", 1: "pose-full", 2: "pose-heavy"}


class PoseTracker:
    """Smoothed over time. points: the last pose's, P × 2 in pixels."""

    def __init__(self, request: LandmarkRequest) -> None:
        self._request = request
        self._people = person_detector()
        self._network: Network = network(_NETWORKS[request.complexity])
        self._region: Region | None = None
        self._pair = OneEuroFilter(0.01, 10.0)
        self._body = OneEuroFilter(0.05, 80.0)
        self._visibility = LowPassFilter(0.1)

    def track(self, rgb: Pixels) -> PartLandmarks | None:
        """The pose in the next frame, P × 4 in fractions of the picture; None without a person."""
        region = self._region or self._detected(rgb)
        self._region = None
        found = None if region is None else self._read(rgb, region)
        if found is None:
            self._pair.reset()
            self._body.reset()
            return None
        points, visibility = found
        height, width = rgb.shape[:2]
        size = around(points[_CENTER, :2], points[_REACH, :2]).size
        visible = self._visibility.smooth(visibility[:POSE_POINTS])
        body = points[:POSE_POINTS]
        if size >= _SMALLEST:
            body = self._body.smooth(body, size)
            pair = self._pair.smooth(points[[_CENTER, _REACH], :2], size)
        else:
            pair = points[[_CENTER, _REACH], :2]
        self._region = around(pair[0], pair[1]).scaled(_WIDER)
        return np.concatenate([body / (width, height, width), visible[:, None]], axis=1, dtype=np.float32)

    def reset(self) -> None:
        self._region = None
        for each in (self._pair, self._body, self._visibility):
            each.reset()

    def _detected(self, rgb: Pixels) -> Region | None:
        people = self._people.detect(rgb, whole_picture(rgb), self._request.min_detection_confidence)
        return around(people[0].points[0], people[0].points[1]).scaled(_WIDER) if people else None

    def _read(self, rgb: Pixels, region: Region) -> tuple[Array, Array] | None:
        """(P × 3 in pixels, visibility of each) of what is in the region; None where it is no person."""
        side = self._network.side
        heat, values, presence = self._outputs(region.crop(rgb, side, "edge"))
        if presence <= self._request.min_tracking_confidence:
            return None
        places = _refined(values[:, :2] / side, heat)
        points = np.c_[region.to_picture(places), values[:, 2] / side * region.size]
        return points, 1 / (1 + np.exp(-values[:, 3]))

    def _outputs(self, crop: Pixels) -> tuple[Array, Array, float]:
        points, presence, heat = self._network.run([crop])
        return heat[0], points[0].reshape(_ALL_POINTS, _VALUES).astype(np.float64), float(presence[0, 0])


def _refined(places: Points, heat: Array) -> Points:
    """Each point moved to the center of its heat map around it, where the map is sure of it.

    As MediaPipe does it, a point a little below the region counts too, and one beyond its other sides does not.
    """
    rows, columns, _ = heat.shape
    cells = np.trunc(places * (columns, rows)).astype(np.intp)
    column, row = cells[:, 0], cells[:, 1]
    near = (column >= 0) & (column < columns) & (row >= 0) & (row < rows + _HEAT_REACH)
    at = np.flatnonzero(near)
    x, y = column[at, None] + _AROUND, row[at, None] + _AROUND
    inside = ((y >= 0) & (y < rows))[:, :, None] & ((x >= 0) & (x < columns))[:, None, :]
    around_it = heat[np.clip(y, 0, rows - 1)[:, :, None], np.clip(x, 0, columns - 1)[:, None, :], at[:, None, None]]
    sure = np.where(inside, 1 / (1 + np.exp(-np.clip(around_it, -_STEEPEST, _STEEPEST))), 0.0)
    found = sure.max(axis=(1, 2)) >= _HEAT_SURE
    total = sure.sum(axis=(1, 2))[found]
    moved = places.copy()
    moved[at[found], 0] = (sure.sum(axis=1) * x).sum(axis=1)[found] / columns / total
    moved[at[found], 1] = (sure.sum(axis=2) * y).sum(axis=1)[found] / rows / total
    return moved
