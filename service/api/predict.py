"""POST /predict."""

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import JSONResponse

from service.analysis.house import House
from service.analysis.predict import PredictRequest, predict
from service.api.access import require_key, require_open
from service.api.answers import PredictBody
from service.api.hangup import unless_hung_up
from service.api.options import PredictOptions, media_route_schema
from service.api.receive import model_of, part_of, received_with, server_timing
from service.media.medium import Medium
from service.registry.registry import ServedModel

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
    async with received_with(request, PredictOptions) as (upload, options):
        asked = predict_asked(options, upload.medium, house, await model_of(options, house))
        answer = await unless_hung_up(request, predict(asked, house))
    body = PredictBody.of_answer(
        answer,
        top_k=options.top_k,
        with_probabilities=options.return_probabilities,
        with_frames=options.return_frames,
    )
    headers = {"Server-Timing": server_timing({"upload": upload.seconds, **answer.stages_s})}
    return JSONResponse(body.model_dump(exclude_unset=True), headers=headers)


def predict_asked(options: PredictOptions, medium: Medium, house: House, model: ServedModel) -> PredictRequest:
    """What the options ask of the medium."""
    part = part_of(options, medium, house, model, duration_s=options.clip_duration)
    return PredictRequest(part, threshold=options.threshold, with_frames=options.return_frames)
