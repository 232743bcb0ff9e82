"""Runner: durable execution by DBOS. The one module that knows it: a job is a workflow.

Workflows run in DBOS's threads and do their work on the service's event loop. After an end of the process, however
sudden, the workflow begins again, and goes on with the chunk that the table has as its next. Chunks are no steps of
DBOS's: whether one counts is decided by the table alone, and a step that cannot be recorded would end its workflow.
"""

import asyncio
import contextlib
import threading
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import CancelledError
from typing import Any, Final

import dbos
import structlog

from service.jobs.replicas import JobLostError
from service.jobs.sqlite import supply_unixepoch

APPLICATION_VERSION: Final = "sign-jobs-1"
"""Pinned, so that a new build goes on with the jobs of an older one. Change it only with what a step means."""

MOST_STARTS: Final = 100
"""A job that ends the whole service so often is given up."""

_QUEUE = "sign-jobs"
_POLL_S = 0.5
_AGAIN_S = 2.0
_CLOSE_S = 10.0
_IDLE_S = 10.0
"""A replica that stops within a transaction of DBOS's loses it after so long."""
_AT_ONCE = 500
_OVER = ("SUCCESS", "ERROR", "CANCELLED", "MAX_RECOVERY_ATTEMPTS_EXCEEDED")

_log = structlog.get_logger(__name__)


class _SuspendedError(BaseException):
    """Ends a workflow's thread without an outcome: DBOS records every Exception as one, and would never go on."""


