"""One face: from a detection or from landmarks to the region that is looked at, and from there to the mesh."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from service.media.upright import Pixels
from service.observe.engine.networks import Network, network
from service.observe.engine.region import Points, Region, turn
from service.observe.landmarker import PartLandmarks

_POINTS = 468
_RIGHT_CORNER, _LEFT_CORNER = 33, 263
"""The outer corners of the person's own right and left eye."""


@dataclass(frozen=True, slots=True)
class FaceSighting:
    """What the network says of a region. points: P × 3 in pixels; presence: 0 to 1, how sure a face is there."""

    points: Points
    presence: float

    @property
    def next_region(self) -> Region:
        """Where the face is looked for in the next frame."""
        eyes = self.points[[_RIGHT_CORNER, _LEFT_CORNER], :2]
        return region_around(self.points[:, :2], eyes, 1.5)

    def landmarks(self, width: int, height: int) -> PartLandmarks:
        """P × 4 in fractions of the picture; visibility 0, as MediaPipe gives it."""
        found = np.zeros((_POINTS, 4), np.float32)
        found[:, :3] = self.points / (width, height, width)
        return found


class FaceReader:
    """The face mesh."""

    def __init__(self) -> None:
        self._network: Network = network("face-mesh")

    def read(self, rgb: Pixels, regions: Sequence[Region]) -> list[FaceSighting]:
        """What is seen in each region, all in one run."""
        if not regions:
            return []
        side = self._network.side
        points, presence = self._network.run([region.crop(rgb, side, "edge") for region in regions])
        found = points.reshape(len(regions), _POINTS, 3).astype(np.float64) / side
        sure = 1 / (1 + np.exp(-presence.reshape(len(regions))))
        return [
            FaceSighting(np.c_[region.to_picture(found[row, :, :2]), found[row, :, 2] * region.size], float(sure[row]))
            for row, region in enumerate(regions)
        ]


def region_around(points: Points, eyes: Points, scale: float, up: float = 0.0) -> Region:
    """A square around points as they lie in the picture, turned so that the eyes are level, and scaled.

    eyes: the person's own right one first. up: moved by this share of the points' height towards its own top.
    """
    least, most = points.min(axis=0), points.max(axis=0)
    x, y = ((least + most) / 2).tolist()
    width, height = (most - least).tolist()
    angle = turn(tuple(eyes[0].tolist()), tuple(eyes[1].tolist()), 0.0)
    move = up * height
    return Region(x + move * math.sin(angle), y - move * math.cos(angle), scale * max(width, height), angle)
