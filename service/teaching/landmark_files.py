"""Files of landmarks that somebody has already: what `features` writes, and frames packed clip after clip."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from zipfile import BadZipFile

import numpy as np
import numpy.typing as npt

from service.features.points import point_names
from service.teaching.examples import NOTHING, PARTS, POINTS, Example, ExampleError, make_example, track_of
from service.teaching.packed_frames import Arrays, is_packed, packed_clips
from service.track import Track

IDLE: Final = frozenset({"idle", "nothing", "none", "blank", "no action"})
"""Labels that mean that nothing is signed."""

NO_HAND: Final = "no hand was found in any of its frames."


@dataclass(frozen=True, slots=True)
class LandmarkFile:
    """What a file holds, and what was left out of it: name → why."""

    examples: tuple[Example, ...]
    left_out: dict[str, str]


@dataclass(frozen=True, slots=True)
class _Clip:
    """One clip as the file has it, yet to be checked; in the order of `PackedClip`."""

    name: str
    label: str
    teacher: str
    track: Track


def read_landmarks(path: Path, fps: float | None = None) -> LandmarkFile:
    """The examples in a .npz file. ExampleError where it holds none that can be read; OSError.

    Either as `features --out FILE.npz` writes it, or frames packed clip after clip (`packed_frames.py`). fps: frames a
    second where the file does not say; USUAL_FPS where nobody does.
    """
    try:
        with path.open("rb") as opened, np.load(opened, allow_pickle=False) as file:
            arrays = {key: file[key] for key in file.files}
    except (ValueError, BadZipFile, EOFError) as error:
        raise ExampleError(f"{path} is no .npz file of plain arrays: {error}") from None
    try:
        if "starts" in arrays:
            return _checked(_features_of(arrays))
        if is_packed(arrays):
            return _checked(_Clip(*clip) for clip in packed_clips(arrays, fps))
    except (KeyError, IndexError, TypeError, ValueError) as error:
        raise ExampleError(f"{path} does not hold what it should: {error}") from None
    raise ExampleError(
        f"{path} holds {', '.join(sorted(arrays))}: neither what `features` writes, nor hands (or x, of one hand), "
        "offsets and label."
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


def _label(label: str) -> str:
    return NOTHING if label.strip().casefold() in IDLE else label
