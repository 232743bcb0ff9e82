"""Admission: who gets a slot, who waits for one, who is refused at once, and who goes before whom."""

import asyncio
import contextlib
import math
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from dataclasses import dataclass
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


@dataclass(slots=True)
class Turn:
    """Since when a job has let others go first, by the monotonic clock: until one of its calls ran undisturbed."""

    since: float | None = None

    def begin(self) -> float:
        """The job wants a slot; since when it has."""
        if self.since is None:
            self.since = time.monotonic()
        return self.since

    def end(self) -> None:
        """It had its turn."""
        self.since = None


class Admission(Generic[S]):
    """Free slots and the two queues for them, each first come, first served.

    Interactive callers go first, at most `most_waiting` of them wait. Jobs take what those leave, at most
    `most_for_jobs` slots at a time; they are as many as their runner lets come, so their queue has no limit here. One
    whose time is due goes before interactive callers, and keeps its slot while they wait. Whoever enters holds the slot
    until it is given back by `release`. preempt is called when an interactive caller begins to wait: jobs that hold a
    slot should give it back soon.
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
        self._due: deque[asyncio.Future[S]] = deque()
        self._with_jobs: list[S] = []
        self._with_due: list[S] = []  # of those, the ones that are not to be preempted
        self._service_s = 1.0
        self._closed = False
        self._reserved = 0

    @property
    def idle(self) -> int:
        return len(self._idle)

    @property
    def idle_for_jobs(self) -> int:
        """How many of the idle slots jobs may take now; none while interactive callers wait."""
        return 0 if self._queue else max(0, min(len(self._idle), self._left_for_jobs))

    @property
    def waiting(self) -> int:
        return len(self._queue)

    @property
    def preemptible(self) -> tuple[S, ...]:
        """The slots that jobs hold and should give back when somebody waits, longest first."""
        return tuple(slot for slot in self._with_jobs if slot not in self._with_due)

    def is_preemptible(self, slot: S) -> bool:
        """Whether a slot that a job holds is one of these: not where it was due."""
        return slot not in self._with_due

    @contextlib.contextmanager
    def reserve(self, slots: int) -> Iterator[None]:
        """A place for whoever asks for slots within the block, kept for TICKET_S until they do.

        Where all places are kept for others whose media still come, there is none to keep: senders who are slow must
        not keep everybody out. Raises SignError: busy, where as many wait as may; shutting-down.
        """
        if self._closed:
            raise shutting_down()
        places = len(self._idle) + self._most_waiting + len(self._with_jobs) - len(self._queue)
        if places <= 0:
            self._metrics.rejected.labels("busy").inc()
            raise self._busy(slots)
        if self._reserved >= places:
            yield
            return
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

    async def acquire_low_priority(self, deadline: Deadline, due: float = math.inf) -> S:
        """A slot for a job, when no interactive caller waits for it, or when the monotonic clock reaches `due`.

        Raises deadline-exceeded, shutting-down.
        """
        if self._closed:
            raise shutting_down()
        deadline.check()
        if self._idle and self._left_for_jobs > 0 and not self._jobs and not self._due:
            slot = self._idle.popleft()
            self._lend_to_job(slot, is_due=time.monotonic() >= due)
            return slot
        return await self._wait(deadline, self._jobs, due=due)

    def release(self, slot: S) -> None:
        """Give a slot to the first who waits, interactive callers before jobs, or keep it for the next."""
        for held in (self._with_jobs, self._with_due):
            if slot in held:
                held.remove(slot)
        if self._left_for_jobs > 0 and _give(slot, self._due):
            self._lend_to_job(slot, is_due=True)
            return
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
        for queue in (self._queue, self._due, self._jobs):
            while queue:
                place = queue.popleft()
                if not place.done():
                    place.set_exception(shutting_down())

    def _serve_jobs(self) -> None:
        """Idle slots to jobs that wait, as many as jobs may hold."""
        for queue in (self._due, self._jobs):
            while self._idle and self._left_for_jobs > 0 and _give(self._idle[0], queue):
                self._lend_to_job(self._idle.popleft(), is_due=queue is self._due)

    def _lend_to_job(self, slot: S, *, is_due: bool) -> None:
        self._with_jobs.append(slot)
        if is_due:
            self._with_due.append(slot)

    @property
    def _left_for_jobs(self) -> int:
        """How many slots more jobs may take."""
        return self._most_for_jobs - len(self._with_jobs)

    def _become_due(self, place: "asyncio.Future[S]") -> None:
        if place in self._jobs:
            self._jobs.remove(place)
            self._due.append(place)

    async def _wait(
        self,
        deadline: Deadline,
        queue: "deque[asyncio.Future[S]]",
        *,
        is_next: bool = False,
        due: float = math.inf,
    ) -> S:
        loop = asyncio.get_running_loop()
        place: asyncio.Future[S] = loop.create_future()
        ages = None
        if due < math.inf:
            ages = loop.call_later(max(0.0, due - time.monotonic()), self._become_due, place)
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
            if ages is not None:
                ages.cancel()
            for one in (queue, self._due):
                if place in one:
                    one.remove(place)
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
