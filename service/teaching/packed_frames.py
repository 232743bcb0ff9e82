"""Landmarks packed clip after clip, as collections keep them: which arrays there are, and what they mean."""

from collections.abc import Iterator, Mapping
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt

from service.teaching.examples import POINTS, track_of
from service.track import PART_POINTS, FloatArray, Track

USUAL_FPS: Final = 15.0
USUAL_ASPECT: Final = 4 / 3
_HEIGHT: Final = 480
_HAND: Final = PART_POINTS["left_hand"]
_LEFT, _RIGHT, _BODY = slice(0, _HAND), slice(_HAND, 2 * _HAND), slice(2 * _HAND, POINTS)

Arrays = Mapping[str, npt.NDArray[Any]]


class PackedClip(NamedTuple):
    """One clip of a file: its name there, what it shows, who shows it ("" where nobody says), and its landmarks."""

    name: str
    label: str
    teacher: str
    track: Track


def is_packed(arrays: Arrays) -> bool:
    """Whether these are clips of frames with landmarks of hands."""
    return {"offsets", "label"} <= set(arrays) and bool({"hands", "x"} & set(arrays))


def packed_clips(arrays: Arrays, fps: float | None) -> Iterator[PackedClip]:
    """The clips of a file. ValueError, IndexError where its arrays contradict each other.

    hands: frames × 2 × 21 × 2..4, the person's left one first, or frames × 21 × 2..4 of one hand, which is also called
    x; `flip` 1 says that this one is a left hand. pose: frames × 33 × 2..4; left out where no body was looked for.
    offsets: where each clip begins, and where the last one ends. label: what each shows, as text, or as an index of
    `labels`; person: who shows it, likewise, of `persons`. fps and aspect (width over height): one for all, or one a
    clip. What is missing is NaN, or all zeros.
    """
    hands = _two_hands(arrays)
    pose = arrays.get("pose")
    if pose is not None and (pose.ndim != 3 or pose.shape[:2] != (len(hands), PART_POINTS["pose"])):
        raise ValueError(f"pose is {_shape(pose)}; {len(hands)} × {PART_POINTS['pose']} × 2..4 are needed")
    offsets = arrays["offsets"]
    labels, persons = _texts(arrays, "label", "labels"), _texts(arrays, "person", "persons")
    if offsets.ndim != 1 or len(offsets) != len(labels) + 1:
        raise ValueError(f"offsets is {_shape(offsets)}; {len(labels)} clips need {len(labels) + 1}")
    if np.any(np.diff(offsets) < 0) or offsets[0] < 0 or offsets[-1] > len(hands):
        raise ValueError(f"offsets do not rise from 0 to at most {len(hands)}, the number of frames")
    for place, label in enumerate(labels):
        part = slice(int(offsets[place]), int(offsets[place + 1]))
        values = np.full((part.stop - part.start, POINTS, 4), np.nan, np.float32)
        _fill(values[:, _LEFT], hands[part, 0])
        _fill(values[:, _RIGHT], hands[part, 1])
        if pose is not None:
            _fill(values[:, _BODY], pose[part])
        rate = _known(arrays.get("fps"), place) or fps or USUAL_FPS
        aspect = _known(arrays.get("aspect"), place) or USUAL_ASPECT
        track = track_of(values, np.arange(len(values)) / rate, round(_HEIGHT * aspect), _HEIGHT)
        yield PackedClip(f"clip {place}", label, persons[place] if persons else "", track)


def _two_hands(arrays: Arrays) -> npt.NDArray[Any]:
    """Frames × 2 × 21 × 2..4, the person's left one first."""
    hands = arrays["hands"] if "hands" in arrays else arrays["x"]
    if hands.ndim == 4 and hands.shape[1:3] == (2, _HAND) and hands.shape[-1] >= 2:
        return hands
    if hands.ndim != 3 or hands.shape[1] != _HAND or hands.shape[-1] < 2:
        raise ValueError(
            f"hands are {_shape(hands)}; frames × 2 × {_HAND} × 2..4 are needed, or frames × {_HAND} × 2..4"
        )
    both = np.full((len(hands), 2, *hands.shape[1:]), np.nan, np.float32)
    both[:, 1] = hands
    flip, offsets = arrays.get("flip"), arrays["offsets"]
    if flip is not None:
        for place in np.flatnonzero(flip[: len(offsets) - 1] == 1):
            part = slice(int(offsets[place]), int(offsets[place + 1]))
            both[part] = both[part, ::-1]
    return both


def _texts(arrays: Arrays, name: str, names: str) -> list[str]:
    """A text for each clip, whether it is there as text or as an index of other texts; none where it is not there."""
    if name not in arrays:
        return []
    values = arrays[name]
    if values.ndim != 1:
        raise ValueError(f"{name} is {_shape(values)}; one for each clip is needed")
    if values.dtype.kind not in "iu":
        return [str(value) for value in values]
    known = arrays[names]
    if len(values) and not (values.min() >= 0 and values.max() < len(known)):
        raise ValueError(f"{name} goes from {values.min()} to {values.max()}, and {names} has {len(known)}")
    return [str(known[value]) for value in values]


def _fill(target: FloatArray, points: npt.NDArray[Any]) -> None:
    """T × P × 4 from T × P × 2..4: NaN where no point is, or where all that is there is zeros."""
    axes = min(points.shape[-1], target.shape[-1])
    given = points[..., :axes].astype(np.float32)
    there = np.isfinite(given[..., :2]).all(axis=-1) & np.any(given != 0, axis=(1, 2))[:, None]
    target[..., :axes] = np.where(there[..., None], given, np.float32(np.nan))
    target[..., axes:] = np.where(there[..., None], np.float32(0), np.float32(np.nan))


def _known(values: npt.NDArray[Any] | None, place: int) -> float | None:
    if values is None:
        return None
    value = float(values if values.ndim == 0 else values[place])
    return value if np.isfinite(value) and value > 0 else None


def _shape(values: npt.NDArray[Any]) -> str:
    return " × ".join(map(str, values.shape)) or "one number"
