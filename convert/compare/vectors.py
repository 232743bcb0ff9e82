"""Feature vectors beside each other: ours by a section, yours by rows, value by value."""

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from convert.compare.observed import Observed
from convert.errors import MismatchError
from service.pipelines.keypoints import KeypointsSection, tensor
from service.pipelines.layouts import LAYOUTS
from service.track import HAND_PARTS, PART_POINTS, TimeArray, Track, Window

Doubles = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Vectors:
    """N × the input's shape; times_s: one for each row, or the first of a sequence."""

    values: Doubles
    times_s: TimeArray


@dataclass(frozen=True, slots=True)
class Difference:
    """Where two values stand: the row, the value's place in it by its name, and both values."""

    row: int
    place: int
    name: str
    time_s: float
    yours: float
    ours: float


@dataclass(frozen=True, slots=True)
class Other:
    """How far yours are from another layout of the same landmarks."""

    layout: str
    mirrored: bool
    largest: float


def make_vectors(track: Track, section: KeypointsSection) -> Vectors:
    """What the model is given for the clip as one window. MismatchError where nothing was seen in it."""
    rows = tensor(track, Window(0.0, float(track.times_s[-1]) + 1.0), section)
    if not len(rows):
        raise MismatchError("Our pipeline sees no hand in the clip.", "Take a clip that shows the sign.")
    return Vectors(rows.values.astype(np.float64), rows.times_s)


def pair_rows(yours: Doubles, ours: Vectors, section: KeypointsSection, track: Track) -> tuple[Doubles, list[str]]:
    """Yours in our shape, one for each of our rows, and sentences on how they were paired. MismatchError."""
    notes: list[str] = []
    shaped, note = _shape(yours, section)
    notes += note
    count, wanted = len(shaped), len(ours.values)
    if count == wanted:
        return shaped, notes
    media = track.media
    frames = round(media.duration * media.frame_rate) if media.duration and media.frame_rate else 0
    if section.length is None and frames and abs(count - frames) <= 1:
        places = np.minimum(np.floor(ours.times_s * (media.frame_rate or 0) + 1e-3).astype(int), count - 1)
        return shaped[places], [*notes, f"You have a row for each of {count} frames; ours were paired by their time."]
    times = ", ".join(f"{time_s:.3f}" for time_s in ours.times_s[:8])
    raise MismatchError(
        f"You have {count} rows, our pipeline makes {wanted} of the clip"
        + (f" and the clip has {frames} frames" if frames else "")
        + f"; which are of one frame is not known. Ours are at {times} … s.",
        "Write a row for each frame of the clip (zeros without a hand), or for just those times.",
    )


def _shape(yours: Doubles, section: KeypointsSection) -> tuple[Doubles, list[str]]:
    shape = section.input_shape
    size = int(np.prod(shape))
    if yours.ndim == 2 and section.length is None and yours.shape[1] == size + 1 and _is_counting(yours[:, 0]):
        return yours[:, 1:].reshape(-1, *shape), ["The first column was taken for a class number and left out."]
    if yours.shape == shape or yours.size == size:
        return yours.reshape(1, *shape), []
    if yours.ndim > 1 and int(np.prod(yours.shape[1:])) == size:
        return yours.reshape(-1, *shape), []
    said = " × ".join(map(str, yours.shape))
    raise MismatchError(
        f"Your features are {said}; the model takes rows of {' × '.join(map(str, shape))}.",
        "The widths differ, so the layout does: `python -m convert list` names those of your width.",
    )


def _is_counting(column: Doubles) -> bool:
    return bool((column == np.floor(column)).all() and (column >= 0).all())


def first_difference(
    yours: Doubles, ours: Vectors, tolerance: float, names: tuple[str, ...]
) -> tuple[Difference | None, float, int]:
    """(the first value that differs by more, the largest difference, how many values differ)."""
    flat_yours, flat_ours = yours.reshape(len(yours), -1), ours.values.reshape(len(ours.values), -1)
    apart = np.abs(flat_yours - flat_ours)
    wrong = np.argwhere(apart > tolerance)
    if not len(wrong):
        return None, float(apart.max()), 0
    row, place = map(int, wrong[0])
    step = f"step {place // len(names)}, " if flat_ours.shape[1] > len(names) else ""
    found = Difference(
        row,
        place,
        step + names[place % len(names)],
        float(ours.times_s[min(row, len(ours.times_s) - 1)]),
        float(flat_yours[row, place]),
        float(flat_ours[row, place]),
    )
    return found, float(apart.max()), len(wrong)


def name_values(section: KeypointsSection, points: tuple[str, ...]) -> tuple[str, ...]:
    """A name for each value of a row: the axis of a point, or the number of one that a step added."""
    starts, start = {}, 0
    for part in section.parts:
        starts[part] = start
        start += PART_POINTS[part]
    names = [
        f"{axis} of {points[starts[entry.part] + index]} (point {index})"
        for entry in section.layout
        for index in entry.indices
        for axis in entry.axes
    ]
    return (*names, *(f"added value {place}" for place in range(section.width - len(names))))


def try_others(yours: Doubles, observed: Observed, section: KeypointsSection) -> list[Other]:
    """All layouts of the same width on the same landmarks, as they are and mirrored, the nearest first."""
    found = []
    for name, layout in LAYOUTS.items():
        parts = {entry.part for entry in layout.parts}
        if layout.width != section.width or not parts <= set(section.parts):
            continue
        changes = {"layout": layout.parts, "derive": layout.derive, "form": "row"}
        for mirrored in (False, True):
            if (layout.parts, layout.derive, mirrored) == (section.layout, section.derive, section.selfie):
                continue
            flipped = observed.track if mirrored == section.selfie else _mirror(observed.track)
            made = make_vectors(flipped, section.model_copy(update=changes)).values.reshape(len(yours), -1)
            found.append(Other(name, mirrored, float(np.abs(made - yours.reshape(len(yours), -1)).max())))
    return sorted(found, key=lambda one: one.largest)


def _mirror(track: Track) -> Track:
    """The landmarks as they would be of the mirrored picture, to within what a detector sees otherwise."""
    if not set(track.parts) <= set(HAND_PARTS):
        return track
    values = np.asarray(track.values, np.float32).copy()
    values[..., 0] = 1 - values[..., 0]
    return replace(track, values=values)
