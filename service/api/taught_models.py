"""GET /models/…/download: a taught model as the folder of a store, for whoever taught it."""

import asyncio

from fastapi import APIRouter, Depends, Request, Response

from service.api.access import owner_of, require_key, require_teaching
from service.api.exports import content_disposition
from service.api.kept import trainer_of
from service.api.models import Name, Version
from service.api.responses import KEYS, OPTIONS, problems

router = APIRouter(tags=["teaching"], dependencies=[Depends(require_key), Depends(require_teaching)])


@router.get(
    "/models/{name}/versions/{version}/download",
    response_class=Response,
    responses={
        200: {
            "description": "The version's folder; unpacked into a model store it is served.",
            "content": {"application/zip": {"schema": {"type": "string", "format": "binary"}}},
        },
        **problems(*KEYS, *OPTIONS, "teach-disabled", "model-unknown", "version-unknown"),
    },
    summary="A version of a model that this key has taught, as a .zip",
)
async def get_download(request: Request, name: Name, version: Version) -> Response:
    lessons = trainer_of(request).lessons
    content = await asyncio.to_thread(lessons.packed, owner_of(request), name, version)
    headers = {"Content-Disposition": content_disposition(f"{name}-{version}.zip")}
    return Response(content, media_type="application/zip", headers=headers)
