"""What a file records of a network's modules beside their tensors: their names, and their classes if saved whole."""

from dataclasses import dataclass, field
from typing import Any

from convert.pickles.values import AttributedDict, StandIn, Value, shown

MAX_MODULES = 10_000
MAX_DEPTH = 64
_SCALARS = (bool, int, float, str, type(None))


@dataclass(frozen=True, slots=True)
class ModuleRecord:
    """A module. kind: its class ("torch.nn.modules.activation.ReLU"), "" where the file has its name alone."""

    kind: str = ""
    attributes: dict[str, Any] = field(default_factory=dict)

    @property
    def is_torch(self) -> bool:
        """Whether PyTorch itself defines the class, so that the name says what it computes."""
        return self.kind.startswith("torch.nn.")

    @property
    def name(self) -> str:
        return self.kind.rpartition(".")[2]


def list_modules(state: Value) -> dict[str, ModuleRecord]:
    """Module name → what is recorded of it, in the order of registration; the root is "".

    state: a whole module, or a state_dict, whose `_metadata` names every module, those without tensors too.
    """
    found: dict[str, ModuleRecord] = {}
    if isinstance(state, StandIn):
        _walk(state, "", found, 0)
    elif isinstance(state, AttributedDict) and isinstance(state.attributes, dict):
        metadata = state.attributes.get("_metadata")
        names = list(metadata)[:MAX_MODULES] if isinstance(metadata, dict) else []
        found = {name: ModuleRecord() for name in names if isinstance(name, str) and shown(name) == name}
    return found


def _walk(module: StandIn, name: str, found: dict[str, ModuleRecord], depth: int) -> None:
    if depth > MAX_DEPTH or len(found) > MAX_MODULES:
        return
    attributes = module.attributes()
    plain = {
        key: list(value) if isinstance(value, tuple) else value
        for key, value in attributes.items()
        if not key.startswith("_") and _is_plain(value)
    }
    found[name] = ModuleRecord(shown(module.of), plain)
    children = attributes.get("_modules")
    for key, child in children.items() if isinstance(children, dict) else ():
        if isinstance(child, StandIn) and shown(key) == key:
            _walk(child, f"{name}.{key}" if name else str(key), found, depth + 1)


def _is_plain(value: Value) -> bool:
    if isinstance(value, tuple):
        return len(value) <= 8 and all(isinstance(item, _SCALARS) for item in value)
    return isinstance(value, _SCALARS)
