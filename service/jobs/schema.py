"""The tables of jobs, their chunks, and the replicas that work on them."""

import sqlalchemy as sa

METADATA = sa.MetaData()

JOBS = sa.Table(
    "sign_jobs",
    METADATA,
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
    sa.Column("replica", sa.String(128)),
    sa.Column("lost", sa.Integer),
    sa.Column("stored_bytes", sa.BigInteger, nullable=False),
    sa.Column("error", sa.LargeBinary),
    sa.Column("checkpoint", sa.LargeBinary),
    sa.Column("webhook", sa.Text),
    sa.Column("webhook_due", sa.Double),
    sa.Column("webhook_tries", sa.Integer),
    sa.UniqueConstraint("owner", "idempotency_key"),
    sa.Index("sign_jobs_newest", "owner", "created", "id"),
)
"""replica: who works on the job, and alone may write of it; lost: how many replicas the present chunk has cost.

webhook: who is told of its end; webhook_due: when, at the earliest, once it has ended; none: nobody is told any more.
"""

CHUNKS = sa.Table(
    "sign_job_chunks",
    METADATA,
    sa.Column("job_id", sa.String(36), primary_key=True),
    sa.Column("number", sa.Integer, primary_key=True),
    sa.Column("attempt", sa.Integer),
    sa.Column("progress", sa.Double, nullable=False),
    sa.Column("segments", sa.LargeBinary, nullable=False),
)

REPLICAS = sa.Table(
    "sign_replicas",
    METADATA,
    sa.Column("name", sa.String(128), primary_key=True),
    sa.Column("since", sa.Double, nullable=False),
    sa.Column("until", sa.Double, nullable=False),
)
"""Leases, by the database's clock: who has not renewed theirs by `until` lives no more, and never again so named."""


def add_columns(engine: sa.Engine, table: sa.Table) -> None:
    """Give a table of an earlier release the columns that it lacks."""
    there = {column["name"] for column in sa.inspect(engine).get_columns(table.name)}
    for column in (column for column in table.c if column.name not in there):
        kind = column.type.compile(engine.dialect)
        with engine.begin() as connection:
            connection.execute(sa.text(f"ALTER TABLE {table.name} ADD COLUMN {column.name} {kind}"))
