"""What a call gives for an argument by position or name: one of its inputs, or a constant."""

from collections.abc import Sequence
from typing import TypeVar

from convert.keras.graph import PLACEHOLDER, Layer, Setting

T = TypeVar("T")


def input_of(layer: Layer, inputs: Sequence[T], position: int, *names: str) -> T | None:
    """The input that stands for an argument, None where none does. ValueError for a constant there."""
    entry = entry_of(layer, position, *names)
    if entry is None:
        return None
    if isinstance(entry, dict) and PLACEHOLDER in entry:
        return inputs[entry[PLACEHOLDER]]
    raise ValueError(f"{names[0]} is {str(entry)[:60]!r}, no tensor")


def entry_of(layer: Layer, position: int, *names: str) -> Setting:
    """The argument as it was written, else the layer's setting of that name, else None."""
    given = layer.arguments.get("args", [])
    if 0 <= position < len(given):
        return given[position]
    for source in (layer.arguments, layer.config):
        for name in names:
            if source.get(name) is not None:
                return source[name]
    return None
