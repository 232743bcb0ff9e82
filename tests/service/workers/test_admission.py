"""Who gets a slot, who waits, who is refused."""

import asyncio
import time
from collections.abc import Callable, Coroutine

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.errors import SignError
from service.metrics import Metrics
from service.workers.admission import Admission
from service.workers.deadline import Deadline

Story = Callable[[], Coroutine[object, object, None]]


def admission(most_waiting: int, *slots: str) -> Admission[str]:
    made: Admission[str] = Admission(most_waiting, Metrics())
    for slot in slots:
        made.release(slot)
    return made


def later(seconds: float = 60.0) -> Deadline:
    return Deadline.after(seconds)


async def settle() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(60):
        while not condition():  # noqa: ASYNC110 - nothing tells of it
            await asyncio.sleep(0.001)


def test_a_free_slot_is_had_at_once_and_given_back() -> None:
    async def story() -> None:
        queue = admission(0, "a")
        assert await queue.acquire(later(), 1) == "a"
        assert queue.idle == 0
        queue.release("a")
        assert queue.idle == 1

    asyncio.run(story())


def test_who_comes_first_is_served_first() -> None:
    async def story() -> None:
        queue = admission(3, "a")
        await queue.acquire(later(), 1)
        served: list[int] = []

        async def ask(number: int) -> None:
            slot = await queue.acquire(later(), 1)
            served.append(number)
            queue.release(slot)

        tasks = [asyncio.create_task(ask(number)) for number in range(3)]
        await settle()
        assert queue.waiting == 3
        queue.release("a")
        await asyncio.gather(*tasks)
        assert served == [0, 1, 2]
        assert (queue.waiting, queue.idle) == (0, 1)

    asyncio.run(story())


def test_one_more_than_may_wait_is_refused_at_once_and_told_when_to_come_back() -> None:
    async def story() -> None:
        queue = admission(1, "a")
        await queue.acquire(later(), 1)
        queue.note_service_time(11.0)
        waiting = asyncio.create_task(queue.acquire(later(), 1))
        await settle()
        with pytest.raises(SignError) as caught:
            await queue.acquire(later(), 1)
        assert caught.value.code == "busy"
        assert caught.value.retry_after_s == 6  # two calls of 3 s (a fifth of the way from 1 s to 11 s)
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
        assert queue.waiting == 0

    asyncio.run(story())


def test_a_deadline_counts_the_wait() -> None:
    async def story() -> None:
        queue = admission(1, "a")
        await queue.acquire(later(), 1)
        with pytest.raises(SignError) as caught:
            await queue.acquire(later(0.01), 1)
        assert caught.value.code == "deadline-exceeded"
        assert queue.waiting == 0
        with pytest.raises(SignError, match="deadline"):
            await queue.acquire(later(0), 1)

    asyncio.run(story())


def test_a_slot_that_comes_as_its_taker_gives_up_goes_to_the_next() -> None:
    async def story() -> None:
        queue = admission(2, "a")
        await queue.acquire(later(), 1)
        quitter, next_one = (asyncio.create_task(queue.acquire(later(), 1)) for _ in range(2))
        await settle()
        queue.release("a")
        quitter.cancel()
        assert await next_one == "a"
        assert quitter.cancelled() or quitter.exception() is not None

    asyncio.run(story())


def test_closing_refuses_who_waits_and_who_comes() -> None:
    async def story() -> None:
        queue = admission(1, "a")
        await queue.acquire(later(), 1)
        waiting = asyncio.create_task(queue.acquire(later(), 1))
        await settle()
        queue.close()
        for attempt in (waiting, queue.acquire(later(), 1)):
            with pytest.raises(SignError, match="shutting down") as caught:
                await attempt
            assert caught.value.code == "shutting-down"
        queue.release("a")
        assert queue.idle == 0

    asyncio.run(story())


def test_only_an_idle_slot_can_be_withdrawn() -> None:
    queue = admission(0, "a", "b")
    assert queue.remove_idle("a")
    assert not queue.remove_idle("a")
    assert queue.idle == 1


STEPS = st.sampled_from(["ask", "job", "job that is due", "cancel", "finish"])


