"""What stands where a landmark was not seen."""

from typing import Literal

import numpy as np

from service.track import Landmarks, TimeArray

Missing = Literal["zero", "hold", "interpolate", "drop"]


def fill_missing(landmarks: Landmarks, times_s: TimeArray, policy: Missing) -> Landmarks:
    """Fill the NaN of T × P × 4 landmarks of one part, as far as the policy can.

    hold: the last seen value; interpolate: linear in time between the neighbors, the nearest beyond them.
    What stays NaN (nothing was seen before, or the policy is zero or drop) becomes 0 after all arithmetic.
    """
    if policy in ("zero", "drop"):
        return landmarks
    seen = np.flatnonzero(~np.isnan(landmarks[:, 0, 0]))
    if len(seen) == 0 or len(seen) == len(landmarks):
        return landmarks
    if policy == "hold":
        last = np.searchsorted(seen, np.arange(len(landmarks)), side="right") - 1
        held = landmarks[seen[np.maximum(last, 0)]].copy()
        held[last < 0] = np.nan
        return held
    flat = landmarks.reshape(len(landmarks), -1)
    columns = [np.interp(times_s, times_s[seen], flat[seen, k]) for k in range(flat.shape[1])]
    return np.stack(columns, axis=1).astype(np.float32).reshape(landmarks.shape)
