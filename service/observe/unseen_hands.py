"""UnseenHands: what may keep hands from being found, told where it was measured."""

import numpy as np

from service.media.upright import Pixels
from service.observe.landmarker import DetectedHand

DARK_LEVEL = 10.0
"""Mean level of a frame, of 255, below which photographs of hands lose theirs."""

SMALL_SHARE = 0.1
"""Longer side of a hand, of the picture's, below which photographs of hands lose theirs."""

TOO_DARK = f"Most frames without a hand are dark (mean level below {DARK_LEVEL:g} of 255): more light may help."
TOO_SMALL = f"Where a hand is seen it is small (under {SMALL_SHARE:.0%} of the picture's longer side): come nearer."
CUT_OFF = "Where a hand is seen it reaches beyond the picture's border: show all of it."

_EVERY_PIXEL = 8


class UnseenHands:
    """Notes each frame; `hints` says what stands out, where at least half of the frames show no hand."""

    def __init__(self) -> None:
        self._frames = 0
        self._levels: list[float] = []
        self._sizes: list[float] = []
        self._cut_off = 0

    def note(self, rgb: Pixels, hands: tuple[DetectedHand, ...]) -> None:
        """One more frame and the hands that were found in it."""
        self._frames += 1
        if not hands:
            self._levels.append(float(rgb[::_EVERY_PIXEL, ::_EVERY_PIXEL].mean()))
            return
        places = hands[0].landmarks[:, :2]
        height, width = rgb.shape[:2]
        self._sizes.append(float((np.ptp(places, axis=0) * (width, height)).max() / max(width, height)))
        self._cut_off += bool((places < 0).any() or (places > 1).any())

    @property
    def hints(self) -> tuple[str, ...]:
        """Sentences for the caller, the same ones for each part of a medium; none where hands are mostly seen."""
        if 2 * len(self._levels) < self._frames or not self._levels:
            return ()
        told = []
        if np.median(self._levels) < DARK_LEVEL:
            told.append(TOO_DARK)
        if self._sizes and np.median(self._sizes) < SMALL_SHARE:
            told.append(TOO_SMALL)
        if self._sizes and 2 * self._cut_off >= len(self._sizes):
            told.append(CUT_OFF)
        return tuple(told)
