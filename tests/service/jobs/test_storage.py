"""The database's and the disk's trouble is told apart from a job's faults, and nothing that hangs holds anybody."""

import asyncio
import errno
import sqlite3
import threading
from collections.abc import Awaitable, Callable, Iterator

import pytest
import sqlalchemy as sa
from prometheus_client import CollectorRegistry, Gauge
from structlog.testing import capture_logs

from service.jobs import storage
from service.jobs.outage import Outage
from service.jobs.storage import StorageCalls, StorageError


@pytest.fixture
def calls() -> Iterator[StorageCalls]:
    made = StorageCalls()
    yield made
    made.close()


def raises(error: Exception) -> Callable[[], None]:
    def call() -> None:
        raise error

    return call


def outcome(call: Callable[[], Awaitable[object]]) -> Exception:
    async def story() -> Exception:
        try:
            await call()
        except Exception as error:  # noqa: BLE001 - it is what is asked
            return error
        raise AssertionError("nothing was raised")

    return asyncio.run(story())


@pytest.mark.parametrize(
    ("error", "says"),
    [
        (sa.exc.OperationalError("", {}, sqlite3.OperationalError("database or disk is full")), "disk is full"),
        (sa.exc.DatabaseError("", {}, sqlite3.DatabaseError("file is not a database")), "is damaged"),
        (sqlite3.OperationalError("disk I/O error"), "fails: disk I/O error"),
        (sqlite3.DatabaseError("file is not a database"), "is damaged"),
        (sa.exc.OperationalError("", {}, RuntimeError("server closed the connection")), "cannot be reached"),
        (sa.exc.TimeoutError("QueuePool limit"), "gives no connection"),
    ],
)
def test_what_the_database_has_is_a_storage_error(calls: StorageCalls, error: Exception, says: str) -> None:
    found = outcome(lambda: calls.ask(raises(error)))
    assert isinstance(found, StorageError)
    assert says in str(found)
    assert found.__cause__ is error


@pytest.mark.parametrize(
    "error",
    [
        sa.exc.IntegrityError("", {}, sqlite3.IntegrityError("UNIQUE constraint failed")),
        sa.exc.DataError("", {}, RuntimeError("a NUL in a text")),
        ValueError("of a job"),
    ],
)
def test_what_a_statement_or_a_job_has_is_none(calls: StorageCalls, error: Exception) -> None:
    assert outcome(lambda: calls.ask(raises(error))) is error


def test_a_full_disk_is_a_storage_error_and_a_missing_file_is_none(calls: StorageCalls) -> None:
    full = outcome(lambda: calls.on_disk(raises(OSError(errno.ENOSPC, "No space left on device"))))
    assert isinstance(full, StorageError)
    assert "no space left" in str(full)
    missing = FileNotFoundError(errno.ENOENT, "No such file")
    assert outcome(lambda: calls.on_disk(raises(missing))) is missing


def test_calls_that_hang_are_given_up_and_take_nothing_from_those_after_them(
    calls: StorageCalls, monkeypatch: pytest.MonkeyPatch
) -> None:
    over = threading.Event()
    monkeypatch.setattr(storage, "MOST_HANGING", 8)

    async def story() -> None:
        hanging = [calls.within(0.05, over.wait) for _ in range(8)]
        found = await asyncio.gather(*hanging, return_exceptions=True)
        assert [type(error) for error in found] == [StorageError] * 8
        assert calls._hanging <= 8
        if calls._hanging < 8:  # those that never began cost nothing
            assert await calls.ask(lambda: 7) == 7
        over.set()
        async with asyncio.timeout(60):
            while calls._hanging:  # noqa: ASYNC110 - threads tell no event here
                await asyncio.sleep(0.01)
        assert await calls.ask(lambda: 7) == 7

    asyncio.run(story())


def test_no_more_calls_are_begun_while_as_many_hang_as_may(
    calls: StorageCalls, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(storage, "MOST_HANGING", 0)
    assert isinstance(outcome(lambda: calls.ask(lambda: 7)), StorageError)


def test_an_outage_is_said_once_for_each_reason_and_its_end_once() -> None:
    gauge = Gauge("sign_jobs_available", "", registry=CollectorRegistry())
    outage = Outage(gauge)
    assert (outage.is_over, gauge._value.get()) == (False, 0)
    with capture_logs() as said:
        outage.end()
        assert (outage.is_over, gauge._value.get()) == (True, 1)
        for _ in range(50):
            outage.begin("the disk is full", OSError("no space"))
            outage.begin("the database is gone")
        assert (outage.is_over, gauge._value.get()) == (False, 0)
        error = outage.error()
        outage.end()
    assert [entry["event"] for entry in said] == ["jobs_unavailable", "jobs_unavailable", "jobs_available_again"]
    assert (error.code, error.status) == ("jobs-unavailable", 503)
    assert error.retry_after_s
    assert "the database is gone" in error.detail
