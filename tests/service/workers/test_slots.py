"""Slots: what happens to one call, and what never happens to the others."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Coroutine, Iterator
from pathlib import Path
from typing import TypeVar

import numpy as np
import pytest

from service.errors import SignError
from service.media.sampling import Rate
from service.metrics import Metrics
from service.observe.call import ObserveCall, ObserveResult
from service.observe.cancelled import ObservationCancelledError
from service.settings import Settings
from service.workers.admission import Turn
from service.workers.deadline import Deadline
from service.workers.slots import Slots
from tests.media_made import call_for, film, numbered, signing
from tests.running import ROOT, wait_until

R = TypeVar("R")
BOUND_S = 30.0
SOME_FRAMES = 100


class SlotPool:
    """One slot in one event loop, with its metrics."""

    def __init__(self, **settings: float) -> None:
        self.metrics = Metrics()
        self.runner = asyncio.Runner()
        chosen = {"slots": 1, "max_waiting": 4, **settings}
        self.slots = self.make(Settings(**chosen))  # type: ignore[arg-type]
        self.run(self.slots.start())

    def make(self, settings: Settings) -> Slots:
        async def build() -> Slots:
            return Slots(settings, self.metrics)

        return self.run(build())

    def run(self, work: Coroutine[object, object, R]) -> R:
        return self.runner.run(work)

    @property
    def pid(self) -> int:
        worker = self.slots._slots[0].worker
        assert worker is not None
        return worker.pid

    def restarts(self, reason: str) -> float:
        value = self.metrics.registry.get_sample_value("sign_slot_restarts_total", {"reason": reason})
        return value or 0.0

    def retries(self, outcome: str) -> float:
        return self.metrics.registry.get_sample_value("sign_retries_total", {"outcome": outcome}) or 0.0

    async def ask(self, call: ObserveCall, seconds: float = BOUND_S) -> ObserveResult:
        return await self.slots.observe(call, Deadline.after(seconds))

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait for a condition while the loop goes on, with a bound."""
        async with asyncio.timeout(BOUND_S):
            while not condition():  # noqa: ASYNC110 - what /proc says raises no event
                await asyncio.sleep(0.005)

    def reads(self, path: Path) -> bool:
        """Whether the slot's process has the file open."""
        try:
            return path in [entry.readlink() for entry in Path(f"/proc/{self.pid}/fd").iterdir()]
        except OSError:
            return False

    async def kill(self) -> None:
        """Kill the slot's process, and wait until it is gone."""
        pid = self.pid
        os.kill(pid, signal.SIGKILL)
        await self.until(lambda: not _runs(pid))

    def close(self) -> None:
        self.run(self.slots.close())
        self.runner.close()


@pytest.fixture(scope="module")
def pool() -> Iterator[SlotPool]:
    made = SlotPool()
    yield made
    made.close()


@pytest.fixture(autouse=True)
def _all_slots_come_back(request: pytest.FixtureRequest) -> Iterator[None]:
    """Whatever a test does, the slot lies ready again after it."""
    yield
    if "pool" in request.fixturenames:
        pool: SlotPool = request.getfixturevalue("pool")
        pool.run(pool.until(lambda: pool.slots.idle == 1))
        assert (pool.slots.busy, pool.slots.waiting, pool.slots.ready) == (0, 0, True)


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return signing(tmp_path_factory.mktemp("clips") / "clip.mp4", frames=4)


@pytest.fixture(scope="module")
def long_clip(tmp_path_factory: pytest.TempPathFactory) -> ObserveCall:
    """Some ten seconds of work."""
    path = film(tmp_path_factory.mktemp("clips") / "long.mp4", numbered(), frames=1000, rate=10)
    return call_for(path, sampling=Rate(rate=10))


@pytest.fixture(scope="module")
def some_clip(tmp_path_factory: pytest.TempPathFactory) -> ObserveCall:
    """Some seconds of work."""
    path = film(tmp_path_factory.mktemp("clips") / "some.mp4", numbered(), frames=SOME_FRAMES, rate=10)
    return call_for(path, sampling=Rate(rate=10))


async def refusal(work: "Coroutine[object, object, R] | asyncio.Task[R]") -> SignError:
    with pytest.raises(SignError) as caught:
        await work
    return caught.value


