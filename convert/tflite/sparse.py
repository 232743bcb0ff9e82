"""Sparse constants of .tflite files, expanded.

The format is TACO's: one level for each dimension, in the order of traversal, dense or compressed (as in CSR); blocks
inside dimensions are levels at the end.
"""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from convert.errors import RefusalError
from convert.tflite.flatbuffer import Table

Array = npt.NDArray[Any]

_INDEX_KINDS = {1: "i", 2: "H", 3: "B"}  # a union of vectors of int32, uint16, uint8
_DENSE = 0


@dataclass(frozen=True, slots=True)
class _Level:
    """One level: `size` entries under each of the level above, or for each the segment of `indices` it begins."""

    size: int
    segments: Array | None
    indices: Array | None


def dense(values: Array, shape: tuple[int, ...], sparsity: Table, name: str) -> Array:
    """All numbers of a sparse tensor. RefusalError where its levels do not fit its shape and its values."""
    order = sparsity.numbers(0, "i").tolist()
    blocks = sparsity.numbers(1, "i").tolist()
    levels = [_level(entry) for entry in sparsity.tables(2)]
    if (
        sorted(order) != list(range(len(shape) + len(blocks)))
        or len(levels) != len(order)
        or not set(blocks) <= set(range(len(shape)))
    ):
        raise RefusalError(f"The sparse tensor {name!r} contradicts itself: levels {order}, blocks {blocks}.")
    # one row for each entry of the level reached so far: its coordinate in every level
    places = np.zeros((1, len(order)), np.int64)
    for level, dimension in zip(levels, order, strict=True):
        places = _descend(places, level, dimension, name, len(values))
    if len(places) != len(values):
        raise RefusalError(f"The sparse tensor {name!r} has {len(values)} values for {len(places)} places.")
    block_sizes = {dimension: levels[order.index(len(shape) + at)].size for at, dimension in enumerate(blocks)}
    where = []
    for dimension in range(len(shape)):
        at = places[:, dimension]
        if dimension in block_sizes:
            at = at * block_sizes[dimension] + places[:, len(shape) + blocks.index(dimension)]
        where.append(at)
    if any(at.size and not 0 <= at.min() <= at.max() < size for at, size in zip(where, shape, strict=True)):
        raise RefusalError(f"The sparse tensor {name!r} has values outside of its shape {shape}.")
    full = np.zeros(shape, values.dtype)
    full[tuple(where)] = values
    return full


def _level(entry: Table) -> _Level:
    if entry.integer(0, "b") == _DENSE:
        return _Level(entry.integer(1, "i"), None, None)
    return _Level(0, _index_vector(entry, 2), _index_vector(entry, 4))


def _index_vector(entry: Table, field: int) -> Array:
    kind, table = entry.integer(field, "B"), entry.table(field + 1)
    if table is None or kind not in _INDEX_KINDS:
        raise RefusalError("A sparse tensor lacks its segments or indices.")
    return table.numbers(0, _INDEX_KINDS[kind]).astype(np.int64)


def _descend(places: Array, level: _Level, dimension: int, name: str, most: int) -> Array:
    """The places one level further down."""
    if level.segments is None or level.indices is None:
        counts = np.full(len(places), level.size)
    else:
        if len(level.segments) != len(places) + 1:
            raise RefusalError(f"The sparse tensor {name!r} has {len(level.segments)} segments for {len(places)}.")
        counts = np.diff(level.segments)
    total = int(counts.sum())
    if (counts < 0).any() or total > max(most, math.prod(places.shape)) or total > most:
        raise RefusalError(f"The sparse tensor {name!r} names more places than it has values.")
    below = np.repeat(places, counts, axis=0)
    if level.indices is None:
        below[:, dimension] = np.tile(np.arange(level.size), len(places))
    else:
        if len(level.indices) != total:
            raise RefusalError(f"The sparse tensor {name!r} has {len(level.indices)} indices for {total} places.")
        below[:, dimension] = level.indices
    return below
