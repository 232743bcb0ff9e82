"""A job's Server-Sent Events: progress, segment, end. They come of checkpoints, so they can be told again from any id.

The event `progress` after chunk n has the id n, the segments that the chunk brought n.0, n.1, …, and the last `end`.
"""

import json
import re
import time
from collections.abc import AsyncIterator, Callable
from typing import Any, NamedTuple

from service.contract.answers import SegmentBody
from service.contract.problem_details import problem_details
from service.errors import SignError
from service.jobs.jobs import Jobs
from service.jobs.spec import ChunkNote, Job

END = "end"
LOOK_S = 1.0
SILENT_S = 15.0
"""After so long without an event a comment is sent, so that nobody between takes the connection for dead."""

_ID = re.compile(r"(\d{1,9})(?:\.(\d{1,9}))?")
Position = tuple[int, int]


def position_after(last_event_id: str | None) -> Position:
    """Where to go on: the chunk, and which of its segments comes next. From the start where the id is none of ours."""
    match = _ID.fullmatch(last_event_id or "")
    if match is None:
        return 0, 0
    chunk, segment = int(match[1]), match[2]
    return (chunk + 1, 0) if segment is None else (chunk, int(segment) + 1)


async def events(job: Job, jobs: Jobs, position: Position, stop: Callable[[], bool]) -> AsyncIterator[str]:
    """The events from here on, until the job ends; they end early when `stop` says so, to be taken up again.

    While jobs cannot be looked at, they wait.
    """
    chunk, segment = position
    spoke = time.monotonic()
    while not stop():
        look = await _look(job, jobs, chunk)
        for note in look.notes if look else ():
            for event in _of_note(note, segment, (look and look.job) or job):
                yield event
            chunk, segment, spoke = note.number + 1, 0, time.monotonic()
        if look and (look.job is None or look.job.has_ended):
            yield _end(look.job)
            return
        if time.monotonic() - spoke > SILENT_S:
            yield ": still at work\n\n"
            spoke = time.monotonic()
        await jobs.change(LOOK_S)


class _Look(NamedTuple):
    """A job as it is now, None where it was cancelled and forgotten, and what its chunks brought since."""

    job: Job | None
    notes: list[ChunkNote]


async def _look(job: Job, jobs: Jobs, from_number: int) -> _Look | None:
    """The job as it is now; None while that cannot be told."""
    try:
        now = await jobs.get(job.id, job.spec.owner)
        return _Look(now, await jobs.notes(job.id, from_number))
    except SignError as error:
        if error.code == "job-unknown":
            return _Look(None, [])
        if error.code == "jobs-unavailable":
            return None
        raise


def _of_note(note: ChunkNote, from_segment: int, job: Job) -> list[str]:
    found = [
        _event("segment", f"{note.number}.{index}", SegmentBody.of(segment).model_dump())
        for index, segment in enumerate(note.segments)
        if index >= from_segment
    ]
    data = {"progress": note.progress, "eta": job.eta_s if note.number + 1 == job.chunks else None}
    return [*found, _event("progress", str(note.number), data)]


def _end(job: Job | None) -> str:
    error = None if job is None or job.error is None else problem_details(job.error, job.id)
    return _event("end", END, {"state": "cancelled" if job is None else job.state, "error": error})


def _event(name: str, event_id: str, data: dict[str, Any]) -> str:
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"))
    return f"event: {name}\nid: {event_id}\ndata: {text}\n\n"
