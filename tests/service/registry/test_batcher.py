"""The micro-batcher: what goes together, who suffers from a failure, and that cancelling loses nothing."""

import asyncio
import threading
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.errors import SignError
from service.registry import batcher as batcher_module
from service.registry import inference as inference_module
from service.registry.batcher import Batcher
from service.registry.cores import Cores, Lanes
from service.registry.inference import Inference
from service.registry.threads import ReplaceableThreads
from service.track import FloatArray

pytestmark = pytest.mark.anyio
BAD = -1.0


@dataclass
class Graph:
    """Doubles its rows, fails where a row is BAD, and can be held in the middle of a run."""

    batches: list[int] = field(default_factory=list)
    running: int = 0
    most_running: int = 0
    free: threading.Event = field(default_factory=threading.Event)
    entered: threading.Event = field(default_factory=threading.Event)

    def run(self, values: FloatArray, mask: FloatArray | None, _: Inference) -> FloatArray:
        self.running += 1
        self.most_running = max(self.most_running, self.running)
        self.entered.set()
        try:
            assert self.free.wait(10)
            self.batches.append(len(values))
            if (values == BAD).any():
                raise SignError("model-failed", "a bad row")
            return np.asarray(values[:, :1] * 2 + (0 if mask is None else mask.sum(axis=1, keepdims=True)))
        finally:
            self.running -= 1


@pytest.fixture
def graph() -> Graph:
    return Graph()


@pytest.fixture
def threads() -> Iterator[ReplaceableThreads]:
    threads = ReplaceableThreads(2, "infer")
    yield threads
    threads.shutdown()


@pytest.fixture
def given_up() -> list[str]:
    return []


@pytest.fixture
def seen() -> list[int]:
    return []


@pytest.fixture
def batcher(graph: Graph, threads: ReplaceableThreads, seen: list[int], given_up: list[str]) -> Batcher:
    return Batcher(
        graph.run,
        threads,
        most_rows=4,
        most_s=60.0,
        observe=lambda rows, _: seen.append(rows),
        give_up=given_up.append,
    )


def _batcher(
    graph: Graph,
    threads: ReplaceableThreads,
    *,
    most_rows: int,
    most_s: float = 60.0,
    give_up: Callable[[str], None] = lambda _: None,
) -> Batcher:
    return Batcher(graph.run, threads, most_rows=most_rows, most_s=most_s, observe=lambda *_: None, give_up=give_up)


def _rows(*values: float) -> FloatArray:
    return np.array([[value, 0.0] for value in values], np.float32)


async def _held(graph: Graph, batcher: Batcher) -> "asyncio.Task[FloatArray]":
    """A first caller whose run is held: everybody after it waits."""
    first = asyncio.create_task(batcher.outputs(_rows(100), None))
    assert await asyncio.to_thread(graph.entered.wait, 10)
    return first


async def _waiting(*calls: Awaitable[FloatArray]) -> "list[asyncio.Task[FloatArray]]":
    tasks = [asyncio.ensure_future(call) for call in calls]
    await asyncio.sleep(0)
    return tasks


async def test_a_row_that_finds_the_session_idle_is_run_at_once_and_alone(graph: Graph, batcher: Batcher) -> None:
    graph.free.set()
    np.testing.assert_array_equal(await batcher.outputs(_rows(1, 2), None), [[2], [4]])
    assert graph.batches == [2]


async def test_rows_that_wait_while_the_session_runs_go_together(
    graph: Graph, batcher: Batcher, seen: list[int]
) -> None:
    first = await _held(graph, batcher)
    tasks = await _waiting(*(batcher.outputs(_rows(value), None) for value in range(6)))
    graph.free.set()
    answers = await asyncio.gather(first, *tasks)
    assert [float(answer[0, 0]) for answer in answers] == [200, 0, 2, 4, 6, 8, 10]
    assert graph.batches == seen == [1, 4, 2]


async def test_one_inference_runs_at_a_time(graph: Graph, batcher: Batcher) -> None:
    graph.free.set()
    await asyncio.gather(*(batcher.outputs(_rows(value), None) for value in range(50)))
    assert graph.most_running == 1


async def test_a_caller_with_many_rows_takes_turns_with_others(graph: Graph, batcher: Batcher) -> None:
    first = await _held(graph, batcher)
    many, few = await _waiting(batcher.outputs(_rows(*range(40)), None), batcher.outputs(_rows(7), None))
    graph.free.set()
    await few
    assert len(graph.batches) <= 4  # of the twelve that all of it takes
    np.testing.assert_array_equal((await many)[:, 0], np.arange(40) * 2)
    await first


