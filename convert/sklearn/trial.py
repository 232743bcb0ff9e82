"""Rows on which a model is tried: around and exactly at the numbers that it compares a feature with."""

import numpy as np
import numpy.typing as npt

from convert.sklearn.parts import (
    Calibrated,
    Chain,
    GaussianBayes,
    Mean,
    Model,
    Neighbors,
    OneVsRest,
    Part,
    Quadratic,
    Standardize,
    SupportVectors,
    Tempered,
    Trees,
    walk,
)

ROWS = 256
Floats = npt.NDArray[np.float32]


def trial_rows(part: Part, features: int) -> Floats:
    """ROWS × F numbers around those that the model was fitted on, as far as it tells, and at its thresholds."""
    rng = np.random.default_rng(20260101)
    center, spread = _scale(part, features)
    rows = center + spread * rng.normal(0, 1, (ROWS, features))
    rows[::2] = np.roll(np.sort(rows, axis=0), 1, axis=0)[::2]  # features that grow together, as one hand's do
    ensemble = _first_trees(part)
    if ensemble is not None and not isinstance(part, Chain):
        _at_thresholds(rows, ensemble, rng)
    return rows.astype(np.float32)


def _at_thresholds(rows: npt.NDArray[np.float64], trees: Trees, rng: np.random.Generator) -> None:
    inner = np.flatnonzero(trees.left >= 0)
    for feature in np.unique(trees.feature[inner]):
        thresholds = trees.threshold[inner[trees.feature[inner] == feature]]
        thresholds = thresholds[np.abs(thresholds) < 1e30]
        if len(thresholds):
            picked = rng.choice(thresholds, ROWS)
            beside = rng.normal(0, float(thresholds.std()) or 0.5, ROWS)
            near = np.nextafter(picked.astype(np.float32), np.float32(rng.choice([-1e9, 1e9])))
            kind = rng.random(ROWS)
            rows[:, feature] = np.where(kind < 0.2, picked, np.where(kind < 0.4, near, picked + beside))
    if not trees.narrow:
        rows[rng.random(rows.shape) < 0.1] = np.nan


def _scale(part: Part, features: int) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """The middle and the width of what the model was fitted on, as far as it tells."""
    for one in walk(part):
        points = None
        match one:
            case Standardize() if one.mean is not None and one.scale is not None:
                return one.mean, one.scale
            case Neighbors():
                points = one.points
            case SupportVectors():
                points = one.vectors
            case GaussianBayes() | Quadratic():
                points = one.means
        if points is not None and points.shape[1] == features:
            return points.mean(axis=0), points.std(axis=0) + 1e-6
        if not isinstance(one, Model | Chain | Mean | OneVsRest | Calibrated | Tempered):
            break
    return np.full(features, 0.25), np.full(features, 0.25)


def _first_trees(part: Part) -> Trees | None:
    return next((one for one in walk(part) if isinstance(one, Trees)), None)
