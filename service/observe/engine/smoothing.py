"""MediaPipe's filters of points and of visibility over time."""

import math
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]

FRAME_S = 0.033333
"""MediaPipe's solutions take every frame for so long, whatever the video says."""


class OneEuroFilter:
    """The 1 € filter (Casiez, Roussel and Vogel, CHI 2012): the faster a point moves, the less it is smoothed.

    Speeds are in sizes of the body a second.
    """

    def __init__(self, slowest_hz: float, beta: float, speed_hz: float = 1.0) -> None:
        self._slowest_hz = slowest_hz
        self._beta = beta
        self._speed_share = _share(np.asarray(speed_hz))
        self._last: Array | None = None
        self._smooth: Array | None = None
        self._speed: Array | None = None

    def smooth(self, values: Array, size: float) -> Array:
        """The next frame's values, smoothed; size: the body's, in the values' unit."""
        if self._last is None or self._smooth is None or self._speed is None:
            self._last = self._smooth = values
            self._speed = np.zeros_like(values)
            return values
        speed = (values - self._last) / (size * FRAME_S)
        self._speed = self._speed_share * speed + (1 - self._speed_share) * self._speed
        share = _share(self._slowest_hz + self._beta * np.abs(self._speed))
        self._last = values
        self._smooth = share * values + (1 - share) * self._smooth
        return self._smooth

    def reset(self) -> None:
        self._last = self._smooth = self._speed = None


class LowPassFilter:
    """Each frame counts for a fixed share."""

    def __init__(self, share: float) -> None:
        self._share = share
        self._smooth: Array | None = None

    def smooth(self, values: Array) -> Array:
        """The next frame's values, smoothed."""
        before = self._smooth
        self._smooth = values if before is None else self._share * values + (1 - self._share) * before
        return self._smooth

    def reset(self) -> None:
        self._smooth = None


def _share(cutoff_hz: Array) -> Array:
    """How much a frame counts where what is slower than the cutoff passes."""
    return np.asarray(1 / (1 + 1 / (2 * math.pi * FRAME_S * cutoff_hz)))
