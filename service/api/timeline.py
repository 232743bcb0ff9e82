"""POST /timeline."""

import asyncio
from pathlib import PurePosixPath
from urllib.parse import quote

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import JSONResponse

from service.analysis.exporting import signs_answer
from service.analysis.house import House
from service.analysis.timeline import TimelineAnswer, TimelineRequest, timeline
from service.api.access import require_key, require_open
from service.api.answers import TimelineBody
from service.api.hangup import unless_hung_up
from service.api.options import TimelineOptions, media_route_schema
from service.api.receive import part_of, received_with, server_timing
from service.errors import SignError
from service.export.formats import JSON_MEDIA_TYPE, TIMELINE_FORMATS
from service.media.medium import Medium

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
        format_name = options.format or acceptable_format(request.headers.get("accept"))
        answer = await unless_hung_up(request, timeline(timeline_asked(options, upload.medium, house), house))
        name = options.media_name or upload.file_name or ""
    headers = {"Server-Timing": server_timing({"upload": upload.seconds, **answer.stages_s})}
    if format_name != "json":
        with house.metrics.stage("export"):
            return await exported(answer, format_name, last_component(name), headers)
    body = TimelineBody.of(answer, with_windows=options.return_windows, with_probabilities=options.return_probabilities)
    return JSONResponse(body.model_dump(exclude_unset=True), headers=headers)


def timeline_asked(options: TimelineOptions, medium: Medium, house: House) -> TimelineRequest:
    """What the options ask of the medium."""
    return TimelineRequest(
        part=part_of(options, medium, house, duration_s=None),
        window_s=options.clip_duration,
        stride_s=options.stride,
        min_duration_s=options.min_duration,
        merge_gap_s=options.merge_gap,
        threshold=options.threshold,
        smoothing=options.smoothing,
    )


async def exported(answer: TimelineAnswer, format_name: str, name: str, headers: dict[str, str]) -> Response:
    """The answer as a file of another format than json."""
    chosen = TIMELINE_FORMATS[format_name]
    signs = signs_answer(answer, name)
    content = await asyncio.to_thread(chosen.file, signs)
    headers = {**headers, "Content-Disposition": saved_as(chosen.file_name(signs.media))}
    return Response(content, media_type=chosen.media_type, headers=headers)


def saved_as(name: str) -> str:
    """Content-Disposition of a download (RFC 6266): the name in UTF-8, and in ASCII for who reads only that."""
    plain = "".join(sign if sign.isascii() and sign.isprintable() and sign not in '"\\' else "_" for sign in name)
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name)}"


def acceptable_format(accept: str | None) -> str:
    """The format that `Accept` prefers, json where it says nothing; SignError where it takes none of ours."""
    if not accept:
        return "json"
    by_type = {JSON_MEDIA_TYPE: "json", **{entry.accept: name for name, entry in TIMELINE_FORMATS.items()}}
    for wanted in _preferences(accept):
        if wanted in ("*/*", "application/*"):
            return "json"
        if wanted in by_type:
            return by_type[wanted]
    raise SignError("format-not-acceptable", f"There are: {', '.join(by_type)}; or use the option format.")


def _preferences(accept: str) -> list[str]:
    """Media types of an Accept header, the most wanted first; those with q=0 are not wanted."""
    weighed = []
    for entry in accept.split(","):
        media_type, *parameters = (part.strip().lower() for part in entry.split(";"))
        weights = [parameter.removeprefix("q=") for parameter in parameters if parameter.startswith("q=")]
        try:
            weight = float(weights[0]) if weights else 1.0
        except ValueError:
            weight = 0.0
        if weight > 0:
            weighed.append((weight, media_type))
    return [media_type for _, media_type in sorted(weighed, key=lambda entry: -entry[0])]


def last_component(name: str) -> str:
    """A file name without its folders, whichever way they are written."""
    return PurePosixPath(name.replace("\\", "/")).name
