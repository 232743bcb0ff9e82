"""What jobs are kept in, where it fails: the database's and the disk's trouble, apart from the faults of jobs.

Calls of the database have threads of their own and a time limit, so that one that hangs takes nothing from the rest of
the service.
"""

import asyncio
import errno
import sqlite3
from collections.abc import Callable
from functools import partial
from typing import Final, ParamSpec, TypeVar

from sqlalchemy import exc

from service.registry.threads import ReplaceableThreads

P = ParamSpec("P")
R = TypeVar("R")

CALL_S: Final = 15.0
"""Longest that a call of the database is waited for; its own limits (`service.jobs.table`) are shorter."""

MOST_HANGING: Final = 32
"""Calls that may hang at a time, each in a thread; further ones fail at once."""

_THREADS = 4
_OF_THE_DISK = frozenset(
    getattr(errno, name) for name in ("ENOSPC", "EDQUOT", "EIO", "EROFS", "ESTALE", "ENODEV") if hasattr(errno, name)
)
_NOT_STORAGE = (exc.IntegrityError, exc.DataError, exc.NotSupportedError)
"""What the database says of a statement rather than of itself."""


class StorageError(Exception):
    """Jobs cannot be stored, or looked up, for now; the sentence says why, to operators and callers alike."""


class StorageCalls:
    """Runs what blocks on the jobs' database or disk. What it raises of their trouble is a StorageError."""

    def __init__(self) -> None:
        self._threads = ReplaceableThreads(_THREADS, "jobs")
        self._hanging = 0

    async def ask(self, call: Callable[P, R], *args: P.args, **named: P.kwargs) -> R:
        """A call of the database, in a thread and in time."""
        return await self.within(CALL_S, partial(call, *args, **named))

    async def within(self, most_s: float, call: Callable[P, R], *args: P.args, **named: P.kwargs) -> R:
        """The same in a time of its own."""
        if self._hanging >= MOST_HANGING:
            raise StorageError(_SILENT)
        running = self._threads.submit(partial(call, *args, **named))
        waiting = asyncio.wrap_future(running)
        waiting.add_done_callback(_look_at)
        done, _ = await asyncio.wait([waiting], timeout=most_s)
        if not done:
            if not running.cancel():
                self._hanging += 1
                running.add_done_callback(lambda _: self._end_hanging())
                self._threads.replace_one()
            raise StorageError(_SILENT)
        try:
            return waiting.result()
        except Exception as error:
            raise_storage_error(error)
            raise

    async def on_disk(self, call: Callable[P, R], *args: P.args, **named: P.kwargs) -> R:
        """A call that reads or writes files, however long that takes."""
        try:
            return await asyncio.to_thread(call, *args, **named)
        except OSError as error:
            raise_storage_error(error)
            raise

    def close(self) -> None:
        """Wait for nothing that hangs."""
        self._threads.shutdown(wait=False)

    def _end_hanging(self) -> None:
        self._hanging -= 1


_SILENT = f"the jobs' database does not answer within {CALL_S:g} s"


def raise_storage_error(error: Exception) -> None:
    """Raise StorageError of an error that is the database's or the disk's; nothing happens for any other."""
    if (reason := _explain(error)) is not None:
        raise StorageError(reason) from error


def _explain(error: Exception) -> str | None:
    """The sentence on trouble of the database or the disk; None where the error is neither's."""
    if isinstance(error, OSError) and error.errno in _OF_THE_DISK:
        return f"the jobs' folder cannot be written: {(error.strerror or 'unknown').lower()}"
    if isinstance(error, exc.TimeoutError):
        return "the jobs' database gives no connection"
    if isinstance(error, sqlite3.OperationalError) or type(error) is sqlite3.DatabaseError:  # of what holds the file
        return _explain_sqlite(error)
    if not isinstance(error, exc.DBAPIError) or isinstance(error, _NOT_STORAGE):
        return None
    if isinstance(error.orig, sqlite3.Error):
        return _explain_sqlite(error.orig)
    return "the jobs' database cannot be reached or does not serve"


def _explain_sqlite(error: sqlite3.Error) -> str:
    if type(error) is sqlite3.DatabaseError:  # not one of its subclasses: pages or the head are not SQLite's
        return explain_damage(str(error))
    return f"the jobs' database fails: {error}"


def explain_damage(how: str) -> str:
    """The sentence on a file that SQLite does not read."""
    return f"the jobs' database is damaged ({how}): restore it, or move it away, as docs/operations.md says"


def _look_at(waiting: "asyncio.Future[R]") -> None:
    """A call that nobody waits for any more may fail in silence."""
    if not waiting.cancelled():
        waiting.exception()
