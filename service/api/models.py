"""GET /models… and, for admins, the routes that change what is served."""

from dataclasses import asdict
from typing import Annotated, Literal, Self

from fastapi import APIRouter, Depends, Path, Request
from pydantic import BaseModel

from service.api.access import require_admin, require_key
from service.api.kept import context_of
from service.api.responses import ADMIN, KEYS, OPTIONS, problems
from service.registry.manifest import NAME_PATTERN, Manifest, Task
from service.registry.registry import ModelState, ReloadReport, VersionName, VersionState
from service.registry.states import State

router = APIRouter(tags=["models"])
Name = Annotated[str, Path(pattern=NAME_PATTERN, description="Name of the model.")]
Version = Annotated[int, Path(ge=1, description="Version of the model.")]

NAMED = (*OPTIONS, "model-unknown")
CHANGED = (*ADMIN, *NAMED, "version-unknown", "model-state", "model-loading", "model-failed", "shutting-down")


class ParityBody(BaseModel):
    """How far a provider's answers are from the CPU's on a sample, and how far they may be."""

    samples: int
    max_abs_diff: float
    bound: float
    against: Literal["stored", "cpu"]


class VersionBody(BaseModel):
    """One version and its state; reason says why it is refused.

    provider: on what it runs, where it is ready; fallbacks: the providers that do not serve it, each with the reason;
    parity: what was measured where another than the CPU serves it.
    """

    version: int
    state: State
    is_default: bool
    task: Task | None
    memory_bytes: int
    reason: str | None
    provider: str | None
    fallbacks: list[str]
    parity: ParityBody | None

    @classmethod
    def of(cls, version: VersionState) -> Self:
        return cls(
            version=version.version,
            state=version.state,
            is_default=version.is_default,
            task=version.task,
            memory_bytes=version.memory_bytes,
            reason=version.reason,
            provider=version.provider,
            fallbacks=list(version.fallbacks),
            parity=None if version.parity is None else ParityBody(**asdict(version.parity)),
        )


class VersionWithManifest(VersionBody):
    """One version with all that is known of it."""

    name: str
    manifest: Manifest | None

    @classmethod
    def of(cls, version: VersionState) -> Self:
        core = VersionBody.of(version).model_dump()
        return cls(name=version.name, manifest=version.manifest, **core)


class SplitBody(BaseModel):
    """A version beside the one that is served: its share of the requests, or a shadow.

    serving: whether it has its share now; withdrawn: why it was taken back.
    """

    version: int
    percent: float
    shadow: bool
    serving: bool
    withdrawn: str | None

    @classmethod
    def of(cls, model: ModelState) -> Self | None:
        if (split := model.split) is None:
            return None
        is_ready = any(one.version == split.version and one.state == "ready" for one in model.versions)
        return cls(
            version=split.version,
            percent=split.percent,
            shadow=split.shadow,
            serving=is_ready and split.withdrawn is None,
            withdrawn=split.withdrawn,
        )


class ModelBody(BaseModel):
    """One model: the version served under its bare name, the one beside it, and all versions, highest first."""

    name: str
    default_version: int | None
    beside: SplitBody | None
    versions: list[VersionBody]

    @classmethod
    def of(cls, model: ModelState) -> Self:
        versions = [VersionBody.of(version) for version in model.versions]
        beside = SplitBody.of(model)
        return cls(name=model.name, default_version=model.default_version, beside=beside, versions=versions)


class ModelWithManifest(ModelBody):
    """One model with the manifest of the version being served."""

    manifest: Manifest | None

    @classmethod
    def of(cls, model: ModelState) -> Self:
        served = [version.manifest for version in model.versions if version.is_default]
        return cls(manifest=served[0] if served else None, **ModelBody.of(model).model_dump())


class ModelsBody(BaseModel):
    """What the store holds, and the models of /predict and of /highlights where a caller names none."""

    default_model: str
    default_highlight_model: str
    models: list[ModelBody]


class VersionKey(BaseModel):
    """A version of a model."""

    name: str
    version: int

    @classmethod
    def of(cls, key: VersionName) -> Self:
        return cls(name=key.name, version=key.version)


class RefusedVersion(VersionKey):
    """A version that is not served, and why."""

    reason: str


class ReloadBody(BaseModel):
    """What a scan of the store found; problem: why the store could not be read."""

    added: list[VersionKey]
    removed: list[VersionKey]
    changed: list[VersionKey]
    refused: list[RefusedVersion]
    problem: str | None

    @classmethod
    def of(cls, report: ReloadReport) -> Self:
        return cls(
            added=[VersionKey.of(key) for key in report.added],
            removed=[VersionKey.of(key) for key in report.removed],
            changed=[VersionKey.of(key) for key in report.changed],
            refused=[
                RefusedVersion(name=key.name, version=key.version, reason=why) for key, why in report.refused.items()
            ],
            problem=report.problem,
        )


@router.get("/models", dependencies=[Depends(require_key)], responses=problems(*KEYS), summary="What there is")
async def get_models(request: Request) -> ModelsBody:
    context = context_of(request)
    models = [ModelBody.of(model) for model in context.registry.snapshot()]
    settings = context.settings
    return ModelsBody(
        default_model=settings.default_model,
        default_highlight_model=settings.default_highlight_model,
        models=models,
    )


@router.get(
    "/models/{name}",
    dependencies=[Depends(require_key)],
    responses=problems(*KEYS, *NAMED),
    summary="One model and its manifest",
)
async def get_model(request: Request, name: Name) -> ModelWithManifest:
    return ModelWithManifest.of(context_of(request).registry.state(name))


@router.get(
    "/models/{name}/versions/{version}",
    dependencies=[Depends(require_key)],
    responses=problems(*KEYS, *NAMED, "version-unknown"),
    summary="One version and its manifest",
)
async def get_version(request: Request, name: Name, version: Version) -> VersionWithManifest:
    return VersionWithManifest.of(context_of(request).registry.version_state(name, version))


@router.post(
    "/models/{name}/versions/{version}/load",
    dependencies=[Depends(require_admin)],
    responses=problems(*CHANGED),
    summary="Load a version (admin)",
)
async def post_load(request: Request, name: Name, version: Version) -> VersionBody:
    return VersionBody.of(await context_of(request).registry.load(name, version))


@router.post(
    "/models/{name}/versions/{version}/unload",
    dependencies=[Depends(require_admin)],
    responses=problems(*CHANGED),
    summary="Take a version out of memory (admin)",
)
async def post_unload(request: Request, name: Name, version: Version) -> VersionBody:
    return VersionBody.of(await context_of(request).registry.unload(name, version))


@router.post(
    "/models/reload",
    dependencies=[Depends(require_admin)],
    responses=problems(*ADMIN, "shutting-down"),
    summary="Scan the store again (admin)",
)
async def post_reload(request: Request) -> ReloadBody:
    return ReloadBody.of(await context_of(request).registry.reload())
