"""The house as a command opens it: only the models that it asks, and all slots for its own work."""

import contextlib
from collections.abc import AsyncIterator

from service.analysis.house import House
from service.media.spool import spool_folder
from service.metrics import Metrics
from service.registry.registry import Registry, ServedModel
from service.settings import Settings
from service.workers.slots import Slots


@contextlib.asynccontextmanager
async def open_desk(settings: Settings, model: str, version: int | None, most_slots: int) -> AsyncIterator[House]:
    """At most so many slots started, and the model served; all closed again on every path.

    No limit of length applies to what is read piece by piece. Raises SignError where the model cannot be served.
    """
    slots = max(1, min(settings.slots, most_slots))
    own = settings.model_copy(update={"slots": slots, "jobs_slots": slots, "jobs_seconds": float("inf")})
    async with contextlib.AsyncExitStack() as stack:
        spool = stack.enter_context(spool_folder(own.media_dir))
        metrics = Metrics()
        registry = Registry(own, metrics)
        stack.push_async_callback(registry.close)
        await registry.start(only=(model,))
        await served(registry, model, version)
        workers = Slots(own, metrics)
        stack.push_async_callback(workers.close)
        await workers.start()
        yield House(own, metrics, registry, workers, spool)


async def served(registry: Registry, model: str, version: int | None) -> ServedModel:
    """The model, however long it takes to load."""
    if version is not None:
        await registry.load(model, version)
    await registry.settled()
    return await registry.get(model, version)