def test_a_call_gives_a_track_its_cost_and_metrics(pool: SlotPool, clip: Path) -> None:
    result = pool.run(pool.ask(call_for(clip)))
    assert (len(result.track), result.decoded, result.observed) == (4, 4, 4)
    assert result.track.side() == "right"
    assert min(result.decode_s, result.observe_s) > 0 <= result.queue_s
    sample = pool.metrics.registry.get_sample_value
    assert sample("sign_frames_total", {"stage": "observed"}) == 4
    assert sample("sign_stage_seconds_count", {"stage": "decode"}) == 1
    assert sample("sign_media_seconds_total") == pytest.approx(0.3)
    assert sample("sign_slots", {"state": "idle"}) == 1


def test_the_same_video_gives_the_same_track_with_another_in_between(
    pool: SlotPool, clip: Path, tmp_path: Path
) -> None:
    first = pool.run(pool.ask(call_for(clip))).track
    pool.run(pool.ask(call_for(signing(tmp_path / "other.mp4", frames=4, mirrored=True))))
    again = pool.run(pool.ask(call_for(clip))).track
    assert np.array_equal(first.values, again.values, equal_nan=True)


def test_what_is_wrong_with_a_medium_crosses_as_it_is(pool: SlotPool, tmp_path: Path) -> None:
    path = tmp_path / "upload"
    path.write_bytes(b"#EXTM3U\nfile:///etc/passwd\n")
    pid = pool.pid
    error = pool.run(refusal(pool.ask(call_for(path))))
    assert error.code == "media-unsupported"
    assert "m3u8" in error.detail
    assert pool.pid == pid


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSEGV])
def test_a_call_whose_process_dies_is_answered_by_the_next(
    number: signal.Signals, pool: SlotPool, clip: Path, some_clip: ObserveCall
) -> None:
    async def story() -> None:
        died, answered = pool.restarts("died"), pool.retries("answered")
        pid = pool.pid
        victim = asyncio.create_task(pool.ask(some_clip))
        other = asyncio.create_task(pool.ask(call_for(clip)))
        await pool.until(lambda: pool.reads(Path(some_clip.medium.path)))
        os.kill(pid, number)
        assert len((await victim).track) == SOME_FRAMES
        assert len((await other).track) == 4
        assert pool.pid != pid
        assert pool.restarts("died") == died + 1
        assert pool.retries("answered") == answered + 1

    pool.run(story())


def test_a_call_whose_processes_die_twice_fails_and_costs_no_other(
    pool: SlotPool, clip: Path, long_clip: ObserveCall
) -> None:
    async def story() -> None:
        died, failed = pool.restarts("died"), pool.retries("failed")
        victim = asyncio.create_task(pool.ask(long_clip))
        other = asyncio.create_task(pool.ask(call_for(clip)))
        for _ in range(2):
            await pool.until(lambda: pool.reads(Path(long_clip.medium.path)))
            await pool.kill()
        assert (await refusal(victim)).code == "worker-died"
        assert len((await other).track) == 4
        assert pool.restarts("died") == died + 2
        assert pool.retries("failed") == failed + 1

    pool.run(story())


def test_who_hangs_up_before_the_second_try_begins_frees_the_slot(
    pool: SlotPool, clip: Path, long_clip: ObserveCall
) -> None:
    async def story() -> None:
        victim = asyncio.create_task(pool.ask(long_clip))
        await pool.until(lambda: pool.reads(Path(long_clip.medium.path)))
        os.kill(pool.pid, signal.SIGKILL)
        await pool.until(lambda: pool.slots.waiting == 1)
        victim.cancel()
        with pytest.raises(asyncio.CancelledError):
            await victim
        assert len((await pool.ask(call_for(clip))).track) == 4

    pool.run(story())


def test_a_medium_that_takes_too_long_is_not_tried_again(pool: SlotPool, tmp_path: Path) -> None:
    stuck = tmp_path / "stuck"
    os.mkfifo(stuck)
    tried = pool.retries("answered") + pool.retries("failed")
    assert pool.run(refusal(pool.ask(call_for(stuck), seconds=0.3))).code == "deadline-exceeded"
    assert pool.retries("answered") + pool.retries("failed") == tried


def test_a_process_that_dies_while_idle_costs_no_call(pool: SlotPool, clip: Path) -> None:
    async def story() -> None:
        pid = pool.pid
        os.kill(pid, signal.SIGKILL)
        await pool.until(lambda: pool.slots.idle == 0)
        assert not pool.slots.ready
        assert len((await pool.ask(call_for(clip))).track) == 4
        assert pool.pid != pid

    pool.run(story())


