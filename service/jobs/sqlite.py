"""What SQLite lacks where it is older than DBOS takes for granted."""

import sqlite3
import time
from typing import Any, Final

import sqlalchemy as sa

FIRST_WITH_FRACTIONS: Final = (3, 42)
"""SQLite from which on unixepoch('subsec') is a time; DBOS takes Python 3.12 for a sign of it, Debian 12 has 3.40."""


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
