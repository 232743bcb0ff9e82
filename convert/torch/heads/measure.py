"""One way a head may run, and the length of input that its shapes ask for."""

import bisect
from dataclasses import dataclass, replace

from convert.torch.heads.graph import count_steps
from convert.torch.heads.parts import HeadParts
from convert.torch.heads.steps import Step

MAX_LENGTH = 2048
USUAL_LENGTHS = (30, 60, 20, 16, 32, 10, 64)


@dataclass(frozen=True, slots=True)
class Structure:
    """One way the head may run. length: steps of its input, None for any; lengths: all that would fit."""

    steps: tuple[Step, ...]
    length: int | None = None
    lengths: tuple[int, ...] = ()
    cost: float = 0.0


def measure_input(
    head: HeadParts, structure: Structure, length: int | None, known: dict[tuple[Step, ...], tuple[int, ...]]
) -> Structure | None:
    """The structure with the length of its input, where that follows; None where the shapes do not allow it.

    known: the lengths that were found for the same convolutions and pools.
    """
    steps = structure.steps
    if not _follow(head, steps):
        return None
    flattened = any(step.kind == "readout" and step.name == "flatten" for step in steps) and head.steps is not None
    if head.last_in_time is None or (length is None and not flattened):
        return structure
    if length is not None:
        left = count_steps(head, steps, length)
        fits = left == (head.steps or 1) if flattened else left > 0
        return replace(structure, length=length if flattened else None, lengths=(length,)) if fits else None
    key = tuple(step for step in steps if step.kind != "function")
    if key not in known:
        known[key] = _find_lengths(head, steps, head.steps or 1)
    if not known[key]:
        return None
    usual = next((one for one in USUAL_LENGTHS if one in known[key]), known[key][0])
    return replace(structure, length=usual, lengths=known[key])


def _follow(head: HeadParts, steps: tuple[Step, ...]) -> bool:
    """Whether each part takes what the one before gives."""
    parts = {part.name: part for part in head.parts}
    width = head.inputs
    in_time = head.last_in_time is not None
    for step in steps:
        if step.kind == "part":
            if parts[step.name].inputs != width:
                return False
            width = parts[step.name].outputs
        elif step.kind == "readout" and in_time:
            width *= (head.steps or 1) if step.name == "flatten" else 1
            in_time = False
    return True


def _find_lengths(head: HeadParts, steps: tuple[Step, ...], wanted: int) -> tuple[int, ...]:
    """All lengths of the input that leave as many steps; what is left only grows with it."""
    lengths = range(1, MAX_LENGTH)
    first, end = (
        bisect.bisect_left(lengths, least, key=lambda length: count_steps(head, steps, length))
        for least in (wanted, wanted + 1)
    )
    return tuple(lengths[first:end])
