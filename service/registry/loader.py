"""Loader: from a version in the store to a model that answers, in threads and within the memory budget."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar
from weakref import WeakSet

import structlog

from service.errors import InvalidModelError
from service.metrics import Metrics
from service.observe.landmark_files import explain_missing
from service.observe.request import LandmarkRequest
from service.registry.batcher import STOP_GRACE_S
from service.registry.cores import Cores, Rules
from service.registry.manifest import Manifest
from service.registry.memory import UNEXPECTED_BYTES, memory_estimate_bytes
from service.registry.memory_mark import MemoryMark
from service.registry.placement import Fallback, Placed, place_model
from service.registry.providers import Place, place_of, providers_for
from service.registry.served import ServedModel
from service.registry.session import LOAD_S, TRIAL_S
from service.registry.states import ModelUnavailableError
from service.registry.store import Store, StoredModel
from service.registry.threads import ReplaceableThreads
from service.settings import Settings, allowed_cores

LOADING_THREADS = 2
"""Models that load at the same time: a large one must not keep a small one waiting."""

T = TypeVar("T")

log = structlog.get_logger()


class Loader:
    """Builds, verifies and warms up. `used_bytes` counts every model that is still held by somebody."""

    def __init__(self, store: Store, settings: Settings, metrics: Metrics) -> None:
        self._store = store
        self._settings = settings
        self._metrics = metrics
        self._threads = ReplaceableThreads(LOADING_THREADS, "load")
        self._inference = ReplaceableThreads(settings.inference_threads, "infer")
        self.cores = Cores(allowed_cores())
        self._rules = Rules(
            self.cores,
            batch_rows=settings.batch_rows,
            side_by_side=settings.inference_threads,
            wait_s=settings.batch_wait_ms / 1000,
            most_s=settings.request_timeout_s,
        )
        self._alive: WeakSet[ServedModel] = WeakSet()
        self._reserved_bytes = 0
        metrics.model_memory.set_function(lambda: float(self.used_bytes))

    @property
    def used_bytes(self) -> int:
        return self._reserved_bytes + sum(model.memory_bytes for model in self._alive)

    @property
    def limit_bytes(self) -> int:
        return self._settings.model_memory_bytes

    async def run_in_thread(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._threads, work)

    @contextmanager
    def reserve(self, need_bytes: int) -> Iterator[None]:
        """Hold memory for a model that is being built. Whether there is room is the caller's to see to."""
        self._reserved_bytes += need_bytes
        try:
            yield
        finally:
            self._reserved_bytes -= need_bytes

    async def build(
        self, manifest: Manifest, required: ServedModel | None, over_time: ServedModel | None = None
    ) -> ServedModel:
        """The version of this manifest, verified and warmed up.

        Raises InvalidModelError where a digest is wrong, the graph is not what the manifest says, or it cannot run.
        """
        need_bytes = memory_estimate_bytes(manifest)
        with self.reserve(need_bytes):
            stored = await self.run_in_thread(lambda: self._verify(manifest))
            mark = MemoryMark.now()
            places = self._places(manifest)
            placed = await self._warm_up(stored, places, need_bytes + max(0, self._free_bytes) + UNEXPECTED_BYTES)
            self._tell_fallbacks(manifest, placed)
            session = placed.session
            taken_bytes = max(mark.growth_bytes(), session.most_resident - mark.resident)
            if taken_bytes > need_bytes + UNEXPECTED_BYTES:
                self._check_fits(taken_bytes, need_bytes)
                need_bytes = taken_bytes
            model = ServedModel(
                stored,
                placed,
                self._inference,
                self._metrics,
                rules=self._rules,
                memory_bytes=need_bytes,
                required=required,
            )
            model.over_time = over_time
            self._alive.add(model)
        return model

    def _check_fits(self, taken_bytes: int, need_bytes: int) -> None:
        """Whether a model that took more than its files tell can stay; ModelUnavailableError if not."""
        free_bytes = self._free_bytes + need_bytes
        if taken_bytes > free_bytes:
            raise ModelUnavailableError(
                f"it took {taken_bytes >> 20} MiB of memory on its trial, {max(0, free_bytes) >> 20} MiB are free; "
                "unload another model or raise SIGN_MODEL_MEMORY_BYTES"
            )

    @property
    def _free_bytes(self) -> int:
        """What is left to models, besides those that are loaded and being built."""
        return self.limit_bytes - self.used_bytes

    def _verify(self, manifest: Manifest) -> StoredModel:
        stored = self._store.read(manifest.name, manifest.version)
        if stored.manifest != manifest:
            raise ModelUnavailableError("it changed while it was being loaded; reload the models")
        _check_landmarks(manifest)
        return stored

    def _places(self, manifest: Manifest) -> list[Place | Fallback]:
        """Where the model may run, the best first; a device without room for it is known not to do.

        A model is taken to need as much of a device's memory as of this process'.
        """
        need_bytes, limit_bytes = memory_estimate_bytes(manifest), self._settings.device_memory_bytes
        places: list[Place | Fallback] = []
        for provider in providers_for(manifest, self._settings):
            free_bytes = None if limit_bytes is None or not provider.has_memory else limit_bytes - self.device_bytes
            if free_bytes is not None and need_bytes > free_bytes:
                said = f"it needs {need_bytes >> 20} MiB, {max(0, free_bytes) >> 20} MiB of the device are free"
                places.append(Fallback(provider.name, "memory", said))
            else:
                places.append(place_of(manifest, provider, self._settings, free_bytes))
        return places

    @property
    def device_bytes(self) -> int:
        """What models that are loaded are taken to need of a device's memory."""
        return sum(memory_estimate_bytes(model.manifest) for model in self._alive if model.placed.provider.has_memory)

    def _tell_fallbacks(self, manifest: Manifest, placed: Placed) -> None:
        for fallback in placed.fallbacks:
            self._metrics.provider_fallbacks.labels(manifest.name, fallback.provider, fallback.why).inc()
            log.warning(
                "model falls back",
                model=manifest.name,
                version=manifest.version,
                provider=fallback.provider,
                served_on=placed.provider.name,
                reason=fallback.reason,
            )

    async def _warm_up(self, stored: StoredModel, places: list[Place | Fallback], most_bytes: int) -> Placed:
        """The graph, loaded and tried out on the first place that serves it.

        One that cannot be stopped is left to its thread, and refused. most_bytes: by how much the process may grow
        meanwhile, before it is stopped.
        """
        began = asyncio.Event()
        loop = asyncio.get_running_loop()

        def build() -> Placed:
            loop.call_soon_threadsafe(began.set)
            return place_model(stored, places, self._settings.precision, most_bytes)

        building = asyncio.ensure_future(self.run_in_thread(build))
        begun = asyncio.create_task(began.wait())
        await asyncio.wait([building, begun], return_when=asyncio.FIRST_COMPLETED)
        begun.cancel()
        most_s = (LOAD_S + TRIAL_S) * len(places)
        done, _ = await asyncio.wait([building], timeout=most_s + STOP_GRACE_S)
        if not done:
            building.add_done_callback(_look_at)
            self._threads.replace_one()
            raise InvalidModelError(f"its trial did not end within {most_s:g} s and could not be stopped")
        return building.result()

    async def close(self) -> None:
        """Close every model; what runs is stopped, what waits for a thread is dropped."""
        for model in tuple(self._alive):
            model.close()
        await asyncio.gather(*(asyncio.to_thread(one.shutdown) for one in (self._threads, self._inference)))


def _look_at(building: "asyncio.Future[Placed]") -> None:
    """A trial that nobody waits for may fail in silence."""
    if not building.cancelled():
        building.exception()


def _check_landmarks(manifest: Manifest) -> None:
    """Refuse a model whose landmarks take a network that is not here, before anybody asks it."""
    observing = manifest.pipeline.observing
    if observing is None or not isinstance(observing.request, LandmarkRequest):
        return
    if (missing := explain_missing(observing.request)) is not None:
        raise InvalidModelError(missing)
