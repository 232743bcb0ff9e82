"""The table of jobs and their checkpoints, in SQLite or PostgreSQL. Its functions block: call them in threads.

A chunk counts once: its number, the segments that it brought and the state for the next one are written in one
transaction, only after the chunk before it, and only by the replica that the job's row names then.
"""

import time
import uuid
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import URL, make_url

from service.errors import SignError
from service.jobs import sqlite
from service.jobs.replicas import JobLostError, Replicas
from service.jobs.schema import CHUNKS, JOBS, METADATA, add_columns
from service.jobs.spec import ENDED, STATES, UNFINISHED, ChunkNote, Job, JobSpec, Segments, State, error_json, error_of

_CONNECT_S = 5
_SILENT_S = 10
_IDLE_MS = 10_000
"""A replica that stops within a transaction loses it after so long, and what it has locked is free."""

_SHOWN = [column for column in JOBS.c if column.name not in ("checkpoint", "stored_bytes")]


def database_url(configured: str | None, folder: Path) -> str:
    """The database as SQLAlchemy and DBOS are told: SQLite in the folder where none is configured."""
    if configured is None:
        return f"sqlite:///{folder.absolute() / 'jobs.sqlite'}"
    url = make_url(configured)
    if url.get_backend_name() == "postgresql":
        url = url.set(drivername="postgresql+psycopg")
    return url.render_as_string(hide_password=False)


def _with_limits(url: URL) -> URL:
    """The address of a PostgreSQL with limits of time, unless it names its own: a server may be gone without a word."""
    own = {"connect_timeout": f"{_CONNECT_S}", "tcp_user_timeout": f"{1000 * _SILENT_S}"}
    return url.update_query_dict({name: value for name, value in own.items() if name not in url.query})


