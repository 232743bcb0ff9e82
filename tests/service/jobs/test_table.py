"""The table of jobs, in SQLite and in PostgreSQL."""

import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from service.errors import SignError
from service.jobs.spec import ChunkNote, JobSpec
from service.jobs.table import JobTable, database_url
from service.spotting.segment import Alternative, Segment

A = Segment(0.5, 1.25, 0, "A", 0.75, (Alternative(1, "B", 0.125),))
_numbers = itertools.count()


@pytest.fixture
def table(url: str) -> Iterator[JobTable]:
    made = opened(url)
    yield made
    made.close()


def opened(url: str) -> JobTable:
    """A table as a replica has it that lives."""
    made = JobTable(url)
    made.open()
    made.replicas.join(60)
    return made


def spec(owner: str = "", key: str | None = None) -> JobSpec:
    return JobSpec("timeline", owner, "asl-letters", 3, b'{"part": {}}', b"{}", "수어.mp4", True, key)


def added(table: JobTable, owner: str = "", key: str | None = None) -> str:
    return table.add(f"job-{next(_numbers):06}", spec(owner, key), 1000).id


def begun(table: JobTable) -> str:
    job_id = added(table)
    assert table.begin(job_id) is not None
    return job_id


def test_a_job_is_read_as_it_was_written(table: JobTable) -> None:
    job = table.read(added(table))
    assert job is not None
    assert job.spec == spec()
    assert (job.state, job.progress, job.chunks, job.attempts, job.error) == ("queued", 0.0, 0, 0, None)
    assert (job.started, job.ended, job.eta_s) == (None, None, None)


def test_a_job_belongs_to_its_owner(table: JobTable) -> None:
    job_id = added(table, owner="me")
    assert table.read(job_id, "me") is not None
    assert table.read(job_id, "you") is None
    assert table.newest("you", 10) == []


def test_an_idempotency_key_stands_for_its_owners_first_job(table: JobTable) -> None:
    first = added(table, "me", "once")
    assert added(table, "me", "once") == first
    assert added(table, "you", "once") != first
    assert added(table, "me") != first
    found = table.first("me", "once")
    assert found is not None
    assert found.id == first
    assert table.first("me", "twice") is None


def test_jobs_are_listed_newest_first_page_by_page(table: JobTable) -> None:
    ids = [added(table) for _ in range(5)]
    pages: list[str] = []
    before = None
    while page := table.newest("", 2, before=before):
        pages += [job.id for job in page]
        before = (page[-1].created, page[-1].id)
    assert pages == ids[::-1]
    table.begin(ids[2])
    assert [job.id for job in table.newest("", 9, "running")] == [ids[2]]
    assert [job.id for job in table.unfinished()] == ids


def test_a_chunk_counts_once_and_in_its_order(table: JobTable) -> None:
    job_id = begun(table)
    first, second = ChunkNote(0, 0.25, (A,)), ChunkNote(1, 0.5, ())
    assert not table.commit(job_id, second, b"two", 1.0)
    assert table.commit(job_id, first, b"one", 1.0)
    assert not table.commit(job_id, first, b"again", 1.0)
    assert table.checkpoint(job_id) == b"one"
    assert table.commit(job_id, second, b"two", 1.0)
    assert table.notes(job_id) == [first, second]
    assert table.notes(job_id, 1) == [second]
    job = table.read(job_id)
    assert job is not None
    assert (job.chunks, job.progress, job.work_s, job.eta_s) == (2, 0.5, 2.0, 2.0)


def test_a_chunk_of_a_job_that_is_gone_is_not_written(table: JobTable) -> None:
    job_id = begun(table)
    table.forget([job_id])
    assert not table.commit(job_id, ChunkNote(0, 0.5, (A,)), b"", 1.0)
    assert table.notes(job_id) == []


def test_tries_are_counted_until_the_chunk_is_done(table: JobTable) -> None:
    job_id = begun(table)
    assert [table.tried_in_vain(job_id) for _ in range(2)] == [1, 2]
    table.commit(job_id, ChunkNote(0, 0.5, ()), b"", 1.0)
    assert table.tried_in_vain(job_id) == 1
    job = table.read(job_id)
    assert job is not None
    assert job.attempts == 4


def test_a_job_ends_once(table: JobTable) -> None:
    job_id = begun(table)
    assert table.end(job_id, "failed", 7, SignError("media-corrupt", "Broken.", limit=1, actual=2.5))
    assert not table.end(job_id, "succeeded", 7)
    assert table.begin(job_id) is None
    job = table.read(job_id)
    assert job is not None
    assert job.error is not None
    assert (job.state, job.error.code, job.error.detail) == ("failed", "media-corrupt", "Broken.")
    assert (job.error.limit, job.error.actual) == (1, 2.5)
    assert table.checkpoint(job_id) is None


def test_room_is_counted_until_a_job_is_forgotten(table: JobTable) -> None:
    assert table.stored_bytes() == 0
    kept, gone = begun(table), begun(table)
    assert table.stored_bytes() == 2000
    table.end(kept, "succeeded", 10)
    assert table.stored_bytes() == 1010
    assert table.counts() == {"running": 1, "succeeded": 1}
    assert [job.id for job in table.ended_before(2e10)] == [kept]
    table.forget([gone])
    assert (table.stored_bytes(), table.ids()) == (10, {kept})


def test_what_is_kept_outlives_the_process(url: str) -> None:
    first = opened(url)
    job_id = begun(first)
    first.commit(job_id, ChunkNote(0, 0.5, (A,)), b"state", 1.0)
    first.close()
    second = JobTable(url)
    second.open()
    assert (second.checkpoint(job_id), second.notes(job_id)[0].segments) == (b"state", (A,))
    second.close()


def test_a_postgresql_address_names_the_driver_that_is_there() -> None:
    assert database_url("postgresql://me:secret@db/jobs", Path()) == "postgresql+psycopg://me:secret@db/jobs"
    assert database_url(None, Path("/data")) == "sqlite:////data/jobs.sqlite"


def test_a_table_of_the_release_before_gets_the_columns_that_it_lacks(url: str) -> None:
    made = JobTable(url)
    made.open()
    job_id = added(made, key="old")
    made.close()
    engine = sa.create_engine(url)
    with engine.begin() as connection:
        connection.execute(sa.text("ALTER TABLE sign_jobs DROP COLUMN fingerprint"))
    engine.dispose()
    again = JobTable(url)
    again.open()
    job = again.read(job_id)
    assert job is not None
    assert (job.spec.idempotency_key, job.spec.fingerprint) == ("old", None)
    assert again.first("", "old") == job
    again.close()
