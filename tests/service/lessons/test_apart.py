"""Work in a process of its own: it tells how far it is, its end is told whatever it is, and cancelling ends it."""

import asyncio
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from service.errors import SignError
from service.lessons.apart import Progress, run_apart
from service.settings import GIB
from tests.running import wait_until


def count(until: int, progress: Progress) -> int:
    for number in range(until):
        progress(number / until)
    return os.getpid()


def refuse(why: str, _progress: Progress) -> None:
    raise SignError("examples-too-few", why)


def fail(why: str, _progress: Progress) -> None:
    raise ValueError(why)


def die(_argument: None, _progress: Progress) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def hoard(size: int, _progress: Progress) -> int:
    return len(bytearray(size))


def linger(mark: Path, progress: Progress) -> None:
    mark.write_text(str(os.getpid()))
    progress(0.5)
    time.sleep(60)


def run(work: Callable[[Any, Progress], Any], argument: object) -> tuple[Any, list[float]]:
    told: list[float] = []

    async def tell(progress: float) -> None:
        told.append(progress)

    return asyncio.run(run_apart(work, argument, tell, GIB)), told


def test_it_runs_elsewhere_and_tells_its_progress_in_order() -> None:
    pid, told = run(count, 4)
    assert pid != os.getpid()
    assert told == [0.0, 0.25, 0.5, 0.75]


@pytest.mark.parametrize(
    ("work", "argument", "code"),
    [(refuse, "two", "examples-too-few"), (fail, "oh", "internal"), (die, None, "worker-died")],
    ids=["refused", "a fault", "killed"],
)
def test_whatever_ends_it_is_told(work: Callable[[Any, Progress], Any], argument: object, code: str) -> None:
    with pytest.raises(SignError) as caught:
        run(work, argument)
    assert caught.value.code == code


def test_it_takes_no_more_memory_than_it_may() -> None:
    with pytest.raises(SignError, match="takes more than") as caught:
        run(hoard, 2 * GIB)
    assert caught.value.code == "worker-died"


def test_cancelling_ends_the_process(tmp_path: Path) -> None:
    mark = tmp_path / "pid"

    async def cancel() -> None:
        begun = asyncio.Event()

        async def tell(_progress: float) -> None:
            begun.set()

        task = asyncio.create_task(run_apart(linger, mark, tell, GIB))
        await begun.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(cancel())
    pid = int(mark.read_text())
    wait_until(lambda: not Path(f"/proc/{pid}").exists(), 5, "the process still runs")
