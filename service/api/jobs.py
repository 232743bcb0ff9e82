"""/jobs: the same answers, durable: submitted, watched, fetched, cancelled."""

import asyncio
import base64
import struct
import uuid
from collections.abc import Awaitable, Callable
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query, Request, Response
from fastapi.responses import JSONResponse, StreamingResponse

from service.analysis.highlights import HighlightsRequest
from service.analysis.predict import PredictRequest
from service.analysis.timeline import TimelineRequest
from service.api.access import owner_of, require_key, require_open
from service.api.exports import last_component
from service.api.job_events import END, events, position_after
from service.api.job_results import show_result
from service.api.options import media_route_schema, read_options
from service.api.upload import Upload, is_form, open_upload, refuse_by_header
from service.context import AppContext
from service.contract.job_bodies import JobBody, JobsPage, JobWithSegments
from service.contract.options import MediumOptions
from service.contract.requests import find_model
from service.contract.use_cases import USE_CASES, AnyUseCase
from service.errors import ParameterError, SignError
from service.jobs.jobs import Jobs
from service.jobs.quota import answer_bytes
from service.jobs.spec import Job, JobSpec, State
from service.jobs.stored import request_json

router = APIRouter(tags=["jobs"], dependencies=[Depends(require_key)])

JobId = Annotated[str, Path(alias="id", max_length=36)]
_KEY_LENGTH = 255


def _post(case: AnyUseCase) -> Callable[[Request], Awaitable[Response]]:
    async def post_job(request: Request) -> Response:
        """Send the medium as the form's part `file` or as the body itself; options as query parameters or form fields.

        An `Idempotency-Key` header makes a repeated request answer with the first one's job.
        """
        return await _submit(request, case)

    return post_job


for _case in USE_CASES.values():
    router.add_api_route(
        f"/jobs/{_case.name}",
        _post(_case),
        methods=["POST"],
        status_code=202,
        response_model=JobBody,
        dependencies=[Depends(require_open)],
        openapi_extra=media_route_schema(_case.options),
        summary=f"{_case.job_summary}, as a durable job",
        operation_id=f"post_job_{_case.name}",
    )


@router.get("/jobs", response_model=JobsPage, summary="One's own jobs, newest first")
async def get_jobs(
    request: Request,
    limit: Annotated[int, Query(ge=1, le=100)] = 20,
    state: State | None = None,
    cursor: Annotated[str | None, Query(max_length=200)] = None,
) -> JobsPage:
    jobs = _jobs(request)
    before = None if cursor is None else _position_of(cursor)
    found = await jobs.newest(owner_of(request), limit + 1, state, before)
    page = found[:limit]
    more = _cursor_of(page[-1]) if len(found) > limit else None
    return JobsPage(jobs=[JobBody.of(job, _retention_h(request)) for job in page], next_cursor=more)


@router.get("/jobs/{id}", response_model=JobWithSegments, summary="A job's state, and what it has found so far")
async def get_job(request: Request, job_id: JobId) -> JobWithSegments:
    jobs = _jobs(request)
    job = await jobs.get(job_id, owner_of(request))
    segments = [segment for note in await jobs.notes(job.id) for segment in note.segments]
    return JobWithSegments.found(job, _retention_h(request), segments)


@router.get("/jobs/{id}/result", summary="A finished job's answer, in any of its formats")
async def get_result(
    request: Request,
    job_id: JobId,
    format_name: Annotated[
        str | None, Query(alias="format", description="Else `Accept`, the submission's format, or json.")
    ] = None,
) -> Response:
    jobs = _jobs(request)
    job = await jobs.get(job_id, owner_of(request))
    return await show_result(request, jobs, job, format_name)


@router.get(
    "/jobs/{id}/events",
    summary="A job's progress and segments as Server-Sent Events",
    responses={200: {"content": {"text/event-stream": {}}}, 204: {"description": "The end was told already."}},
)
async def get_events(request: Request, job_id: JobId) -> Response:
    jobs = _jobs(request)
    job = await jobs.get(job_id, owner_of(request))
    last = request.headers.get("last-event-id")
    if last == END:
        return Response(status_code=204)  # an EventSource does not connect again then
    context: AppContext = request.app.state.context
    told = events(job, jobs, position_after(last), lambda: context.shutting_down)
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    return StreamingResponse(told, media_type="text/event-stream", headers=headers)


