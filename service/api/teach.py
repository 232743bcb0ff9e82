"""/teach: examples become a model. What is kept of an example is its landmarks, never its pixels."""

import asyncio
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Request, Response
from fastapi.responses import JSONResponse

from service.api.access import owner_of, require_key, require_open, require_teaching
from service.api.disconnect import cancel_on_disconnect
from service.api.exports import content_disposition, last_component
from service.api.job_submission import one_job_more
from service.api.kept import context_of, jobs_of, trainer_of
from service.api.models import Name
from service.api.openapi import HOW_TO_ASK, takes_medium
from service.api.options import query_parameters, read_options
from service.api.responses import KEYS, LOCATION, MEDIUM, NEW_WORK, OPTIONS, TEACH, UPLOAD, problems
from service.api.upload import Upload, is_form, open_upload
from service.contract.job_bodies import JobBody
from service.contract.options import ExampleOptions, ExportQuery
from service.contract.teach_bodies import (
    ExampleBody,
    ExampleWithLandmarks,
    LessonBody,
    LessonsBody,
    LessonSummary,
    LimitsBody,
)
from service.errors import SignError
from service.jobs.spec import Job
from service.lessons.exporting import examples_to_npz, examples_to_zip
from service.lessons.lessons import Lessons
from service.lessons.observing import Shown, observe_example
from service.lessons.training import KIND, check_enough, training_spec

router = APIRouter(
    tags=["teaching"], dependencies=[Depends(require_key), Depends(require_teaching), Depends(require_open)]
)

ExampleId = Annotated[str, Path(alias="id", max_length=64, description="As POST /teach/{name}/examples answered.")]
KEPT = "What is kept is where hands and body were in each frame, never the picture. Only the same key sees it again."
_OWN = (*KEYS, *OPTIONS, *TEACH)
_NPZ, _ZIP = "application/x-npz", "application/zip"
_BINARY: dict[str, Any] = {"schema": {"type": "string", "format": "binary"}}


@router.get("/teach", responses=problems(*_OWN), summary="What this key has taught")
async def get_lessons(request: Request) -> LessonsBody:
    settings = context_of(request).settings
    lessons = await asyncio.to_thread(_lessons(request).of, owner_of(request))
    limits = LimitsBody(
        models=settings.teach_models, examples=settings.teach_examples, example_seconds=settings.teach_example_s
    )
    return LessonsBody(lessons=[LessonSummary.of(lesson) for lesson in lessons], limits=limits)


@router.get("/teach/{name}", responses=problems(*_OWN, "name-taken", "busy"), summary="Examples, and what is missing")
async def get_lesson(request: Request, name: Name) -> LessonBody:
    owner = owner_of(request)
    lesson = await asyncio.to_thread(_lessons(request).lesson, owner, name)
    running = await _training(request, owner, name)
    advice = await asyncio.to_thread(_lessons(request).advice, owner, name)
    return LessonBody.of(lesson, advice, None if running is None else running.id)


@router.post(
    "/teach/{name}/examples",
    status_code=201,
    response_model=ExampleBody,
    openapi_extra=takes_medium(ExampleOptions),
    summary="Teach one example of a sign",
    description=f"{HOW_TO_ASK} {KEPT}",
    responses=problems(*_OWN, *UPLOAD, *NEW_WORK, *MEDIUM, "name-taken", "quota-exceeded"),
)
async def post_example(request: Request, name: Name) -> Response:
    context, owner = context_of(request), owner_of(request)
    early = None if is_form(request) else read_options(request, {}, ExampleOptions)
    await asyncio.to_thread(_lessons(request).check_room, owner, name)
    with context.slots.reserve():
        async with open_upload(request, context.spool) as upload:
            options = early or read_options(request, upload.received.fields, ExampleOptions)
            shown = _shown(options, upload)
            example = await cancel_on_disconnect(request, observe_example(shown, upload.medium, context))
    number = await asyncio.to_thread(_lessons(request).add, owner, name, example)
    return JSONResponse(ExampleBody.shown(example, number).model_dump(mode="json"), 201)


