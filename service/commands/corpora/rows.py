"""Rows: what is kept of an answer: a row a segment, or one row that says there is none, or why there is no answer."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING

from pydantic import BaseModel

from service.contract.answers import HighlightsBody, PredictBody, TimelineBody
from service.errors import SignError

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(frozen=True, slots=True)
class Row:
    """A segment of a medium. Without a label: nothing was found; with an error: nothing could be.

    start_s, end_s: seconds from the medium's start. confidence: of a highlight, its score. declined: the label is what
    the model holds most likely, and it is not sure.
    """

    file: str
    model: str
    version: int
    duration_s: float | None = None
    start_s: float | None = None
    end_s: float | None = None
    label: str | None = None
    confidence: float | None = None
    declined: bool = False
    warnings: tuple[str, ...] = ()
    error: str | None = None
    detail: str | None = None


def rows_of(empty: Row, body: BaseModel) -> list[Row]:
    """The rows of a use case's answer; empty: the row of its medium, without any."""
    if isinstance(body, PredictBody):
        row = replace(empty, duration_s=body.media.duration, warnings=tuple(body.warnings))
        if not body.top:
            return [replace(row, declined=body.declined)]
        best = body.top[0]
        return [
            replace(
                row,
                start_s=body.start_time,
                end_s=body.end_time,
                label=best.class_name,
                confidence=best.confidence,
                declined=body.declined,
            )
        ]
    if isinstance(body, TimelineBody):
        row = replace(empty, duration_s=body.duration, warnings=tuple(body.warnings))
        return [
            replace(row, start_s=one.start_time, end_s=one.end_time, label=one.class_name, confidence=one.confidence)
            for one in body.segments
        ] or [row]
    if isinstance(body, HighlightsBody):
        row = replace(empty, duration_s=body.media.duration, warnings=tuple(body.warnings))
        return [
            replace(row, start_s=one.start_time, end_s=one.end_time, label=body.channel, confidence=one.score)
            for one in body.highlights
        ] or [row]
    raise TypeError(f"{type(body).__name__} has no rows")


def row_of_failure(empty: Row, problem: SignError | OSError) -> Row:
    """What went wrong with a medium, as its row."""
    if isinstance(problem, SignError):
        return replace(empty, error=problem.code, detail=problem.detail)
    return replace(empty, error="file-unreadable", detail=problem.strerror or str(problem))


def schema() -> "pa.Schema":
    """The columns of a result."""
    import pyarrow as pa  # noqa: PLC0415 - an extra

    return pa.schema(
        [
            pa.field("file", pa.string(), nullable=False),
            pa.field("model", pa.string(), nullable=False),
            pa.field("version", pa.int32(), nullable=False),
            ("duration_s", pa.float64()),
            ("start_s", pa.float64()),
            ("end_s", pa.float64()),
            ("label", pa.string()),
            ("confidence", pa.float64()),
            pa.field("declined", pa.bool_(), nullable=False),
            pa.field("warnings", pa.list_(pa.string()), nullable=False),
            ("error", pa.string()),
            ("detail", pa.string()),
        ]
    )


def table_of(rows: Sequence[Row]) -> "pa.Table":
    """Rows as they are written."""
    import pyarrow as pa  # noqa: PLC0415 - an extra

    return pa.Table.from_pylist([asdict(row) for row in rows], schema=schema())
