"""One function a layer type: (layer, inputs, builder) → outputs. The registry, and the dispatch with masks."""

import importlib
from collections.abc import Callable, Iterable

from convert.graph.builder import Builder, Value
from convert.graph.layer_graph import Layer

Convert = Callable[[Layer, list[Value], Builder], list[Value]]

LAYERS: dict[str, Convert] = {}
"""Layer type by Keras' name → its conversion."""


def layer(*kinds: str) -> Callable[[Convert], Convert]:
    """Register a conversion for these layer types."""

    def register(function: Convert) -> Convert:
        for kind in kinds:
            if kind in LAYERS:
                raise ValueError(f"{kind} is registered twice")
            LAYERS[kind] = function
        return function

    return register


def _load(modules: Iterable[str]) -> None:
    for name in modules:
        importlib.import_module(f"{__name__}.{name}")


_load((
    "arithmetic", "attention", "core", "convolution", "merging", "normalization", "operations", "pooling", "recurrent",
    "resizing", "shape", "transposed",
))  # fmt: skip
