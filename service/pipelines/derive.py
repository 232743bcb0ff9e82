"""The arithmetic of a layout: landmarks of a window → rows of numbers. Pure; shapes as in `layouts`."""

from typing import Literal

import numpy as np
import numpy.typing as npt

from service.pipelines.layouts import (
    AXES,
    Angles,
    Aspect,
    Distances,
    MinOrigin,
    PartLayout,
    Pixels,
    Scale,
    Standardize,
    Step,
    Trajectory,
    UnitBox,
    Velocity,
    WholePixels,
    WristOrigin,
    ZScore,
)
from service.track import HAND_PARTS, FloatArray, Landmarks, MediaInfo

Doubles = npt.NDArray[np.float64]
_PointStep = WholePixels | Pixels | Aspect | WristOrigin | MinOrigin | UnitBox | ZScore | Scale
"""Steps that move points; the others add values or work on the row."""

WRIST, MIDDLE_KNUCKLE = 0, 9
KNUCKLES = [5, 9, 17]
FINGER_BASES = (1, 5, 9, 13, 17)
# bones: from each finger's base outwards, four a finger; then the pairs of neighboring bones
_BONE_FROM = np.array([0, 1, 2, 3, 0, 5, 6, 7, 0, 9, 10, 11, 0, 13, 14, 15, 0, 17, 18, 19])
_BONE_TO = np.arange(1, 21)
_INNER_BONE = np.array([0, 1, 2, 4, 5, 6, 8, 9, 10, 12, 13, 14, 16, 17, 18])
_OUTER_BONE = _INNER_BONE + 1


def rows_of(
    blocks: list[Landmarks], parts: tuple[PartLayout, ...], steps: tuple[Step, ...], media: MediaInfo
) -> FloatArray:
    """One row of values for each observation: T × row_width(parts, steps), with 0 where something is missing.

    blocks: for each entry of `parts` all T × P × 4 landmarks of that part, NaN where missing. The steps run in the
    order in which they are listed; what a step adds stands behind the parts' own values.
    """
    points = [block.astype(np.float64) for block in blocks]
    added: list[Doubles] = []
    scaling: tuple[Doubles, Doubles] | None = None
    for step in steps:
        match step:
            case Velocity():
                added.append(_velocity(_row(points, parts, added)))
            case Angles():
                added.extend(bend_angles(hand, step.unit) for hand in _hands(points, parts))
            case Distances():
                added.extend(pair_distances(hand, step.points) for hand in _hands(points, parts))
            case Trajectory():
                added.extend(_trajectory(hand) for hand in _hands(points, parts))
            case Standardize():
                scaling = np.asarray(step.mean), np.asarray(step.std)
            case _:
                points = [_moved(block, entry, step, media) for block, entry in zip(points, parts, strict=True)]
    row = np.nan_to_num(_row(points, parts, added))
    if scaling is not None:
        mean, std = scaling
        row = (row - mean) / std
    return row.astype(np.float32)


def bend_angles(hand: Doubles, unit: Literal["degrees", "radians"]) -> Doubles:
    """T × 15 angles between neighboring bones of T × 21 × ≥3 landmarks, over x, y, z as they are given.

    The bones and their order are those of kairess/gesture-recognition (dataset creation script).
    """
    bones = hand[:, _BONE_TO, :3] - hand[:, _BONE_FROM, :3]
    lengths = np.linalg.norm(bones, axis=-1, keepdims=True)
    bones = bones / np.where(lengths == 0, 1.0, lengths)
    cosines = np.einsum("tbk,tbk->tb", bones[:, _INNER_BONE], bones[:, _OUTER_BONE])
    angles = np.arccos(np.clip(cosines, -1.0, 1.0))
    return np.asarray(np.degrees(angles) if unit == "degrees" else angles)


def pair_distances(hand: Doubles, points: tuple[int, ...]) -> Doubles:
    """T × pairs distances between the points of T × 21 × ≥2 landmarks over x and y, in palm lengths."""
    flat = hand[..., :2]
    palm = np.linalg.norm(flat[:, KNUCKLES] - flat[:, [WRIST]], axis=-1).max(axis=1)
    first, second = np.triu_indices(len(points), 1)
    chosen = flat[:, points]
    apart = np.linalg.norm(chosen[:, first] - chosen[:, second], axis=-1)
    return np.asarray(apart / np.where(palm == 0, 1.0, palm)[:, None])


def _moved(block: Doubles, entry: PartLayout, step: _PointStep, media: MediaInfo) -> Doubles:
    match step:
        case WholePixels():
            return _whole_pixels(block, media)
        case Pixels(swapped=swapped):
            return _pixels(block, media, swapped=swapped)
        case Aspect():
            return np.asarray(block * np.array([media.aspect, 1.0, media.aspect, 1.0]))
    return _moved_hand(block, entry, step) if entry.part in HAND_PARTS else block


