"""Registry: which models there are, which one answers, and how that changes without a request noticing.

A version is built, verified and warmed up beside the one that is served; then one pointer is swapped. All state changes
on the event loop; hashing, building and trying out happen in threads.
"""

import asyncio
from collections.abc import Collection
from functools import partial

import structlog

from service.errors import InvalidModelError, SignError
from service.execution_providers import explain_runtimes, installed_runtimes
from service.metrics import Metrics
from service.registry.building import Building, log_failure
from service.registry.catalog import Catalog, Changes, ModelMetrics
from service.registry.cores import Cores
from service.registry.loader import Loader
from service.registry.refusals import (
    RETRY_AFTER_S,
    check_shared,
    check_unloadable,
    default_needed,
    load_result,
    model_failed,
    model_unloaded,
    no_models,
    not_served,
)
from service.registry.served import ServedModel
from service.registry.states import (
    Entry,
    ModelState,
    ReloadReport,
    Split,
    VersionName,
    VersionState,
    scan,
)
from service.registry.store import Store
from service.registry.traffic import Behind, Traffic
from service.settings import Settings
from service.version_shares import VersionShare

__all__ = ["ModelState", "Registry", "ReloadReport", "ServedModel", "VersionName", "VersionState"]

LOAD_WAIT_S = 10.0
"""Longest that a request waits for a version that was not loaded yet; it goes on loading after that."""

log = structlog.get_logger()