@given(st.lists(st.tuples(STEPS, st.integers(0, 5)), max_size=40))
def test_no_slot_is_ever_lost_or_lent_twice(steps: list[tuple[str, int]]) -> None:
    async def story() -> None:
        slots = {"a", "b"}
        queue = admission(3, *slots)
        asking: list[asyncio.Task[str]] = []
        held: list[str] = []
        for step, which in steps:
            if step == "ask":
                asking.append(asyncio.create_task(queue.acquire(later(), 2)))
            elif step == "job":
                asking.append(asyncio.create_task(queue.acquire_low_priority(later())))
            elif step == "job that is due":
                asking.append(asyncio.create_task(queue.acquire_low_priority(later(), time.monotonic())))
            elif step == "cancel" and asking:
                asking[which % len(asking)].cancel()
            elif step == "finish" and held:
                queue.release(held.pop(which % len(held)))
            if which % 2:
                await settle()
                held += [task.result() for task in asking if task.done() and not _failed(task)]
                asking = [task for task in asking if not task.done()]
                assert len(set(held)) == len(held)
                assert len(queue.preemptible) <= 1
        for task in asking:
            task.cancel()
        results = await asyncio.gather(*asking, return_exceptions=True)
        held += [result for result in results if isinstance(result, str)]
        assert sorted(held + [slot for slot in slots if queue.remove_idle(slot)]) == sorted(slots)

    asyncio.run(story())


def _failed(task: "asyncio.Task[str]") -> bool:
    return task.cancelled() or task.exception() is not None


def with_jobs(most: int, *slots: str) -> tuple[Admission[str], list[int]]:
    """An admission where at most so many jobs hold slots, and how often it asked them to make way."""
    asked: list[int] = []
    made: Admission[str] = Admission(1, Metrics(), most, lambda: asked.append(made.waiting))
    for slot in slots:
        made.release(slot)
    return made, asked


def test_jobs_hold_no_more_slots_than_they_may() -> None:
    async def story() -> None:
        queue, _ = with_jobs(1, "a", "b")
        assert await queue.acquire_low_priority(later()) == "a"
        second = asyncio.create_task(queue.acquire_low_priority(later()))
        await settle()
        assert (second.done(), queue.idle, queue.preemptible) == (False, 1, ("a",))
        queue.release("a")
        assert await second == "b"
        assert queue.preemptible == ("b",)

    asyncio.run(story())


def test_interactive_callers_go_before_jobs_that_came_first() -> None:
    async def story() -> None:
        queue, asked = with_jobs(1, "a")
        assert await queue.acquire_low_priority(later()) == "a"
        job = asyncio.create_task(queue.acquire_low_priority(later()))
        await settle()
        caller = asyncio.create_task(queue.acquire(later(), 1))
        await settle()
        assert asked == [1]  # whoever holds a slot for a job is asked to give it back
        queue.release("a")
        await settle()
        assert caller.done()
        assert not job.done()
        queue.release("a")
        assert await job == "a"

    asyncio.run(story())


def test_a_job_that_is_due_goes_before_interactive_callers_and_keeps_its_slot() -> None:
    async def story() -> None:
        queue, _ = with_jobs(1, "a")
        assert await queue.acquire(later(), 1) == "a"
        job = asyncio.create_task(queue.acquire_low_priority(later(), time.monotonic()))
        first, second = (asyncio.create_task(queue.acquire(later(), 1)) for _ in range(2))
        await until(lambda: len(queue._due) == 1)
        queue.release("a")
        assert await job == "a"
        assert queue.preemptible == ()
        assert not queue.is_preemptible("a")
        assert not first.done()
        with pytest.raises(SignError):
            await second  # one may wait
        queue.release("a")
        assert await first == "a"

    asyncio.run(story())


def test_a_job_that_waits_becomes_due_and_until_then_goes_last() -> None:
    async def story() -> None:
        queue, _ = with_jobs(1, "a")
        queue._most_waiting = 9
        assert await queue.acquire(later(), 1) == "a"
        job = asyncio.create_task(queue.acquire_low_priority(later(), time.monotonic() + 0.2))
        turns = 0
        while not job.done():  # an endless line of callers, one of whom always waits
            caller = asyncio.create_task(queue.acquire(later(), 1))
            await asyncio.sleep(0.01)
            queue.release("a")
            await asyncio.wait([caller, job], return_when=asyncio.FIRST_COMPLETED)
            turns += 1
        assert turns > 5
        assert job.result() == "a"
        queue.release("a")
        await caller

    asyncio.run(story())


def test_a_due_job_waits_for_the_jobs_before_it() -> None:
    async def story() -> None:
        queue, _ = with_jobs(1, "a", "b")
        assert await queue.acquire_low_priority(later()) == "a"
        due = asyncio.create_task(queue.acquire_low_priority(later(), time.monotonic()))
        await until(lambda: len(queue._due) == 1)
        assert await queue.acquire(later(), 2) == "b"
        queue.release("b")
        assert (due.done(), queue.idle) == (False, 1)
        queue.release("a")
        assert await due == "a"

    asyncio.run(story())


