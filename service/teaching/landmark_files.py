"""Files of landmarks that somebody has already: what `features` writes, and frames packed clip after clip."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from zipfile import BadZipFile

import numpy as np
import numpy.typing as npt

from service.features.points import point_names
from service.teaching.examples import NOTHING, PARTS, POINTS, Example, ExampleError, make_example, track_of
from service.track import PART_POINTS, FloatArray, Track

IDLE: Final = frozenset({"idle", "nothing", "none", "blank", "no action"})
"""Labels that mean that nothing is signed."""

USUAL_FPS: Final = 15.0
USUAL_ASPECT: Final = 4 / 3
NO_HAND: Final = "no hand was found in any of its frames."
_HEIGHT: Final = 480

Arrays = Mapping[str, npt.NDArray[Any]]


@dataclass(frozen=True, slots=True)
class LandmarkFile:
    """What a file holds, and what was left out of it: name → why."""

    examples: tuple[Example, ...]
    left_out: dict[str, str]


@dataclass(frozen=True, slots=True)
class _Clip:
    """One clip as the file has it, yet to be checked."""

    name: str
    label: str
    teacher: str
    track: Track


def read_landmarks(path: Path, fps: float | None = None) -> LandmarkFile:
    """The examples in a .npz file. ExampleError where it holds none that can be read; OSError.

    Either as `features --out FILE.npz` writes it, or `hands` (frames × 2 × 21 × 2..4, left then right), `pose`
    (frames × 33 × 2..4), `offsets`, `label` and `labels`, and perhaps `person` and `persons`, `fps`, `aspect`. fps:
    frames a second where the file does not say; USUAL_FPS where nobody does.
    """
    try:
        with path.open("rb") as opened, np.load(opened, allow_pickle=False) as file:
            arrays = {key: file[key] for key in file.files}
    except (ValueError, BadZipFile, EOFError) as error:
        raise ExampleError(f"{path} is no .npz file of plain arrays: {error}") from None
    try:
        if "starts" in arrays:
            return _checked(_features_of(arrays))
        if {"hands", "pose", "offsets", "label", "labels"} <= set(arrays):
            return _checked(_packed(arrays, fps))
    except (KeyError, IndexError, TypeError) as error:
        raise ExampleError(f"{path} does not hold what it should: {error}") from None
    raise ExampleError(
        f"{path} holds {', '.join(sorted(arrays))}: neither what `features` writes, nor hands, pose, offsets, label "
        "and labels."
    )


def _checked(clips: Iterator[_Clip]) -> LandmarkFile:
    examples, left_out = [], {}
    for clip in clips:
        try:
            label = _label(clip.label)
            if label != NOTHING and not clip.track.present.any():
                left_out[clip.name] = NO_HAND
                continue
            examples.append(make_example(label, clip.track, teacher=clip.teacher, origin=clip.name))
        except ExampleError as error:
            left_out[clip.name] = str(error)
    return LandmarkFile(tuple(examples), left_out)


def _features_of(arrays: Arrays) -> Iterator[_Clip]:
    points = [str(point) for point in arrays["points"]]
    columns = _columns(points)
    for place, label in enumerate(arrays["labels"]):
        part = slice(int(arrays["starts"][place]), int(arrays["starts"][place + 1]))
        values = np.full((part.stop - part.start, POINTS, 4), np.nan, np.float32)
        values[:, columns >= 0] = arrays["values"][part][:, columns[columns >= 0]]
        track = track_of(values, arrays["times"][part], int(arrays["widths"][place]), int(arrays["heights"][place]))
        teachers = arrays.get("teachers")
        teacher = "" if teachers is None else str(teachers[place])
        yield _Clip(str(arrays["files"][place]), str(label), teacher, track)


def _columns(points: list[str]) -> npt.NDArray[np.intp]:
    """For each of POINTS where it stands among the file's points; −1 where it does not."""
    place = {name: column for column, name in enumerate(points)}
    return np.array([place.get(name, -1) for name in point_names(PARTS)], np.intp)


def _packed(arrays: Arrays, fps: float | None) -> Iterator[_Clip]:
    hands, pose, offsets = arrays["hands"], arrays["pose"], arrays["offsets"]
    for place, label in enumerate(arrays["label"]):
        part = slice(int(offsets[place]), int(offsets[place + 1]))
        frames = part.stop - part.start
        rate = _known(arrays.get("fps"), place) or fps or USUAL_FPS
        aspect = _known(arrays.get("aspect"), place) or USUAL_ASPECT
        values = np.full((frames, POINTS, 4), np.nan, np.float32)
        one = PART_POINTS["left_hand"]
        _fill(values[:, :one], hands[part, 0])
        _fill(values[:, one : 2 * one], hands[part, 1])
        _fill(values[:, 2 * one :], pose[part])
        track = track_of(values, np.arange(frames) / rate, round(_HEIGHT * aspect), _HEIGHT)
        teacher = str(arrays["persons"][arrays["person"][place]]) if "person" in arrays else ""
        yield _Clip(f"clip {place}", str(arrays["labels"][label]), teacher, track)


def _label(label: str) -> str:
    return NOTHING if label.strip().casefold() in IDLE else label


def _fill(target: FloatArray, points: npt.NDArray[Any]) -> None:
    axes = points.shape[-1]
    target[..., :axes] = points
    if axes < target.shape[-1]:
        seen = ~np.isnan(target[..., 0])
        target[..., axes:] = np.where(seen[..., None], np.float32(0), np.float32(np.nan))


def _known(values: npt.NDArray[Any] | None, place: int) -> float | None:
    if values is None:
        return None
    value = float(values if values.ndim == 0 else values[place])
    return value if np.isfinite(value) and value > 0 else None
