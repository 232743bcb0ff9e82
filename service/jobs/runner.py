"""Runner: durable execution by DBOS. The one module that knows it: a job is a workflow, each of its chunks a step.

Workflows run in DBOS's threads and do their work on the service's event loop. What a step returns is recorded, so that
after an end of the process, however sudden, the workflow goes on with the first step that is not. Whether a chunk
counts is decided by the table alone, so a step that ran but was not recorded does no harm.
"""

import asyncio
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import CancelledError
from typing import Any, Final

import dbos
import structlog

from service.jobs.sqlite import supply_unixepoch

APPLICATION_VERSION: Final = "sign-jobs-1"
"""Pinned, so that a new build goes on with the jobs of an older one. Change it only with what a step means."""

MOST_STARTS: Final = 100
"""A job that ends the whole service so often is given up."""

_QUEUE = "sign-jobs"
_POLL_S = 0.5
_AGAIN_S = 2.0
_CLOSE_S = 10.0
_AT_ONCE = 500
_OVER = ("SUCCESS", "ERROR", "CANCELLED", "MAX_RECOVERY_ATTEMPTS_EXCEEDED")

_log = structlog.get_logger(__name__)


class _SuspendedError(BaseException):
    """Ends a workflow's thread without an outcome: DBOS records every Exception as one, and would never go on."""


class Runner:
    """Runs queued jobs, `most` at a time.

    begin(id) is called when work on a job begins or begins again, chunk(id) until it says that the job is over. Both
    run on the event loop that started the runner. All else blocks: call it in threads.
    """

    def __init__(
        self,
        begin: Callable[[str], Coroutine[Any, Any, bool]],
        chunk: Callable[[str], Coroutine[Any, Any, bool]],
        most: int,
    ) -> None:
        self._begin = begin
        self._chunk = chunk
        self._most = most
        self._loop: asyncio.AbstractEventLoop = asyncio.get_running_loop()
        self._closing = threading.Event()
        self._changed = threading.Condition()
        self._at_work = 0
        self._workflow: Callable[[str], None] | None = None

    def open(self, database_url: str, replica: str) -> None:
        """Start; jobs that a former life of this replica left unfinished go on. Raises what the database raises."""
        supply_unixepoch()
        dbos.DBOS(
            config={
                "name": "sign-service",
                "system_database_url": database_url,
                "application_version": APPLICATION_VERSION,
                "executor_id": replica,
                "console_log_level": "ERROR",
                "sys_db_pool_size": 5,
            }
        )

        @dbos.DBOS.step(name="chunk")
        def chunk(job_id: str) -> bool:
            return self._on_loop(self._chunk, job_id)

        @dbos.DBOS.workflow(name="job", max_recovery_attempts=MOST_STARTS)
        def job(job_id: str) -> None:
            with self._working():
                if self._on_loop(self._begin, job_id):
                    return
                while not chunk(job_id):
                    pass

        self._workflow = job
        try:
            dbos.DBOS.launch()
            dbos.DBOS.register_queue(
                _QUEUE, worker_concurrency=self._most, polling_interval_sec=_POLL_S, on_conflict="always_update"
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

    def gave_up(self, job_ids: list[str]) -> list[str]:
        """Those of the jobs whose workflow is over, although they have not ended."""
        found = dbos.DBOS.list_workflows(workflow_ids=job_ids, status=list(_OVER), load_input=False, load_output=False)
        return [workflow.workflow_id for workflow in found]

    def purge(self) -> None:
        """Delete the records of workflows that are over."""
        over = dbos.DBOS.list_workflows(status=list(_OVER), limit=_AT_ONCE, load_input=False, load_output=False)
        if over:
            dbos.DBOS.delete_workflows([workflow.workflow_id for workflow in over])

    def close(self) -> None:
        """Stop where it stands: what runs is left to the next start."""
        self._closing.set()
        with self._changed:
            if not self._changed.wait_for(lambda: self._at_work == 0, _CLOSE_S):
                _log.warning("jobs_do_not_stop", at_work=self._at_work)
        dbos.DBOS.destroy(destroy_registry=True)

    def _working(self) -> "_AtWork":
        return _AtWork(self)

    def count(self, change: int) -> None:
        """One thread more, or fewer, is at work."""
        with self._changed:
            self._at_work += change
            self._changed.notify_all()

    def _on_loop(self, work: Callable[[str], Coroutine[Any, Any, bool]], job_id: str) -> bool:
        """What the work gives. A job that was cancelled is told so by its next chunk."""
        if self._closing.is_set():
            raise _SuspendedError
        try:
            return asyncio.run_coroutine_threadsafe(work(job_id), self._loop).result()
        except CancelledError:
            if self._closing.is_set():
                raise _SuspendedError from None
            return False
        except Exception as error:  # noqa: BLE001 - a database that is away for a while; DBOS would end the job for it
            _log.error("job_interrupted", job=job_id, exc_info=error)
            self._closing.wait(_AGAIN_S)
            return False


class _AtWork:
    """Counts a thread while it is at work."""

    def __init__(self, runner: Runner) -> None:
        self._runner = runner

    def __enter__(self) -> None:
        self._runner.count(1)

    def __exit__(self, *_: object) -> None:
        self._runner.count(-1)
