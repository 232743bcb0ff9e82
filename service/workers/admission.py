"""Admission: who gets a slot, who waits for one, who is refused at once, and who goes before whom."""

import asyncio
import contextlib
import math
from collections import deque
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from typing import Generic, Literal, TypeVar

from service.errors import SignError
from service.metrics import Metrics
from service.workers.deadline import Deadline

_NEWEST_SHARE = 0.2
_LEAST_RETRY_S = 1

TICKET_S = 10.0
"""For so long a place is kept for a request whose medium is still coming; who is slower asks again with the medium."""

S = TypeVar("S")


class Ticket:
    """A request's place among those that may wait, from its headers on: who holds it is not refused for being late."""

    def __init__(self) -> None:
        self.state: Literal["kept", "used", "expired"] = "kept"


_ticket: ContextVar[Ticket | None] = ContextVar("ticket", default=None)
"""The ticket of the request that runs: it asks for slots deep below the route that took it."""


class Admission(Generic[S]):
    """Free slots and the two queues for them, each first come, first served.

    Interactive callers go first, at most `most_waiting` of them wait. Jobs take what those leave, at most
    `most_for_jobs` slots at a time; they are as many as their runner lets come, so their queue has no limit here.
    Whoever enters holds the slot until it is given back by `release`. preempt is called when an interactive caller
    begins to wait: jobs that hold a slot should give it back soon.
    """

    def __init__(
        self,
        most_waiting: int,
        metrics: Metrics,
        most_for_jobs: int = 1,
        preempt: Callable[[], None] = lambda: None,
    ) -> None:
        self._most_waiting = most_waiting
        self._preempt = preempt
        self._most_for_jobs = most_for_jobs
        self._metrics = metrics
        self._idle: deque[S] = deque()
        self._queue: deque[asyncio.Future[S]] = deque()
        self._jobs: deque[asyncio.Future[S]] = deque()
        self._with_jobs: list[S] = []
        self._service_s = 1.0
        self._closed = False
        self._reserved = 0

    @property
    def idle(self) -> int:
        return len(self._idle)

    @property
    def idle_for_jobs(self) -> int:
        """How many of the idle slots jobs may take now; none while interactive callers wait."""
        return 0 if self._queue else max(0, min(len(self._idle), self._most_for_jobs - len(self._with_jobs)))

    @property
    def waiting(self) -> int:
        return len(self._queue)

    @property
    def with_jobs(self) -> tuple[S, ...]:
        """The slots that jobs hold, longest first."""
        return tuple(self._with_jobs)

    @contextlib.contextmanager
    def reserve(self, slots: int) -> Iterator[None]:
        """A place for whoever asks for slots within the block, kept for TICKET_S until they do.

        Raises SignError: busy, where so many wait or are about to that no place is left; shutting-down.
        """
        if self._closed:
            raise shutting_down()
        if self._reserved >= len(self._idle) + self._most_waiting + len(self._with_jobs) - len(self._queue):
            self._metrics.rejected.labels("busy").inc()
            raise self._busy(slots)
        ticket = Ticket()
        self._reserved += 1
        token = _ticket.set(ticket)
        clock = asyncio.get_running_loop().call_later(TICKET_S, self._take_back, ticket, "expired")
        try:
            yield
        finally:
            clock.cancel()
            self._take_back(ticket, "used")
            _ticket.reset(token)

    def _take_back(self, ticket: Ticket, state: Literal["used", "expired"]) -> None:
        """The place is not kept any more, as its holder has come, or will not in time."""
        if ticket.state == "kept":
            self._reserved -= 1
            ticket.state = state

    async def acquire(self, deadline: Deadline, slots: int) -> S:
        """A slot, as soon as one is free. A slot that a job holds counts as one that is about to be.

        Raises SignError: busy (the queue is full and the caller has no place in it by `reserve`; tried before
        waiting), deadline-exceeded, shutting-down.
        """
        if self._closed:
            raise shutting_down()
        deadline.check()
        ticket = _ticket.get()
        if ticket is not None:
            self._take_back(ticket, "used")
        has_place = ticket is not None and ticket.state == "used"
        if self._idle:
            return self._idle.popleft()
        if not has_place and len(self._queue) >= self._most_waiting + len(self._with_jobs):
            self._metrics.rejected.labels("busy").inc()
            raise self._busy(slots)
        return await self._wait(deadline, self._queue)

    async def acquire_again(self, deadline: Deadline) -> S:
        """A slot for a caller who lost theirs: before all who wait, however many do.

        Raises deadline-exceeded, shutting-down.
        """
        if self._closed:
            raise shutting_down()
        deadline.check()
        if self._idle:
            return self._idle.popleft()
        return await self._wait(deadline, self._queue, is_next=True)

    async def acquire_low_priority(self, deadline: Deadline) -> S:
        """A slot for a job, when no interactive caller waits for it. Raises deadline-exceeded, shutting-down."""
        if self._closed:
            raise shutting_down()
        deadline.check()
        if self._idle and len(self._with_jobs) < self._most_for_jobs and not self._jobs:
            slot = self._idle.popleft()
            self._with_jobs.append(slot)
            return slot
        return await self._wait(deadline, self._jobs)

    def release(self, slot: S) -> None:
        """Give a slot to the first who waits, interactive callers before jobs, or keep it for the next."""
        if slot in self._with_jobs:
            self._with_jobs.remove(slot)
        if _give(slot, self._queue):
            return
        if not self._closed:
            self._idle.append(slot)
            self._serve_jobs()

    def remove_idle(self, slot: S) -> bool:
        """Take a slot that lies idle out of service; False where somebody holds it."""
        if slot not in self._idle:
            return False
        self._idle.remove(slot)
        return True

    def note_service_time(self, service_s: float) -> None:
        """Note how long a call took; Retry-After is made of it."""
        self._service_s += _NEWEST_SHARE * (service_s - self._service_s)

    def close(self) -> None:
        """Refuse whoever waits or comes."""
        self._closed = True
        self._idle.clear()
        for queue in (self._queue, self._jobs):
            while queue:
                place = queue.popleft()
                if not place.done():
                    place.set_exception(shutting_down())

    def _serve_jobs(self) -> None:
        """Idle slots to jobs that wait, as many as jobs may hold."""
        while self._idle and len(self._with_jobs) < self._most_for_jobs and _give(self._idle[0], self._jobs):
            self._with_jobs.append(self._idle.popleft())

    async def _wait(self, deadline: Deadline, queue: "deque[asyncio.Future[S]]", *, is_next: bool = False) -> S:
        place: asyncio.Future[S] = asyncio.get_running_loop().create_future()
        if is_next:
            queue.appendleft(place)
        else:
            queue.append(place)
        self._metrics.queue_waiting.set(len(self._queue))
        if queue is self._queue:
            self._preempt()
        try:
            async with deadline.enforce():
                return await place
        except SignError as error:
            self._pass_on(place)
            if error.code == "deadline-exceeded":
                self._metrics.rejected.labels("deadline").inc()
            raise
        except asyncio.CancelledError:
            self._pass_on(place)
            raise
        finally:
            if place in queue:
                queue.remove(place)
            self._metrics.queue_waiting.set(len(self._queue))

    def _pass_on(self, place: asyncio.Future[S]) -> None:
        """A slot that came in the very moment in which its taker gave up goes to the next."""
        if place.done() and not place.cancelled() and place.exception() is None:
            self.release(place.result())

    def _busy(self, slots: int) -> SignError:
        waiting = len(self._queue)
        retry_s = max(_LEAST_RETRY_S, math.ceil(self._service_s * (waiting + 1) / max(1, slots)))
        return SignError(
            "busy",
            f"{waiting} requests wait already; no more than {self._most_waiting} may. Try again in {retry_s} s.",
            limit=self._most_waiting,
            actual=waiting,
            retry_after_s=retry_s,
        )


def _give(slot: S, queue: "deque[asyncio.Future[S]]") -> bool:
    """Give a slot to the first in a queue who still wants it; False where nobody does."""
    while queue:
        place = queue.popleft()
        if not place.done():
            place.set_result(slot)
            return True
    return False


def shutting_down() -> SignError:
    """The error for whoever comes, or waits, while the service ends."""
    return SignError("shutting-down", "The service is shutting down; another instance may answer.", retry_after_s=5)