@router.delete("/jobs/{id}", status_code=204, summary="Cancel a job and forget it")
async def delete_job(request: Request, job_id: JobId) -> Response:
    jobs = _jobs(request)
    await jobs.remove(await jobs.get(job_id, owner_of(request)))
    return Response(status_code=204)


async def _submit(request: Request, case: AnyUseCase) -> Response:
    jobs, context, owner = _jobs(request), _context(request), owner_of(request)
    key = _idempotency_key(request)
    if key is not None and (first := await jobs.first(owner, key)) is not None:
        await _read_past(request)
        return _accept(request, first)
    early = None if is_form(request) else _options(request, {}, case)
    if early is not None:
        await find_model(early, context)
    limit = context.settings.jobs_media_bytes
    refuse_by_header(request, context.settings, limit)
    length = request.headers.get("content-length", "")
    async with (
        jobs.reserve(int(length) if length.isdigit() else 0) as reservation,
        open_upload(request, jobs.incoming, limit, reservation.grow) as upload,
    ):
        options = early or _options(request, upload.fields, case)
        reservation.reserve_answer(answer_bytes(case.keeps_windows(options)))
        asked = case.make_request(options, upload.medium, context, await find_model(options, context))
        case.task.check(asked)
        job = await jobs.submit(_spec(case, options, asked, upload, owner, key), upload.medium)
    return _accept(request, job)


def _spec(
    case: AnyUseCase,
    options: MediumOptions,
    asked: PredictRequest | TimelineRequest | HighlightsRequest,
    upload: Upload,
    owner: str,
    key: str | None,
) -> JobSpec:
    """The job as it is kept; the model's version is the one that is served now."""
    manifest = asked.clip.model.manifest
    request = request_json(asked)
    return JobSpec(
        kind=case.name,
        owner=owner,
        model=manifest.name,
        version=manifest.version,
        request=request,
        options=options.model_dump_json().encode(),
        media_name=last_component(options.media_name or upload.file_name or "").replace("\0", ""),
        keeps_windows=case.keeps_windows(options),
        idempotency_key=key,
    )


def _options(request: Request, fields: dict[str, str], case: AnyUseCase) -> MediumOptions:
    options: MediumOptions = read_options(request, fields, case.options)
    if options.timeout_s is not None:
        problem = "a job has no deadline; DELETE it when it is not wanted any more"
        raise SignError(
            "parameter-invalid", f"timeout_s: {problem}.", parameters=(ParameterError("timeout_s", problem),)
        )
    return options


def _accept(request: Request, job: Job) -> Response:
    body = JobBody.of(job, _retention_h(request)).model_dump(mode="json")
    return JSONResponse(body, 202, {"Location": f"/jobs/{job.id}"})


def _idempotency_key(request: Request) -> str | None:
    key = request.headers.get("idempotency-key")
    if key is not None and not 0 < len(key) <= _KEY_LENGTH:
        problem = f"it has 1 to {_KEY_LENGTH} characters"
        raise SignError(
            "parameter-invalid",
            f"Idempotency-Key: {problem}.",
            parameters=(ParameterError("Idempotency-Key", problem),),
        )
    return key


async def _read_past(request: Request) -> None:
    """Let the sender send what is not needed, so that the answer is read; no more than a job may have."""
    settings = _context(request).settings
    stream, size = request.stream().__aiter__(), 0
    try:
        while size <= settings.jobs_media_bytes:
            async with asyncio.timeout(settings.upload_stall_s):
                size += len(await anext(stream))
    except (StopAsyncIteration, TimeoutError):
        return


def _cursor_of(job: Job) -> str:
    return base64.urlsafe_b64encode(struct.pack(">d", job.created) + job.id.encode()).decode().rstrip("=")


def _position_of(cursor: str) -> tuple[float, str]:
    try:
        packed = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
        return struct.unpack(">d", packed[:8])[0], str(uuid.UUID(packed[8:].decode()))
    except (ValueError, struct.error):
        problem = "it is none that GET /jobs gave"
        raise SignError(
            "parameter-invalid", f"cursor: {problem}.", parameters=(ParameterError("cursor", problem),)
        ) from None


def _jobs(request: Request) -> Jobs:
    jobs: Jobs = request.app.state.jobs
    return jobs


def _context(request: Request) -> AppContext:
    context: AppContext = request.app.state.context
    return context


def _retention_h(request: Request) -> float:
    return _context(request).settings.jobs_retention_h
