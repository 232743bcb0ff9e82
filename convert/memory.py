"""Whether the models of a store can be loaded together in the memory that the service allows by default."""

from pathlib import Path

from service.errors import InvalidModelError
from service.registry.manifest import Manifest
from service.registry.memory import memory_estimate_bytes
from service.registry.store import Store

ALLOWED_BYTES = 2 << 30
"""The default of SIGN_MODEL_MEMORY_BYTES."""


def note_memory(store: Path, manifest: Manifest) -> list[str]:
    """What to say where the model, with those that it requires, or with all others of the store, is too large."""
    chain = _read_chain(store, manifest)
    own = sum(memory_estimate_bytes(one) for one in chain)
    if own > ALLOWED_BYTES:
        named = " with " + ", ".join(one.name for one in chain[1:]) if len(chain) > 1 else ""
        return [_say(f"{manifest.name}{named} takes", own, "It cannot be loaded before more is allowed")]
    newest = _read_newest(store)
    together = sum(memory_estimate_bytes(one) for one in newest)
    if together > ALLOWED_BYTES:
        count = f"The newest versions of the store's {len(newest)} models take"
        return [_say(count, together, "They are not all loaded at once: what is asked for takes the place of others")]
    return []


def _say(what: str, need_bytes: int, then: str) -> str:
    return (
        f"{what} some {need_bytes >> 20} MiB; the service allows {ALLOWED_BYTES >> 20} MiB by default. "
        f"{then} (SIGN_MODEL_MEMORY_BYTES)."
    )


def _read_chain(store: Path, manifest: Manifest) -> list[Manifest]:
    """The model and all that it requires, one after the other."""
    chain = [manifest]
    while (required := chain[-1].requires) is not None:
        chain.append(Store(store).read(required.name, required.version).manifest)
    return chain


def _read_newest(store: Path) -> list[Manifest]:
    """Each model's newest version that can be read."""
    newest: dict[str, Manifest] = {}
    for one in Store(store).versions():
        try:
            manifest = Store(store).read(one.name, one.version).manifest
        except InvalidModelError:
            continue
        if manifest.name not in newest or newest[manifest.name].version < manifest.version:
            newest[manifest.name] = manifest
    return list(newest.values())
