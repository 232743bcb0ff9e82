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
# what a recording of a held hand adds beyond so many frames is the same again
_MOST_FRAMES = 30
_LEAST_SEEN = 6


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
    """All clips of letters.npz, the photographed letters, and the recorded ones of letters_free.npz."""
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
    photographed = [clip for clip in _photographs(folder) if clip.label in LETTER_LABELS]
    return clips + photographed + recorded_clips(folder / "letters_free.npz")


def recorded_clips(path: Path, each: int | None = None) -> list[Clip]:
    """The clips of a packed file without J and Z of one photograph; at most `each` a person and letter, spread evenly.

    One photograph that was read several times is a clip of one frame.
    """
    with np.load(path, allow_pickle=False) as stored:
        data = {name: stored[name] for name in stored.files if name != "pose"}
    clips = []
    for index in _chosen(data, each):
        frames = slice(*data["offsets"][index : index + 2])
        points = data["hands"][frames, data["slot"][index]].astype(np.float64)
        points = points[np.isfinite(points[:, 0, 0])]
        label, still = str(data["labels"][data["label"][index]]), bool(data["still"][index])
        if not len(points) or (still and label in "JZ"):
            continue
        if still:
            points = points[len(points) // 2 :][:1]
        elif len(points) > _MOST_FRAMES:
            points = points[np.linspace(0, len(points) - 1, _MOST_FRAMES).round().astype(int)]
        aspect, mirror = float(data["aspect"][index]), -1.0 if data["flip"][index] == 1 else 1.0
        person = str(data["persons"][data["person"][index]])
        clips.append(
            Clip(
                label=label,
                person=person,
                source=person,
                kind="stroke" if label in "JZ" else "held",
                points=points * np.array([aspect * mirror, 1.0, aspect]),
                has_depth=bool(np.any(points[..., 2])),
                placed=not still,
            )
        )
    return clips


def _chosen(data: dict[str, np.ndarray], each: int | None) -> list[int]:
    if each is None:
        return list(range(len(data["label"])))
    chosen: list[int] = []
    cells = data["person"].astype(int) * len(data["labels"]) + data["label"]
    for cell in np.unique(cells):
        mine = np.flatnonzero(cells == cell)
        chosen += mine[np.linspace(0, len(mine) - 1, min(each, len(mine))).round().astype(int)].tolist()
    return sorted(chosen)


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


def other_hands(folder: Path) -> tuple[NDArray[np.float64], NDArray[np.str_]]:
    """N × 21 × 2 hands of words.npz, one a clip, from frames with exactly one hand, and whose: people who sign words.

    Some words pass through shapes that are letters, so this is no clean set of "nothing".
    """
    with np.load(folder / "words.npz", allow_pickle=False) as stored:
        hands, offsets, persons = stored["hands"], stored["offsets"], stored["persons"][stored["person"]]
    chosen, whose = [], []
    for (start, stop), person in zip(pairwise(offsets), persons, strict=True):
        seen = ~np.isnan(hands[start:stop, :, 0, 0])
        single = np.flatnonzero(seen.sum(axis=1) == 1)
        if len(single):
            frame = int(single[len(single) // 2])
            chosen.append(hands[start + frame, int(np.argmax(seen[frame])), :, :2] * np.array([_UNKNOWN_ASPECT, 1.0]))
            whose.append(str(person))
    return np.stack(chosen), np.array(whose)


@dataclass(frozen=True, slots=True)
class Moving:
    """A hand of somebody who signs words or idles: T × 21 × 2 points as in `Clip`, the frames in which it is seen."""

    person: str
    label: str
    points: NDArray[np.float64]
    frames: NDArray[np.int64]


def word_hands(folder: Path, files: tuple[str, ...] = ("words.npz", "words_free.npz")) -> list[Moving]:
    """Both hands of every clip of words, where seen in at least _LEAST_SEEN frames; the left in the look of a right."""
    found = []
    for name in files:
        with np.load(folder / name, allow_pickle=False) as stored:
            data = {key: stored[key] for key in stored.files if key != "pose"}
        for index, (start, stop) in enumerate(pairwise(data["offsets"])):
            person, label = (str(data[f"{what}s"][data[what][index]]) for what in ("person", "label"))
            for slot, mirror in enumerate((-1.0, 1.0)):
                hand = data["hands"][start:stop, slot, :, :2].astype(np.float64)
                frames = np.flatnonzero(np.isfinite(hand[:, 0, 0]))
                if len(frames) >= _LEAST_SEEN:
                    points = hand[frames] * np.array([_UNKNOWN_ASPECT * mirror, 1.0])
                    found.append(Moving(person, label, points, frames))
    return found


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
