"""Who lives is told by leases in PostgreSQL; who lives no more writes of no job, however late it learns of it."""

import itertools
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from service.jobs.replicas import JobLostError, LeaseOverError
from service.jobs.schema import REPLICAS
from service.jobs.spec import ChunkNote, Job, JobSpec
from service.jobs.table import JobTable, database_url
from tests.postgres import fresh_database

FOREVER_S = 3600.0
CHUNK = ChunkNote(0, 0.5, (), 1)
_numbers = itertools.count()

Join = Callable[[], JobTable]


@pytest.fixture
def address(postgres_server: str, tmp_path: Path) -> str:
    return database_url(fresh_database(postgres_server), tmp_path)


@pytest.fixture
def join(address: str) -> Iterator[Join]:
    """Another replica that lives, as a table of its own."""
    made: list[JobTable] = []

    def one() -> JobTable:
        table = JobTable(address)
        made.append(table)
        table.open()
        table.replicas.join(FOREVER_S)
        return table

    yield one
    for table in made:
        table.close()


def begun(table: JobTable) -> str:
    """A job that this replica works on."""
    job_id = table.add(f"job-{next(_numbers):06}", JobSpec("timeline", "", "letters", 1, b"{}", b"{}"), 0).id
    assert table.begin(job_id) is not None
    return job_id


def run_out(table: JobTable) -> None:
    """What a long silence of this replica does: its lease is over."""
    with table._engine.begin() as connection:
        lease = REPLICAS.c.name == table.replicas.name
        connection.execute(REPLICAS.update().where(lease).values(until=0.0))


def take_over(table: JobTable, *jobs: str) -> list[str]:
    """What this replica takes over of these jobs, all of which some other is at."""
    resumed: list[str] = []

    def stranded(live: set[str]) -> list[str]:
        held = [found for job_id in jobs if (found := table.read(job_id)) is not None]
        return [job.id for job in held if job.replica not in live]

    assert table.replicas.take_over(stranded, resumed.extend) == resumed
    return resumed


def read(table: JobTable, job_id: str) -> Job:
    job = table.read(job_id)
    assert job is not None
    return job


def test_each_life_of_a_replica_has_a_name_of_its_own(join: Join) -> None:
    first, second = join(), join()
    before = first.replicas.name
    first.replicas.join(FOREVER_S)
    assert len({before, first.replicas.name, second.replicas.name}) == 3


def test_jobs_of_a_replica_that_lives_are_left_to_it(join: Join) -> None:
    first, second = join(), join()
    job_id = begun(first)
    first.replicas.renew()
    assert take_over(second, job_id) == []
    assert first.commit(job_id, CHUNK, b"", 1.0)


def test_after_a_takeover_the_silent_replica_writes_nothing_of_the_job(join: Join) -> None:
    first, second = join(), join()
    job_id = begun(first)
    run_out(first)
    assert take_over(second, job_id) == [job_id]
    writes: list[Callable[[], object]] = [
        lambda: first.commit(job_id, CHUNK, b"first", 1.0),
        lambda: first.end(job_id, "succeeded", 0),
        lambda: first.restart(job_id),
        lambda: first.tried_in_vain(job_id),
        lambda: first.check_held(job_id),
        lambda: first.begin(job_id),
    ]
    for is_begun_again in (False, True):
        if is_begun_again:
            assert second.begin(job_id) is not None
        before = read(second, job_id)
        for write in writes:
            with pytest.raises(JobLostError):
                write()
        assert read(second, job_id) == before
    assert second.commit(job_id, CHUNK, b"second", 1.0)
    assert second.checkpoint(job_id) == b"second"
    assert second.end(job_id, "succeeded", 0)
    assert not first.end(job_id, "failed", 0)


def test_a_replica_whose_lease_is_over_never_lives_again_by_that_name(join: Join) -> None:
    first, second = join(), join()
    run_out(first)
    with pytest.raises(LeaseOverError):
        first.replicas.renew()
    with pytest.raises(LeaseOverError):
        take_over(first)
    job_id = begun(second)
    with pytest.raises(JobLostError):
        first.begin(job_id)
    first.replicas.join(FOREVER_S)
    first.replicas.renew()


def test_one_replica_at_a_time_takes_over(join: Join) -> None:
    first, second, third = join(), join(), join()
    job_id = begun(first)
    run_out(first)
    found: list[list[str]] = []

    def resume(_jobs: list[str]) -> None:
        found.append(take_over(third, job_id))

    assert second.replicas.take_over(lambda _live: [job_id], resume) == [job_id]
    assert found == [[]]
    assert take_over(third, job_id) == [job_id]  # nobody has begun it


def test_what_cannot_be_resumed_is_not_taken_either(join: Join) -> None:
    first, second = join(), join()
    job_id = begun(first)
    run_out(first)

    def fail(_jobs: list[str]) -> None:
        raise sa.exc.TimeoutError

    with pytest.raises(sa.exc.TimeoutError):
        second.replicas.take_over(lambda _live: [job_id], fail)
    assert read(second, job_id).replica == first.replicas.name
    assert take_over(second, job_id) == [job_id]


def test_replicas_that_a_chunk_costs_are_counted_until_it_is_done_and_orderly_ends_are_not(join: Join) -> None:
    table = join()
    job_id = begun(table)
    for lost in (1, 2):
        run_out(table)
        table = join()
        take_over(table, job_id)
        assert read(table, job_id).lost == lost
        table.begin(job_id)
    table.replicas.release()
    assert read(table, job_id).replica is None
    table.replicas.join(FOREVER_S)
    table.begin(job_id)
    table.replicas.join(FOREVER_S)  # after an outage, say
    assert (read(table, job_id).replica, read(table, job_id).lost) == (None, 2)
    job = table.begin(job_id)
    assert job is not None
    assert job.attempts == 5
    assert table.commit(job_id, CHUNK, b"", 1.0)
    assert read(table, job_id).lost == 0


def test_the_replica_that_has_lived_longest_speaks_for_all(join: Join) -> None:
    first, second, third = join(), join(), join()
    assert [table.replicas.is_first for table in (first, second, third)] == [True, False, False]
    first.replicas.leave()
    for table in (second, third):
        table.replicas.renew()
    assert [table.replicas.is_first for table in (second, third)] == [True, False]
    run_out(second)
    third.replicas.renew()
    assert third.replicas.is_first


def test_an_sqlite_file_has_one_replica_which_its_next_start_counts_as_lost(tmp_path: Path) -> None:
    killed = JobTable(database_url(None, tmp_path))
    killed.open()
    killed.replicas.join(FOREVER_S)
    job_id = begun(killed)
    killed.close()
    for lost in (1, 2):
        started = JobTable(database_url(None, tmp_path))
        started.open()
        started.replicas.join(FOREVER_S)
        assert (read(started, job_id).replica, read(started, job_id).lost) == (None, lost)
        assert started.begin(job_id) is not None
        started.close()


def test_a_replica_that_stops_within_a_transaction_loses_it(join: Join) -> None:
    with join()._engine.connect() as connection:
        assert connection.scalar(sa.text("SHOW idle_in_transaction_session_timeout")) == "10s"
