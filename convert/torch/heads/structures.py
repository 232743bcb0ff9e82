"""All structures that a head's tensors, gaps and flags leave open, the most usual first."""

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import replace

from convert.errors import RefusalError
from convert.torch.checkpoint.structure import ModuleRecord
from convert.torch.heads.evidence import Evidence, Junction
from convert.torch.heads.flags import HeadFlags
from convert.torch.heads.measure import Structure, measure_input
from convert.torch.heads.modules import read_part_options, read_slot
from convert.torch.heads.parts import NORMS, RECURRENT, HeadParts, Part
from convert.torch.heads.steps import Option, Step
from convert.torch.heads.usual import FUNCTION_COSTS, POOL_COSTS, READOUT_COSTS

Steps = tuple[Step, ...]
Choice = tuple[float, Steps]
"""How unusual it is, and what stands there."""

_FLATTEN = Step("readout", "flatten")
ACT, POOL, READ = Step("function", "?"), Step("pool", "?"), Step("readout", "?")
"""Places for what is chosen for the whole head at once."""
MAX_PLACEMENTS = 2000
MAX_STRUCTURES = 5000
MIXED_COST = 1.5
"""Of another function behind the readout than before it."""
_WEIGHTED = ("Linear", "Conv1d", *RECURRENT)


def list_structures(
    head: HeadParts, evidence: Evidence, flags: HeadFlags, length: int | None, limit: int = MAX_STRUCTURES
) -> list[Structure]:
    """The structures that fit, the most usual first; length: steps of the input, where they are known."""
    lengths: dict[Steps, tuple[int, ...]] = {}
    placements = [(0.0, _keep(head, flags))] if flags.order else _place(head, evidence, flags)
    found: dict[Steps, Structure] = {}
    for cost, placed in sorted(placements, key=lambda one: one[0])[:MAX_PLACEMENTS]:
        for more, steps in _fill(placed, head, evidence, flags):
            structure = measure_input(head, Structure(steps, cost=cost + more), length, lengths)
            if structure is not None and steps not in found:
                found[steps] = structure
        if len(found) > limit:
            break
    return sorted(found.values(), key=lambda one: one.cost)[:limit]


def _keep(head: HeadParts, flags: HeadFlags) -> Steps:
    """The steps of `--order`, with what the file records of the parts' settings."""
    parts = {part.name: part for part in head.parts}
    return tuple(_with_options(step, parts[step.name]) if step.kind == "part" else step for step in flags.order or ())


def _with_options(step: Step, part: Part) -> Step:
    said = dict(step.options)
    return replace(step, options=tuple({**dict(read_part_options(part)), **said}.items()))


def _place(head: HeadParts, evidence: Evidence, flags: HeadFlags) -> list[Choice]:
    """Where functions, pools and the readout may stand."""
    found: list[Choice] = []
    for transition, cost in _list_transitions(head, evidence):
        groups = _list_groups(head, evidence, flags, transition)
        sizes = [len(group) for _, group in groups]
        while _product(sizes) > MAX_PLACEMENTS:
            sizes[sizes.index(max(sizes))] -= 1
        cut = [(signature, group[:size]) for (signature, group), size in zip(groups, sizes, strict=True)]
        for chosen in itertools.product(*[group for _, group in cut]):
            junctions = [steps for _, choices in chosen for steps in choices]
            mixed = _count_mixed([signature for signature, _ in cut], [choices for _, choices in chosen])
            total = cost + sum(one for one, _ in chosen) + mixed
            found.append((total, _join(head.parts, junctions)))
    return found


def _product(sizes: Sequence[int]) -> int:
    total = 1
    for size in sizes:
        total *= size
    return total


def _join(parts: Sequence[Part], junctions: Sequence[Steps]) -> Steps:
    steps = list(junctions[0])
    for part, behind in zip(parts, junctions[1:], strict=True):
        steps += [Step("part", part.name, read_part_options(part)), *behind]
    return tuple(steps)


def _count_mixed(signatures: Sequence[object], choices: Sequence[tuple[Steps, ...]]) -> float:
    """Blocks that look the same usually are."""
    kinds: dict[object, set[tuple[Steps, ...]]] = {}
    for signature, one in zip(signatures, choices, strict=True):
        kinds.setdefault(signature, set()).add(one)
    return sum(len(seen) - 1 for seen in kinds.values())


def _list_transitions(head: HeadParts, evidence: Evidence) -> list[tuple[int | None, float]]:
    """The junction at which steps become one row, and how unusual that is: behind the last part in time or its norm."""
    part = head.last_in_time
    if part is None:
        return [(None, 0.0)]
    first = head.parts.index(part) + 1
    norm = first < len(head.parts) and head.parts[first].kind in NORMS
    fits = norm and head.parts[first].inputs == part.outputs
    known = [
        place
        for place in (first, first + 1)
        if any(
            step.kind == "readout" and (head.steps is not None or step != _FLATTEN)
            for record in evidence.junctions[min(place, len(head.parts))].slots
            if record.is_torch
            for step in read_slot(record, "Behind it")
        )
    ]
    if known:
        return [(known[0], 0.0)]
    convolved = part.kind == "Conv1d"
    early, late = (first, 3.0 if convolved and fits else 0.0), (first + 1, 0.0 if convolved else 1.0)
    junction = evidence.junctions[first]
    return [*([early] if junction.open or junction.slots else []), *([late] if fits else [])]