def _moved_hand(hand: Doubles, entry: PartLayout, step: WristOrigin | MinOrigin | UnitBox | ZScore | Scale) -> Doubles:
    match step:
        case WristOrigin():
            return _minus_wrist(hand)
        case MinOrigin():
            return _from_corner(hand, entry)
        case UnitBox():
            return _boxed(hand, entry)
        case ZScore():
            return _standardized(hand, entry)
        case Scale():
            return _scaled(hand, entry, step.by)


def _from_corner(hand: Doubles, entry: PartLayout) -> Doubles:
    moved = hand.copy()
    moved[..., :2] -= hand[:, entry.indices, :2].min(axis=1, keepdims=True)
    return moved


def _boxed(hand: Doubles, entry: PartLayout) -> Doubles:
    depth = _depth(entry)
    points = hand[:, entry.indices, :depth]
    least, size = points.min(axis=1, keepdims=True), np.ptp(points, axis=1, keepdims=True)
    moved = hand.copy()
    moved[..., :depth] = (hand[..., :depth] - least) / np.where(size == 0, 1.0, size)
    return moved


def _standardized(hand: Doubles, entry: PartLayout) -> Doubles:
    depth = _depth(entry)
    points = hand[:, entry.indices, :depth]
    mean, deviation = points.mean(axis=1, keepdims=True), points.std(axis=1, keepdims=True)
    moved = hand.copy()
    moved[..., :depth] = (hand[..., :depth] - mean) / np.where(deviation == 0, 1.0, deviation)
    return moved


def _depth(entry: PartLayout) -> int:
    """Axes over which a hand is measured: x and y, and z where the layout takes it."""
    return 3 if "z" in entry.axes else 2


def _whole_pixels(block: Doubles, media: MediaInfo) -> Doubles:
    size = np.array([media.width, media.height])
    pixels = block.copy()
    pixels[..., :2] = np.minimum(np.trunc(block[..., :2] * size), size - 1)
    return pixels


def _pixels(block: Doubles, media: MediaInfo, *, swapped: bool) -> Doubles:
    across, down = (media.height, media.width) if swapped else (media.width, media.height)
    pixels = block.copy()
    pixels[..., :3] = np.trunc(block[..., :3] * np.array([across, down, media.width]))
    return pixels


def _minus_wrist(hand: Doubles) -> Doubles:
    moved = hand.copy()
    moved[..., :3] -= hand[:, WRIST : WRIST + 1, :3]
    return moved


def _scaled(hand: Doubles, entry: PartLayout, by: Literal["palm", "max", "box", "distance", "base"]) -> Doubles:
    depth = _depth(entry)
    if by == "palm":
        length = np.linalg.norm(hand[:, MIDDLE_KNUCKLE, :depth] - hand[:, WRIST, :depth], axis=-1)
    elif by in ("distance", "base"):
        points = entry.indices if by == "distance" else FINGER_BASES
        away = hand[:, points, :depth] - hand[:, WRIST : WRIST + 1, :depth]
        length = np.linalg.norm(away, axis=-1).max(axis=-1)
    elif by == "box":
        length = np.ptp(hand[..., :2], axis=1).max(axis=-1)
    else:
        length = np.abs(hand[:, entry.indices, :depth]).max(axis=(1, 2))
    scaled = hand.copy()
    scaled[..., :3] /= np.where(length == 0, 1.0, length)[:, None, None]
    return scaled


def _trajectory(hand: Doubles) -> Doubles:
    wrist = hand[:, WRIST, :2]
    seen = ~np.isnan(wrist[:, 0])
    if not seen.any():
        return np.zeros_like(wrist)
    palm = np.linalg.norm(hand[seen, MIDDLE_KNUCKLE, :2] - wrist[seen], axis=-1).mean()
    return np.asarray((wrist - wrist[seen].mean(axis=0)) / (palm or 1.0))


def _velocity(values: Doubles) -> Doubles:
    steps = np.zeros_like(values)
    steps[1:] = np.diff(values, axis=0)
    return steps


def _hands(points: list[Doubles], parts: tuple[PartLayout, ...]) -> list[Doubles]:
    return [block for block, entry in zip(points, parts, strict=True) if entry.part in HAND_PARTS]


def _row(points: list[Doubles], parts: tuple[PartLayout, ...], added: list[Doubles]) -> Doubles:
    chosen = []
    for block, entry in zip(points, parts, strict=True):
        axes = [AXES.index(axis) for axis in entry.axes]
        chosen.append(block[:, entry.indices][:, :, axes].reshape(len(block), -1))
    return np.concatenate([*chosen, *added], axis=1)
