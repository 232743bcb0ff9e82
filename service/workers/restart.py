"""Starting a process that must run sooner or later: slots and streams wait longer after each failure."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

import structlog
from pebble import ProcessExpired

NOT_STARTED = (ProcessExpired, RuntimeError, OSError)  # TimeoutError is an OSError
"""How it shows that a process could not be started."""

_FIRST_PAUSE_S = 0.5
_LONGEST_PAUSE_S = 30.0

T = TypeVar("T")

_log = structlog.get_logger(__name__)


async def start_at_last(start: Callable[[], Awaitable[T]], event: str, **details: object) -> T:
    """What `start` gives once it succeeds; each failure is logged as this event, and the pause after it doubled."""
    pause_s = _FIRST_PAUSE_S
    while True:
        try:
            return await start()
        except NOT_STARTED as error:
            _log.warning(event, error=str(error), again_in_s=pause_s, **details)
            await asyncio.sleep(pause_s)
            pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)