class Registry:
    """The models of `settings.model_store`. Belongs to one event loop; `start` it, and `close` it at the end."""

    def __init__(self, settings: Settings, metrics: Metrics) -> None:
        self._settings = settings
        self._store = Store(settings.model_store, settings.taught_store)
        self._loader = Loader(self._store, settings, metrics)
        shares = settings.version_shares.items()
        splits = {name: Split(share.version, share.percent, share.shadow) for name, share in shares}
        self._catalog = Catalog(settings.pinned_versions, splits)
        self._metrics = ModelMetrics(metrics)
        self._requests = metrics.model_requests
        self.traffic = Traffic(self._catalog, metrics, lambda: self._metrics.update(self._catalog))
        self.behind = Behind()
        self._building = Building(self._store, self._loader, self._catalog, self._load)
        self._changing = asyncio.Lock()
        self._choosing: set[str] = set()
        self._first_loads: asyncio.Task[None] | None = None
        self._poll: asyncio.Task[None] | None = None
        self._replacing: asyncio.Task[None] | None = None
        self._problem: str | None = None
        self._closing = False

    async def start(self, only: Collection[str] | None = None) -> None:
        """Scan the store; the default version of each model then loads in the background, see `wait_until_loaded`.

        only: the models that load now, where not all of them will be asked for.
        """
        if len(installed := installed_runtimes()) > 1:
            log.warning("several ONNX Runtimes", installed=installed, advice=explain_runtimes())
        await self._scan()
        names = [name for name in self._catalog.names if only is None or name in only]
        self._choosing.update(names)
        for name in sorted({*self._settings.pinned_versions, *self._settings.version_shares} - {*self._catalog.names}):
            log.warning("a version is chosen of a model that is not in the store", model=name)
        self._first_loads = asyncio.create_task(self._load_all(names))
        if self._settings.model_poll_s > 0:
            self._poll = asyncio.create_task(self._poll_forever())
            self._poll.add_done_callback(log_failure)

    async def wait_until_loaded(self) -> None:
        """Wait until every model that loads at the start is served or refused."""
        if self._first_loads is not None:
            await asyncio.wait([self._first_loads])
            self._first_loads.result()

    async def close(self) -> None:
        """Stop polling and loading, and close every model. Requests that still run get `model-failed`."""
        self._closing = True
        loads = [entry.loading for entry in self._catalog]
        tasks = [task for task in (self._poll, self._first_loads, self._replacing, *loads) if task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self.behind.close()
        await self._loader.close()

    @property
    def cores(self) -> Cores:
        """What inferences share, with each other and with whoever says so there."""
        return self._loader.cores

    # what requests ask

    @property
    def ready(self) -> bool:
        """Whether the default model is served."""
        return not self._closing and self._catalog.default(self._settings.default_model) is not None

    @property
    def missing(self) -> str:
        """What keeps the default model from being served, in words; empty when it is."""
        name = self._settings.default_model
        if self.ready or self._problem:
            return "" if self.ready else self._problem or ""
        if name not in self._catalog.names:
            return f"the default model {name} is not in the model store {self._store.root}"
        return f"the default model {name}: {self._why_not_served(name).detail}"

    async def get(self, name: str, version: int | None = None) -> ServedModel:
        """The model under this name, or the version asked for by number, ready to answer.

        A bare name never waits: what is served is served, while another version loads. A number that is not loaded
        is loaded now; that is waited for, up to LOAD_WAIT_S. Raises SignError `model-unknown`, `version-unknown`,
        `model-loading`, `model-failed` with the reason, or `model-state` where an operator unloaded it.
        """
        if self._closing:
            raise SignError("shutting-down", "The service is ending.", retry_after_s=RETRY_AFTER_S)
        if self._problem is not None and not self._catalog.names:
            raise no_models(self._problem)
        entry = self._catalog.default(name) if version is None else self._catalog.entry(name, version)
        if entry is None:
            raise self._why_not_served(name)
        self._catalog.touch(entry)
        if version is not None:
            entry.asked = True
        if entry.served is not None:
            return entry.served
        return await self._load_now(entry)

    async def choose(self, name: str, version: int | None = None) -> ServedModel:
        """As `get`, for one request; under a bare name whose traffic two versions share, one of them is drawn."""
        role, model = "canary", self.traffic.chosen(name) if version is None and not self._closing else None
        if model is None:
            role, model = "main" if version is None else "asked", await self.get(name, version)
        self._requests.labels(name, str(model.manifest.version), role).inc()
        return model

    async def _load_now(self, entry: Entry) -> ServedModel:
        who = f"{entry.name} version {entry.version}"
        if entry.unloaded:
            raise model_unloaded(entry)
        if entry.is_given_up:
            raise model_failed(f"{who} is refused: {entry.refusal}")
        load = self._load(entry)
        done, _ = await asyncio.wait([load], timeout=LOAD_WAIT_S)
        if not done:
            raise SignError("model-loading", f"{who} is still loading; ask again.", retry_after_s=RETRY_AFTER_S)
        return load_result(load, who)

    def _why_not_served(self, name: str) -> SignError:
        return not_served(name, self._catalog.versions(name), self._catalog.pin(name), choosing=name in self._choosing)

    # what there is

    def snapshot(self) -> tuple[ModelState, ...]:
        """Every model by name, with the state of each version."""
        return tuple(self._catalog.state(name) for name in self._catalog.names)

    def state(self, name: str) -> ModelState:
        """One model; SignError `model-unknown` where there is none."""
        return self._catalog.state(name)

    def version_state(self, name: str, version: int) -> VersionState:
        """One version; SignError `model-unknown` or `version-unknown` where there is none."""
        return self._catalog.view(self._catalog.entry(name, version))

    # what operators change

    async def load(self, name: str, version: int) -> VersionState:
        """Load a version now, also one that was unloaded or refused before; one that is not known is looked for.

        Raises SignError `model-unknown`, `version-unknown`, or `model-failed` with the reason.
        """
        if self._catalog.find(name, version) is None:
            await self.reload()
        await self._load_asked(name, version)
        self._choose_default(name)
        return self._catalog.view(self._catalog.entry(name, version))

    async def share(self, name: str, share: VersionShare) -> ModelState:
        """Give a version, loaded now, a share of the bare name's requests, or make it the main version's shadow.

        Until it is loaded, and if it cannot be, all stays as it was. The version that is the main one stays so. Raises
        as `load`, and SignError `model-state` where no other version can be served beside it, or it is no shadow.
        """
        async with self._changing:
            if self._catalog.find(name, share.version) is None:
                await self._load_names((await self._scan()).names - {name}, again=False)
            before, main = self._catalog.split(name), self._catalog.default(name)
            held = None if main is None or main.version == share.version else main.version
            self.traffic.begin(name, Split(share.version, share.percent, share.shadow, held))
            try:
                await self._load_asked(name, share.version)
                await self._load_best(name, again=False)
                check_shared(self._catalog.state(name))
            except BaseException:
                self.traffic.begin(name, before)
                self._choose_default(name)
                raise
            return self._catalog.state(name)

    async def _load_asked(self, name: str, version: int) -> None:
        entry = self._catalog.entry(name, version)
        entry.unloaded, entry.asked = False, True
        self._catalog.touch(entry)
        if entry.needs_loading or entry.refusal is not None:
            load = self._load(entry)
            await asyncio.wait([load])
            load_result(load, f"{name} version {version}")

    async def unload(self, name: str, version: int) -> VersionState:
        """Take a version out of memory; requests that hold it finish. It is not loaded again until `load`.

        Of the default version the next one takes its place first. Raises SignError `model-unknown`,
        `version-unknown`, or `model-state` where it is loading, refused, read by another loaded model, or the last
        version of the service's default model.
        """
        async with self._changing:
            entry = self._catalog.entry(name, version)
            check_unloadable(entry, self._catalog.readers(entry))
            entry.unloaded = True
            self.traffic.withdraw(entry, "unloaded by an operator")
            if self._catalog.default(name) is entry:
                await self._replace(entry)
            entry.asked = False
            entry.served = None
            self._metrics.update(self._catalog)
            return self._catalog.view(entry)

    async def _replace(self, entry: Entry) -> None:
        """Serve the next version in place of this one, if there is one; SignError where there has to be one."""
        self._choosing.add(entry.name)
        try:
            for other in self._catalog.candidates(entry.name):
                if await self._try_load(other, again=False):
                    break
            else:
                if entry.name == self._settings.default_model:
                    entry.unloaded = False
                    raise default_needed(entry.name)
        finally:
            self._choosing.discard(entry.name)
        self._choose_default(entry.name)

    async def reload(self, *, again: bool = True) -> ReloadReport:
        """Scan the store and serve what is new; returns when that is loaded or refused.

        again: also try once more what was refused and has not changed on disk.
        """
        async with self._changing:
            changes = await self._scan()
            names = set(self._catalog.names) if again else changes.names | self._catalog.names_to_try_again
            await self._load_names(names | changes.names, again=again)
            return ReloadReport(
                added=changes.added,
                removed=changes.removed,
                changed=changes.changed,
                refused=self._catalog.refused(),
                problem=self._problem,
            )

    async def _poll_forever(self) -> None:
        while True:
            await asyncio.sleep(self._settings.model_poll_s)
            await self.reload(again=False)

    # how it happens

    async def _scan(self) -> Changes:
        known = {entry.key: entry.fingerprint for entry in self._catalog}
        try:
            found = await self._loader.run_in_thread(lambda: scan(self._store, known))
        except OSError as error:
            self._problem = f"the model store {self._store.root} cannot be read: {error.strerror or error}"
            log.warning("model store unreadable", problem=self._problem)
            return Changes((), (), ())
        self._problem = None
        changes = self._catalog.apply(found)
        for one in found:
            if one.refusal is not None:
                log.warning("model refused", model=one.key.name, version=one.key.version, reason=one.refusal)
        self._metrics.update(self._catalog)
        return changes

    async def _load_all(self, names: list[str]) -> None:
        try:
            async with self._changing:
                await self._load_names(names, again=False)
        finally:
            self._choosing.difference_update(names)

    async def _load_names(self, names: Collection[str], *, again: bool) -> None:
        """The default model before all others: it must not find the memory taken."""
        first = self._settings.default_model
        if first in names:
            await self._load_best(first, again=again)
        await asyncio.gather(*(self._load_best(name, again=again) for name in sorted({*names} - {first})))

    async def _load_best(self, name: str, *, again: bool) -> None:
        """Load the best version that can be loaded, and what else is loaded but has changed; then swap."""
        self._choosing.add(name)
        try:
            for entry in self._catalog.candidates(name):
                if entry.is_given_up and entry.served is None and not again:
                    continue
                if await self._try_load(entry, again=again):
                    break
            beside = self._catalog.beside(name)
            if beside is not None and (again or beside.served or not beside.is_given_up):
                beside.asked = True
                await self._try_load(beside, again=again)
            for entry in [entry for entry in self._catalog if entry.name == name and entry.stale and entry.served]:
                await self._try_load(entry, again=again)
        finally:
            self._choosing.discard(name)
        self._choose_default(name)
        self.traffic.settle(name)

    async def _try_load(self, entry: Entry, *, again: bool) -> bool:
        """Whether the version is served after that, be it by the copy that was loaded before."""
        if entry.needs_loading or (again and entry.refusal is not None):
            load = self._load(entry)
            await asyncio.wait([load])
            if (problem := load.exception()) is not None and not isinstance(problem, InvalidModelError):
                raise problem
        return entry.served is not None

    def _load(self, entry: Entry) -> asyncio.Task[ServedModel]:
        """The one task that loads this version: all who want it wait for it; each cancels only their own waiting."""
        if entry.loading is None:
            entry.loading = asyncio.create_task(self._build(entry))
            entry.loading.add_done_callback(log_failure)
            self._metrics.update(self._catalog)
        return entry.loading

    async def _build(self, entry: Entry) -> ServedModel:
        """Read, verify, build and warm up; only then is anything swapped. InvalidModelError leaves what is served."""
        entry.stale = False
        try:
            model = await self._building.build(entry)
        except InvalidModelError as error:
            entry.refuse(error)
            log.warning("model refused", model=entry.name, version=entry.version, reason=str(error))
            if entry.served is None:
                self.traffic.withdraw(entry, f"refused: {error}")
            raise
        else:
            model.when_given_up = partial(self._give_up, entry)
            model.when_answered = partial(self.traffic.note, entry)
            model.shadow_of = partial(self.traffic.shadow_of, entry)
            entry.served, entry.manifest = model, model.manifest
            entry.refusal, entry.refused_for_now = None, False
            log.info("model ready", model=entry.name, version=entry.version, memory_bytes=model.memory_bytes)
            return model
        finally:
            entry.loading = None
            if entry.name not in self._choosing:
                self._choose_default(entry.name)
            self._metrics.update(self._catalog)

    def _give_up(self, entry: Entry, model: ServedModel, reason: str) -> None:
        """Refuse a version whose inferences have to be stopped, and serve another one in its place, if there is one.

        An operator can load it again.
        """
        if self._closing or entry.served is not model:
            return
        entry.served = None
        entry.refuse(InvalidModelError(reason))
        log.warning("model given up", model=entry.name, version=entry.version, reason=reason)
        self.traffic.withdraw(entry, f"given up: {reason}")
        self._choose_default(entry.name)
        if self._catalog.default(entry.name) is None:
            self._replacing = asyncio.create_task(self._load_best(entry.name, again=False))
            self._replacing.add_done_callback(log_failure)

    def _choose_default(self, name: str) -> None:
        if self._catalog.choose_default(name):
            entry = self._catalog.default(name)
            log.info("model served", model=name, version=None if entry is None else entry.version)
        self._metrics.update(self._catalog)
