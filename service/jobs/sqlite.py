"""SQLite as jobs need it: what older ones lack, and a file that is damaged or taken away while it is in use."""

import contextlib
import os
import sqlite3
import time
from pathlib import Path
from typing import Any, Final

import sqlalchemy as sa

from service.jobs.storage import StorageError, explain_damage

FIRST_WITH_FRACTIONS: Final = (3, 42)
"""SQLite from which on unixepoch('subsec') is a time; DBOS takes Python 3.12 for a sign of it, Debian 12 has 3.40."""

BUSY_MS: Final = 10_000
"""Longest that a writer waits for another."""

_MAGIC = b"SQLite format 3\0"


def supply_unixepoch() -> None:
    """Give unixepoch('subsec') to the connections of an older SQLite, where it is NULL and no job could be stored."""
    if sqlite3.sqlite_version_info < FIRST_WITH_FRACTIONS and not sa.event.contains(sa.Engine, "connect", _supply):
        sa.event.listen(sa.Engine, "connect", _supply)


def _supply(connection: Any, _record: object) -> None:  # noqa: ANN401 - SQLAlchemy names no type for it
    driver = getattr(connection, "driver_connection", connection)
    if isinstance(driver, sqlite3.Connection):
        driver.create_function("unixepoch", 1, _unixepoch)


def _unixepoch(what: str) -> float | None:
    """Seconds since 1970; of all that SQLite's own knows, DBOS asks for this alone."""
    return time.time() if what == "subsec" else None


def configure(connection: sqlite3.Connection, _record: object) -> None:
    """Writers wait for each other instead of failing, and readers for nobody."""
    connection.isolation_level = "IMMEDIATE"
    connection.execute(f"PRAGMA busy_timeout={BUSY_MS}")
    connection.execute("PRAGMA journal_mode=WAL")


class SqliteFile:
    """The database's file. It is held open, so that what is in it outlives its name."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._held: sqlite3.Connection | None = None
        self._identity = (0, 0)

    def hold(self) -> None:
        """Open it, and look through it once. Raises StorageError where it is damaged, sqlite3.Error."""
        held = sqlite3.connect(self._path, check_same_thread=False)
        try:
            (found,) = held.execute("PRAGMA quick_check(1)").fetchone()
        except sqlite3.DatabaseError as error:
            held.close()
            if type(error) is not sqlite3.DatabaseError:
                raise
            found = str(error)
        if found != "ok":
            held.close()
            raise StorageError(explain_damage(found))
        self._held, self._identity = held, self._identify()

    def check(self) -> None:
        """Raise StorageError where the file is not the one that was opened any more, or is none of SQLite's."""
        if self._held is None:
            return
        if not self._is_in_place():
            raise StorageError(f"{self._path.name} was taken away while it was in use")
        self._held.execute(
            "SELECT count(*) FROM sqlite_master"
        ).fetchone()  # or it would not know of the write-ahead log
        with self._path.open("rb") as file:
            begins = file.read(len(_MAGIC))
        if begins != _MAGIC:
            raise StorageError(explain_damage("it does not begin as a database does"))

    def let_go(self) -> None:
        """Close it. Where its name is gone, it gets it back with all that it held."""
        if self._held is None:
            return
        try:
            if not self._is_in_place() and not self._is_replaced():
                self._write_back(self._held)
        finally:
            self._held.close()
            self._held = None

    def _write_back(self, held: sqlite3.Connection) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        fresh = self._path.with_suffix(".rescued")
        fresh.unlink(missing_ok=True)
        with contextlib.closing(sqlite3.connect(fresh)) as target:
            held.backup(target)
        for suffix in ("-wal", "-shm"):
            Path(f"{self._path}{suffix}").unlink(missing_ok=True)
        fresh.replace(self._path)

    def _is_in_place(self) -> bool:
        return self._identify() == self._identity

    def _is_replaced(self) -> bool:
        """Whether somebody put another file there, with something in it: a connection alone makes an empty one."""
        if not self._path.exists():
            return False
        try:
            with contextlib.closing(sqlite3.connect(f"{self._path.as_uri()}?mode=ro", uri=True)) as there:
                return bool(there.execute("SELECT count(*) FROM sqlite_master").fetchone()[0])
        except sqlite3.Error:
            return True

    def _identify(self) -> tuple[int, int]:
        with contextlib.suppress(FileNotFoundError):
            found = os.stat(self._path)  # noqa: PTH116 - as the kernel says it
            return found.st_dev, found.st_ino
        return 0, 0
