"""What DBOS does for us: jobs in turn, each to its end, over any end of the process."""

import asyncio
import signal
import subprocess
import sys
from collections.abc import Callable, Coroutine
from pathlib import Path

import dbos
import pytest

from service.jobs.runner import _POLL_S, _QUEUE, Runner
from tests.running import ROOT, wait_until

CHUNKS = 4
BOUND_S = 60.0


class Worker:
    """Does CHUNKS chunks of each job; `held` keeps it at its second one."""

    def __init__(self) -> None:
        self.begun: list[str] = []
        self.done: dict[str, int] = {}
        self.at_work = self.most_at_work = 0
        self.held = asyncio.Event()
        self.held.set()
        self.tasks: set[asyncio.Task[object] | None] = set()

    async def begin(self, job_id: str) -> bool:
        self.begun.append(job_id)
        return False

    async def chunk(self, job_id: str) -> bool:
        self.at_work += 1
        self.tasks.add(task := asyncio.current_task())
        self.most_at_work = max(self.most_at_work, self.at_work)
        try:
            if self.done.get(job_id, 0) == 1:
                await self.held.wait()
            await asyncio.sleep(0)
            self.done[job_id] = self.done.get(job_id, 0) + 1
            return self.done[job_id] == CHUNKS
        finally:
            self.at_work -= 1
            self.tasks.discard(task)

    def stop(self) -> None:
        """What the service does with chunks that run when it ends."""
        for task in self.tasks:
            if task is not None:
                task.cancel()

    def over(self, *job_ids: str) -> bool:
        return all(self.done.get(job_id) == CHUNKS for job_id in job_ids)


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(BOUND_S):
        while not condition():  # noqa: ASYNC110 - threads of DBOS raise no event here
            await asyncio.sleep(0.02)


def with_runner(
    url: str,
    worker: Worker,
    story: Callable[[Runner], Coroutine[object, object, None]],
    replica: str = "tests",
    most: int = 1,
) -> None:
    async def run() -> None:
        runner = Runner(worker.begin, worker.chunk, most, lambda _job, _error: None)
        await asyncio.to_thread(runner.open, url, replica)
        try:
            await story(runner)
        finally:
            closing = asyncio.create_task(asyncio.to_thread(runner.close))
            await until(runner._closing.is_set)
            worker.stop()
            await closing

    asyncio.run(run())


def test_jobs_run_to_their_end_one_at_a_time_and_leave_nothing(url: str) -> None:
    worker = Worker()

    async def story(runner: Runner) -> None:
        for job_id in ("one", "two", "one"):
            await asyncio.to_thread(runner.enqueue, job_id)
        await until(lambda: worker.over("one", "two"))
        gone = ["one", "two"]
        over = lambda: sorted(runner.gave_up(gone)) == gone  # noqa: E731
        async with asyncio.timeout(BOUND_S):
            while not await asyncio.to_thread(over):  # noqa: ASYNC110 - as above
                await asyncio.sleep(0.02)
        await asyncio.to_thread(runner.purge)
        assert await asyncio.to_thread(runner.gave_up, gone) == []

    with_runner(url, worker, story)
    assert worker.begun == ["one", "two"]
    assert worker.most_at_work == 1


def test_a_runner_of_no_jobs_leaves_them_to_those_who_run_some_and_their_queue_as_it_is(url: str) -> None:
    taker, worker = Worker(), Worker()

    async def nothing(_runner: Runner) -> None:
        """The queue is registered, for two at a time."""

    async def takes(runner: Runner) -> None:
        for job_id in ("one", "two"):
            await asyncio.to_thread(runner.enqueue, job_id)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(until(lambda: bool(taker.begun)), 3 * _POLL_S)
        queue = await asyncio.to_thread(dbos.DBOS.retrieve_queue, _QUEUE)
        assert queue is not None
        assert queue.worker_concurrency == 2

    async def works(_runner: Runner) -> None:
        await until(lambda: worker.at_work == 2)
        worker.held.set()
        await until(lambda: worker.over("one", "two"))

    with_runner(url, worker, nothing, replica="worker", most=2)
    with_runner(url, taker, takes, replica="taker", most=0)
    worker.held = asyncio.Event()
    with_runner(url, worker, works, replica="worker", most=2)
    assert taker.begun == []


