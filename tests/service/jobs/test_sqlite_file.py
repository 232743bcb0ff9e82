"""SQLite's file, damaged or taken away while it is in use: found, and what was in it is not lost."""

import os
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from service.jobs.spec import JobSpec
from service.jobs.storage import StorageError
from service.jobs.table import JobTable, database_url

JOB = "00000000-0000-0000-0000-000000000001"


@pytest.fixture
def table(tmp_path: Path) -> Iterator[JobTable]:
    made = JobTable(database_url(None, tmp_path))
    made.open()
    made.add(JOB, JobSpec("timeline", "", "m", 1, b"{}", b"{}"), 1000)
    yield made
    made.close()


def reopened(folder: Path) -> JobTable:
    made = JobTable(database_url(None, folder))
    made.open()
    return made


@pytest.mark.parametrize("leaves_its_log", [True, False])
def test_a_file_that_is_taken_away_is_missed_and_comes_back_with_its_jobs(
    table: JobTable, tmp_path: Path, leaves_its_log: bool
) -> None:
    table.check()
    for path in tmp_path.glob("jobs.sqlite*"):
        if path.name == "jobs.sqlite" or not leaves_its_log:
            path.unlink()
    with pytest.raises(StorageError, match="taken away"):
        table.check()
    table.close()
    again = reopened(tmp_path)
    assert again.ids() == {JOB}
    again.check()
    again.close()


def test_a_file_that_somebody_put_in_its_place_is_taken(table: JobTable, tmp_path: Path) -> None:
    (tmp_path / "kept").mkdir()
    other = reopened(tmp_path / "kept")
    other.close()
    for path in tmp_path.glob("jobs.sqlite*"):
        path.unlink()
    (tmp_path / "kept" / "jobs.sqlite").rename(tmp_path / "jobs.sqlite")
    with pytest.raises(StorageError, match="taken away"):
        table.check()
    table.close()
    table.open()
    assert table.ids() == set()


def test_a_file_that_is_overwritten_is_damaged(table: JobTable, tmp_path: Path) -> None:
    with (tmp_path / "jobs.sqlite").open("r+b") as file:
        file.write(os.urandom(4096))
    with pytest.raises(StorageError, match="damaged"):
        table.check()


@pytest.mark.parametrize("begins", [b"no database at all" * 100, b"SQLite format 3\0" + bytes(8000)])
def test_a_damaged_file_is_not_opened_and_not_touched(begins: bytes, tmp_path: Path) -> None:
    path = tmp_path / "jobs.sqlite"
    path.write_bytes(begins)
    made = JobTable(database_url(None, tmp_path))
    with pytest.raises((StorageError, sa.exc.DatabaseError, sqlite3.DatabaseError)):
        made.open()
    made.close()
    assert path.read_bytes() == begins


def test_pages_that_are_damaged_are_found_when_it_is_opened(table: JobTable, tmp_path: Path) -> None:
    for number in range(100, 300):
        spec = JobSpec("timeline", "", "m", 1, b"x" * 3000, b"{}")
        table.add(f"{JOB[:-3]}{number:03}", spec, 1)
    table.close()
    path = tmp_path / "jobs.sqlite"
    data = bytearray(path.read_bytes())
    data[4096 * 10 : 4096 * 40] = os.urandom(4096 * 30)
    path.write_bytes(data)
    with pytest.raises(StorageError, match="damaged"):
        table.open()
    path.unlink()
    table.open()
