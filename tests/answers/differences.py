"""Where two answers differ, to the last bit."""

from collections.abc import Iterator
from typing import Any

_LONGEST = 300


def differences(before: Any, after: Any, place: str = "$") -> Iterator[str]:
    """One line for each place at which two JSON documents differ; numbers are equal where their bits are."""
    if isinstance(before, dict) and isinstance(after, dict):
        yield from _of_objects(before, after, place)
    elif isinstance(before, list) and isinstance(after, list):
        if len(before) != len(after):
            yield f"{place}: {len(before)} entries → {len(after)}"
        for number, (one, other) in enumerate(zip(before, after, strict=False)):
            yield from differences(one, other, f"{place}[{number}]")
    elif type(before) is not type(after) or before != after:
        yield f"{place}: {_shown(before)} → {_shown(after)}"


def _of_objects(before: dict[str, Any], after: dict[str, Any], place: str) -> Iterator[str]:
    for key in before.keys() - after.keys():
        yield f"{place}.{key}: {_shown(before[key])} → it is gone"
    for key in after.keys() - before.keys():
        yield f"{place}.{key}: it is new: {_shown(after[key])}"
    if before.keys() == after.keys() and list(before) != list(after):
        yield f"{place}: the order {list(before)} → {list(after)}"
    for key, value in before.items():
        if key in after:
            yield from differences(value, after[key], f"{place}.{key}")


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"
