"""GET /healthz, /readyz and /metrics."""

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from pydantic import BaseModel

from service.api.kept import context_of
from service.api.responses import problems

router = APIRouter(tags=["operations"])


class Health(BaseModel):
    """The process answers."""

    status: str


class Readiness(BaseModel):
    """Whether the service can answer now, and what is missing if not."""

    ready: bool
    missing: list[str]


@router.get("/healthz", response_model=Health, responses=problems(), summary="Alive")
async def get_health() -> Health:
    return Health(status="alive")


@router.get(
    "/readyz",
    response_model=Readiness,
    responses={503: {"model": Readiness, "description": "What is missing"}, **problems()},
    summary="Able to answer right now",
)
async def get_readiness(request: Request) -> Response:
    context = context_of(request)
    missing = context.missing()
    body = Readiness(ready=not missing, missing=missing)
    return JSONResponse(body.model_dump(), 200 if body.ready else 503)


@router.get(
    "/metrics",
    response_class=Response,
    responses={
        200: {"description": "Metrics", "content": {"text/plain": {"schema": {"type": "string"}}}},
        **problems(),
    },
    summary="Prometheus metrics",
)
async def get_metrics(request: Request) -> Response:
    context = context_of(request)
    return Response(generate_latest(context.metrics.registry), media_type=CONTENT_TYPE_LATEST)