def test_a_runner_that_is_closed_in_the_middle_leaves_the_rest_to_the_next(url: str) -> None:
    worker = Worker()

    async def interrupted(runner: Runner) -> None:
        worker.held.clear()
        await asyncio.to_thread(runner.enqueue, "one")
        await until(lambda: worker.at_work == 1 and worker.done.get("one") == 1)

    async def resumed(_runner: Runner) -> None:
        await until(lambda: worker.over("one"))

    with_runner(url, worker, interrupted)
    assert worker.done == {"one": 1}
    worker.held = asyncio.Event()
    worker.held.set()
    with_runner(url, worker, resumed)
    assert worker.begun == ["one", "one"]


def test_a_job_that_the_runner_was_never_told_of_is_lost_and_taken_up(url: str) -> None:
    worker = Worker()

    async def story(runner: Runner) -> None:
        worker.held.clear()
        await asyncio.to_thread(runner.enqueue, "one")
        await until(lambda: worker.at_work == 1 and worker.done.get("one") == 1)
        assert await asyncio.to_thread(runner.lost, ["one", "two"], "tests") == ["two"]
        assert await asyncio.to_thread(runner.stranded, {"tests", "another"}) == []
        assert await asyncio.to_thread(runner.stranded, {"another"}) == ["one"]
        await asyncio.to_thread(runner.take_up, [])
        assert await asyncio.to_thread(runner.stranded, {"another"}) == ["one"]  # and not in the queue again
        await asyncio.to_thread(runner.take_up, ["two"])
        worker.held.set()
        await until(lambda: worker.over("one", "two"))

    with_runner(url, worker, story)


def test_a_job_of_a_replica_that_is_gone_is_taken_up_by_another(url: str) -> None:
    worker = Worker()

    async def interrupted(runner: Runner) -> None:
        worker.held.clear()
        await asyncio.to_thread(runner.enqueue, "one")
        await until(lambda: worker.at_work == 1 and worker.done.get("one") == 1)

    async def taken_up(runner: Runner) -> None:
        worker.held.set()
        assert await asyncio.to_thread(runner.stranded, {"another"}) == ["one"]
        await asyncio.to_thread(runner.resume, ["one"])
        await until(lambda: worker.over("one"))

    with_runner(url, worker, interrupted)
    worker.held = asyncio.Event()
    with_runner(url, worker, taken_up, replica="another")


SCRIPT = """
import asyncio, sys
from pathlib import Path
from service.jobs.runner import Runner

url, log, stay = sys.argv[1], Path(sys.argv[2]), sys.argv[3] == "stay"

def count():
    return len(log.read_text().split()) if log.exists() else 0

async def begin(job_id):
    return False

async def chunk(job_id):
    if stay and count() == 2:
        await asyncio.Event().wait()
    with log.open("a") as file:
        file.write(f"{count()} ")
    return count() == 4

async def main():
    runner = Runner(begin, chunk, 1, print)
    await asyncio.to_thread(runner.open, url, "tests")
    if stay:
        await asyncio.to_thread(runner.enqueue, "one")
    while count() < 4:
        await asyncio.sleep(0.02)
    await asyncio.to_thread(runner.close)

asyncio.run(main())
"""


def test_after_kill_9_a_job_goes_on_where_it_was(url: str, tmp_path: Path) -> None:
    log = tmp_path / "chunks"
    with subprocess.Popen([sys.executable, "-c", SCRIPT, url, str(log), "stay"], cwd=ROOT) as killed:
        wait_until(lambda: log.exists() and log.read_text() == "0 1 ", BOUND_S, "the job does not start")
        killed.send_signal(signal.SIGKILL)
    subprocess.run([sys.executable, "-c", SCRIPT, url, str(log), "go"], cwd=ROOT, check=True, timeout=BOUND_S)
    assert log.read_text() == "0 1 2 3 "
