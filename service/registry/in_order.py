"""Several pieces of work under way at a time, their results in the order of the pieces."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Iterable
from typing import TypeVar

T = TypeVar("T")


async def in_order(works: Iterable[Callable[[], Awaitable[T]]], at_once: int) -> list[T]:
    """What the works give; the next is begun when fewer than `at_once` are under way.

    Raises what the first that fails raises, once those under way have been cancelled.
    """
    under_way: deque[asyncio.Future[T]] = deque()
    results: list[T] = []
    try:
        for work in works:
            if len(under_way) >= at_once:
                results.append(await under_way[0])
                under_way.popleft()
            under_way.append(asyncio.ensure_future(work()))
        while under_way:
            results.append(await under_way[0])
            under_way.popleft()
    finally:
        for one in under_way:
            one.cancel()
        await asyncio.gather(*under_way, return_exceptions=True)
    return results
