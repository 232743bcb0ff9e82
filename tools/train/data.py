"""Real landmarks: recordings and photographs of people as clips in one common space.

What the sources did to their landmarks, and why some are flipped, is told in the data's own README.
"""

from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from service.track import MediaInfo, Track

LETTER_LABELS = tuple("ABCDEFGHIJKLMNOPQRSTUVWXYZ")
DIGIT_LABELS = tuple("0123456789")
FRAME_S = 1 / 15
PICTURE = MediaInfo("video", "landmarks", 640, 480, None, None)
Kind = Literal["held", "stroke", "other"]
_KINDS: tuple[Kind, ...] = ("held", "stroke", "other")
_UNKNOWN_ASPECT = 4 / 3
_LEAST_HAND = 0.02


@dataclass(frozen=True, slots=True)
class Clip:
    """Consecutive frames of one hand that shows `label`; a photograph is a clip of one frame.

    points: T × 21 × 3, in the look of a right hand in an unmirrored picture; x right, y down, z away from the camera,
    one unit for all axes; z is 0 where the source has none. placed: whether the way over time is kept.
    """

    label: str
    person: str
    source: str
    kind: Kind
    points: NDArray[np.float64]
    has_depth: bool
    placed: bool


def letter_clips(folder: Path) -> list[Clip]:
    """All clips of letters.npz, and the photographed letters."""
    with np.load(folder / "letters.npz", allow_pickle=False) as stored:
        data = {name: stored[name] for name in stored.files}
    clips = []
    for index, (start, stop) in enumerate(pairwise(data["offsets"])):
        points = data["x"][start:stop].astype(np.float64)
        aspect = float(np.nan_to_num(data["aspect"][index], nan=_UNKNOWN_ASPECT))
        mirror = -1.0 if data["flip"][index] == 1 else 1.0
        has_depth = not np.isnan(points[..., 2]).any()
        points = np.nan_to_num(points * np.array([aspect * mirror, 1.0, aspect]))
        person = str(data["persons"][data["person"][index]])
        clips.append(
            Clip(
                label=str(data["labels"][data["label"][index]]),
                person=person,
                source=person,
                kind=_KINDS[data["kind"][index]],
                points=points,
                has_depth=has_depth,
                placed=int(data["space"][index]) == 0,
            )
        )
    return clips + [clip for clip in _photographs(folder) if clip.label in LETTER_LABELS]


def digit_clips(folder: Path) -> list[Clip]:
    """The photographed digits."""
    return [clip for clip in _photographs(folder) if clip.label in DIGIT_LABELS]


def _photographs(folder: Path) -> list[Clip]:
    with np.load(folder / "pictures.npz", allow_pickle=False) as stored:
        data = {name: stored[name] for name in stored.files}
    clips = []
    for row, points in enumerate(data["x"].astype(np.float64)):
        mirror = -1.0 if data["handedness"][row] == "Right" and data["score"][row] > 0.9 else 1.0
        clips.append(
            Clip(
                label=str(data["labels"][data["label"][row]]),
                person=str(data["persons"][data["person"][row]]),
                source=str(data["sources"][data["source"][row]]),
                kind="held",
                points=points[None] * np.array([mirror, 1.0, 1.0]),
                has_depth=True,
                placed=False,
            )
        )
    return clips


def other_hands(folder: Path) -> NDArray[np.float64]:
    """N × 21 × 2 hands of words.npz, one a clip, from frames with exactly one hand: people who sign, but no letter.

    Some words pass through shapes that are letters, so this is no clean set of "nothing".
    """
    with np.load(folder / "words.npz", allow_pickle=False) as stored:
        hands, offsets = stored["hands"], stored["offsets"]
    chosen = []
    for start, stop in pairwise(offsets):
        seen = ~np.isnan(hands[start:stop, :, 0, 0])
        single = np.flatnonzero(seen.sum(axis=1) == 1)
        if len(single):
            frame = int(single[len(single) // 2])
            chosen.append(hands[start + frame, int(np.argmax(seen[frame])), :, :2].astype(np.float64))
    return np.stack(chosen)


def track_of(points: NDArray[np.float64], times_s: NDArray[np.float64] | None = None) -> Track:
    """T × 21 × ≥2 points (one unit for both axes, y down) as the Track that the service would have observed.

    Place and size in the picture are ours; nothing a model may look at depends on them.
    """
    count = len(points)
    flat = points.reshape(-1, points.shape[-1])[:, :2]
    low, high = flat.min(axis=0), flat.max(axis=0)
    size = max(float((high - low).max()), _LEAST_HAND)
    placed = (points[..., :2] - (low + high) / 2) / size * 0.6 + np.array([0.5 * PICTURE.aspect, 0.5])
    values = np.zeros((count, 21, 4), np.float32)
    values[..., 0] = placed[..., 0] / PICTURE.aspect
    values[..., 1] = placed[..., 1]
    return Track(
        times_s=np.arange(count, dtype=np.float64) * FRAME_S if times_s is None else times_s,
        values=values,
        present=np.ones(count, dtype=bool),
        media=PICTURE,
        parts=("hand",),
        handedness=np.ones(count, np.float32),
    )