def test_who_hangs_up_stops_the_work_and_keeps_the_process(pool: SlotPool, clip: Path, long_clip: ObserveCall) -> None:
    async def story() -> None:
        pid = pool.pid
        caller = asyncio.create_task(pool.ask(long_clip))
        await pool.until(lambda: pool.reads(Path(long_clip.medium.path)))
        caller.cancel()
        with pytest.raises(asyncio.CancelledError):
            await caller
        assert pool.slots.busy == 0
        assert len((await pool.ask(call_for(clip))).track) == 4
        assert pool.pid == pid

    pool.run(story())


def test_hanging_up_at_any_moment_frees_the_slot(pool: SlotPool, clip: Path) -> None:
    async def story() -> None:
        for moments in range(12):
            caller = asyncio.create_task(pool.ask(call_for(clip)))
            for _ in range(moments):
                await asyncio.sleep(0)
            caller.cancel()
            await asyncio.gather(caller, return_exceptions=True)
            await pool.until(lambda: pool.slots.idle == 1)

    pool.run(story())


def test_a_deadline_that_passes_while_working_stops_the_work(
    pool: SlotPool, clip: Path, long_clip: ObserveCall
) -> None:
    async def story() -> None:
        pid = pool.pid
        error = await refusal(pool.ask(long_clip, seconds=0.3))
        assert (error.code, error.limit) == ("deadline-exceeded", 0.3)
        assert len((await pool.ask(call_for(clip))).track) == 4
        assert pool.pid == pid

    pool.run(story())


def test_a_deadline_that_passes_while_waiting_costs_the_working_call_nothing(
    pool: SlotPool, clip: Path, long_clip: ObserveCall
) -> None:
    async def story() -> None:
        working = asyncio.create_task(pool.ask(long_clip))
        await pool.until(lambda: pool.slots.busy == 1)
        assert (await refusal(pool.ask(call_for(clip), seconds=0.05))).code == "deadline-exceeded"
        assert pool.slots.busy == 1
        working.cancel()
        await asyncio.gather(working, return_exceptions=True)

    pool.run(story())


def test_one_more_than_may_wait_is_refused(pool: SlotPool, clip: Path, long_clip: ObserveCall) -> None:
    async def story() -> None:
        working = asyncio.create_task(pool.ask(long_clip))
        await pool.until(lambda: pool.slots.busy == 1)
        waiting = [asyncio.create_task(pool.ask(call_for(clip))) for _ in range(4)]
        await pool.until(lambda: pool.slots.waiting == 4)
        error = await refusal(pool.ask(call_for(clip)))
        assert error.code == "busy"
        assert error.retry_after_s is not None
        assert error.retry_after_s >= 1
        working.cancel()
        results = await asyncio.gather(*waiting)
        assert [len(result.track) for result in results] == [4] * 4

    pool.run(story())


def test_a_job_preemptible_to_an_interactive_call_and_keeps_what_it_has_seen(
    pool: SlotPool, clip: Path, long_clip: ObserveCall
) -> None:
    async def story() -> None:
        pid = pool.pid
        job = asyncio.create_task(pool.slots.observe_low_priority(long_clip, Deadline.after(BOUND_S), Turn()))
        await pool.until(lambda: pool.reads(Path(long_clip.medium.path)))
        assert len((await pool.ask(call_for(clip))).track) == 4
        try:
            seen = await job
        except ObservationCancelledError:
            return  # the caller came before the first frame
        assert (seen.preempted, seen.at_end) == (True, False)
        assert 0 < len(seen.track) < 1000
        assert pool.pid == pid

    pool.run(story())


def test_a_job_waits_behind_interactive_calls(pool: SlotPool, clip: Path, long_clip: ObserveCall) -> None:
    async def story() -> None:
        working = asyncio.create_task(pool.ask(long_clip))
        await pool.until(lambda: pool.slots.busy == 1)
        ended: list[str] = []

        async def note(name: str, work: "Coroutine[object, object, ObserveResult]") -> None:
            await work
            ended.append(name)

        behind = pool.slots.observe_low_priority(call_for(clip), Deadline.after(BOUND_S), Turn())
        job = asyncio.create_task(note("job", behind))
        await asyncio.sleep(0)
        callers = [asyncio.create_task(note("caller", pool.ask(call_for(clip)))) for _ in range(2)]
        await pool.until(lambda: pool.slots.waiting == 2)
        working.cancel()
        await asyncio.gather(job, *callers)
        assert ended == ["caller", "caller", "job"]

    pool.run(story())