class Runner:
    """Runs queued jobs, `most` at a time; 0: only puts them into the queue, for others to run.

    begin(id) is called when work on a job begins or begins again, chunk(id) until it says that the job is over. Both
    run on the event loop that started the runner; where either raises JobLostError, the job is left to whoever works on
    it. interrupted(id, error) is told, in a thread, what else they raise; that one is called again after a while.
    All else blocks: call it in threads.
    """

    def __init__(
        self,
        begin: Callable[[str], Coroutine[Any, Any, bool]],
        chunk: Callable[[str], Coroutine[Any, Any, bool]],
        most: int,
        interrupted: Callable[[str, Exception], None],
    ) -> None:
        self._begin = begin
        self._chunk = chunk
        self._most = most
        self._interrupted = interrupted
        self._loop: asyncio.AbstractEventLoop = asyncio.get_running_loop()
        self._closing = threading.Event()
        self._changed = threading.Condition()
        self._at_work: set[str] = set()
        self._workflow: Callable[[str], None] | None = None

    def open(self, database_url: str, replica: str) -> None:
        """Start; what was left unfinished under this name goes on. Raises what the database raises."""
        supply_unixepoch()
        dbos.DBOS(
            config={
                "name": "sign-service",
                "system_database_url": database_url,
                "application_version": APPLICATION_VERSION,
                "executor_id": replica,
                "console_log_level": "ERROR",
                "sys_db_pool_size": 5,
                "sys_db_idle_transaction_timeout_sec": _IDLE_S,
            }
        )

        @dbos.DBOS.workflow(name="job", max_recovery_attempts=MOST_STARTS)
        def job(job_id: str) -> None:
            with self._working(job_id):
                while (has_ended := self._on_loop(self._begin, job_id)) is None:
                    pass
                while not has_ended:
                    has_ended = self._on_loop(self._chunk, job_id)

        self._workflow = job
        try:
            if not self._most:
                dbos.DBOS.listen_queues([])
            dbos.DBOS.launch()
            # What a queue allows is kept in the database, for all who run its jobs: who runs none leaves it as it is.
            dbos.DBOS.register_queue(
                _QUEUE,
                worker_concurrency=self._most or 1,
                polling_interval_sec=_POLL_S,
                on_conflict="always_update" if self._most else "never_update",
            )
        except BaseException:
            dbos.DBOS.destroy(destroy_registry=True)
            raise

    def enqueue(self, job_id: str) -> None:
        """See that the job is run; once, however often it is asked for."""
        if self._workflow is None:
            raise RuntimeError("the runner was not opened")
        with dbos.SetWorkflowID(job_id):
            dbos.DBOS.enqueue_workflow(_QUEUE, self._workflow, job_id)

    def enqueue_all(self, job_ids: list[str]) -> None:
        """The same for several."""
        for job_id in job_ids:
            self.enqueue(job_id)

    def gave_up(self, job_ids: list[str]) -> list[str]:
        """Those of the jobs whose workflow is over, although they have not ended."""
        found = dbos.DBOS.list_workflows(workflow_ids=job_ids, status=list(_OVER), load_input=False, load_output=False)
        return [workflow.workflow_id for workflow in found]

    def lost(self, job_ids: list[str], replica: str) -> list[str]:
        """Those of the jobs that this replica should be working on, and is not; or that nobody was ever told of."""
        found = dbos.DBOS.list_workflows(workflow_ids=job_ids, load_input=False, load_output=False)
        known = {workflow.workflow_id for workflow in found}
        idle = [one.workflow_id for one in found if one.status == "PENDING" and one.executor_id == replica]
        with self._changed:
            return [*(set(job_ids) - known), *(job_id for job_id in idle if job_id not in self._at_work)]

    def stranded(self, live: set[str]) -> list[str]:
        """The jobs that are worked on by a replica that is none of these."""
        found = dbos.DBOS.list_workflows(status=["PENDING"], queue_name=_QUEUE, load_input=False, load_output=False)
        return [one.workflow_id for one in found if one.executor_id not in live]

    def resume(self, job_ids: list[str]) -> None:
        """Put jobs into the queue that somebody worked on."""
        dbos.DBOS.resume_workflows(job_ids, queue_name=_QUEUE)

    def take_up(self, job_ids: list[str]) -> None:
        """Put jobs into the queue, again where somebody worked on them."""
        if not job_ids:
            return  # DBOS takes no ids for all of them
        found = dbos.DBOS.list_workflows(workflow_ids=job_ids, load_input=False, load_output=False)
        known = [workflow.workflow_id for workflow in found]
        if known:
            self.resume(known)
        for job_id in set(job_ids) - set(known):
            self.enqueue(job_id)

    def purge(self) -> None:
        """Delete the records of workflows that are over."""
        over = dbos.DBOS.list_workflows(status=list(_OVER), limit=_AT_ONCE, load_input=False, load_output=False)
        if over:
            dbos.DBOS.delete_workflows([workflow.workflow_id for workflow in over])

    def close(self) -> None:
        """Stop where it stands: what runs is left to the next start."""
        self._closing.set()
        with self._changed:
            if not self._changed.wait_for(lambda: not self._at_work, _CLOSE_S):
                _log.warning("jobs_do_not_stop", jobs=list(self._at_work))
        dbos.DBOS.destroy(destroy_registry=True)

    @staticmethod
    def hand_over(database_url: str, replica: str) -> int:
        """Put into the queue what a runner that is closed left under this name; how many jobs that were."""
        client = dbos.DBOSClient(system_database_url=database_url)
        try:
            found = client.list_workflows(
                status=["PENDING"], executor_id=replica, queue_name=_QUEUE, load_input=False, load_output=False
            )
            if found:
                client.resume_workflows([one.workflow_id for one in found], queue_name=_QUEUE)
            return len(found)
        finally:
            client.destroy()

    @contextlib.contextmanager
    def _working(self, job_id: str) -> Iterator[None]:
        """Note a thread while it is at work; a second one at the same job has none, and is found when that is over."""
        with self._changed:
            if job_id in self._at_work:
                raise _SuspendedError
            self._at_work.add(job_id)
        try:
            yield
        finally:
            with self._changed:
                self._at_work.discard(job_id)
                self._changed.notify_all()

    def _on_loop(self, work: Callable[[str], Coroutine[Any, Any, bool]], job_id: str) -> bool | None:
        """What the work gives; None where it has to be done again. A cancelled job learns of it by its next chunk."""
        if self._closing.is_set():
            raise _SuspendedError
        try:
            return asyncio.run_coroutine_threadsafe(work(job_id), self._loop).result()
        except JobLostError:
            raise _SuspendedError from None
        except CancelledError:
            if self._closing.is_set():
                raise _SuspendedError from None
        except Exception as error:  # noqa: BLE001 - DBOS would end the job for it
            self._interrupted(job_id, error)
            self._closing.wait(_AGAIN_S)
        return None
