"""A hand over time as the numbers that the spelling network sees, by the service's own code."""

import numpy as np
from numpy.typing import NDArray

from service.pipelines.derive import rows_of
from service.track import Track
from tools.train.data import PICTURE, track_of
from tools.train.features import SECTIONS
from tools.train.hand import Array


def rows_of_points(points: Array) -> NDArray[np.float32]:
    """T × width rows of the manifest's pipeline, and whether a hand is seen; points are NaN where none is."""
    seen = np.isfinite(points[:, 0, 0])
    section = SECTIONS["letters"]
    width = section.width
    rows = np.zeros((len(points), width + 1), np.float32)
    if seen.any():
        track: Track = track_of(points[seen])
        rows[seen, :width] = rows_of([np.asarray(track.values, np.float32)], section.layout, section.derive, PICTURE)
        rows[seen, width] = 1.0
    return rows
