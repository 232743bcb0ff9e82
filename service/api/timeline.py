"""POST /timeline."""

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import JSONResponse

from service.analysis.exporting import signs_answer
from service.analysis.house import House
from service.analysis.timeline import TimelineAnswer, TimelineRequest
from service.api.access import require_key, require_open
from service.api.answers import TimelineBody
from service.api.exports import acceptable_format, download, last_component
from service.api.hangup import unless_hung_up
from service.api.options import TimelineOptions, media_route_schema
from service.api.receive import model_of, part_of, received_with, server_timing
from service.export.formats import TIMELINE_FORMATS
from service.jobs.foreground import timeline_now
from service.media.medium import Medium
from service.registry.registry import ServedModel

router = APIRouter(tags=["answers"], dependencies=[Depends(require_key), Depends(require_open)])


@router.post(
    "/timeline",
    response_model=TimelineBody,
    openapi_extra=media_route_schema(TimelineOptions),
    summary="What is signed when",
)
async def post_timeline(request: Request) -> Response:
    """Send the medium as the form's part `file` or as the body itself; options as query parameters or form fields."""
    house: House = request.app.state.house
    async with received_with(request, TimelineOptions) as (upload, options):
        format_name = options.format or acceptable_format(request.headers.get("accept"), TIMELINE_FORMATS)
        asked = timeline_asked(options, upload.medium, house, await model_of(options, house))
        answer = await unless_hung_up(request, timeline_now(asked, house, keep_windows=options.return_windows))
        name = options.media_name or upload.file_name or ""
    headers = {"Server-Timing": server_timing({"upload": upload.seconds, **answer.stages_s})}
    if format_name != "json":
        with house.metrics.stage("export"):
            return await exported(answer, format_name, last_component(name), headers)
    body = TimelineBody.of(answer, with_windows=options.return_windows, with_probabilities=options.return_probabilities)
    return JSONResponse(body.model_dump(exclude_unset=True), headers=headers)


def timeline_asked(options: TimelineOptions, medium: Medium, house: House, model: ServedModel) -> TimelineRequest:
    """What the options ask of the medium."""
    return TimelineRequest(
        part=part_of(options, medium, house, model, duration_s=None),
        window_s=options.clip_duration,
        stride_s=options.stride,
        min_duration_s=options.min_duration,
        merge_gap_s=options.merge_gap,
        threshold=options.threshold,
        smoothing=options.smoothing,
    )


async def exported(answer: TimelineAnswer, format_name: str, name: str, headers: dict[str, str]) -> Response:
    """The answer as a file of another format than json."""
    return await download(TIMELINE_FORMATS[format_name], signs_answer(answer, name), headers)
