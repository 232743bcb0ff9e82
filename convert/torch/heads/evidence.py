"""What the file says of the modules between a head's parts: gaps in their indices, names, recorded classes."""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

from convert.torch.checkpoint.structure import ModuleRecord
from convert.torch.heads.parts import Part

_UNKNOWN = ModuleRecord()


@dataclass(frozen=True, slots=True)
class Junction:
    """What lies before a part, or behind the last.

    slots: the modules without weights that stand there, as a Sequential numbers them; open: its author's own code may
    do more there.
    """

    slots: tuple[ModuleRecord, ...] = ()
    open: bool = True

    @property
    def settled(self) -> bool:
        """Whether all that happens there is in the file."""
        return not self.open and all(slot.is_torch for slot in self.slots)


@dataclass(frozen=True, slots=True)
class Evidence:
    """One junction before each part and one behind the last; beside: the classes of modules without a place."""

    junctions: tuple[Junction, ...]
    beside: tuple[ModuleRecord, ...] = ()

    @property
    def settled(self) -> bool:
        """Whether nothing of the structure is left to assume."""
        return all(junction.settled for junction in self.junctions)


class _Tree:
    """The modules of a file by their names; those between two indices of one parent are filled in."""

    def __init__(self, names: Sequence[str], records: dict[str, ModuleRecord]) -> None:
        self._records = records
        self._parts = set(names)
        self.complete = bool(records)
        self.children: dict[str, list[str]] = {"": []}
        for name in (*records, *names):
            self._add(name)
        for parent, children in self.children.items():
            if children and all(child.isdigit() for child in children):
                known = range(max(map(int, children)) + 1)
                self.children[parent] = [str(number) for number in known] if len(known) < 1000 else children

    def _add(self, name: str) -> None:
        above = ""
        for word in name.split(".") if name else ():
            siblings = self.children.setdefault(above, [])
            if word not in siblings:
                siblings.append(word)
            above = f"{above}.{word}" if above else word

    def record(self, name: str) -> ModuleRecord:
        return self._records.get(name, _UNKNOWN)

    def is_sequence(self, name: str, parts: dict[str, Part]) -> bool:
        """Whether a module runs its children one after the other, as PyTorch's Sequential does."""
        record = self.record(name)
        if record.kind:
            return record.is_torch and record.name == "Sequential"
        children = self.children.get(name, [])
        if not children or not all(child.isdigit() for child in children):
            return False
        own = [parts.get(f"{name}.{child}" if name else child) for child in children]
        plain = [part is not None and part.kind in ("Linear", "Conv1d") for part in own]
        listed = any(one and following for one, following in itertools.pairwise(plain))
        return not listed  # two layers without a function between: a ModuleList, run by its author's code

    def leaves(self, name: str = "") -> list[str]:
        """Modules without children below a module, in order."""
        if name in self._parts or not self.children.get(name):
            return [name] if name else []
        return [leaf for child in self.children[name] for leaf in self.leaves(f"{name}.{child}" if name else child)]


def read_evidence(parts: Sequence[Part], records: dict[str, ModuleRecord]) -> Evidence:
    """What is known of each place between the parts, which stand in running order."""
    by_name = {part.name: part for part in parts}
    tree = _Tree([part.name for part in parts], records)
    leaves = tree.leaves()
    blocks = {leaf: _find_block(leaf, tree, by_name) for leaf in leaves if leaf not in by_name}
    names = [part.name for part in parts]
    junctions, taken = [], set()
    for before, behind in zip([None, *names], [*names, None], strict=True):
        first = leaves.index(before) + 1 if before is not None else 0
        last = leaves.index(behind) if behind is not None else len(leaves)
        slots = [
            leaf
            for leaf in leaves[first:last]
            if leaf in blocks and any(one is not None and _lies_under(one, blocks[leaf]) for one in (before, behind))
        ]
        taken.update(slots)
        junctions.append(Junction(tuple(tree.record(leaf) for leaf in slots), _is_open(before, behind, tree, by_name)))
    beside = tuple(tree.record(leaf) for leaf in leaves if leaf not in by_name and leaf not in taken)
    return Evidence(tuple(junctions), beside)


def _list_ancestors(name: str) -> list[str]:
    """All modules around a module, the nearest first, the root ("") last."""
    words = name.split(".")
    return [".".join(words[:count]) for count in range(len(words) - 1, -1, -1)]


def _find_block(leaf: str, tree: _Tree, parts: dict[str, Part]) -> str | None:
    """The outermost Sequential that a module stands in, which gives it its place; None where it has none."""
    block = None
    for above in _list_ancestors(leaf):
        if not tree.is_sequence(above, parts):
            break
        block = above
    return block


def _lies_under(name: str, block: str | None) -> bool:
    return block is not None and (not block or name.startswith(f"{block}."))


def _is_open(before: str | None, behind: str | None, tree: _Tree, parts: dict[str, Part]) -> bool:
    """Whether code of the author's own runs between two modules, or may."""
    ways = [_list_ancestors(name) for name in (before, behind) if name is not None]
    common = next((above for above in ways[0] if above in ways[-1]), "") if len(ways) == 2 else ""
    crossed = [above for way in ways for above in way[: way.index(common) + 1]]
    leaves_one = before is not None and ways[0][0] != common
    if (leaves_one or behind is None) and not tree.complete:
        return True  # what stands behind the last tensor of a Sequential leaves no gap
    return not all(tree.is_sequence(above, parts) for above in crossed)