async def test_a_bad_row_fails_its_own_caller_only(graph: Graph, batcher: Batcher) -> None:
    first = await _held(graph, batcher)
    tasks = await _waiting(*(batcher.outputs(_rows(value), None) for value in (1, BAD, 3)))
    graph.free.set()
    good, bad, other = await asyncio.gather(*tasks, return_exceptions=True)
    assert isinstance(bad, SignError)
    assert (float(good[0, 0]), float(other[0, 0])) == (2, 6)  # type: ignore[index]
    await first
    np.testing.assert_array_equal(await batcher.outputs(_rows(5), None), [[10]])


async def test_rows_of_different_shapes_do_not_spoil_each_other(graph: Graph, batcher: Batcher) -> None:
    first = await _held(graph, batcher)
    masks = np.ones((1, 3), np.float32)
    wide = np.zeros((1, 5), np.float32)
    calls = [(_rows(1), None), (wide, None), (_rows(2), masks), (_rows(3), masks), (_rows(4), masks[:, :2])]
    tasks = await _waiting(*(batcher.outputs(values, mask) for values, mask in calls))
    graph.free.set()
    assert [float(answer[0, 0]) for answer in await asyncio.gather(*tasks)] == [2, 0, 7, 9, 10]
    assert graph.batches == [1, 1, 1, 2, 1]
    await first


@pytest.mark.parametrize("gone", [(0,), (1,), (0, 1, 2), (1, 2)])
async def test_callers_that_hang_up_while_they_wait_lose_nothing_for_others(
    graph: Graph, batcher: Batcher, gone: tuple[int, ...]
) -> None:
    first = await _held(graph, batcher)
    tasks = await _waiting(*(batcher.outputs(_rows(value), None) for value in range(4)))
    for index in gone:
        tasks[index].cancel()
    await asyncio.sleep(0)
    graph.free.set()
    answers = await asyncio.gather(first, *tasks, return_exceptions=True)
    for index, answer in enumerate(answers[1:]):
        if index in gone:
            assert isinstance(answer, asyncio.CancelledError)
        else:
            assert isinstance(answer, np.ndarray)
            assert answer[0, 0] == 2 * index
    assert graph.batches == [1, 4 - len(gone)]


async def test_a_caller_that_hangs_up_while_its_rows_run_loses_nothing_for_others(
    graph: Graph, batcher: Batcher
) -> None:
    first = await _held(graph, batcher)
    (second,) = await _waiting(batcher.outputs(_rows(2), None))
    first.cancel()
    graph.free.set()
    np.testing.assert_array_equal(await second, [[4]])
    with pytest.raises(asyncio.CancelledError):
        await first


async def test_a_caller_may_hang_up_at_any_await(graph: Graph, threads: ReplaceableThreads) -> None:
    """Cancelled after every number of steps of the loop, with another caller beside it that must get its answer."""
    graph.free.set()
    for steps in range(40):
        batcher = _batcher(graph, threads, most_rows=2)
        going, staying = await _waiting(
            batcher.outputs(_rows(1, 2, 3, 4, 5), None), batcher.outputs(_rows(6, 7, 8), None)
        )
        for _ in range(steps):
            await asyncio.sleep(0)
        going.cancel()
        np.testing.assert_array_equal((await staying)[:, 0], [12, 14, 16])
        await asyncio.gather(going, return_exceptions=True)


async def test_a_queue_that_is_full_refuses_the_next_caller(
    graph: Graph, batcher: Batcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batcher_module, "MOST_WAITING", 2)
    first = await _held(graph, batcher)
    tasks = await _waiting(*(batcher.outputs(_rows(value), None) for value in (1, 2)))
    with pytest.raises(SignError, match="callers wait") as caught:
        await batcher.outputs(_rows(3), None)
    assert (caught.value.code, caught.value.retry_after_s) == ("busy", 1.0)
    graph.free.set()
    await asyncio.gather(first, *tasks)


async def test_when_the_threads_are_gone_callers_hear_of_it(batcher: Batcher, threads: ReplaceableThreads) -> None:
    threads.shutdown()
    with pytest.raises(SignError) as caught:
        await batcher.outputs(_rows(1), None)
    assert caught.value.code == "shutting-down"


