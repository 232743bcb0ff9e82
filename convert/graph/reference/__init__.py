"""Each layer in NumPy, written from its definition and not from the ONNX code: what the graph is measured against.

Slow and plain on purpose: recurrent layers step through time one by one, convolutions add up their kernel's places.
"""

import importlib
from collections.abc import Callable
from dataclasses import dataclass

from convert.graph.layer_graph import Array, Layer


@dataclass(frozen=True, slots=True)
class Datum:
    """Values (batch first) and, where the layers before made one, the mask: batch × time, True where real."""

    values: Array
    mask: Array | None = None


Reference = Callable[[Layer, list[Datum]], list[Datum]]

REFERENCES: dict[str, Reference] = {}
"""Layer type by Keras' name → its definition."""


def reference(*kinds: str) -> Callable[[Reference], Reference]:
    """Register the definition of these layer types."""

    def register(function: Reference) -> Reference:
        for kind in kinds:
            REFERENCES[kind] = function
        return function

    return register


def weight(layer: Layer, role: str, like: Array) -> Array:
    """A weight in the precision of the values."""
    return layer.weights[role].astype(like.dtype)


for _name in (
    "core",
    "recurrent",
    "spatial",
    "merging",
    "normalization",
    "operations",
    "pictures",
    "attention",
    "arithmetic",
):
    importlib.import_module(f"{__name__}.{_name}")