def test_a_slot_that_a_job_holds_is_no_reason_to_refuse() -> None:
    async def story() -> None:
        queue = Admission[str](0, Metrics())
        queue.release("a")
        await queue.acquire_low_priority(later())
        caller = asyncio.create_task(queue.acquire(later(), 1))
        await settle()
        with pytest.raises(SignError) as caught:
            await queue.acquire(later(), 1)
        assert caught.value.code == "busy"
        queue.release("a")
        assert await caller == "a"

    asyncio.run(story())


def test_a_job_that_gives_up_as_its_slot_comes_hands_it_on() -> None:
    async def story() -> None:
        queue, _ = with_jobs(1, "a")
        await queue.acquire_low_priority(later())
        quitter, other = (asyncio.create_task(queue.acquire_low_priority(later())) for _ in range(2))
        await settle()
        queue.release("a")
        quitter.cancel()
        assert await other == "a"
        assert queue.preemptible == ("a",)

    asyncio.run(story())


def test_closing_refuses_jobs_too() -> None:
    async def story() -> None:
        queue, _ = with_jobs(1, "a")
        await queue.acquire_low_priority(later())
        waiting = asyncio.create_task(queue.acquire_low_priority(later()))
        await settle()
        queue.close()
        for attempt in (waiting, queue.acquire_low_priority(later())):
            with pytest.raises(SignError, match="shutting down"):
                await attempt

    asyncio.run(story())


def test_who_lost_a_slot_goes_before_all_who_wait_though_no_more_may() -> None:
    async def story() -> None:
        queue = admission(1, "a")
        await queue.acquire(later(), 1)
        waiting = asyncio.create_task(queue.acquire(later(), 1))
        await settle()
        again = asyncio.create_task(queue.acquire_again(later()))
        await settle()
        assert queue.waiting == 2
        queue.release("a")
        assert await again == "a"
        queue.release("a")
        assert await waiting == "a"

    asyncio.run(story())


def test_who_lost_a_slot_waits_no_longer_than_their_deadline_and_not_for_a_closed_service() -> None:
    async def story() -> None:
        queue = admission(0)
        with pytest.raises(SignError, match="deadline") as late:
            await queue.acquire_again(later(0.01))
        assert late.value.code == "deadline-exceeded"
        queue.close()
        with pytest.raises(SignError, match="shutting down"):
            await queue.acquire_again(later())

    asyncio.run(story())


def test_a_place_is_taken_before_the_medium_comes_and_kept_until_it_is_asked_for() -> None:
    async def story() -> None:
        queue = admission(1, "a")
        with queue.reserve(1):
            assert await queue.acquire(later(), 1) == "a"
        waiting = asyncio.create_task(queue.acquire(later(), 1))
        await settle()
        with pytest.raises(SignError) as caught, queue.reserve(1):
            pass
        assert caught.value.code == "busy"
        queue.release("a")
        assert await waiting == "a"

    asyncio.run(story())


def test_who_has_a_place_is_not_refused_although_others_fill_the_queue_meanwhile() -> None:
    async def story() -> None:
        queue = admission(1, "a")

        async def ask_with_a_place() -> str:
            with queue.reserve(1):
                await settle()
                return await queue.acquire(later(), 1)

        asking = asyncio.create_task(ask_with_a_place())
        await asyncio.sleep(0)
        assert await queue.acquire(later(), 1) == "a"
        waiting = asyncio.create_task(queue.acquire(later(), 1))
        await settle()
        await settle()
        assert queue.waiting == 2
        for task in (waiting, asking):
            queue.release("a")
            assert await task == "a"

    asyncio.run(story())


def test_media_that_still_come_keep_nobody_out() -> None:
    async def story() -> None:
        queue = admission(1, "a")

        async def send_slowly() -> None:
            with queue.reserve(1):
                await asyncio.Event().wait()

        slow = [asyncio.create_task(send_slowly()) for _ in range(5)]
        await settle()
        with queue.reserve(1):
            assert await queue.acquire(later(), 1) == "a"
        for task in slow:
            task.cancel()
        await asyncio.gather(*slow, return_exceptions=True)
        queue.release("a")

    asyncio.run(story())


def test_a_place_is_not_kept_for_a_medium_that_comes_slowly(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("service.workers.admission.TICKET_S", 0.0)

    async def story() -> None:
        queue = admission(0, "a")
        with queue.reserve(1):
            await settle()
            with queue.reserve(1):
                pass
            assert await queue.acquire(later(), 1) == "a"
            with pytest.raises(SignError, match="busy"):
                await queue.acquire(later(), 1)

    asyncio.run(story())
