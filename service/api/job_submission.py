"""POST /jobs/…: a medium becomes a durable job; the same request again, with its key, gets the first one's."""

import contextlib
import hashlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from typing import Any

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import JSONResponse

from service.analysis.highlights import HighlightsRequest
from service.analysis.predict import PredictRequest
from service.analysis.timeline import TimelineRequest
from service.api.access import owner_of, require_key, require_open, usage_of
from service.api.exports import last_component
from service.api.kept import context_of, jobs_of
from service.api.openapi import HOW_TO_ASK, takes_medium
from service.api.options import NOT_OF_JOBS, read_options, refuse_option
from service.api.problem import record_of
from service.api.responses import KEYS, LOCATION, MODEL, NEW_WORK, OPTIONS, UPLOAD, problems
from service.api.upload import Received, announced_bytes, is_form, open_upload, receive_body, refuse_by_header
from service.contract.job_bodies import JobBody
from service.contract.options import MediumOptions
from service.contract.requests import check_model, find_model
from service.contract.use_cases import USE_CASES, AnyUseCase
from service.errors import SignError
from service.jobs.quota import answer_bytes
from service.jobs.spec import Job, JobSpec, State
from service.jobs.stored import request_json
from service.jobs.webhooks import LONGEST_URL, AllowedTargets, WebhookRefusedError

router = APIRouter(tags=["jobs"], dependencies=[Depends(require_key), Depends(require_open)])

REPEATED = (
    "With an `Idempotency-Key` header the same request again answers with the first one's job; another request with "
    "that key is refused."
)
_KEY_LENGTH = 255
_KEY_PARAMETER = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "description": "Any text of the caller's that stands for this one request.",
    "schema": {"type": "string", "minLength": 1, "maxLength": _KEY_LENGTH},
}


_WEBHOOK_PARAMETER = {
    "name": "Webhook-URL",
    "in": "header",
    "required": False,
    "description": "Who is told of the job's end: an address of a host in `SIGN_WEBHOOK_HOSTS`.",
    "schema": {"type": "string", "minLength": 1, "maxLength": LONGEST_URL},
}


def _post(case: AnyUseCase) -> Callable[[Request], Awaitable[Response]]:
    async def post_job(request: Request) -> Response:
        return await _submit(request, case)

    return post_job


def _described(case: AnyUseCase) -> dict[str, Any]:
    medium = takes_medium(case.options, without=NOT_OF_JOBS)
    return {**medium, "parameters": [*medium["parameters"], _KEY_PARAMETER, _WEBHOOK_PARAMETER]}


for _case in USE_CASES.values():
    router.add_api_route(
        f"/jobs/{_case.name}",
        _post(_case),
        methods=["POST"],
        name=f"post_job_{_case.name}",
        status_code=202,
        response_model=JobBody,
        openapi_extra=_described(_case),
        summary=f"{_case.job_summary}, as a durable job",
        description=f"{HOW_TO_ASK}\n\n{REPEATED}",
        responses={
            202: {"description": "The job is queued.", "headers": LOCATION},
            **problems(
                *KEYS,
                *MODEL,
                *UPLOAD,
                *OPTIONS,
                *NEW_WORK,
                "jobs-unavailable",
                "media-wrong-kind",
                "idempotency-key-reused",
            ),
        },
    )


async def _submit(request: Request, case: AnyUseCase) -> Response:
    jobs, context, owner = jobs_of(request), context_of(request), owner_of(request)
    key, _ = _idempotency_key(request), _webhook(request)
    if key is not None and (first := await jobs.first(owner, key)) is not None:
        return await _repeat(request, case, first)
    early = None if is_form(request) else _options(request, {}, case)
    if early is not None:
        await check_model(early, context)
    limit = context.settings.jobs_media_bytes
    refuse_by_header(request, context.settings, limit)
    async with one_job_more(request):
        job = await _receive(request, case, early, key)
    return _accept(request, job)


async def _receive(request: Request, case: AnyUseCase, early: MediumOptions | None, key: str | None) -> Job:
    """The job of what comes, queued. early: the options, where they do not come with the medium."""
    jobs, context = jobs_of(request), context_of(request)
    limit = context.settings.jobs_media_bytes
    async with (
        jobs.reserve(announced_bytes(request)) as reservation,
        open_upload(request, jobs.incoming, limit, reservation.grow) as upload,
    ):
        options = early or _options(request, upload.received.fields, case)
        reservation.reserve_answer(answer_bytes(case.keeps_windows(options)))
        asked = case.make_request(options, upload.medium, context, await find_model(options, context))
        record_of(request).note_model(asked.clip.model.manifest)
        case.task.check(asked)
        spec = replace(_spec(case, options, asked, upload.received, owner_of(request), key), webhook=_webhook(request))
        spec = replace(spec, fingerprint=_fingerprint(case, options, upload.received, spec.webhook))
        job = await jobs.submit(spec, upload.medium)
        _refuse_other(job, spec.fingerprint or "")
        return job


