"""The context: what lives as long as the service does, and every use case needs."""

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

from service.media.spool import spool_folder
from service.metrics import Metrics
from service.registry.registry import Registry
from service.settings import Settings
from service.workers.slots import Slots


@dataclass(slots=True)
class AppContext:
    """The services that a use case asks. spool: the private folder of media that are being read.

    leaving: the service was asked to stop and is not ready any more; shutting_down: it takes no new work either.
    """

    settings: Settings
    metrics: Metrics
    registry: Registry
    slots: Slots
    spool: Path
    leaving: bool = False
    shutting_down: bool = False

    def missing(self) -> list[str]:
        """What keeps the service from answering right now, in words; nothing when it is ready."""
        missing = []
        if self.leaving or self.shutting_down:
            missing.append("the service is shutting down")
        if not self.slots.ready:
            missing.append("no slot is running yet")
        if not self.registry.ready:
            missing.append(self.registry.missing)
        return missing


@contextlib.asynccontextmanager
async def open_services(
    settings: Settings,
    metrics: Metrics | None = None,
    *,
    only: tuple[str, int | None] | None = None,
    wait_for_models: bool = True,
    media: tuple[Path, ...] | None = None,
) -> AsyncIterator[AppContext]:
    """Models loaded, slots started, a private folder for media; all closed again on every path.

    only: name and version (None: the default) of the one model that will be asked; SignError where it cannot be served.
    wait_for_models: however long they take to load; else they load behind, and `missing` says when they are there.
    media: folders beside the spool in which media lie, where slots are to read no others; None: anywhere.
    """
    metrics = metrics or Metrics()
    async with contextlib.AsyncExitStack() as stack:
        spool = stack.enter_context(spool_folder(settings.media_dir))
        registry = Registry(settings, metrics)
        stack.push_async_callback(registry.close)
        await registry.start(None if only is None else (only[0],))
        if only is not None:
            await _serve_one(registry, *only)
        elif wait_for_models:
            await registry.wait_until_loaded()
        media = None if media is None else (spool, *media)
        slots = await _start_slots(stack, settings, metrics, media)
        registry.cores.share_with(lambda: slots.busy)
        yield AppContext(settings, metrics, registry, slots, spool)


@contextlib.asynccontextmanager
async def open_without_models(settings: Settings) -> AsyncIterator[AppContext]:
    """The same for those who only look at media: no model is loaded, and there need be no store."""
    metrics = Metrics()
    async with contextlib.AsyncExitStack() as stack:
        spool = stack.enter_context(spool_folder(settings.media_dir))
        registry = Registry(settings, metrics)
        stack.push_async_callback(registry.close)
        yield AppContext(settings, metrics, registry, await _start_slots(stack, settings, metrics), spool)


async def _start_slots(
    stack: contextlib.AsyncExitStack, settings: Settings, metrics: Metrics, media: tuple[Path, ...] | None = None
) -> Slots:
    slots = Slots(settings, metrics, media=media)
    stack.push_async_callback(slots.close)
    await slots.start()
    return slots


async def _serve_one(registry: Registry, model: str, version: int | None) -> None:
    """Wait until the model is served, however long it takes to load."""
    if version is not None:
        await registry.load(model, version)
    await registry.wait_until_loaded()
    await registry.get(model, version)
