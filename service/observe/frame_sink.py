"""Where observed pictures are kept until they become a Track's values."""

from typing import Protocol

import numpy as np

from service.media.resizing import Picture
from service.observe.request import PixelRequest


class FrameSink(Protocol):
    """Takes pictures of one shape, in order; one that shows nothing (None) keeps its place.

    Of several pictures an observation, those that are there come first; the places of the others stay 0.
    """

    def add(self, picture: Picture | None) -> None:
        """One more."""

    def values(self) -> Picture:
        """All, T × … × H × W × C; without any of them (T = 0) where they lie in shared memory instead."""


class LocalFrameSink:
    """Pictures in this process's own memory."""

    def __init__(self, request: PixelRequest) -> None:
        self._nothing = np.zeros(request.shape, request.dtype)
        self._pictures: list[Picture] = []

    def add(self, picture: Picture | None) -> None:
        if picture is not None and len(picture) < len(self._nothing):
            picture = np.concatenate([picture, self._nothing[len(picture) :]])
        self._pictures.append(self._nothing if picture is None else picture)

    def values(self) -> Picture:
        return np.stack(self._pictures) if self._pictures else self._nothing[None][:0]