@contextlib.asynccontextmanager
async def one_job_more(request: Request) -> AsyncIterator[None]:
    """A job is submitted within the block; SignError quota-exceeded where its key may have no more that wait or run."""
    usage, owner, unfinished = usage_of(request), owner_of(request), 0
    if (most := usage.most_jobs) is not None:
        states: tuple[State, ...] = ("queued", "running")
        unfinished = sum([len(await jobs_of(request).newest(owner, most, state, None)) for state in states])
    with usage.submission(unfinished):
        yield


async def _repeat(request: Request, case: AnyUseCase, first: Job) -> Response:
    """Answer with the first job where this is its request again. Nothing of the body is kept."""
    received = await receive_body(request, None, context_of(request).settings.jobs_media_bytes)
    asked = _fingerprint(case, _options(request, received.fields, case), received, _webhook(request))
    _refuse_other(first, asked)
    return _accept(request, first)


def _refuse_other(job: Job, fingerprint: str) -> None:
    """Raise SignError idempotency-key-reused unless the job is of this request, as far as that is known of it."""
    if job.spec.fingerprint not in (None, fingerprint):
        detail = (
            f"The key {job.spec.idempotency_key!r} stands for job {job.id}, which had another medium, other options or "
            "another route. Choose a new key for a new request."
        )
        raise SignError("idempotency-key-reused", detail)


def _spec(
    case: AnyUseCase,
    options: MediumOptions,
    asked: PredictRequest | TimelineRequest | HighlightsRequest,
    received: Received,
    owner: str,
    key: str | None,
) -> JobSpec:
    """The job as it is kept; the model's version is the one that is served now."""
    manifest = asked.clip.model.manifest
    return JobSpec(
        kind=case.name,
        owner=owner,
        model=manifest.name,
        version=manifest.version,
        request=request_json(asked),
        options=options.model_dump_json().encode(),
        media_name=_media_name(options, received),
        keeps_windows=case.keeps_windows(options),
        idempotency_key=key,
    )


def _fingerprint(case: AnyUseCase, options: MediumOptions, received: Received, webhook: str | None) -> str:
    """A digest of all that was asked: the route, the options as they are meant, the medium, its name, who is told."""
    meant = options.model_dump(mode="json", exclude={"media_name"})
    told = [] if webhook is None else [webhook]
    asked = json.dumps([case.name, meant, _media_name(options, received), received.digest, *told], sort_keys=True)
    return hashlib.sha256(asked.encode("utf-8", "backslashreplace")).hexdigest()


def _media_name(options: MediumOptions, received: Received) -> str:
    return last_component(options.media_name or received.file_name or "").replace("\0", "")


def _options(request: Request, fields: dict[str, str], case: AnyUseCase) -> MediumOptions:
    options: MediumOptions = read_options(request, fields, case.options)
    if options.timeout_s is not None:
        raise refuse_option("timeout_s", "a job has no deadline; DELETE it when it is not wanted any more")
    return options


def _accept(request: Request, job: Job) -> Response:
    body = JobBody.of(job, context_of(request).settings.jobs_retention_h).model_dump(mode="json", exclude_unset=True)
    return JSONResponse(body, 202, {"Location": f"/jobs/{job.id}"})


def _webhook(request: Request) -> str | None:
    """Who is to be told of the job's end; SignError parameter-invalid where that is nobody who may be."""
    url = request.headers.get("webhook-url")
    if url is None:
        return None
    hosts = context_of(request).settings.webhook_hosts
    if not hosts:
        raise refuse_option("Webhook-URL", "webhooks are off here (SIGN_WEBHOOK_HOSTS)")
    try:
        AllowedTargets.of(hosts).check(url)
    except WebhookRefusedError as error:
        raise refuse_option("Webhook-URL", str(error)) from None
    return url


def _idempotency_key(request: Request) -> str | None:
    key = request.headers.get("idempotency-key")
    if key is not None and not 0 < len(key) <= _KEY_LENGTH:
        raise refuse_option("Idempotency-Key", f"it has 1 to {_KEY_LENGTH} characters")
    return key
