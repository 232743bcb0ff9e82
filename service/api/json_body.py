"""Bodies that are no media: read whole, within bounds, and checked by one model."""

from typing import Any, TypeVar

from fastapi import Request
from pydantic import BaseModel, ValidationError

from service.api.problem import invalid_parameters
from service.api.upload import announced_bytes, body_chunks
from service.api.upload_places import UploadPlaces
from service.errors import SignError

BodyT = TypeVar("BodyT", bound=BaseModel)

_REFERENCE = "#/components/schemas/{model}"
_DESCRIBED: dict[str, type[BaseModel]] = {}

SMALL_BYTES = 64 * 1024
"""Most bytes of a body that says what is to be changed."""


async def read_body(request: Request, most_bytes: int) -> bytes:
    """The whole body. SignError body-too-large, or as an upload that stalls or breaks off."""
    length = announced_bytes(request)
    if length > most_bytes:
        raise _too_large(most_bytes, length)
    places: UploadPlaces = request.app.state.uploads
    body = bytearray()
    with places.take() as place:
        async for chunk in body_chunks(request, request.app.state.settings, place):
            if len(body) + len(chunk) > most_bytes:
                raise _too_large(most_bytes, len(body) + len(chunk))
            body += chunk
    return bytes(body)


async def read_json(request: Request, model: type[BodyT], most_bytes: int = SMALL_BYTES) -> BodyT:
    """The body as this model has it, whatever its Content-Type says; SignError parameter-invalid where it is none."""
    body = await read_body(request, most_bytes)
    try:
        return model.model_validate_json(body)
    except ValidationError as error:
        raise invalid_parameters(error.errors()) from None


def takes_json(model: type[BaseModel]) -> dict[str, Any]:
    """What the schema says of a route that takes such a body; `described_bodies` says what it is."""
    _DESCRIBED[model.__name__] = model
    schema = {"$ref": _REFERENCE.format(model=model.__name__)}
    return {"requestBody": {"required": True, "content": {"application/json": {"schema": schema}}}}


def described_bodies() -> dict[str, Any]:
    """The schemas of all such bodies, and of what they are made of, by name."""
    found: dict[str, Any] = {}
    for name, model in _DESCRIBED.items():
        schema = model.model_json_schema(ref_template=_REFERENCE)
        found |= schema.pop("$defs", {})
        found[name] = schema
    return found


def _too_large(limit: int, actual: int) -> SignError:
    detail = f"It has {actual:,} bytes or more; {limit:,} are allowed."
    return SignError("body-too-large", detail, limit=limit, actual=actual)