class JobTable:
    """All jobs. Whatever an unknown job is asked for is None or nothing."""

    def __init__(self, url: str) -> None:
        parsed = make_url(url)
        self._file: sqlite.SqliteFile | None = None
        if parsed.get_backend_name() == "sqlite":
            self._file = sqlite.SqliteFile(Path(str(parsed.database)))
            self._engine = sa.create_engine(url, pool_timeout=_CONNECT_S)
            sa.event.listen(self._engine, "connect", sqlite.configure)
        else:
            self._engine = sa.create_engine(_with_limits(parsed), pool_pre_ping=True, pool_timeout=_CONNECT_S)
            sa.event.listen(self._engine, "connect", _limit_transactions)
        self.replicas = Replicas(self._engine)

    def open(self) -> None:
        """Make the tables where they are not there yet, and what an earlier release's lack; see that they take a row.

        Raises StorageError where the file is damaged, and whatever the database raises.
        """
        if self._file is not None:
            self._file.hold()
        try:
            self._make()
        except sa.exc.DBAPIError:
            self._make()  # another replica made them in the same moment
        self.try_out()
        self.check()

    def check(self) -> None:
        """See that the database is there and answers. Raises StorageError, and whatever the database raises."""
        if self._file is not None:
            self._file.check()
        with self._engine.connect() as connection:
            connection.execute(sa.select(JOBS.c.id).limit(1))

    def try_out(self) -> None:
        """See that it takes a row. Raises what the database raises."""
        with self._engine.begin() as connection:
            probe = {"job_id": f"try {uuid.uuid4()}"[:36], "number": 0, "progress": 0.0, "segments": b""}
            connection.execute(CHUNKS.insert().values(**probe))
            connection.execute(CHUNKS.delete().where(CHUNKS.c.job_id == probe["job_id"]))

    def _make(self) -> None:
        METADATA.create_all(self._engine)
        for table in (JOBS, CHUNKS):
            add_columns(self._engine, table)

    def close(self) -> None:
        """Give all connections back; the database can be asked again after `open`, or at once for a look."""
        self._engine.dispose()
        if self._file is not None:
            self._file.let_go()

    def add(self, job_id: str, spec: JobSpec, stored_bytes: int) -> Job:
        """Write a new job down; the first one where its owner has used the idempotency key before."""
        try:
            with self._engine.begin() as connection:
                connection.execute(
                    JOBS.insert().values(
                        id=job_id,
                        owner=spec.owner,
                        idempotency_key=spec.idempotency_key,
                        fingerprint=spec.fingerprint,
                        kind=spec.kind,
                        state="queued",
                        model=spec.model,
                        version=spec.version,
                        request=spec.request,
                        options=spec.options,
                        media_name=spec.media_name,
                        webhook=spec.webhook,
                        webhook_due=None if spec.webhook is None else 0.0,
                        keeps_windows=spec.keeps_windows,
                        created=time.time(),
                        stored_bytes=stored_bytes,
                    )
                )
        except sa.exc.IntegrityError:
            first = None if spec.idempotency_key is None else self.first(spec.owner, spec.idempotency_key)
            if first is None:
                raise
            return first
        added = self.read(job_id)
        if added is None:
            raise RuntimeError(f"job {job_id} vanished while it was added")
        return added

    def read(self, job_id: str, owner: str | None = None) -> Job | None:
        """The job, if it is the owner's; None as owner asks for anybody's."""
        query = sa.select(*_SHOWN).where(JOBS.c.id == job_id)
        if owner is not None:
            query = query.where(JOBS.c.owner == owner)
        return next(iter(self._found(query)), None)

    def first(self, owner: str, idempotency_key: str) -> Job | None:
        """The job that this key stands for."""
        same = (JOBS.c.owner == owner) & (JOBS.c.idempotency_key == idempotency_key)
        return next(iter(self._found(sa.select(*_SHOWN).where(same))), None)

    def newest(
        self, owner: str, limit: int, state: State | None = None, before: tuple[float, str] | None = None
    ) -> list[Job]:
        """The owner's jobs, newest first; before: those created before this (time, id)."""
        query = sa.select(*_SHOWN).where(JOBS.c.owner == owner)
        if state is not None:
            query = query.where(JOBS.c.state == state)
        if before is not None:
            created, job_id = before
            older = (JOBS.c.created < created) | ((JOBS.c.created == created) & (JOBS.c.id < job_id))
            query = query.where(older)
        return self._found(query.order_by(JOBS.c.created.desc(), JOBS.c.id.desc()).limit(limit))

    def about(self, owner: str, kind: str, model: str) -> list[Job]:
        """The owner's jobs of a kind and a model, newest first."""
        same = (JOBS.c.owner == owner) & (JOBS.c.kind == kind) & (JOBS.c.model == model)
        return self._found(sa.select(*_SHOWN).where(same).order_by(JOBS.c.created.desc()))

    def unfinished(self) -> list[Job]:
        """All jobs that wait or run, oldest first."""
        return self._found(sa.select(*_SHOWN).where(JOBS.c.state.in_(UNFINISHED)).order_by(JOBS.c.created))

    def ended_before(self, moment: float) -> list[Job]:
        """All jobs that ended before this time."""
        return self._found(sa.select(*_SHOWN).where(JOBS.c.state.in_(ENDED) & (JOBS.c.ended < moment)))

    def ids(self, states: Sequence[State] = STATES) -> set[str]:
        """All jobs that are in these states."""
        with self._engine.connect() as connection:
            return set(connection.scalars(sa.select(JOBS.c.id).where(JOBS.c.state.in_(states))))

    def counts(self) -> dict[str, int]:
        """How many jobs are in each state."""
        with self._engine.connect() as connection:
            rows = connection.execute(sa.select(JOBS.c.state, sa.func.count()).group_by(JOBS.c.state))
            return {str(state): int(count) for state, count in rows}

    def waiting_since(self) -> float | None:
        """When the job was submitted that waits longest; None where none waits."""
        with self._engine.connect() as connection:
            found: float | None = connection.scalar(
                sa.select(sa.func.min(JOBS.c.created)).where(JOBS.c.state == "queued")
            )
            return found

    def stored_bytes(self) -> int:
        """DiskQuota that all jobs take together, or may take yet."""
        with self._engine.connect() as connection:
            return int(connection.scalar(sa.select(sa.func.coalesce(sa.func.sum(JOBS.c.stored_bytes), 0))) or 0)

    def begin(self, job_id: str) -> Job | None:
        """Note that work on the job begins, or begins again, here; None where nothing is left to do.

        Raises JobLostError where this replica does not live any more.
        """
        with self._engine.begin() as connection:
            connection.execute(
                JOBS.update()
                .where((JOBS.c.id == job_id) & JOBS.c.state.in_(UNFINISHED) & self.replicas.lives())
                .values(
                    state="running",
                    started=sa.func.coalesce(JOBS.c.started, time.time()),
                    attempts=JOBS.c.attempts + 1,
                    replica=self.replicas.name,
                )
            )
        job = self.read(job_id)
        if job is None or job.has_ended:
            return None
        if job.replica != self.replicas.name:
            raise JobLostError
        return job

    def check_held(self, job_id: str) -> None:
        """Raise JobLostError where another replica works on the job by now."""
        job = self.read(job_id)
        if job is not None and not job.has_ended and job.replica != self.replicas.name:
            raise JobLostError

    def checkpoint(self, job_id: str) -> bytes | None:
        """What the last finished chunk left for the next; None before the first."""
        with self._engine.connect() as connection:
            return connection.scalar(sa.select(JOBS.c.checkpoint).where(JOBS.c.id == job_id))

    def commit(self, job_id: str, note: ChunkNote, checkpoint: bytes, work_s: float) -> bool:
        """Write a finished chunk down, all of it or nothing; False where it is not the job's next one any more.

        This, and all below that write of an unfinished job, raise JobLostError where another replica works on it.
        """
        done = {
            "chunks": note.number + 1,
            "progress": note.progress,
            "work_s": JOBS.c.work_s + work_s,
            "tries": 0,
            "lost": 0,
            "checkpoint": checkpoint,
        }
        with self._engine.begin() as connection:
            if not self._update(connection, job_id, done, JOBS.c.chunks == note.number):
                return False
            connection.execute(
                CHUNKS.insert().values(
                    job_id=job_id,
                    number=note.number,
                    attempt=note.attempt,
                    progress=note.progress,
                    segments=Segments.dump_json(note.segments),
                )
            )
            return True

    def restart(self, job_id: str) -> None:
        """Forget all that a job's chunks have brought: it begins anew."""
        with self._engine.begin() as connection:
            nothing = {"chunks": 0, "progress": 0.0, "work_s": 0.0, "checkpoint": None}
            if self._update(connection, job_id, nothing):
                connection.execute(CHUNKS.delete().where(CHUNKS.c.job_id == job_id))

    def tried_in_vain(self, job_id: str) -> int:
        """Note that a chunk cost its process; how often this one has been tried."""
        with self._engine.begin() as connection:
            more = {"tries": JOBS.c.tries + 1, "attempts": JOBS.c.attempts + 1}
            self._update(connection, job_id, more)
            return int(connection.scalar(sa.select(JOBS.c.tries).where(JOBS.c.id == job_id)) or 0)

    def end(self, job_id: str, state: State, stored_bytes: int, error: SignError | None = None) -> bool:
        """Note how a job ended; False where it had ended before or is gone."""
        values: dict[str, Any] = {"state": state, "ended": time.time(), "stored_bytes": stored_bytes}
        values["checkpoint"] = None
        if error is None:
            values["progress"] = 1.0
        else:
            values["error"] = error_json(error)
        with self._engine.begin() as connection:
            return self._update(connection, job_id, values)

    def _update(
        self,
        connection: sa.Connection,
        job_id: str,
        values: dict[str, Any],
        also: "sa.ColumnElement[bool] | None" = None,
    ) -> bool:
        """Change an unfinished job that this replica works on; whether it was there, and as `also` says."""
        wanted = (JOBS.c.id == job_id) & JOBS.c.state.in_(UNFINISHED)
        held = wanted & (JOBS.c.replica == self.replicas.name)
        update = JOBS.update().where(held if also is None else held & also).values(**values)
        if connection.execute(update).rowcount == 1:
            return True
        others = connection.execute(sa.select(JOBS.c.replica).where(wanted)).first()
        if others is not None and others.replica != self.replicas.name:
            raise JobLostError
        return False

    def notes(self, job_id: str, from_number: int = 0) -> list[ChunkNote]:
        """What the job's chunks brought, in order, from this chunk on."""
        query = sa.select(CHUNKS).order_by(CHUNKS.c.number)
        with self._engine.connect() as connection:
            rows = connection.execute(query.where((CHUNKS.c.job_id == job_id) & (CHUNKS.c.number >= from_number)))
            return [_note(row) for row in rows]

    def attempts_of_chunks(self, job_id: str) -> list[tuple[int, int]]:
        """Each chunk's number, in order, and the attempt that did it."""
        query = sa.select(CHUNKS.c.number, CHUNKS.c.attempt).where(CHUNKS.c.job_id == job_id).order_by(CHUNKS.c.number)
        with self._engine.connect() as connection:
            return [(row.number, row.attempt or 0) for row in connection.execute(query)]

    def forget(self, job_ids: Iterable[str]) -> None:
        """Remove jobs and all that is noted of them."""
        chosen = list(job_ids)
        with self._engine.begin() as connection:
            connection.execute(JOBS.delete().where(JOBS.c.id.in_(chosen)))
            connection.execute(CHUNKS.delete().where(CHUNKS.c.job_id.in_(chosen)))

    def claim_webhooks(self, now: float, lease_s: float, most: int) -> list[tuple[Job, int]]:
        """Ended jobs of whose end somebody is to be told now, each with the number of the try; nobody else gets them.

        They are due again when the lease is over, unless they were told, or put off.
        """
        due = JOBS.c.state.in_(ENDED) & (JOBS.c.webhook_due <= now)
        tries = sa.func.coalesce(JOBS.c.webhook_tries, 0)
        claimed = []
        with self._engine.begin() as connection:
            query = sa.select(*_SHOWN).where(due).order_by(JOBS.c.webhook_due).limit(most)
            for row in connection.execute(query).all():
                number = (row.webhook_tries or 0) + 1
                update = JOBS.update().where((JOBS.c.id == row.id) & due & (tries == number - 1))
                if connection.execute(update.values(webhook_due=now + lease_s, webhook_tries=number)).rowcount == 1:
                    claimed.append((_job(row), number))
        return claimed

    def put_webhook_off(self, job_id: str, due: float) -> None:
        """Somebody could not be told; they are again, then."""
        with self._engine.begin() as connection:
            connection.execute(JOBS.update().where(JOBS.c.id == job_id).values(webhook_due=due))

    def end_webhook(self, job_id: str) -> None:
        """Somebody was told, or is told no more."""
        with self._engine.begin() as connection:
            connection.execute(JOBS.update().where(JOBS.c.id == job_id).values(webhook_due=None))

    def _found(self, query: "sa.Select[Any]") -> list[Job]:
        with self._engine.connect() as connection:
            return [_job(row) for row in connection.execute(query)]


def _limit_transactions(connection: Any, _record: object) -> None:  # noqa: ANN401 - SQLAlchemy names no type for it
    connection.execute(f"SET idle_in_transaction_session_timeout = {_IDLE_MS}")
    connection.commit()  # or the pool would take it back


def _note(row: "sa.Row[Any]") -> ChunkNote:
    return ChunkNote(row.number, row.progress, Segments.validate_json(row.segments), row.attempt or 0)


def _job(row: "sa.Row[Sequence[Any]]") -> Job:
    shared = {name: getattr(row, name) for name in JobSpec.__dataclass_fields__}
    own = {name: getattr(row, name) for name in Job.__dataclass_fields__ if name not in ("spec", "error", "lost")}
    error = None if row.error is None else error_of(row.error)
    return Job(spec=JobSpec(**shared), error=error, lost=row.lost or 0, **own)
