"""POST /predict, /timeline and /highlights."""

from collections.abc import Awaitable, Callable

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import JSONResponse

from service.api.access import require_key, require_open
from service.api.disconnect import cancel_on_disconnect
from service.api.exports import acceptable_format, download, last_component
from service.api.options import media_route_schema
from service.api.receive import receive_request, server_timing
from service.context import AppContext
from service.contract.requests import find_model
from service.contract.use_cases import USE_CASES, AnyUseCase

router = APIRouter(tags=["answers"], dependencies=[Depends(require_key), Depends(require_open)])


HOW_TO_ASK = """\
Send the medium as the form's part `file` or as the body itself; options as query parameters or form fields."""


def _post(case: AnyUseCase) -> Callable[[Request], Awaitable[Response]]:
    async def post_medium(request: Request) -> Response:
        return await _answer(request, case)

    return post_medium


for _case in USE_CASES.values():
    router.add_api_route(
        f"/{_case.name}",
        _post(_case),
        methods=["POST"],
        response_model=_case.body,
        openapi_extra=media_route_schema(_case.options),
        summary=_case.summary,
        description=HOW_TO_ASK,
        operation_id=f"post_{_case.name}_{_case.name}_post",
    )


async def _answer(request: Request, case: AnyUseCase) -> Response:
    context: AppContext = request.app.state.context
    async with receive_request(request, case.options) as (upload, options):
        format_name = "json"
        if case.formats:
            format_name = options.format or acceptable_format(request.headers.get("accept"), case.formats)
        asked = case.make_request(options, upload.medium, context, await find_model(options, context))
        answer = await cancel_on_disconnect(request, case.answer(asked, options, context))
        name = last_component(options.media_name or upload.file_name or "")
    headers = {"Server-Timing": server_timing({"upload": upload.seconds, **answer.stages_s})}
    if format_name == "json":
        return JSONResponse(case.to_body(answer, options).model_dump(exclude_unset=True), headers=headers)
    with context.metrics.stage("export"):
        return await download(case.formats[format_name], case.to_export(answer, name), headers)
