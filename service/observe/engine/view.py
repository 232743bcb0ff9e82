"""What a hand's region looked like when the network last looked at it, so that a hand that holds still costs little."""

from dataclasses import dataclass

import cv2
import numpy as np

from service.media.upright import Pixels
from service.observe.engine.region import Array, Region

_SIDE = 24
_FINE = 4
"""Pixels of the crop along each of the view's: their mean takes most of a camera's noise out."""

_LEAST_CONTRAST = 2.0
"""Grey levels: a region that is flatter than this says nothing about the hand in it."""

_UNCHANGED = 0.12
"""Most that the view's pixels may differ in the mean, of its contrast.

Measured on clips with a camera's noise put on them (standard deviation 3): below it a second look moves the points by
1.4 % of the hand in the median, as much as on two frames of a hand that is held.
"""


@dataclass(frozen=True, slots=True)
class View:
    """region: where it is in the picture; grey: 24 × 24, in grey levels."""

    region: Region
    grey: Array

    @classmethod
    def of(cls, region: Region, rgb: Pixels) -> "View":
        crop = cv2.cvtColor(region.crop_quickly(rgb, _SIDE * _FINE, "edge"), cv2.COLOR_RGB2GRAY)
        small = cv2.resize(crop, (_SIDE, _SIDE), interpolation=cv2.INTER_AREA)
        return cls(region, np.asarray(small, np.float32))

    def unchanged(self, rgb: Pixels) -> bool:
        """Whether the same region of another frame looks the same."""
        contrast = float(self.grey.std())
        if contrast < _LEAST_CONTRAST:
            return False
        return float(np.abs(View.of(self.region, rgb).grey - self.grey).mean()) < _UNCHANGED * contrast
