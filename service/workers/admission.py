"""Admission: who gets a slot, who waits for one, and who is refused at once."""

import asyncio
import math
from collections import deque
from typing import Generic, TypeVar

from service.errors import SignError
from service.metrics import Metrics
from service.workers.deadline import Deadline

_NEWEST_SHARE = 0.2
_LEAST_RETRY_S = 1

S = TypeVar("S")


class Admission(Generic[S]):
    """Free slots and the queue for them: first come, first served, at most `most_waiting` in it.

    Whoever enters holds the slot until it is given back by `leave`.
    """

    def __init__(self, most_waiting: int, metrics: Metrics) -> None:
        self._most_waiting = most_waiting
        self._metrics = metrics
        self._idle: deque[S] = deque()
        self._queue: deque[asyncio.Future[S]] = deque()
        self._service_s = 1.0
        self._closed = False

    @property
    def idle(self) -> int:
        return len(self._idle)

    @property
    def waiting(self) -> int:
        return len(self._queue)

    async def enter(self, deadline: Deadline, slots: int) -> S:
        """A slot, as soon as one is free.

        Raises SignError: busy (the queue is full; tried before waiting), deadline-exceeded, shutting-down.
        """
        if self._closed:
            raise shutting_down()
        deadline.check()
        if self._idle:
            return self._idle.popleft()
        if len(self._queue) >= self._most_waiting:
            self._metrics.rejected.labels("busy").inc()
            raise self._busy(slots)
        return await self._wait(deadline)

    def leave(self, slot: S) -> None:
        """Give a slot to the first who waits, or keep it for the next."""
        while self._queue:
            place = self._queue.popleft()
            if not place.done():
                place.set_result(slot)
                return
        if not self._closed:
            self._idle.append(slot)

    def withdraw(self, slot: S) -> bool:
        """Take a slot that lies idle out of service; False where somebody holds it."""
        if slot not in self._idle:
            return False
        self._idle.remove(slot)
        return True

    def learn(self, service_s: float) -> None:
        """Note how long a call took; Retry-After is made of it."""
        self._service_s += _NEWEST_SHARE * (service_s - self._service_s)

    def close(self) -> None:
        """Refuse whoever waits or comes."""
        self._closed = True
        self._idle.clear()
        while self._queue:
            place = self._queue.popleft()
            if not place.done():
                place.set_exception(shutting_down())

    async def _wait(self, deadline: Deadline) -> S:
        place: asyncio.Future[S] = asyncio.get_running_loop().create_future()
        self._queue.append(place)
        self._metrics.queue_waiting.set(len(self._queue))
        try:
            async with deadline.enforced():
                return await place
        except SignError as error:
            self._hand_on(place)
            if error.code == "deadline-exceeded":
                self._metrics.rejected.labels("deadline").inc()
            raise
        except asyncio.CancelledError:
            self._hand_on(place)
            raise
        finally:
            if place in self._queue:
                self._queue.remove(place)
            self._metrics.queue_waiting.set(len(self._queue))

    def _hand_on(self, place: asyncio.Future[S]) -> None:
        """A slot that came in the very moment in which its taker gave up goes to the next."""
        if place.done() and not place.cancelled() and place.exception() is None:
            self.leave(place.result())

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


def shutting_down() -> SignError:
    """The error for whoever comes, or waits, while the service ends."""
    return SignError("shutting-down", "The service is shutting down; another instance may answer.", retry_after_s=5)
