"""From sequences to the model's input, by the service's own pipeline, so that training and serving are the same."""

import json
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from service.pipelines.derive import rows_of
from service.pipelines.keypoints import KeypointsSection, tensor
from service.track import Track, Window

from .data import PICTURE, track_of
from .synthesis import NOTHING, Sequence

STEPS = 16
# where a row tells the wrist's way: of one frame there is none
PLACE = slice(42, 44)
_SAME = 1e-4
_TIPS_AND_JOINTS = [4, 3, 8, 12, 16, 20, 6, 10, 14, 18, 5, 9, 13, 17]
_PLACE = [{"step": "aspect"}, {"step": "trajectory"}]
_SHAPE = [{"step": "wrist_origin"}, {"step": "scale", "by": "max"}]
_DERIVE = {
    "letters": [*_PLACE, {"step": "distances", "points": _TIPS_AND_JOINTS}, *_SHAPE],
    "digits": [*_PLACE, *_SHAPE],
}
SECTIONS = {
    kind: KeypointsSection.model_validate(
        {
            "kind": "keypoints",
            "source": "hands",
            "complexity": 1,
            "landmarks": "robust",
            "mirror_left": True,
            "layout": [{"part": "hand", "points": "all", "axes": ["x", "y"]}],
            "derive": derive,
            "sampling": {"rate": 15},
            "missing": "drop",
            "length": {"length": STEPS, "resample": True},
        }
    )
    for kind, derive in _DERIVE.items()
}
ALWAYS = Window(-1.0, 1e9)


def rows_of_track(kind: str, track: Track, window: Window = ALWAYS) -> NDArray[np.float32] | None:
    """STEPS × width values of one window for `letters` or `digits`, or None where no hand is seen in it."""
    values = tensor(track, window, SECTIONS[kind]).values
    return values[0] if len(values) else None


def rows_of_sequences(kind: str, sequences: list[Sequence]) -> NDArray[np.float32]:
    """N × STEPS × width."""
    rows = [rows_of_track(kind, track_of(sequence.points, sequence.times_s)) for sequence in sequences]
    return np.stack([row for row in rows if row is not None])


def rows_of_stills(kind: str, points: NDArray[np.float64]) -> NDArray[np.float32]:
    """N × width of N photographed hands (N × 21 × 2): what every step of `rows_of_track` says of each of them.

    The first is compared with that; ValueError where they differ.
    """
    section = SECTIONS[kind]
    hands = np.zeros((len(points), 21, 4), np.float32)
    hands[..., :2] = points / np.array([PICTURE.aspect, 1.0])
    rows = rows_of([hands], section.layout, section.derive, PICTURE)
    rows[:, PLACE] = 0
    alone = rows_of_track(kind, track_of(points[:1]))
    if alone is None or np.abs(alone - rows[0]).max() > _SAME:
        raise ValueError(f"photographed {kind} in bulk are not told as one alone is")
    return rows


def targets_of(sequences: list[Sequence], labels: tuple[str, ...]) -> NDArray[np.float32]:
    """N × (labels + nothing) shares."""
    place = {label: index for index, label in enumerate((*labels, NOTHING))}
    targets = np.zeros((len(sequences), len(place)), np.float32)
    for row, sequence in enumerate(sequences):
        for label, share in sequence.target.items():
            targets[row, place[label]] += share
    return targets


def write_section(kind: str, path: Path) -> None:
    """The manifest's `pipeline`, for the converter."""
    path.write_text(json.dumps(SECTIONS[kind].model_dump(mode="json"), indent=2) + "\n")