async def test_a_run_that_is_dropped_with_the_threads_ends_its_callers(graph: Graph) -> None:
    threads = ReplaceableThreads(1, "infer")
    threads.submit(graph.run, _rows(0), None, Inference())
    batcher = _batcher(graph, threads, most_rows=4)
    tasks = await _waiting(batcher.outputs(_rows(1), None), batcher.outputs(_rows(2), None))
    threads.shutdown(wait=False)
    graph.free.set()
    answers = await asyncio.gather(*tasks, return_exceptions=True)
    assert [getattr(answer, "code", None) for answer in answers] == ["shutting-down"] * 2


async def test_an_inference_that_waits_behind_another_models_is_dropped_and_not_held_against_its_model(
    graph: Graph, given_up: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inference_module, "LEAST_S", 0.01)
    monkeypatch.setattr(batcher_module, "STOP_GRACE_S", 0.01)
    threads = ReplaceableThreads(1, "infer")
    innocent = Graph()
    innocent.free.set()
    held = await _held(graph, _batcher(graph, threads, most_rows=4))
    model = _batcher(innocent, threads, most_rows=4, most_s=0.05, give_up=given_up.append)
    for _ in range(batcher_module.MOST_STOPS + 1):
        with pytest.raises(SignError, match="keep all threads busy"):
            await model.outputs(_rows(1), None)
    graph.free.set()
    await held
    np.testing.assert_array_equal(await model.outputs(_rows(2), None), [[4]])
    assert not given_up
    threads.shutdown()


async def test_an_inference_that_takes_all_the_time_there_is_counts_however_slow_the_model_was(
    given_up: list[str], threads: ReplaceableThreads
) -> None:
    def run(_: FloatArray, __: FloatArray | None, inference: Inference) -> FloatArray:
        stopped = threading.Event()
        inference.bind(stopped.set)
        assert stopped.wait(10)
        raise SignError("model-failed", "stopped")

    model = Batcher(
        run, threads, most_rows=4, most_s=0.02, observe=lambda *_: None, give_up=given_up.append, row_s=60.0
    )
    for _ in range(batcher_module.MOST_STOPS):
        with pytest.raises(SignError):
            await model.outputs(_rows(1), None)
    assert len(given_up) == 1


@settings(max_examples=40)
@given(sizes=st.lists(st.integers(1, 9), min_size=1, max_size=12), most_rows=st.integers(1, 6))
def test_every_caller_gets_its_own_rows_whatever_goes_together(sizes: list[int], most_rows: int) -> None:
    graph = Graph()
    graph.free.set()
    _in_new_loop(lambda threads: _each_gets_its_own(graph, threads, sizes, most_rows))
    assert max(graph.batches) <= most_rows
    assert sum(graph.batches) == sum(sizes)


async def _each_gets_its_own(graph: Graph, threads: ReplaceableThreads, sizes: list[int], most_rows: int) -> None:
    batcher = _batcher(graph, threads, most_rows=most_rows)
    callers = [np.arange(size, dtype=np.float32)[:, None] + 100 * index for index, size in enumerate(sizes)]
    answers = await asyncio.gather(*(batcher.outputs(values, None) for values in callers))
    for values, answer in zip(callers, answers, strict=True):
        np.testing.assert_array_equal(answer, values * 2)


def _in_new_loop(work: Callable[[ReplaceableThreads], Awaitable[None]]) -> None:
    async def main() -> None:
        threads = ReplaceableThreads(2, "infer")
        await work(threads)
        threads.shutdown()

    asyncio.run(main())


# side by side


@dataclass
class Busy:
    """Cores that others hold."""

    cores: int = 0


def _in_lanes(
    graph: Graph, threads: ReplaceableThreads, busy: Busy, *, cores: int = 2, rows: int = 1, wait_s: float = 0.0
) -> Batcher:
    shared = Cores(cores)
    shared.share_with(lambda: busy.cores)
    lanes = Lanes(shared, threads=1, most=2, rows=rows, wait_s=wait_s)
    return Batcher(
        graph.run, threads, most_rows=4, most_s=60.0, observe=lambda *_: None, give_up=lambda _: None, lanes=lanes
    )


async def _until(holds: Callable[[], bool]) -> None:
    for _ in range(1000):
        if holds():
            return
        await asyncio.sleep(0.005)
    pytest.fail("it does not come true")