@router.get(
    "/teach/{name}/examples/{id}",
    responses=problems(*_OWN, "name-taken", "example-unknown"),
    summary="One example, and what is kept of it",
)
async def get_example(request: Request, name: Name, example_id: ExampleId) -> ExampleWithLandmarks:
    lessons, owner = _lessons(request), owner_of(request)
    example = await asyncio.to_thread(lessons.example, owner, name, example_id)
    number = await asyncio.to_thread(lessons.number, owner, name, example)
    return await asyncio.to_thread(ExampleWithLandmarks.with_landmarks, example, number)


@router.delete(
    "/teach/{name}/examples/{id}",
    status_code=204,
    responses=problems(*_OWN, "name-taken", "example-unknown"),
    summary="Delete one example",
)
async def delete_example(request: Request, name: Name, example_id: ExampleId) -> Response:
    await asyncio.to_thread(_lessons(request).forget, owner_of(request), name, example_id)
    return Response(status_code=204)


@router.delete(
    "/teach/{name}",
    status_code=204,
    responses=problems(*_OWN, "name-taken", "example-unknown", "busy", "disk-full"),
    summary="Delete all examples of a name, the model made of them and its trainings",
)
async def delete_lesson(request: Request, name: Name) -> Response:
    owner, jobs = owner_of(request), jobs_of(request)
    for job in await jobs.about(owner, KIND, name):
        await jobs.remove(job)
    await trainer_of(request).forget_all(owner, name)
    return Response(status_code=204)


@router.post(
    "/teach/{name}/train",
    status_code=202,
    response_model=JobBody,
    summary="Make a model of the examples, as a durable job",
    description="Its events tell its progress, its result the version that answers from then on, and its figures.",
    responses={
        202: {"description": "The job is queued.", "headers": LOCATION},
        **problems(
            *_OWN,
            "name-taken",
            "example-unknown",
            "examples-too-few",
            "model-state",
            "quota-exceeded",
            "disk-full",
            *NEW_WORK,
        ),
    },
)
async def post_train(request: Request, name: Name) -> Response:
    context, owner, jobs = context_of(request), owner_of(request), jobs_of(request)
    examples = await asyncio.to_thread(_lessons(request).examples, owner, name)
    await asyncio.to_thread(check_enough, examples)
    if (running := await _training(request, owner, name)) is not None:
        detail = f"{name} is being made already, by job {running.id}; wait until it has ended, or cancel it."
        raise SignError("model-state", detail, retry_after_s=10)
    async with one_job_more(request), jobs.reserve(0):
        job = await jobs.submit(training_spec(owner, name))
    body = JobBody.of(job, context.settings.jobs_retention_h).model_dump(mode="json", exclude_unset=True)
    return JSONResponse(body, 202, {"Location": f"/jobs/{job.id}"})


@router.get(
    "/teach/{name}/export",
    response_class=Response,
    openapi_extra={"parameters": query_parameters(ExportQuery)},
    responses={
        200: {"description": "All examples", "content": {_NPZ: _BINARY, _ZIP: _BINARY}},
        **problems(*_OWN, "name-taken", "example-unknown"),
    },
    summary="All examples, to train elsewhere",
)
async def get_export(request: Request, name: Name) -> Response:
    wanted = read_options(request, {}, ExportQuery).format
    examples = await asyncio.to_thread(_lessons(request).examples, owner_of(request), name)
    if wanted == "npz":
        content, kind, file = await asyncio.to_thread(examples_to_npz, examples), _NPZ, f"{name}.npz"
    else:
        content, kind, file = await asyncio.to_thread(examples_to_zip, examples), _ZIP, f"{name}-pose.zip"
    return Response(content, media_type=kind, headers={"Content-Disposition": content_disposition(file)})


def _shown(options: ExampleOptions, upload: Upload) -> Shown:
    return Shown(
        label=options.label,
        teacher=options.teacher,
        source=options.source,
        origin=last_component(options.media_name or upload.received.file_name or ""),
        start_s=options.start_time,
        duration_s=options.clip_duration,
        mirrored=options.mirrored,
        timeout_s=options.timeout_s,
    )


async def _training(request: Request, owner: str, name: str) -> Job | None:
    """The job that makes a model of this name now."""
    jobs = await jobs_of(request).about(owner, KIND, name)
    return next((job for job in jobs if not job.has_ended), None)


def _lessons(request: Request) -> Lessons:
    return trainer_of(request).lessons
