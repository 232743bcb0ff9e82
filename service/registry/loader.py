"""Loader: from a version in the store to a model that answers, in threads and within the memory budget."""

import asyncio
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar
from weakref import WeakSet

from service.errors import InvalidModelError
from service.metrics import Metrics
from service.observe.landmark_files import explain_missing
from service.observe.request import LandmarkRequest
from service.registry.manifest import Manifest
from service.registry.memory import memory_estimate_bytes
from service.registry.served import ServedModel
from service.registry.session import ModelSession
from service.registry.states import ModelUnavailableError
from service.registry.store import Store, StoredModel
from service.settings import Settings

LOADING_THREADS = 2
"""Models that load at the same time: a large one must not keep a small one waiting."""

T = TypeVar("T")


class Loader:
    """Builds, verifies and warms up. `used_bytes` counts every model that is still held by somebody."""

    def __init__(self, store: Store, settings: Settings, metrics: Metrics) -> None:
        self._store = store
        self._settings = settings
        self._metrics = metrics
        self._threads = ThreadPoolExecutor(LOADING_THREADS, thread_name_prefix="load")
        self._inference = ThreadPoolExecutor(settings.inference_threads, thread_name_prefix="infer")
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

    async def build(self, manifest: Manifest, required: ServedModel | None) -> ServedModel:
        """The version of this manifest, verified and warmed up.

        Raises InvalidModelError where a digest is wrong, the graph is not what the manifest says, or it cannot run.
        """
        need_bytes = memory_estimate_bytes(manifest)
        with self.reserve(need_bytes):
            stored, session = await self.run_in_thread(lambda: self._warm_up(manifest))
            model = ServedModel(
                stored,
                session,
                self._inference,
                self._metrics,
                batch_rows=self._settings.batch_rows,
                memory_bytes=need_bytes,
                required=required,
            )
            self._alive.add(model)
        return model

    def _warm_up(self, manifest: Manifest) -> tuple[StoredModel, ModelSession]:
        stored = self._store.read(manifest.name, manifest.version)
        if stored.manifest != manifest:
            raise ModelUnavailableError("it changed while it was being loaded; reload the models")
        _check_landmarks(manifest)
        session = ModelSession(stored, self._settings.session_threads)
        session.try_out()
        return stored, session

    async def close(self) -> None:
        """Close every model; what waits in a thread is dropped, what runs ends first."""
        for model in tuple(self._alive):
            model.close()
        for threads in (self._threads, self._inference):
            await asyncio.to_thread(threads.shutdown, wait=True, cancel_futures=True)


def _check_landmarks(manifest: Manifest) -> None:
    """Refuse a model whose landmarks take a network that is not here, before anybody asks it."""
    observing = manifest.pipeline.observing
    if observing is None or not isinstance(observing.request, LandmarkRequest):
        return
    if (missing := explain_missing(observing.request)) is not None:
        raise InvalidModelError(missing)