async def test_idle_cores_run_inferences_of_one_caller_side_by_side(graph: Graph, threads: ReplaceableThreads) -> None:
    batcher = _in_lanes(graph, threads, Busy())
    (many,) = await _waiting(batcher.outputs(_rows(1, 2, 3), None))
    await _until(lambda: graph.running == 2)
    graph.free.set()
    np.testing.assert_array_equal(await many, [[2], [4], [6]])
    assert graph.batches == [1, 1, 1]


async def test_a_core_that_a_slot_needs_is_left_to_it(graph: Graph, threads: ReplaceableThreads) -> None:
    graph.free.set()
    busy = Busy(cores=1)
    batcher = _in_lanes(graph, threads, busy)
    await batcher.outputs(_rows(*range(8)), None)
    assert graph.most_running == 1


async def test_a_core_is_given_back_when_the_inference_on_it_ends(graph: Graph, threads: ReplaceableThreads) -> None:
    busy = Busy()
    batcher = _in_lanes(graph, threads, busy)
    (many,) = await _waiting(batcher.outputs(_rows(*range(12)), None))
    await _until(lambda: graph.running == 2)
    busy.cores, graph.most_running = 1, 0
    graph.free.set()
    np.testing.assert_array_equal((await many)[:, 0], np.arange(12) * 2)
    assert len(batcher._drains) == 0
    assert batcher.lanes.cores.idle == 1


async def test_where_all_cores_are_busy_one_inference_runs_nevertheless(
    graph: Graph, threads: ReplaceableThreads
) -> None:
    graph.free.set()
    batcher = _in_lanes(graph, threads, Busy(cores=2))
    np.testing.assert_array_equal(await batcher.outputs(_rows(1, 2), None), [[2], [4]])


async def test_rows_wait_for_others_as_long_as_they_may_and_then_run_alone(
    graph: Graph, threads: ReplaceableThreads
) -> None:
    graph.free.set()
    patient = _in_lanes(graph, threads, Busy(), rows=4, wait_s=0.02)
    np.testing.assert_array_equal(await patient.outputs(_rows(1), None), [[2]])
    assert graph.batches == [1]


async def test_rows_that_come_while_others_wait_run_with_them_and_a_full_inference_waits_no_longer(
    graph: Graph, threads: ReplaceableThreads
) -> None:
    graph.free.set()
    patient = _in_lanes(graph, threads, Busy(), rows=4, wait_s=60.0)
    tasks = await _waiting(*(patient.outputs(_rows(value), None) for value in range(3)))
    await asyncio.sleep(0.01)
    assert graph.batches == []
    await asyncio.wait_for(asyncio.gather(*tasks, patient.outputs(_rows(3), None)), 10)
    assert graph.batches == [4]


async def test_a_caller_who_leaves_while_rows_wait_for_more_is_not_run(
    graph: Graph, threads: ReplaceableThreads
) -> None:
    graph.free.set()
    patient = _in_lanes(graph, threads, Busy(), rows=4, wait_s=0.02)
    gone, stays = await _waiting(patient.outputs(_rows(1), None), patient.outputs(_rows(2), None))
    gone.cancel()
    np.testing.assert_array_equal(await stays, [[4]])
    assert graph.batches == [1]


async def test_a_jobs_rows_go_behind_those_of_all_who_wait_but_not_for_ever(
    graph: Graph, threads: ReplaceableThreads
) -> None:
    order: list[float] = []

    def run(values: FloatArray, mask: FloatArray | None, inference: Inference) -> FloatArray:
        order.append(float(values[0, 0]))
        return graph.run(values, mask, inference)

    batcher = _batcher(graph, threads, most_rows=1)
    batcher._run = run
    first = await _held(graph, batcher)
    job = asyncio.create_task(batcher.outputs(_rows(-5), None, is_job=True))
    tasks = await _waiting(*(batcher.outputs(_rows(value), None) for value in range(8)))
    graph.free.set()
    await asyncio.gather(first, job, *tasks)
    assert order == [100, 0, 1, 2, 3, -5, 4, 5, 6, 7]


async def test_a_caller_with_many_rows_that_fails_leaves_none_of_them_behind(
    graph: Graph, threads: ReplaceableThreads
) -> None:
    graph.free.set()
    batcher = _in_lanes(graph, threads, Busy())
    with pytest.raises(SignError, match="a bad row"):
        await batcher.outputs(_rows(BAD, *range(20)), None)
    assert len(graph.batches) <= 3
