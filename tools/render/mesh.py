"""Triangles of a skin: marching cubes over its distance field."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from skimage.measure import marching_cubes

from .skeleton import FloatArray
from .skin import CLOTH_MM, Skin

BLOCK = 4


@dataclass(frozen=True, slots=True)
class Mesh:
    """Triangles: vertices and unit normals (Nx3, mm), faces (Mx3, anticlockwise seen from outside)."""

    vertices: FloatArray
    normals: FloatArray
    faces: NDArray[np.int32]


def sample(skin: Skin, low: FloatArray, high: FloatArray, voxel_mm: float) -> FloatArray:
    """The dressed field on a grid from `low`, XxYxZ: exact near the surface, one value a block elsewhere."""
    blocks = np.ceil((high - low) / (voxel_mm * BLOCK)).astype(int)
    size = voxel_mm * BLOCK
    corners = low + size * np.stack(np.meshgrid(*(np.arange(n) for n in blocks), indexing="ij"), axis=-1).reshape(-1, 3)
    middle = skin.dressed_distance(corners + (size - voxel_mm) / 2)
    inner = voxel_mm * np.stack(np.meshgrid(*(np.arange(BLOCK),) * 3, indexing="ij"), axis=-1).reshape(-1, 3)
    values = np.repeat(middle[:, None], BLOCK**3, axis=1)
    near = np.abs(middle) < size * math.sqrt(3) / 2 * 1.25 + CLOTH_MM
    points = (corners[near][:, None, :] + inner).reshape(-1, 3)
    values[near] = skin.dressed_distance(points).reshape(-1, BLOCK**3)
    grid = values.reshape(*blocks, BLOCK, BLOCK, BLOCK).transpose(0, 3, 1, 4, 2, 5)
    return grid.reshape(*(blocks * BLOCK))


def wrap(skin: Skin, voxel_mm: float) -> Mesh:
    """Triangles of the skin, by marching cubes with edges of `voxel_mm`."""
    low, high = skin.bounds()
    grid = sample(skin, low, high, voxel_mm)
    vertices, faces, _, _ = marching_cubes(grid, 0.0, spacing=(voxel_mm,) * 3, gradient_direction="descent")
    vertices = vertices.astype(float) + low
    return Mesh(vertices, skin.normals(vertices), faces.astype(np.int32))
