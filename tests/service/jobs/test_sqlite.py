"""An SQLite that is older than DBOS expects."""

import sqlite3
import time
from collections.abc import Iterator

import pytest
import sqlalchemy as sa

from service.jobs import sqlite


@pytest.fixture
def nothing_supplied() -> Iterator[None]:
    """No listener of ours, before and after."""
    _take_back()
    yield
    _take_back()


def _take_back() -> None:
    if sa.event.contains(sa.Engine, "connect", sqlite._supply):
        sa.event.remove(sa.Engine, "connect", sqlite._supply)


def now_by_sqlite() -> float | None:
    """What a new connection gives as the time with fractions."""
    engine = sa.create_engine("sqlite://")
    with engine.connect() as connection:
        found: float | None = connection.execute(sa.text("SELECT unixepoch('subsec')")).scalar()
    engine.dispose()
    return found


@pytest.mark.usefixtures("nothing_supplied")
def test_an_old_sqlite_gets_the_time_that_dbos_asks_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite3, "sqlite_version_info", (3, 40, 1))
    sqlite.supply_unixepoch()
    sqlite.supply_unixepoch()
    assert now_by_sqlite() == pytest.approx(time.time(), abs=5)


@pytest.mark.usefixtures("nothing_supplied")
def test_a_recent_sqlite_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite3, "sqlite_version_info", (3, 42, 0))
    sqlite.supply_unixepoch()
    assert not sa.event.contains(sa.Engine, "connect", sqlite._supply)
