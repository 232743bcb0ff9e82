"""Features of one or many media in one file: NumPy's .npz, or CSV. docs/command-line.md describes the layout."""

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from service.export.table import cell
from service.features.gathering import Features
from service.pipelines.series import Statistic, statistics_of

STATISTICS: Final[tuple[Statistic, ...]] = ("mean", "std", "max", "min")
_NOTHING: Final[Mapping[str, npt.NDArray[np.generic]]] = {}
AXES: Final = ("x", "y", "z", "visibility")


@dataclass(frozen=True, slots=True)
class Gathered:
    """One medium's features. file: its path; label: the folder in which it lies, empty where it was named itself."""

    file: str
    label: str
    features: Features


def features_to_npz(
    gathered: Sequence[Gathered], looked_by: str, more: Mapping[str, npt.NDArray[np.generic]] = _NOTHING
) -> bytes:
    """All media of at least one, one after the other, as a compressed .npz of plain arrays.

    looked_by: the model whose pipeline looked, as name:version, or `pipeline:` and the pipeline's name. more: what else
    is known of each medium.
    """
    tracks = [one.features.track for one in gathered]
    first = gathered[0].features
    arrays: dict[str, npt.NDArray[np.generic]] = {
        "model": np.array(looked_by),
        "files": np.array([one.file for one in gathered]),
        "labels": np.array([one.label for one in gathered]),
        "starts": np.cumsum([0, *(len(track) for track in tracks)], dtype=np.int64),
        "widths": np.array([track.media.width for track in tracks], np.int64),
        "heights": np.array([track.media.height for track in tracks], np.int64),
        "durations": np.array([_or_nan(track.media.duration) for track in tracks]),
        "frame_rates": np.array([_or_nan(track.media.frame_rate) for track in tracks]),
        "times": np.concatenate([track.times_s for track in tracks]),
        "present": np.concatenate([track.present for track in tracks]),
        "values": np.concatenate([track.values for track in tracks]),
    }
    sides = [track.handedness for track in tracks if track.handedness is not None]
    if len(sides) == len(tracks):
        arrays["handedness"] = np.concatenate(sides)
    if first.points:
        arrays["points"], arrays["axes"] = np.array(first.points), np.array(AXES)
    if first.channels:
        arrays |= _numbers(gathered, first)
    arrays |= more
    out = io.BytesIO()
    np.savez_compressed(out, allow_pickle=False, **arrays)
    return out.getvalue()


def features_to_csv(gathered: Sequence[Gathered]) -> str:
    """A row for each observation, named columns; empty where nothing was seen. ValueError for pictures."""
    first = gathered[0].features
    columns = _columns(first)
    has_side = first.track.handedness is not None
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    writer.writerow(["file", "label", "time", "present", *(["handedness"] if has_side else []), *map(cell, columns)])
    for one in gathered:
        writer.writerows(_rows(one, has_side=has_side))
    return out.getvalue()


def _numbers(gathered: Sequence[Gathered], first: Features) -> dict[str, npt.NDArray[np.generic]]:
    """Names of the channels, faces' boxes, and each medium's statistics over what was seen."""
    arrays: dict[str, npt.NDArray[np.generic]] = {
        "channels": np.array(first.channels),
        "statistics": np.array([_statistics(one.features, np.asarray(one.features.track.values)) for one in gathered]),
        "statistics_names": np.array(STATISTICS),
    }
    boxes = [one.features.track.boxes for one in gathered]
    if all(box is not None for box in boxes):
        arrays["boxes"] = np.concatenate([box for box in boxes if box is not None])
    reported = [one.features.reported for one in gathered]
    if first.reported is not None:
        arrays["reported"] = np.concatenate([values for values in reported if values is not None])
        arrays["reported_statistics"] = np.array(
            [_statistics(one.features, one.features.reported) for one in gathered if one.features.reported is not None]
        )
    return arrays


def _statistics(features: Features, values: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """4 × C over the observations that show something, NaN where none does; as a head with `statistics` takes them."""
    present = features.track.present
    if not present.any():
        return np.full((len(STATISTICS), values.shape[1]), np.nan, np.float32)
    return statistics_of(values[present], STATISTICS).reshape(len(STATISTICS), -1)


def _columns(features: Features) -> list[str]:
    if features.points:
        return [f"{point}_{axis}" for point in features.points for axis in AXES]
    if not features.channels:
        raise ValueError("pictures have no columns")
    return [*features.channels, *(f"{name}_reported" for name in features.channels if features.reported is not None)]


def _rows(one: Gathered, *, has_side: bool) -> Iterator[list[str]]:
    track = one.features.track
    values = np.asarray(track.values, np.float32).reshape(len(track), -1)
    if one.features.channels:
        values = np.where(track.present[:, None], values, np.float32(np.nan))
    if one.features.reported is not None:
        values = np.concatenate([values, one.features.reported], axis=1)
    sides = track.handedness
    for place in range(len(track)):
        side = [] if not has_side or sides is None else [str(sides[place])]
        head = [cell(one.file), cell(one.label), f"{track.times_s[place]:.6f}", str(int(track.present[place]))]
        yield [*head, *side, *("" if np.isnan(value) else str(value) for value in values[place])]


def _or_nan(value: float | None) -> float:
    return float("nan") if value is None else value