def _list_groups(
    head: HeadParts, evidence: Evidence, flags: HeadFlags, transition: int | None
) -> list[tuple[object, list[tuple[float, tuple[Steps, ...]]]]]:
    """Between each two layers with weights: all that may stand in the junctions there, the most usual first."""
    groups: list[tuple[object, list[tuple[float, tuple[Steps, ...]]]]] = []
    parts = head.parts
    start, before = 0, None
    for end in range(len(parts) + 1):
        part = parts[end] if end < len(parts) else None
        if part is not None and part.kind not in _WEIGHTED:
            continue
        junctions = list(range(start, end + 1))
        usual = _count_usual(before, part)
        options = [_list_choices(place, head, evidence, flags, transition) for place in junctions]
        choices = []
        for combined in itertools.product(*options):
            count = sum(step.kind == "function" for _, steps in combined for step in steps)
            if flags.hidden not in (None, "none") and usual and not count and _has_room(options):
                continue
            cost = sum(cost for cost, _ in combined) + 2.0 * abs(count - usual)
            choices.append((cost, tuple(steps for _, steps in combined)))
        signature = (
            before.kind if before else None, part.kind if part else None, transition in junctions,
            tuple((parts[place - 1].kind if place else None, len(evidence.junctions[place].slots))
                  for place in junctions),
        )  # fmt: skip
        groups.append((signature, sorted(choices, key=lambda one: one[0])))
        start, before = end + 1, part
    return groups


def _has_room(options: Sequence[Sequence[Choice]]) -> bool:
    return any(step == ACT for choices in options for _, steps in choices for step in steps)


def _count_usual(before: Part | None, behind: Part | None) -> int:
    """How many functions stand between two layers as a rule: one behind a layer that is linear."""
    if before is None or behind is None or before.kind in RECURRENT or behind.kind in RECURRENT:
        return int(before is not None and before.kind == "Conv1d")
    return 1


def _list_choices(
    place: int, head: HeadParts, evidence: Evidence, flags: HeadFlags, transition: int | None
) -> list[Choice]:
    junction, parts = evidence.junctions[place], head.parts
    before = parts[place - 1] if place else None
    where = f"Behind {before.name}" if before else "At the beginning"
    known = [step for record in junction.slots if record.is_torch for step in read_slot(record, where)]
    if head.steps is None:  # one row is flattened already
        known = [step for step in known if step != _FLATTEN]
    edge = place in (0, len(parts))
    told = all(record.is_torch for record in junction.slots)
    if (junction.slots and told) or junction.settled or edge:
        return _list_told_choices(tuple(known), junction, before, flags, transits=place == transition, edge=edge)
    in_time = before is not None and transition is not None and place <= transition
    pools = in_time and _stands_behind_convolution(parts[:place]) and flags.pool != "none"
    plain = _list_contents(junction, flags, pools=pools)
    return plain if place != transition else _add_readouts(plain, flags, recurrent=_is_recurrent(parts[:place]))


def _list_told_choices(
    known: Steps, junction: Junction, before: Part | None, flags: HeadFlags, *, transits: bool, edge: bool
) -> list[Choice]:
    """Where the classes of all modules in between are recorded; the author's own code may add to them."""
    missing = transits and not any(step.kind == "readout" for step in known)
    options: list[Choice] = [(0.0, (*known, READ) if missing else known)]
    functions = any(step.kind == "function" for step in known)
    if junction.open and not edge and flags.hidden != "none" and not functions and before is not None:
        options.append((1.0, (*known, ACT, READ) if missing else (*known, ACT)))
    return options


def _stands_behind_convolution(parts: Sequence[Part]) -> bool:
    return next((part.kind == "Conv1d" for part in reversed(parts) if part.kind in _WEIGHTED), False)


def _is_recurrent(parts: Sequence[Part]) -> bool:
    return next((part.kind in RECURRENT for part in reversed(parts) if part.kind in _WEIGHTED), False)


def _list_contents(junction: Junction, flags: HeadFlags, *, pools: bool) -> list[Choice]:
    """What unknown modules, or code that is not in the file, may do: a function, a pool, both or nothing."""
    count, free = len(junction.slots), junction.open
    if not count and not free:
        return [(0.0, ())]
    options: list[Choice] = [] if flags.hidden == "none" else [(1.0 if pools and count > 1 else 0.0, (ACT,))]
    options.append((1.0 if pools and count > 1 else 0.0, ()))
    if pools:
        usual = 0.0 if count > 1 else 1.5 if count else 3.0
        options += [(usual, (ACT, POOL))] if (count > 1 or free) and flags.hidden != "none" else []
        options.append((usual + 0.5, (POOL,)))
    return options


