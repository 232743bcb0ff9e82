"""POST /predict."""

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import JSONResponse

from service.analysis.house import House
from service.analysis.predict import PredictRequest, predict
from service.api.access import require_key, require_open
from service.api.answers import PredictBody
from service.api.hangup import unless_hung_up
from service.api.options import PredictOptions, media_route_schema, read_options
from service.api.upload import Upload, received
from service.workers.deadline import Deadline

router = APIRouter(tags=["answers"], dependencies=[Depends(require_key), Depends(require_open)])


@router.post(
    "/predict",
    response_model=PredictBody,
    openapi_extra=media_route_schema(PredictOptions),
    summary="One answer for a picture, a video, or a part of it",
)
async def post_predict(request: Request) -> Response:
    """Send the medium as the form's part `file` or as the body itself; options as query parameters or form fields."""
    house: House = request.app.state.house
    options = read_options(request, {}, PredictOptions) if not _is_form(request) else None
    async with received(request, house.spool) as upload:
        options = options or read_options(request, upload.fields, PredictOptions)
        answer = await unless_hung_up(request, predict(_asked(options, upload, house), house))
    body = PredictBody.of(
        answer,
        top_k=options.top_k,
        with_probabilities=options.return_probabilities,
        with_frames=options.return_frames,
    )
    house.metrics.stage_seconds.labels("upload").observe(upload.seconds)
    stages = {"upload": upload.seconds, **answer.stages_s}
    return JSONResponse(body.model_dump(exclude_unset=True), headers={"Server-Timing": server_timing(stages)})


def _asked(options: PredictOptions, upload: Upload, house: House) -> PredictRequest:
    longest = house.settings.request_timeout_s
    return PredictRequest(
        medium=upload.medium,
        deadline=Deadline.after(min(options.timeout_s or longest, longest)),
        model=options.model or house.settings.default_model,
        version=options.version,
        start_s=options.start_time,
        duration_s=options.clip_duration,
        threshold=options.threshold,
        mirrored=options.mirrored,
        with_frames=options.return_frames,
    )


def _is_form(request: Request) -> bool:
    return request.headers.get("content-type", "").lower().startswith("multipart/form-data")


def server_timing(stages_s: dict[str, float]) -> str:
    """The stages' durations as the Server-Timing header has them, in milliseconds."""
    return ", ".join(f"{name};dur={seconds * 1000:.1f}" for name, seconds in stages_s.items())
