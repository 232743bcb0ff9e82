"""What a call gives for an argument by position or name: one of its inputs, or a constant."""

from collections.abc import Sequence
from typing import TypeVar

import numpy as np

from convert.graph.layer_graph import PLACEHOLDER, Array, Layer, Setting

MAX_RANK = 8

T = TypeVar("T")


def find_input(layer: Layer, inputs: Sequence[T], position: int, *names: str) -> T | None:
    """The input that stands for an argument, None where none does. ValueError for a constant there."""
    entry = find_entry(layer, position, *names)
    if entry is None:
        return None
    if isinstance(entry, dict) and PLACEHOLDER in entry:
        return inputs[entry[PLACEHOLDER]]
    raise ValueError(f"{names[0]} is {str(entry)[:60]!r}, no tensor")


def find_entry(layer: Layer, position: int, *names: str) -> Setting:
    """The argument as it was written, else the layer's setting of that name, else None."""
    given = layer.arguments.get("args", [])
    if 0 <= position < len(given):
        return given[position]
    for source in (layer.arguments, layer.config):
        for name in names:
            if source.get(name) is not None:
                return source[name]
    return None


def find_constant(layer: Layer, position: int, *names: str) -> Array | None:
    """A constant operand, None where an input stands. ValueError for what is neither."""
    entry = find_entry(layer, position, *names)
    if isinstance(entry, dict) and PLACEHOLDER in entry:
        return None
    if isinstance(entry, dict) and isinstance(entry.get("config"), dict):  # Keras 3: an array
        entry = entry["config"].get("value")
    values = np.asarray(entry)
    if values.dtype.kind not in "fi" or values.ndim > MAX_RANK:
        raise ValueError(f"{names[0]} is {str(entry)[:60]!r}, no number")
    return values


def read_cuts(layer: Layer, rank: int) -> list[int | slice]:
    """The places in x[…] of so many axes, one an axis: a number or a slice. ValueError for what is neither."""
    entry = find_entry(layer, 1, "slice_spec", "key")
    items = entry if isinstance(entry, list) else [entry]
    rest = [place for place, item in enumerate(items) if _is_ellipsis(item)]
    if len(rest) > 1:
        raise ValueError("… stands twice")
    if rest:
        whole = {"start": None, "stop": None}
        items = [*items[: rest[0]], *[whole] * (rank - len(items) + 1), *items[rest[0] + 1 :]]
    cuts: list[int | slice] = []
    for item in items:
        one = item.get("config", item) if isinstance(item, dict) else item
        if isinstance(one, dict) and {"start", "stop"} <= set(one):
            steps = [one["start"], one["stop"], one.get("step")]
            if any(step is not None and not isinstance(step, int) for step in steps):
                raise ValueError(f"{str(item)[:60]!r} is no slice of whole numbers")
            cuts.append(slice(*steps))
        elif isinstance(one, int) and not isinstance(one, bool):
            cuts.append(one)
        else:
            raise ValueError(f"{str(item)[:60]!r} is neither a place nor a slice")
    return cuts


def _is_ellipsis(item: Setting) -> bool:
    return isinstance(item, dict) and item.get("class_name") == "__ellipsis__"


def read_whole_numbers(entry: Setting) -> list[int]:
    """One whole number or several; none at all is none. ValueError."""
    items = [] if entry is None else list(entry) if isinstance(entry, (list, tuple)) else [entry]
    if any(not isinstance(item, int) or isinstance(item, bool) for item in items):
        raise ValueError(f"{str(entry)[:60]!r} are no whole numbers")
    return items
