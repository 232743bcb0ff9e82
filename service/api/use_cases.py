"""POST /predict, /timeline and /highlights: the medium and its options in, the answer and its stages' times out."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable

from fastapi import APIRouter, Depends, Request, Response

from service import tracing
from service.api.access import require_key, require_open
from service.api.disconnect import cancel_on_disconnect
from service.api.exports import acceptable_format, download, last_component
from service.api.kept import context_of
from service.api.openapi import HOW_TO_ASK, takes_medium
from service.api.options import Options, read_options
from service.api.problem import record_of
from service.api.responses import (
    FORMAT,
    KEYS,
    MEDIUM,
    MODEL,
    NEW_WORK,
    OPTIONS,
    UPLOAD,
    answer_in_formats,
    problems,
)
from service.api.upload import Upload, is_form, open_upload
from service.context import AppContext
from service.contract.rendering import to_json
from service.contract.requests import find_model
from service.contract.use_cases import USE_CASES, AnyUseCase
from service.export.formats import JSON_MEDIA_TYPE

_CODES = (*KEYS, *MODEL, *UPLOAD, *OPTIONS, *NEW_WORK, *MEDIUM)

router = APIRouter(tags=["answers"], dependencies=[Depends(require_key), Depends(require_open)])


def _post(case: AnyUseCase) -> Callable[[Request], Awaitable[Response]]:
    async def post_medium(request: Request) -> Response:
        return await _answer(request, case)

    return post_medium


for _case in USE_CASES.values():
    router.add_api_route(
        f"/{_case.name}",
        _post(_case),
        methods=["POST"],
        name=f"post_{_case.name}",
        response_model=_case.body,
        openapi_extra=takes_medium(_case.options),
        summary=_case.summary,
        description=HOW_TO_ASK,
        responses={200: answer_in_formats(_case), **problems(*_CODES, *(FORMAT if _case.formats else ()))},
    )


async def _answer(request: Request, case: AnyUseCase) -> Response:
    context = context_of(request)
    async with _receive(request, context, case.options) as (upload, options):
        format_name = "json"
        if case.formats:
            format_name = options.format or acceptable_format(request.headers.get("accept"), case.formats)
        asked = case.make_request(options, upload.medium, context, await find_model(options, context))
        record = record_of(request)
        record.note_model(asked.clip.model.manifest)
        answer = await cancel_on_disconnect(request, case.answer(asked, options, context))
        name = last_component(options.media_name or upload.received.file_name or "")
    stages_s = {"upload": upload.received.seconds, **answer.stages_s}
    record.stages_s |= stages_s
    headers = {"Server-Timing": _server_timing(stages_s)}
    if format_name == "json":
        text = await asyncio.to_thread(lambda: to_json(case.to_body(answer, options)))
        return Response(text, media_type=JSON_MEDIA_TYPE, headers=headers)
    with context.metrics.stage("export"):
        return await download(case.formats[format_name], case.to_export(answer, name), headers)


@contextlib.asynccontextmanager
async def _receive(
    request: Request, context: AppContext, model: type[Options]
) -> AsyncIterator[tuple[Upload, Options]]:
    """The medium and the options. Options of a raw body are checked before a byte of it is read."""
    early = None if is_form(request) else read_options(request, {}, model)
    with context.slots.reserve():
        async with open_upload(request, context.spool) as upload:
            context.metrics.stage_seconds.labels("upload").observe(upload.received.seconds)
            record_of(request).stages_s["upload"] = upload.received.seconds
            tracing.record("upload", upload.received.seconds)
            yield upload, early or read_options(request, upload.received.fields, model)


def _server_timing(stages_s: dict[str, float]) -> str:
    """The stages' durations as the Server-Timing header has them, in milliseconds."""
    return ", ".join(f"{name};dur={seconds * 1000:.1f}" for name, seconds in stages_s.items())
