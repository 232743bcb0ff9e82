"""Where observed pictures are kept until they become a Track's values."""

from typing import Protocol

import numpy as np

from service.media.resizing import Picture
from service.observe.request import PictureRequest


class Keeper(Protocol):
    """Keeps pictures of one shape, in order; one that shows nothing (None) keeps its place."""

    def add(self, picture: Picture | None) -> None:
        """One more."""

    def values(self) -> Picture:
        """All, T × H × W × C; without any of them (0 × H × W × C) where they lie in shared memory instead."""


class KeptHere:
    """Pictures in this process's own memory."""

    def __init__(self, request: PictureRequest) -> None:
        self._nothing = np.zeros(request.shape, request.dtype)
        self._pictures: list[Picture] = []

    def add(self, picture: Picture | None) -> None:
        self._pictures.append(self._nothing if picture is None else picture)

    def values(self) -> Picture:
        return np.stack(self._pictures) if self._pictures else self._nothing[None][:0]
