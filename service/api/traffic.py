"""/models/{name}/traffic: which versions answer under a bare name; shared, shadowed and taken back by admins."""

from typing import Self

from fastapi import APIRouter, Depends, Request
from pydantic import BaseModel, ConfigDict, Field

from service.api.access import require_admin, require_key
from service.api.json_body import read_json, takes_json
from service.api.kept import context_of
from service.api.models import CHANGED, NAMED, Name, SplitBody
from service.api.responses import BODY, KEYS, problems
from service.registry.registry import ModelState
from service.version_shares import VersionShare

router = APIRouter(tags=["models"], prefix="/models")


class TrafficBody(BaseModel):
    """The version served under the bare name, and the one beside it."""

    name: str
    default_version: int | None
    beside: SplitBody | None

    @classmethod
    def of(cls, model: ModelState) -> Self:
        return cls(name=model.name, default_version=model.default_version, beside=SplitBody.of(model))


class TrafficChange(BaseModel):
    """A version that is to answer a share of the bare name's requests, or to be the main version's shadow."""

    model_config = ConfigDict(extra="forbid")

    version: int = Field(ge=1, le=999_999_999, description="The version beside the one that is served.")
    percent: float = Field(0.0, ge=0, le=100, description="Its share of the requests; 0: none yet.")
    shadow: bool = Field(False, description="Its answers are compared with those that are sent, and sent to nobody.")


@router.get(
    "/{name}/traffic",
    dependencies=[Depends(require_key)],
    responses=problems(*KEYS, *NAMED),
    summary="Which versions answer under the bare name",
)
async def get_traffic(request: Request, name: Name) -> TrafficBody:
    return TrafficBody.of(context_of(request).registry.state(name))


@router.put(
    "/{name}/traffic",
    dependencies=[Depends(require_admin)],
    openapi_extra=takes_json(TrafficChange),
    responses=problems(*CHANGED, *BODY),
    summary="Give a version a share of the requests (admin)",
    description="The version is loaded first; until it is, and if it cannot be, nothing changes.",
)
async def put_traffic(request: Request, name: Name) -> TrafficBody:
    asked = await read_json(request, TrafficChange)
    share = VersionShare(asked.version, 0.0 if asked.shadow else asked.percent, asked.shadow)
    return TrafficBody.of(await context_of(request).registry.share(name, share))


@router.delete(
    "/{name}/traffic",
    dependencies=[Depends(require_admin)],
    responses=problems(*CHANGED),
    summary="Give all requests back to the version that is served (admin)",
)
async def delete_traffic(request: Request, name: Name) -> TrafficBody:
    registry = context_of(request).registry
    registry.traffic.take_back(name)
    return TrafficBody.of(registry.state(name))
