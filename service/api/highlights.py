"""POST /highlights."""

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import JSONResponse

from service.analysis.exporting import moments_answer
from service.analysis.highlights import HighlightsAnswer, HighlightsRequest, highlights
from service.analysis.house import House
from service.api.access import require_key, require_open
from service.api.answers import HighlightsBody
from service.api.exports import acceptable_format, download, last_component
from service.api.hangup import unless_hung_up
from service.api.options import HighlightsOptions, media_route_schema
from service.api.receive import model_of, part_of, received_with, server_timing
from service.export.formats import HIGHLIGHT_FORMATS
from service.media.medium import Medium
from service.registry.registry import ServedModel

router = APIRouter(tags=["answers"], dependencies=[Depends(require_key), Depends(require_open)])


@router.post(
    "/highlights",
    response_model=HighlightsBody,
    openapi_extra=media_route_schema(HighlightsOptions),
    summary="Tension over time and the moments that stand out",
)
async def post_highlights(request: Request) -> Response:
    """Send the medium as the form's part `file` or as the body itself; options as query parameters or form fields."""
    house: House = request.app.state.house
    async with received_with(request, HighlightsOptions) as (upload, options):
        format_name = options.format or acceptable_format(request.headers.get("accept"), HIGHLIGHT_FORMATS)
        asked = highlights_asked(options, upload.medium, house, await model_of(options, house))
        answer = await unless_hung_up(request, highlights(asked, house))
        name = options.media_name or upload.file_name or ""
    headers = {"Server-Timing": server_timing({"upload": upload.seconds, **answer.stages_s})}
    if format_name == "json":
        return JSONResponse(HighlightsBody.of(answer).model_dump(exclude_unset=True), headers=headers)
    with house.metrics.stage("export"):
        return await exported_moments(answer, format_name, last_component(name), headers)


def highlights_asked(options: HighlightsOptions, medium: Medium, house: House, model: ServedModel) -> HighlightsRequest:
    """What the options ask of the medium."""
    return HighlightsRequest(
        part=part_of(options, medium, house, model, duration_s=options.clip_duration),
        sample_rate=options.sample_rate,
        window_s=options.window,
        threshold=options.threshold,
        min_duration_s=options.min_duration,
        merge_gap_s=options.merge_gap,
        top_k=options.top_k,
        min_faces=options.min_faces,
        faces=options.faces,
        signal=options.signal,
        channel=options.channel,
        with_series=options.return_series,
    )


async def exported_moments(answer: HighlightsAnswer, format_name: str, name: str, headers: dict[str, str]) -> Response:
    """The answer as a file of another format than json."""
    return await download(HIGHLIGHT_FORMATS[format_name], moments_answer(answer, name), headers)
