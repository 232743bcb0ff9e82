"""Windows: a take cut as the service cuts a clip, and the one of its windows that answers."""

from collections.abc import Sequence
from typing import Final

import numpy as np

from service.pipelines.keypoints import tensor
from service.pipelines.windows import windows_over
from service.teaching.augmentation import Take
from service.teaching.body import STEPS, body_features, landmark_section, points_of
from service.track import FloatArray, Track

LEAST_WINDOW_S, MOST_WINDOW_S = 0.8, 4.0
STRIDES_A_WINDOW: Final = 8
_HOLDS: Final = 0.9
_ROOM: Final = 1.1


def window_of(takes: Sequence[Take]) -> float:
    """Seconds of a window that holds nearly every take's sign, and a little more."""
    lasts = [take.active[1] - take.active[0] for take in takes]
    return round(float(np.clip(_ROOM * np.quantile(lasts, _HOLDS), LEAST_WINDOW_S, MOST_WINDOW_S)), 2)


def stride_of(window_s: float) -> float:
    """Seconds from one window to the next."""
    return round(window_s / STRIDES_A_WINDOW, 3)


def window_features(track: Track, window_s: float, *, has_body: bool = True) -> FloatArray:
    """W × STEPS × WIDTH: what the network is given for each window in which a hand is seen."""
    section = landmark_section(has_body=has_body)
    windows = windows_over(float(track.times_s[0]), track.end_s, window_s, stride_of(window_s))
    rows = [tensor(track, window, section).values for window in windows]
    return body_features(points_of(np.concatenate([*rows, np.zeros((0, STEPS, section.width), np.float32)])))


def surest_window(probabilities: FloatArray) -> FloatArray:
    """Of W × (signs and unknown) the row that is surest of a sign: the one that /predict answers with."""
    return np.asarray(probabilities[int(probabilities[:, :-1].max(axis=1).argmax())])
