"""One hand: from a palm or from landmarks to the region that is looked at, and from there to landmarks."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from service.media.upright import Pixels
from service.observe.engine.detector import Detection
from service.observe.engine.networks import Network, network
from service.observe.engine.region import Cut, Points, Region, box_around, turn
from service.observe.landmarker import PartLandmarks

_POINTS = 21
_Z_SCALE = 0.4
_WRIST, _INDEX, _MIDDLE, _RING = 0, 5, 9, 13
_PALM = [0, 1, 2, 3, 5, 6, 9, 10, 13, 14, 17, 18]
"""The points that the next frame's region is made from: the palm's and the fingers' first joints."""


@dataclass(frozen=True, slots=True)
class HandSighting:
    """What the network says of a region. points: P × 2 in pixels; depth: P, in pixels.

    presence: 0 to 1, how sure a hand is there; left: how sure it is a left one, as in a selfie.
    """

    region: Region
    points: Points
    depth: Points
    presence: float
    left: float

    @property
    def next_region(self) -> Region:
        """Where the hand is looked for in the next frame."""
        return region_from_landmarks(self.points)

    @property
    def size(self) -> float:
        """The longer side of the box around the hand, in pixels."""
        return float(np.ptp(self.points, axis=0).max())

    def landmarks(self, width: int, height: int) -> PartLandmarks:
        """P × 4 in fractions of the picture; visibility 0, as MediaPipe gives it."""
        found = np.zeros((_POINTS, 4), np.float32)
        found[:, :2] = self.points / (width, height)
        found[:, 2] = self.depth / width
        return found


class HandReader:
    """The hand network."""

    def __init__(self, complexity: int, cut: Cut = Region.crop) -> None:
        self._network: Network = network("hand-lite" if complexity == 0 else "hand-full")
        self._cut = cut

    def read(self, rgb: Pixels, regions: Sequence[Region]) -> list[HandSighting]:
        """What is seen in each region, all in one run."""
        if not regions:
            return []
        side = self._network.side
        points, presence, left = self._network.run([self._cut(region, rgb, side, "edge") for region in regions])
        found = points.reshape(len(regions), _POINTS, 3) / side
        return [
            HandSighting(
                region,
                region.to_picture(found[row, :, :2]),
                found[row, :, 2] * (region.size / _Z_SCALE),
                float(presence[row, 0]),
                float(left[row, 0]),
            )
            for row, region in enumerate(regions)
        ]


def region_from_palm(palm: Detection) -> Region:
    """From the wrist past the middle finger's base, turned so that the fingers point up."""
    wrist, middle = palm.points[0].tolist(), palm.points[2].tolist()
    angle = turn(wrist, middle, 90.0)
    width, height = (palm.corners[1] - palm.corners[0]).tolist()
    x, y = palm.corners.mean(axis=0).tolist()
    up = 0.5 * height
    return Region(x + up * math.sin(angle), y - up * math.cos(angle), 2.6 * max(width, height), angle)


def region_from_landmarks(points: Points) -> Region:
    """Around the palm's points, turned so that the fingers point up."""
    fingers = ((points[_INDEX] + points[_RING]) / 2 + points[_MIDDLE]) / 2
    angle = turn(tuple(points[_WRIST].tolist()), tuple(fingers.tolist()), 90.0)
    center, width, height = box_around(points[_PALM], angle)
    x, y = center.tolist()
    up = 0.1 * height
    return Region(x + up * math.sin(angle), y - up * math.cos(angle), 2.0 * max(width, height), angle)
