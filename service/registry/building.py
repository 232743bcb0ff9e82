"""Building: a version with the models that it needs, and with room made for it."""

import asyncio
from collections.abc import Callable

import structlog

from service.errors import InvalidModelError
from service.registry.catalog import Catalog
from service.registry.loader import Loader
from service.registry.manifest import Manifest, Requires
from service.registry.memory import memory_estimate_bytes
from service.registry.requirement import over_time_entry, required_entry
from service.registry.served import ServedModel
from service.registry.states import Entry, ModelUnavailableError
from service.registry.store import Store

log = structlog.get_logger()


class Building:
    """Builds versions of a store. load: begins to load another version, or joins who does."""

    def __init__(
        self, store: Store, loader: Loader, catalog: Catalog, load: "Callable[[Entry], asyncio.Task[ServedModel]]"
    ) -> None:
        self._store = store
        self._loader = loader
        self._catalog = catalog
        self._load = load

    async def build(self, entry: Entry) -> ServedModel:
        """The version, verified and warmed up; InvalidModelError with the reason where it cannot be."""
        loader, catalog = self._loader, self._catalog
        stored = await loader.run_in_thread(lambda: self._store.inspect(entry.name, entry.version))
        manifest = stored.manifest
        required = None if manifest.requires is None else await self._load_required(manifest, manifest.requires)
        over_time = None if manifest.over_time is None else await self._load_over_time(manifest, manifest.over_time)
        need_bytes = memory_estimate_bytes(manifest)
        for victim in catalog.to_evict(need_bytes, loader.used_bytes, loader.limit_bytes, (required, over_time)):
            log.info("model evicted", model=victim.name, version=victim.version)
            victim.served = None
        return await loader.build(manifest, required, over_time)

    async def _load_over_time(self, manifest: Manifest, wanted: Requires) -> ServedModel | None:
        """The loaded model that says in this one's place what is signed when; None where it cannot, and it says why.

        Without it the model answers for itself, by windows: it is not lost for a picture's sake.
        """
        entry = over_time_entry(self._catalog.find(wanted.name, wanted.version))
        loaded = None if entry is None else await self._loaded(entry)
        if isinstance(loaded, ServedModel):
            return loaded
        who = f"{wanted.name} version {wanted.version}"
        reason = "not there" if loaded is None else str(loaded)
        log.warning("answers over time by windows", model=manifest.name, missing=who, reason=reason)
        return None

    async def _load_required(self, manifest: Manifest, requires: Requires) -> ServedModel:
        """The loaded model that this one reads from; InvalidModelError where it cannot be."""
        entry = required_entry(manifest, requires, self._catalog.find(requires.name, requires.version))
        loaded = await self._loaded(entry)
        if isinstance(loaded, ServedModel):
            return loaded
        raise ModelUnavailableError(f"requires {requires.name} version {requires.version}, which is refused: {loaded}")

    async def _loaded(self, entry: Entry) -> ServedModel | InvalidModelError:
        """The version, loaded for another model, or why it is refused."""
        self._catalog.touch(entry)
        if entry.served is not None:
            return entry.served
        load = self._load(entry)
        await asyncio.wait([load])
        problem = load.exception()
        return problem if isinstance(problem, InvalidModelError) else load.result()


def log_failure(task: asyncio.Task[ServedModel] | asyncio.Task[None]) -> None:
    """Nobody may be waiting for a background task: what it raised, other than a refusal, is a fault of ours."""
    if not task.cancelled() and (problem := task.exception()) and not isinstance(problem, InvalidModelError):
        log.error("loading models failed", exc_info=problem)
