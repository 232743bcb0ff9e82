"""The sample by which a provider is judged: rows as the graph takes them, and what it has to answer."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from service.errors import InvalidModelError
from service.pipelines.pixels import LevelSection, numbers
from service.registry.manifest import SAMPLE_FILE, Dimension, Manifest
from service.registry.store import StoredModel
from service.track import FloatArray

ROWS = 2
_SEED = 20261201
_COARSE = 8
MOST_NUMBERS = 64 << 20
"""Most numbers of a stored sample's rows: a file that says more is not read."""


@dataclass(frozen=True, slots=True)
class Sample:
    """R rows (and their mask), and R × C numbers that the graph gives for them, by whose word."""

    values: FloatArray
    mask: FloatArray | None
    outputs: FloatArray
    against: Literal["stored", "cpu"]


def read_sample(stored: StoredModel) -> Sample:
    """The sample that was published with the model. InvalidModelError where the file is none."""
    try:
        with np.load(stored.folder / SAMPLE_FILE, allow_pickle=False) as file:
            values, outputs = file["values"], np.asarray(file["outputs"], np.float32)
            mask = np.asarray(file["mask"], np.float32) if "mask" in file.files else None
    except (OSError, ValueError, KeyError) as error:
        raise InvalidModelError(f"{SAMPLE_FILE} cannot be read: {error}") from error
    if len(values) != len(outputs) or not len(values) or values.size > MOST_NUMBERS:
        raise InvalidModelError(f"{SAMPLE_FILE} has {len(values)} rows and {len(outputs)} answers")
    return Sample(values, mask, outputs, "stored")


def drawn_values(manifest: Manifest, row_shape: Sequence[Dimension], fixed_rows: int | None) -> FloatArray:
    """Rows such as the pipeline makes: smooth pictures for models of pixels, else numbers between -1 and 1."""
    shape = (fixed_rows or ROWS, *(length if isinstance(length, int) else _COARSE for length in row_shape))
    generator = np.random.default_rng(_SEED)
    section = manifest.pipeline.observing
    if not isinstance(section, LevelSection):
        return generator.uniform(-1.0, 1.0, shape).astype(np.float32)
    channels = next((axis for axis, length in enumerate(shape) if axis and length == section.channels), len(shape) - 1)
    levels = np.moveaxis(_smooth(generator, shape), channels, -1)
    made = numbers(np.ascontiguousarray(levels), section)
    return np.ascontiguousarray(np.moveaxis(made, -1, channels))


def _smooth(generator: np.random.Generator, shape: tuple[int, ...]) -> FloatArray:
    """Gray levels of 0–255 that change slowly along the long axes, with a little noise."""
    coarse = generator.uniform(0, 255, tuple(max(1, length // _COARSE) for length in shape))
    for axis, length in enumerate(shape):
        places = np.linspace(0, coarse.shape[axis] - 1, length)
        below = np.floor(places).astype(np.intp)
        above = np.minimum(below + 1, coarse.shape[axis] - 1)
        share = (places - below).reshape([-1 if one == axis else 1 for one in range(len(shape))])
        coarse = np.take(coarse, below, axis) * (1 - share) + np.take(coarse, above, axis) * share
    return np.clip(np.round(coarse + generator.uniform(-8, 8, shape)), 0, 255).astype(np.float32)