def _add_readouts(plain: Sequence[Choice], flags: HeadFlags, *, recurrent: bool) -> list[Choice]:
    """The readout behind what stands there, or before a function."""
    options = [(cost, (*steps, READ)) for cost, steps in plain]
    if flags.hidden != "none" and any(ACT in steps for _, steps in plain):
        options += [
            (cost + (0.2 if recurrent else 2.0), (*steps, READ, ACT)) for cost, steps in plain if ACT not in steps
        ]
    return options


def _fill(placed: Steps, head: HeadParts, evidence: Evidence, flags: HeadFlags) -> Iterator[Choice]:
    """One placement with every function, readout, pool and padding that it leaves open."""
    functions = _list_functions(evidence, flags) if ACT in placed else {"": 0.0}
    readouts = _list_readouts(head, flags) if READ in placed else {"": 0.0}
    pools = _list_pools(flags) if POOL in placed else {("", 0): 0.0}
    if flags.pool not in (None, "none") and POOL not in placed and not flags.order:
        return
    split = placed.index(READ) if READ in placed else len(placed)
    mixed = ACT in placed[:split] and ACT in placed[split:]
    pairs = [
        (first, second, max(functions[first], functions[second]) + (MIXED_COST if first != second else 0.0))
        for first in functions
        for second in (functions if mixed else (first,))
    ]
    for (first, second, a), (readout, b), (pool, c), (padding, d) in itertools.product(
        pairs, readouts.items(), pools.items(), _list_paddings(placed, head, flags)
    ):
        filled = {READ: Step("readout", readout), POOL: Step("pool", pool[0], (("size", pool[1]),))}
        steps = tuple(
            Step("function", first if place < split else second)
            if step == ACT
            else _pad(filled.get(step, step), padding, head)
            for place, step in enumerate(placed)
        )
        if _makes_sense(steps, head, moved=READ in placed):
            yield a + b + c + d, steps


def _makes_sense(steps: Steps, head: HeadParts, *, moved: bool) -> bool:
    """Whether a state is read off a recurrent layer, and a function is not counted on both sides of a readout."""
    kinds = {part.name: part.kind for part in head.parts}
    for before, step, behind in zip((None, *steps), steps, (*steps[1:], None), strict=False):
        if step.kind != "readout":
            continue
        if step.name == "hidden" and (before is None or kinds.get(before.name) not in RECURRENT):
            return False
        alike = step.name in ("last", "flatten")  # a function commutes with them
        if moved and alike and behind is not None and behind.kind == "function":
            return False
    return True


def _list_functions(evidence: Evidence, flags: HeadFlags) -> dict[str, float]:
    if flags.hidden:
        return {flags.hidden: 0.0}
    named = {
        step.name
        for record in evidence.beside
        if record.is_torch and record.name not in ("Flatten", "MaxPool1d", "AvgPool1d") and "Pool" not in record.name
        and not record.name.endswith(("Loss", "Softmax", "Sequential", "ModuleList"))
        for step in _try_slot(record)
    }  # fmt: skip
    return {name: (0.0 if name in named else cost + 0.5) for name, cost in FUNCTION_COSTS.items()}


def _try_slot(record: ModuleRecord) -> Steps:
    try:
        return read_slot(record, "It")
    except RefusalError:
        return ()


def _list_readouts(head: HeadParts, flags: HeadFlags) -> dict[str, float]:
    if head.steps is not None:
        return {"flatten": 0.0}
    if flags.readout:
        return {flags.readout: 0.0}
    part = head.last_in_time
    costs = dict(READOUT_COSTS[part is not None and part.kind in RECURRENT])
    if part is None or not part.bidirectional:
        costs.pop("hidden", None)
    if flags.masked:
        costs.pop("max", None)
    if flags.masked and part is not None and part.bidirectional:
        costs.pop("last", None)
    return costs


def _list_pools(flags: HeadFlags) -> dict[tuple[str, int], float]:
    if flags.pool is None or flags.pool == "none":
        return POOL_COSTS
    kind, _, size = flags.pool.partition(":")
    return {(kind, int(size)): 0.0}


def _list_paddings(placed: Steps, head: HeadParts, flags: HeadFlags) -> list[tuple[str, float]]:
    """Of the convolutions whose padding is not recorded; "half" is kernel // 2, which differs where that is even."""
    kernels = [
        part.tensors["weight"].shape[2]
        for part in head.parts
        if part.kind == "Conv1d"
        and not any(step.name == part.name and "padding" in dict(step.options) for step in placed)
    ]
    if all(kernel == 1 for kernel in kernels):
        return [("same", 0.0)]
    if flags.padding:
        return [(flags.padding, 0.0)]
    even = any(kernel % 2 == 0 for kernel in kernels)
    return [("same", 0.0), ("valid", 1.0), *([("half", 0.5)] if even else [])]


def _pad(step: Step, padding: str, head: HeadParts) -> Step:
    if step.kind != "part" or "padding" in dict(step.options):
        return step
    part = next(one for one in head.parts if one.name == step.name)
    if part.kind != "Conv1d":
        return step
    kernel = part.tensors["weight"].shape[2]
    value: Option = (
        kernel // 2 if padding == "half" or (padding == "same" and step.number("stride", 1) > 1) else padding
    )
    return replace(step, options=(("padding", value), *step.options))
