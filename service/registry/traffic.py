"""Traffic: which version answers under a bare name where two share it, and when one of them is taken back.

The shares are those of this process; nothing is written down.
"""

import asyncio
import random
from collections import deque
from collections.abc import Callable, Coroutine
from dataclasses import replace
from typing import Any, Final

import structlog

from service.metrics import Metrics
from service.registry.catalog import Catalog
from service.registry.served import ServedModel
from service.registry.states import BY_HAND, Entry, Split

RECENT: Final = 50
MOST_FAILURES: Final = 3
"""So many failures among so many of its last answers, and a version that shares traffic is taken back."""

MOST_BEHIND: Final = 8
"""Comparisons with a shadow that may be under way; what comes meanwhile is left out, and counted."""

log = structlog.get_logger()


class Behind:
    """Work that nobody waits for: bounded in number, and ended with the registry."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[None]] = set()

    def run(self, work: Coroutine[Any, Any, None]) -> bool:
        """Begin the work, unless there is too much of it; whether it began."""
        if len(self._tasks) >= MOST_BEHIND:
            work.close()
            return False
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)
        return True

    async def settle(self) -> None:
        """Wait until nothing is under way."""
        while self._tasks:
            await asyncio.wait(self._tasks)

    async def close(self) -> None:
        """Stop all of it."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _ended(self, task: "asyncio.Task[None]") -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (problem := task.exception()) is not None:
            log.error("comparing with a shadow failed", exc_info=problem)


class Traffic:
    """The splits of a catalog's bare names.

    changed: called after each change. draw: numbers from 0 to below 1, one for each request.
    """

    def __init__(
        self,
        catalog: Catalog,
        metrics: Metrics,
        changed: Callable[[], None],
        draw: Callable[[], float] = random.random,
    ) -> None:
        self._catalog = catalog
        self._metrics = metrics
        self._changed = changed
        self._recent: dict[str, deque[bool]] = {}
        self.draw = draw

    def begin(self, name: str, split: Split | None) -> None:
        """Share the name's requests so from now on; its failures count anew."""
        self._catalog.set_split(name, split)
        self._recent.pop(name, None)
        self._changed()
        if split is not None:
            log.info("traffic shared", model=name, version=split.version, percent=split.percent, shadow=split.shadow)

    def chosen(self, name: str) -> ServedModel | None:
        """The version beside the one served under the bare name, where this request falls to its share."""
        split = self._catalog.split(name)
        if split is None or split.shadow or split.withdrawn is not None:
            return None
        entry = self._catalog.find(name, split.version)
        if entry is None or entry.served is None or self.draw() * 100 >= split.percent:
            return None
        self._catalog.touch(entry)
        return entry.served

    def shadow_of(self, entry: Entry) -> ServedModel | None:
        """The loaded version whose answers are compared with this one's, where this is the main version."""
        split = self._catalog.split(entry.name)
        if split is None or not split.shadow or split.withdrawn is not None:
            return None
        if split.version == entry.version or self._catalog.default(entry.name) is not entry:
            return None
        other = self._catalog.find(entry.name, split.version)
        return None if other is None else other.served

    def note(self, entry: Entry, _model: ServedModel, fine: bool) -> None:
        """A version has answered, or failed to; one that shares traffic and fails again and again is taken back."""
        if not fine:
            self._metrics.model_failures.labels(entry.name, str(entry.version)).inc()
        split = self._catalog.split(entry.name)
        if split is None or split.version != entry.version or split.withdrawn is not None:
            return
        recent = self._recent.setdefault(entry.name, deque(maxlen=RECENT))
        recent.append(fine)
        if (failed := recent.count(False)) >= MOST_FAILURES:
            self.withdraw(entry, f"{failed} of its last {len(recent)} inferences failed")

    def withdraw(self, entry: Entry, reason: str) -> None:
        """Take a version's share back, for this reason, where another one can have it."""
        split = self._catalog.split(entry.name)
        if split is None or split.version != entry.version or split.withdrawn is not None:
            return
        self._catalog.set_split(entry.name, replace(split, withdrawn=reason))
        self._changed()
        say = log.info if reason == BY_HAND else log.warning
        say("version withdrawn", model=entry.name, version=entry.version, reason=reason)

    def take_back(self, name: str) -> None:
        """Give all of the bare name's requests to its main version again; SignError `model-unknown`."""
        self._catalog.versions(name)
        if (entry := self._catalog.beside(name)) is not None:
            self.withdraw(entry, BY_HAND)

    def settle(self, name: str) -> None:
        """Take a share back where the two versions of a name cannot stand side by side, once both were loaded."""
        beside, main = self._catalog.beside(name), self._catalog.default(name)
        if beside is None or beside.served is None:
            return
        if main is None or main.served is None or main is beside:
            pin = self._catalog.pin(name)
            why = "" if pin is None else f"; SIGN_MODEL_VERSIONS pins version {pin}"
            self.withdraw(beside, f"no other version can be served beside it{why}")
        elif self.shadow_of(main) and (why_not := incomparable(main.served, beside.served)) is not None:
            self.withdraw(beside, f"it cannot be a shadow of version {main.version}: {why_not}")


def incomparable(main: ServedModel, other: ServedModel) -> str | None:
    """Why what was observed for one model cannot be given to the other, or their answers not be compared; else None."""
    if main.manifest.labels is None or other.manifest.labels is None:
        return "only labels are compared"
    if main.manifest.task != other.manifest.task:
        return f"it is of the task {other.manifest.task}, not {main.manifest.task}"
    mine, theirs = (model.observing for model in (main, other))
    if mine is None or theirs is None:
        return "it was stored without its preprocessing"
    if (mine.request, mine.sampling) != (theirs.request, theirs.sampling):
        return "it looks at media in another way, and media are looked at once; give it a share instead"
    return None
