"""/jobs: durable answers, watched, fetched, cancelled; service.api.job_submission takes them."""

import base64
import struct
import uuid
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Request, Response
from fastapi.responses import StreamingResponse

from service.api.access import owner_of, require_key
from service.api.job_events import END, events, position_after
from service.api.job_results import show_result
from service.api.kept import context_of, jobs_of
from service.api.options import query_parameters, read_options, refuse_option
from service.api.responses import FORMAT, JOB, KEYS, MEDIUM, MODEL, OPTIONS, answer_in_formats, problems
from service.api.watchers import Watchers
from service.contract.answers import HighlightsBody, PredictBody, TimelineBody
from service.contract.job_bodies import JobBody, JobsPage, JobWithSegments
from service.contract.options import JobsQuery, ResultQuery
from service.contract.teach_bodies import TaughtBody
from service.contract.use_cases import USE_CASES
from service.errors import Code

router = APIRouter(tags=["jobs"], dependencies=[Depends(require_key)])

JobId = Annotated[str, Path(alias="id", max_length=36, description="As POST /jobs/… answered.")]
Result = PredictBody | TimelineBody | HighlightsBody | TaughtBody
_OF_TEACHING: tuple[Code, ...] = ("name-taken", "example-unknown", "examples-too-few")
"""What a training can fail with besides."""

_EVENT = {
    "type": "object",
    "description": "One event; its data is JSON.",
    "properties": {
        "event": {"type": "string", "enum": ["segment", "progress", "end"]},
        "id": {"type": "string"},
        "data": {"type": "string"},
    },
}
_LAST_EVENT_ID = {
    "name": "Last-Event-ID",
    "in": "header",
    "required": False,
    "description": "The last event that came before a connection broke; the events after it follow.",
    "schema": {"type": "string"},
}


@router.get(
    "/jobs",
    response_model=JobsPage,
    response_model_exclude_unset=True,
    openapi_extra={"parameters": query_parameters(JobsQuery)},
    responses=problems(*KEYS, *OPTIONS, "jobs-unavailable"),
    summary="One's own jobs, newest first",
)
async def get_jobs(request: Request) -> JobsPage:
    asked = read_options(request, {}, JobsQuery)
    before = None if asked.cursor is None else _position_of(asked.cursor)
    found = await jobs_of(request).newest(owner_of(request), asked.limit + 1, asked.state, before)
    page = found[: asked.limit]
    more = _cursor_of(page[-1].created, page[-1].id) if len(found) > asked.limit else None
    return JobsPage(jobs=[JobBody.of(job, _retention_h(request)) for job in page], next_cursor=more)


@router.get(
    "/jobs/{id}",
    response_model=JobWithSegments,
    response_model_exclude_unset=True,
    responses=problems(*KEYS, *OPTIONS, *JOB),
    summary="A job's state, and what it has found so far",
)
async def get_job(request: Request, job_id: JobId) -> JobWithSegments:
    jobs = jobs_of(request)
    job = await jobs.get(job_id, owner_of(request))
    segments = [segment for note in await jobs.notes(job.id) for segment in note.segments]
    return JobWithSegments.found(job, _retention_h(request), segments)


@router.get(
    "/jobs/{id}/result",
    response_model=Result,
    openapi_extra={"parameters": query_parameters(ResultQuery)},
    responses={
        200: answer_in_formats(*USE_CASES.values()),
        **problems(*KEYS, *OPTIONS, *JOB, *FORMAT, *MODEL, *MEDIUM, *_OF_TEACHING, "job-not-finished", "disk-full"),
    },
    summary="A finished job's answer, in any of its formats",
    description="Where the job failed, the error that it failed with.",
)
async def get_result(request: Request, job_id: JobId) -> Response:
    jobs = jobs_of(request)
    wanted = read_options(request, {}, ResultQuery).format
    return await show_result(request, jobs, await jobs.get(job_id, owner_of(request)), wanted)


@router.get(
    "/jobs/{id}/events",
    summary="A job's progress and segments as Server-Sent Events",
    openapi_extra={"parameters": [_LAST_EVENT_ID]},
    response_class=Response,
    responses={
        200: {"description": "Events", "content": {"text/event-stream": {"schema": _EVENT}}},
        204: {"description": "The end was told already."},
        **problems(*KEYS, *OPTIONS, *JOB, "busy"),
    },
)
async def get_events(request: Request, job_id: JobId) -> Response:
    jobs = jobs_of(request)
    job = await jobs.get(job_id, owner_of(request))
    last = request.headers.get("last-event-id")
    if last == END:
        return Response(status_code=204)  # an EventSource does not connect again then
    watchers: Watchers = request.app.state.watchers
    watchers.check()
    context = context_of(request)
    told = events(job, jobs, position_after(last), lambda: context.shutting_down)
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    return StreamingResponse(watchers.count(told), media_type="text/event-stream", headers=headers)


@router.delete(
    "/jobs/{id}",
    status_code=204,
    responses=problems(*KEYS, *OPTIONS, *JOB, "origin-refused"),
    summary="Cancel a job and forget it",
)
async def delete_job(request: Request, job_id: JobId) -> Response:
    jobs = jobs_of(request)
    await jobs.remove(await jobs.get(job_id, owner_of(request)))
    return Response(status_code=204)


def _cursor_of(created: float, job_id: str) -> str:
    return base64.urlsafe_b64encode(struct.pack(">d", created) + job_id.encode()).decode().rstrip("=")


def _position_of(cursor: str) -> tuple[float, str]:
    try:
        packed = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
        return struct.unpack(">d", packed[:8])[0], str(uuid.UUID(packed[8:].decode()))
    except (ValueError, struct.error):
        raise refuse_option("cursor", "it is none that GET /jobs gave") from None


def _retention_h(request: Request) -> float:
    return context_of(request).settings.jobs_retention_h
