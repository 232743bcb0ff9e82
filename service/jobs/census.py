"""Census: how many jobs there are and what they take, said by one replica for all of them."""

import time

from service.context import AppContext
from service.jobs.files import JobFiles
from service.jobs.spec import STATES
from service.jobs.storage import StorageCalls
from service.jobs.table import JobTable


class Census:
    """Keeps the gauges of jobs.

    All replicas see the same table: only the first of them says what is in it, so that sums over replicas are right.
    """

    def __init__(self, context: AppContext, table: JobTable, files: JobFiles, calls: StorageCalls) -> None:
        self._metrics = context.metrics
        self._allowed_bytes = context.settings.jobs_disk_bytes
        self._table = table
        self._files = files
        self._calls = calls

    async def count(self) -> None:
        """Count and say, or leave that to another replica. Raises StorageError."""
        if not self._table.replicas.is_first:
            self.forget()
            return
        counts, waiting_since, stored_bytes = await self._calls.ask(self._look)
        for name in STATES:
            self._metrics.jobs.labels(name).set(counts.get(name, 0))
        self._metrics.jobs_waiting.set(0.0 if waiting_since is None else max(0.0, time.time() - waiting_since))
        sizes = {"stored": stored_bytes, "allowed": self._allowed_bytes}
        if (free_bytes := self._files.free_bytes()) is not None:
            sizes["free"] = free_bytes
        for kind, size in sizes.items():
            self._metrics.jobs_disk.labels(kind).set(size)

    def taken_over(self, jobs: int) -> None:
        """So many jobs were taken over by this replica."""
        self._metrics.jobs_taken_over.inc(jobs)

    def forget(self) -> None:
        """Say nothing any more: it is not known, or said by another replica."""
        for gauge in (self._metrics.jobs, self._metrics.jobs_disk):
            gauge.clear()
        self._metrics.jobs_waiting.set(0)

    def _look(self) -> tuple[dict[str, int], float | None, int]:
        return self._table.counts(), self._table.waiting_since(), self._table.stored_bytes()
