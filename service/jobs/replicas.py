"""Replicas: who lives, told by leases in the database, and what becomes of the jobs of those who do not.

A replica works under a name that nobody had before it, and holds the jobs that it is at: their rows carry its name, and
nobody else writes of them. Once its lease is over it never lives again under that name. SQLite has one replica, whose
folder's lock is its lease.
"""

import re
import socket
import uuid
from collections.abc import Callable
from typing import Any, Final

import sqlalchemy as sa

from service.jobs.schema import JOBS, REPLICAS
from service.jobs.spec import UNFINISHED
from service.jobs.storage import StorageError

ALONE: Final = "single"
"""The replica of an SQLite file."""

_TAKING_OVER: Final = 0x7369676E
"""The advisory lock of PostgreSQL's: one replica at a time takes over."""

_HOST_LENGTH: Final = 100


class JobLostError(Exception):
    """Another replica works on the job, or this one does not live any more: it may not write of it."""


class LeaseOverError(StorageError):
    """This replica did not renew its lease in time: others take its jobs over."""

    def __init__(self) -> None:
        super().__init__("this replica was silent for too long, and others take over what it was at")


class Replicas:
    """The replicas of one database, and this one among them. Its functions block: call them in threads.

    is_shared: whether there may be others. name: this one's; is_first: whether it has lived longest of all, and says
    what is said once for all of them.
    """

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine
        self.is_shared = engine.dialect.name == "postgresql"
        self._lease_s = 0.0
        self._former: str | None = None
        self.name = ALONE
        self.is_first = not self.is_shared

    def join(self, lease_s: float) -> None:
        """Live from now on, for so long without renewing; what this process held before is nobody's now."""
        former, self._lease_s = self._former, lease_s
        if self.is_shared:
            self.name = f"{_host()}-{uuid.uuid4().hex[:8]}"
        with self._engine.begin() as connection:
            if former is not None:
                self._release(connection, former)
            if self.is_shared:
                now = _now()
                lease = {"name": self.name, "since": now, "until": now + lease_s}
                connection.execute(REPLICAS.delete().where(REPLICAS.c.name == former))
                connection.execute(REPLICAS.insert().values(**lease))
                self.is_first = connection.scalar(_FIRST) == self.name
            else:
                left = JOBS.c.replica.is_not(None) & JOBS.c.state.in_(UNFINISHED)
                connection.execute(JOBS.update().where(left).values(**_LOST))
        self._former = self.name

    def renew(self) -> None:
        """Live on. Raises LeaseOverError where it is too late for that."""
        if not self.is_shared:
            return
        renewed = REPLICAS.update().where(self._is_me()).values(until=_now() + self._lease_s)
        with self._engine.begin() as connection:
            if connection.execute(renewed).rowcount != 1:
                raise LeaseOverError
            self.is_first = connection.scalar(_FIRST) == self.name

    def release(self) -> None:
        """Hold no jobs any more, at an orderly end."""
        with self._engine.begin() as connection:
            self._release(connection, self.name)

    def leave(self) -> None:
        """Live no more."""
        with self._engine.begin() as connection:
            connection.execute(REPLICAS.delete().where(REPLICAS.c.name == self.name))
        self._former = None

    def lives(self) -> "sa.ColumnElement[bool]":
        """The condition that this one lives, for a statement that may be its alone."""
        return sa.exists().where(self._is_me()) if self.is_shared else sa.true()

    def take_over(self, stranded: Callable[[set[str]], list[str]], resume: Callable[[list[str]], None]) -> list[str]:
        """Give the work of those who live no more to those who do; the jobs, of which nobody else writes from then on.

        stranded: what is being worked on by none of these; resume: puts jobs into the queue. Nothing happens while
        another replica does the same. Raises LeaseOverError.
        """
        if not self.is_shared:
            return []
        with self._engine.begin() as connection:
            if not connection.scalar(sa.select(sa.func.pg_try_advisory_xact_lock(_TAKING_OVER))):
                return []
            connection.execute(REPLICAS.delete().where(REPLICAS.c.until <= _now()))
            live = set(connection.scalars(sa.select(REPLICAS.c.name)))
            if self.name not in live:
                raise LeaseOverError
            if jobs := stranded(live):
                of_none = JOBS.c.id.in_(jobs) & JOBS.c.state.in_(UNFINISHED) & JOBS.c.replica.is_not(None)
                connection.execute(JOBS.update().where(of_none).values(**_LOST))
                resume(jobs)
            return jobs

    def _is_me(self) -> "sa.ColumnElement[bool]":
        return (REPLICAS.c.name == self.name) & (REPLICAS.c.until > _now())

    def _release(self, connection: sa.Connection, name: str) -> None:
        held = (JOBS.c.replica == name) & JOBS.c.state.in_(UNFINISHED)
        connection.execute(JOBS.update().where(held).values(replica=None))


_LOST: Final[dict[str, Any]] = {"replica": None, "lost": sa.func.coalesce(JOBS.c.lost, 0) + 1}


def _now() -> "sa.ColumnElement[float]":
    """The database's time, in seconds, as it is when the statement runs rather than when its transaction began."""
    return sa.cast(sa.extract("epoch", sa.func.clock_timestamp()), sa.Double)


_FIRST: Final = (
    sa.select(REPLICAS.c.name).where(REPLICAS.c.until > _now()).order_by(REPLICAS.c.since, REPLICAS.c.name).limit(1)
)


def _host() -> str:
    return re.sub(r"[^A-Za-z0-9._-]", "-", socket.gethostname())[:_HOST_LENGTH]
