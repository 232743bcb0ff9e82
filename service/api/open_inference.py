"""/v2: the Open Inference Protocol, for those who want a model's tensors and no media."""

import asyncio
import contextlib
from collections.abc import Iterator

from fastapi import APIRouter, Depends, Request, Response

from service import __version__
from service.api.access import require_key, require_open, usage_of
from service.api.disconnect import cancel_on_disconnect
from service.api.json_body import read_body, takes_json
from service.api.kept import context_of
from service.api.models import NAMED, Name, Version
from service.api.problem import record_of
from service.api.responses import BODY, KEYS, MODEL, NEW_WORK, Responses, problems
from service.contract.open_inference import (
    InferAnswer,
    InferBody,
    LiveBody,
    ModelMetadata,
    ReadyBody,
    ServerBody,
    ServerReadyBody,
    read_request,
    tensor_invalid,
    write_answer,
)
from service.errors import SignError
from service.export.formats import JSON_MEDIA_TYPE
from service.workers.deadline import Deadline

HEADER_LENGTH = "Inference-Header-Content-Length"
BINARY_MEDIA_TYPE = "application/octet-stream"

MOST_AT_ONCE = 16
"""Requests whose tensors may be held at a time."""

_KEYED = [Depends(require_key)]
_INFER = (*KEYS, *MODEL, *BODY, *NEW_WORK, "parameter-invalid", "tensor-invalid", "quota-exceeded", "deadline-exceeded")
_BINARY: Responses = {200: {"content": {BINARY_MEDIA_TYPE: {"schema": {"type": "string", "format": "binary"}}}}}

router = APIRouter(tags=["tensors"], prefix="/v2")


@router.get("", dependencies=_KEYED, responses=problems(*KEYS), summary="The server")
async def get_server() -> ServerBody:
    return ServerBody(name="sign-service", version=__version__, extensions=["binary_tensor_data"])


@router.get("/health/live", responses=problems(), summary="Whether it is alive")
async def get_live() -> LiveBody:
    return LiveBody(live=True)


@router.get("/health/ready", responses=problems("shutting-down", "model-loading"), summary="Whether it answers now")
async def get_server_ready(request: Request) -> ServerReadyBody:
    if missing := context_of(request).missing():
        raise SignError("model-loading", f"Missing: {'; '.join(missing)}.", retry_after_s=2)
    return ServerReadyBody(ready=True)


async def _metadata(request: Request, name: str, version: int | None) -> ModelMetadata:
    registry = context_of(request).registry
    model = await registry.get(name, version)
    return ModelMetadata.of(model.manifest, [one.version for one in registry.state(name).versions])


async def _ready(request: Request, name: str, version: int | None) -> ReadyBody:
    await context_of(request).registry.get(name, version)
    return ReadyBody(name=name, ready=True)


async def _infer(request: Request, name: str, version: int | None) -> Response:
    context, settings = context_of(request), context_of(request).settings
    with _place(request):
        model = await context.registry.choose(name, version)
        record_of(request).note_model(model.manifest)
        header_bytes = _header_bytes(request)
        body = await read_body(request, settings.tensor_bytes)
        usage = usage_of(request)
        usage.check_bytes(len(body))
        usage.count_bytes(len(body))
        asked = await asyncio.to_thread(read_request, body, header_bytes, model.manifest)
        del body
        deadline = Deadline.after(settings.request_timeout_s)

        async def run() -> Response:
            async with deadline.enforce():
                output = await model.tensors(asked.tensors)
            text, length = await asyncio.to_thread(write_answer, asked, model.manifest, output)
            headers = {} if length is None else {HEADER_LENGTH: str(length)}
            return Response(text, media_type=JSON_MEDIA_TYPE if length is None else BINARY_MEDIA_TYPE, headers=headers)

        return await cancel_on_disconnect(request, run())


def _header_bytes(request: Request) -> int | None:
    """Of how many bytes the JSON is, where bytes lie behind it."""
    if request.headers.get("content-encoding", "identity") != "identity":
        raise tensor_invalid("Compressed requests are not taken; send the tensors as they are.")
    said = request.headers.get(HEADER_LENGTH)
    if said is None:
        return None
    if not (said.isascii() and said.isdigit() and len(said) < 12):
        raise tensor_invalid(f"{HEADER_LENGTH} is a number of bytes.")
    return int(said)


@contextlib.contextmanager
def _place(request: Request) -> Iterator[None]:
    """One request's place for as long as the block lasts; SignError busy where none is free."""
    state = request.app.state
    if state.tensor_requests >= MOST_AT_ONCE:
        detail = f"{MOST_AT_ONCE} requests with tensors are under way."
        raise SignError("busy", detail, limit=MOST_AT_ONCE, actual=MOST_AT_ONCE, retry_after_s=1)
    state.tensor_requests += 1
    try:
        yield
    finally:
        state.tensor_requests -= 1


@router.get(
    "/models/{name}", dependencies=_KEYED, responses=problems(*KEYS, *MODEL, *NAMED), summary="A model's tensors"
)
async def get_tensors(request: Request, name: Name) -> ModelMetadata:
    return await _metadata(request, name, None)


@router.get(
    "/models/{name}/versions/{version}",
    dependencies=_KEYED,
    responses=problems(*KEYS, *MODEL, *NAMED),
    summary="A version's tensors",
)
async def get_tensors_of_version(request: Request, name: Name, version: Version) -> ModelMetadata:
    return await _metadata(request, name, version)


@router.get(
    "/models/{name}/ready",
    dependencies=_KEYED,
    responses=problems(*KEYS, *MODEL, *NAMED),
    summary="Whether a model answers now",
)
async def get_model_ready(request: Request, name: Name) -> ReadyBody:
    return await _ready(request, name, None)


@router.get(
    "/models/{name}/versions/{version}/ready",
    dependencies=_KEYED,
    responses=problems(*KEYS, *MODEL, *NAMED),
    summary="Whether a version answers now",
)
async def get_version_ready(request: Request, name: Name, version: Version) -> ReadyBody:
    return await _ready(request, name, version)


@router.post(
    "/models/{name}/infer",
    dependencies=[Depends(require_key), Depends(require_open)],
    response_model=InferAnswer,
    openapi_extra=takes_json(InferBody),
    responses={**_BINARY, **problems(*_INFER)},
    summary="What a model gives for these tensors",
)
async def post_infer(request: Request, name: Name) -> Response:
    return await _infer(request, name, None)


@router.post(
    "/models/{name}/versions/{version}/infer",
    dependencies=[Depends(require_key), Depends(require_open)],
    response_model=InferAnswer,
    openapi_extra=takes_json(InferBody),
    responses={**_BINARY, **problems(*_INFER)},
    summary="What a version gives for these tensors",
)
async def post_infer_of_version(request: Request, name: Name, version: Version) -> Response:
    return await _infer(request, name, version)