def test_a_job_that_waited_as_long_as_it_may_goes_first_and_is_not_preempted(
    pool: SlotPool, clip: Path, long_clip: ObserveCall
) -> None:
    async def story() -> None:
        working = asyncio.create_task(pool.ask(long_clip))
        await pool.until(lambda: pool.slots.busy == 1)
        ended: list[str] = []

        async def note(name: str, work: "Coroutine[object, object, ObserveResult]") -> ObserveResult:
            result = await work
            ended.append(name)
            return result

        turn = Turn(since=time.monotonic() - pool.slots._settings.jobs_wait_s)
        behind = pool.slots.observe_low_priority(call_for(clip), Deadline.after(BOUND_S), turn)
        job = asyncio.create_task(note("job", behind))
        callers = [asyncio.create_task(note("caller", pool.ask(call_for(clip)))) for _ in range(2)]
        await pool.until(lambda: pool.slots.waiting == 2)
        working.cancel()
        results = await asyncio.gather(job, *callers)
        assert ended == ["job", "caller", "caller"]
        assert [(len(result.track), result.preempted) for result in results] == [(4, False)] * 3
        assert turn.since is None

    pool.run(story())


def test_a_process_that_does_not_stop_when_told_is_killed(pool: SlotPool, clip: Path, tmp_path: Path) -> None:
    stuck = tmp_path / "stuck"
    os.mkfifo(stuck)  # opening it waits for ever for somebody who writes

    async def story() -> None:
        pid, timeouts = pool.pid, pool.restarts("timeout")
        assert (await refusal(pool.ask(call_for(stuck), seconds=0.3))).code == "deadline-exceeded"
        assert len((await pool.ask(call_for(clip))).track) == 4
        assert pool.pid != pid
        assert pool.restarts("timeout") == timeouts + 1

    pool.run(story())


def test_signals_to_the_whole_group_do_not_end_a_process(pool: SlotPool, clip: Path) -> None:
    pid = pool.pid
    for number in (signal.SIGINT, signal.SIGTERM):
        os.kill(pid, number)
    assert len(pool.run(pool.ask(call_for(clip))).track) == 4
    assert pool.pid == pid


def test_a_process_is_confined(pool: SlotPool) -> None:
    limits = {}
    for line in Path(f"/proc/{pool.pid}/limits").read_text().splitlines()[1:]:
        limits[line[:26].strip()] = line[26:47].strip()
    assert limits["Max address space"] == str(Settings().slot_memory_bytes)
    assert limits["Max core file size"] == "0"
    assert limits["Max file size"] == "0"
    assert limits["Max open files"] == "256"
    assert limits["Max cpu time"].isdigit()


def test_a_process_is_replaced_after_so_many_calls(clip: Path) -> None:
    pool = SlotPool(slot_calls=2)
    try:
        pids = []
        for _ in range(4):
            pids.append(pool.pid)
            pool.run(pool.ask(call_for(clip)))
            pool.run(pool.until(lambda: pool.slots.idle == 1))
        assert pids[0] == pids[1] != pids[2] == pids[3]
        assert pool.restarts("recycled") == 2
    finally:
        pool.close()


def test_closing_fails_what_runs_and_what_waits_at_once(clip: Path, long_clip: ObserveCall) -> None:
    pool = SlotPool()
    pid = pool.pid

    async def story() -> None:
        working = asyncio.create_task(pool.ask(long_clip))
        await pool.until(lambda: pool.reads(Path(long_clip.medium.path)))
        waiting = asyncio.create_task(pool.ask(call_for(clip)))
        await pool.until(lambda: pool.slots.waiting == 1)
        await pool.slots.close()
        assert (await refusal(working)).code == "shutting-down"
        assert (await refusal(waiting)).code == "shutting-down"
        assert not pool.slots.ready

    try:
        pool.run(story())
        assert not Path(f"/proc/{pid}").exists()
    finally:
        pool.runner.close()


def test_processes_end_with_the_one_that_started_them() -> None:
    script = """
import asyncio, os, signal
from service.metrics import Metrics
from service.settings import Settings
from service.workers.slots import Slots

async def main():
    slots = Slots(Settings(slots=1), Metrics(), warm=())
    await slots.start()
    print(slots._slots[0].worker.pid, flush=True)
    os.kill(os.getpid(), signal.SIGKILL)

if __name__ == "__main__":
    asyncio.run(main())
"""
    ended = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=False)
    assert ended.returncode == -signal.SIGKILL
    pid = int(ended.stdout)
    wait_until(lambda: not _runs(pid), 10, f"process {pid} outlived its parent")


def _runs(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_the_api_process_loads_neither_mediapipe_nor_ffmpeg() -> None:
    heavy = ["mediapipe", "av", "cv2", "PIL", "pillow_heif", "pose_format"]
    script = f"import sys, service.workers.slots; print([name for name in {heavy} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
