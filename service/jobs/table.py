"""The table of jobs and their checkpoints, in SQLite or PostgreSQL. Its functions block: call them in threads.

A chunk counts once: its number, the segments that it brought and the state for the next one are written in one
transaction, and only after the chunk before it.
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
from service.jobs.spec import ENDED, UNFINISHED, ChunkNote, Job, JobSpec, Segments, State, error_json, error_of

_CONNECT_S = 5
_SILENT_S = 10

_metadata = sa.MetaData()
_jobs = sa.Table(
    "sign_jobs",
    _metadata,
    sa.Column("id", sa.String(36), primary_key=True),
    sa.Column("owner", sa.String(64), nullable=False),
    sa.Column("idempotency_key", sa.String(255)),
    sa.Column("fingerprint", sa.String(64)),
    sa.Column("kind", sa.String(32), nullable=False),
    sa.Column("state", sa.String(16), nullable=False, index=True),
    sa.Column("model", sa.String(64), nullable=False),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("request", sa.LargeBinary, nullable=False),
    sa.Column("options", sa.LargeBinary, nullable=False),
    sa.Column("media_name", sa.Text, nullable=False),
    sa.Column("keeps_windows", sa.Boolean, nullable=False),
    sa.Column("created", sa.Double, nullable=False),
    sa.Column("started", sa.Double),
    sa.Column("ended", sa.Double),
    sa.Column("progress", sa.Double, nullable=False, default=0.0),
    sa.Column("work_s", sa.Double, nullable=False, default=0.0),
    sa.Column("chunks", sa.Integer, nullable=False, default=0),
    sa.Column("tries", sa.Integer, nullable=False, default=0),
    sa.Column("attempts", sa.Integer, nullable=False, default=0),
    sa.Column("stored_bytes", sa.BigInteger, nullable=False),
    sa.Column("error", sa.LargeBinary),
    sa.Column("checkpoint", sa.LargeBinary),
    sa.UniqueConstraint("owner", "idempotency_key"),
    sa.Index("sign_jobs_newest", "owner", "created", "id"),
)
_chunks = sa.Table(
    "sign_job_chunks",
    _metadata,
    sa.Column("job_id", sa.String(36), primary_key=True),
    sa.Column("number", sa.Integer, primary_key=True),
    sa.Column("progress", sa.Double, nullable=False),
    sa.Column("segments", sa.LargeBinary, nullable=False),
)
_SHOWN = [column for column in _jobs.c if column.name not in ("checkpoint", "stored_bytes")]


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
            connection.execute(sa.select(_jobs.c.id).limit(1))

    def try_out(self) -> None:
        """See that it takes a row. Raises what the database raises."""
        with self._engine.begin() as connection:
            probe = {"job_id": f"try {uuid.uuid4()}"[:36], "number": 0, "progress": 0.0, "segments": b""}
            connection.execute(_chunks.insert().values(**probe))
            connection.execute(_chunks.delete().where(_chunks.c.job_id == probe["job_id"]))

    def _make(self) -> None:
        _metadata.create_all(self._engine)
        there = {column["name"] for column in sa.inspect(self._engine).get_columns(_jobs.name)}
        for column in (column for column in _jobs.c if column.name not in there):
            kind = column.type.compile(self._engine.dialect)
            with self._engine.begin() as connection:
                connection.execute(sa.text(f"ALTER TABLE {_jobs.name} ADD COLUMN {column.name} {kind}"))

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
                    _jobs.insert().values(
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
        query = sa.select(*_SHOWN).where(_jobs.c.id == job_id)
        if owner is not None:
            query = query.where(_jobs.c.owner == owner)
        return next(iter(self._found(query)), None)

    def first(self, owner: str, idempotency_key: str) -> Job | None:
        """The job that this key stands for."""
        same = (_jobs.c.owner == owner) & (_jobs.c.idempotency_key == idempotency_key)
        return next(iter(self._found(sa.select(*_SHOWN).where(same))), None)

    def newest(
        self, owner: str, limit: int, state: State | None = None, before: tuple[float, str] | None = None
    ) -> list[Job]:
        """The owner's jobs, newest first; before: those created before this (time, id)."""
        query = sa.select(*_SHOWN).where(_jobs.c.owner == owner)
        if state is not None:
            query = query.where(_jobs.c.state == state)
        if before is not None:
            created, job_id = before
            older = (_jobs.c.created < created) | ((_jobs.c.created == created) & (_jobs.c.id < job_id))
            query = query.where(older)
        return self._found(query.order_by(_jobs.c.created.desc(), _jobs.c.id.desc()).limit(limit))

    def about(self, owner: str, kind: str, model: str) -> list[Job]:
        """The owner's jobs of a kind and a model, newest first."""
        same = (_jobs.c.owner == owner) & (_jobs.c.kind == kind) & (_jobs.c.model == model)
        return self._found(sa.select(*_SHOWN).where(same).order_by(_jobs.c.created.desc()))

    def unfinished(self) -> list[Job]:
        """All jobs that wait or run, oldest first."""
        return self._found(sa.select(*_SHOWN).where(_jobs.c.state.in_(UNFINISHED)).order_by(_jobs.c.created))

    def ended_before(self, moment: float) -> list[Job]:
        """All jobs that ended before this time."""
        return self._found(sa.select(*_SHOWN).where(_jobs.c.state.in_(ENDED) & (_jobs.c.ended < moment)))

    def ids(self) -> set[str]:
        """All jobs."""
        with self._engine.connect() as connection:
            return set(connection.scalars(sa.select(_jobs.c.id)))

    def counts(self) -> dict[str, int]:
        """How many jobs are in each state."""
        with self._engine.connect() as connection:
            rows = connection.execute(sa.select(_jobs.c.state, sa.func.count()).group_by(_jobs.c.state))
            return {str(state): int(count) for state, count in rows}

    def stored_bytes(self) -> int:
        """DiskQuota that all jobs take together, or may take yet."""
        with self._engine.connect() as connection:
            return int(connection.scalar(sa.select(sa.func.coalesce(sa.func.sum(_jobs.c.stored_bytes), 0))) or 0)

    def begin(self, job_id: str) -> Job | None:
        """Note that work on the job begins, or begins again; None where nothing is left to do."""
        with self._engine.begin() as connection:
            connection.execute(
                _jobs.update()
                .where((_jobs.c.id == job_id) & _jobs.c.state.in_(UNFINISHED))
                .values(
                    state="running",
                    started=sa.func.coalesce(_jobs.c.started, time.time()),
                    attempts=_jobs.c.attempts + 1,
                )
            )
        job = self.read(job_id)
        return None if job is None or job.has_ended else job

    def checkpoint(self, job_id: str) -> bytes | None:
        """What the last finished chunk left for the next; None before the first."""
        with self._engine.connect() as connection:
            return connection.scalar(sa.select(_jobs.c.checkpoint).where(_jobs.c.id == job_id))

    def commit(self, job_id: str, note: ChunkNote, checkpoint: bytes, work_s: float) -> bool:
        """Write a finished chunk down, all of it or nothing; False where it is not the job's next one any more."""
        with self._engine.begin() as connection:
            changed = connection.execute(
                _jobs.update()
                .where((_jobs.c.id == job_id) & (_jobs.c.chunks == note.number) & (_jobs.c.state == "running"))
                .values(
                    chunks=note.number + 1,
                    progress=note.progress,
                    work_s=_jobs.c.work_s + work_s,
                    tries=0,
                    checkpoint=checkpoint,
                )
            )
            if changed.rowcount != 1:
                return False
            connection.execute(
                _chunks.insert().values(
                    job_id=job_id,
                    number=note.number,
                    progress=note.progress,
                    segments=Segments.dump_json(note.segments),
                )
            )
            return True

    def restart(self, job_id: str) -> None:
        """Forget all that a job's chunks have brought: it begins anew."""
        with self._engine.begin() as connection:
            connection.execute(
                _jobs.update()
                .where((_jobs.c.id == job_id) & _jobs.c.state.in_(UNFINISHED))
                .values(chunks=0, progress=0.0, work_s=0.0, checkpoint=None)
            )
            connection.execute(_chunks.delete().where(_chunks.c.job_id == job_id))

    def tried_in_vain(self, job_id: str) -> int:
        """Note that a chunk cost its process; how often this one has been tried."""
        with self._engine.begin() as connection:
            connection.execute(
                _jobs.update()
                .where(_jobs.c.id == job_id)
                .values(tries=_jobs.c.tries + 1, attempts=_jobs.c.attempts + 1)
            )
            return int(connection.scalar(sa.select(_jobs.c.tries).where(_jobs.c.id == job_id)) or 0)

    def end(self, job_id: str, state: State, stored_bytes: int, error: SignError | None = None) -> bool:
        """Note how a job ended; False where it had ended before or is gone."""
        values: dict[str, Any] = {"state": state, "ended": time.time(), "stored_bytes": stored_bytes}
        values["checkpoint"] = None
        if error is None:
            values["progress"] = 1.0
        else:
            values["error"] = error_json(error)
        with self._engine.begin() as connection:
            ended = connection.execute(
                _jobs.update().where((_jobs.c.id == job_id) & _jobs.c.state.in_(UNFINISHED)).values(**values)
            )
            return ended.rowcount == 1

    def notes(self, job_id: str, from_number: int = 0) -> list[ChunkNote]:
        """What the job's chunks brought, in order, from this chunk on."""
        query = sa.select(_chunks.c.number, _chunks.c.progress, _chunks.c.segments).order_by(_chunks.c.number)
        with self._engine.connect() as connection:
            rows = connection.execute(query.where((_chunks.c.job_id == job_id) & (_chunks.c.number >= from_number)))
            return [ChunkNote(row.number, row.progress, Segments.validate_json(row.segments)) for row in rows]

    def forget(self, job_ids: Iterable[str]) -> None:
        """Remove jobs and all that is noted of them."""
        chosen = list(job_ids)
        with self._engine.begin() as connection:
            connection.execute(_jobs.delete().where(_jobs.c.id.in_(chosen)))
            connection.execute(_chunks.delete().where(_chunks.c.job_id.in_(chosen)))

    def _found(self, query: "sa.Select[Any]") -> list[Job]:
        with self._engine.connect() as connection:
            return [_job(row) for row in connection.execute(query)]


def _job(row: "sa.Row[Sequence[Any]]") -> Job:
    shared = {name: getattr(row, name) for name in JobSpec.__dataclass_fields__}
    own = {name: getattr(row, name) for name in Job.__dataclass_fields__ if name not in ("spec", "error")}
    return Job(spec=JobSpec(**shared), error=None if row.error is None else error_of(row.error), **own)
