"""Definitions of the merging layers, and of their masks in Keras 2 and 3."""

import functools

import numpy as np

from convert.graph.layer_graph import Array, Layer
from convert.graph.masks import merges_by_any
from convert.graph.reference import Datum, reference

_PAIRWISE = {
    "Add": np.add, "Average": np.add, "Subtract": np.subtract, "Multiply": np.multiply, "Maximum": np.maximum,
    "Minimum": np.minimum,
}  # fmt: skip


@reference(*_PAIRWISE)
def merge(layer: Layer, inputs: list[Datum]) -> list[Datum]:
    """Value by value."""
    if layer.keras >= 3 and layer.kind in ("Multiply", "Maximum", "Minimum"):
        inputs = _without_masked_steps(layer, inputs)
    rank = max(one.values.ndim for one in inputs)
    widened = [np.expand_dims(one.values, tuple(range(1, 1 + rank - one.values.ndim))) for one in inputs]
    total = functools.reduce(_PAIRWISE[layer.kind], widened)
    if layer.kind == "Average":
        total = total / len(inputs)
    masks = [one.mask for one in inputs if one.mask is not None]
    if not masks or (merges_by_any(layer.keras) and len(masks) < len(inputs)):
        return [Datum(total)]
    mask = _any_or_all(layer, masks)
    if layer.keras >= 3 and layer.kind == "Multiply":
        total = np.where(mask[..., None], total, 0)
    return [Datum(total, mask)]


def _without_masked_steps(layer: Layer, inputs: list[Datum]) -> list[Datum]:
    """Keras 3: a masked step does not count: a factor of 1, or the value so far where an extreme is sought."""
    if layer.kind == "Multiply":
        return [
            one if one.mask is None else Datum(np.where(one.mask[..., None], one.values, 1), one.mask) for one in inputs
        ]
    so_far, real = inputs[0].values, inputs[0].mask
    for one in inputs[1:]:
        other = one.values if one.mask is None else np.where(one.mask[..., None], one.values, so_far)
        so_far = so_far if real is None else np.where(real[..., None], so_far, other)
        so_far = _PAIRWISE[layer.kind](so_far, other)
        real = None if real is None or one.mask is None else real | one.mask
    return [Datum(so_far, inputs[0].mask), *[Datum(so_far, one.mask) for one in inputs[1:]]]


@reference("Concatenate")
def concatenate(layer: Layer, inputs: list[Datum]) -> list[Datum]:
    """One behind the other."""
    axis = layer.config.get("axis", -1)
    values = np.concatenate([one.values for one in inputs], axis=axis)
    if all(one.mask is None for one in inputs):
        return [Datum(values)]
    masks = [np.ones(one.values.shape[:2], bool) if one.mask is None else one.mask for one in inputs]
    if axis % values.ndim == 1:
        return [Datum(values, np.concatenate(masks, axis=1))]
    return [Datum(values, _any_or_all(layer, masks))]


def _any_or_all(layer: Layer, masks: list[Array]) -> Array:
    stacked = np.stack(masks)
    return np.asarray(stacked.any(axis=0) if merges_by_any(layer.keras) else stacked.all(axis=0))
