"""create_app: the rooms that live as long as the server, and the doors into them."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

import structlog
from fastapi import FastAPI
from starlette.middleware.gzip import GZipMiddleware

from service import __version__, tracing
from service.api import (
    health,
    job_submission,
    jobs,
    models,
    open_inference,
    page,
    reference,
    taught_models,
    teach,
    traffic,
    use_cases,
)
from service.api.callers import HostMiddleware, OriginMiddleware
from service.api.cross_origin import allow_origins
from service.api.middleware import HeadMiddleware, RequestContextMiddleware
from service.api.openapi import describe_routes, operation_id
from service.api.problem import install_problem_handlers
from service.api.upload_places import UploadPlaces
from service.api.watchers import Watchers
from service.context import AppContext, open_services
from service.contract.job_bodies import JobBody
from service.contract.key_limits import KeyUsages
from service.contract.request_log import RequestLog
from service.jobs.jobs import Jobs
from service.jobs.spec import Job
from service.lessons.training import KIND, Trainer
from service.live import route as live
from service.live.live import Live
from service.metrics import Metrics
from service.settings import Settings

log = structlog.get_logger()

WORTH_COMPRESSING_BYTES = 1000
COMPRESSION_LEVEL = 6
"""Of zlib: beyond it answers grow no smaller, only slower."""


def create_app(settings: Settings) -> FastAPI:
    """The service as an ASGI application; everything that needs closing is opened by its lifespan."""
    metrics = Metrics()
    metrics.build_info.labels(__version__).set(1)
    request_log = RequestLog(settings)

    @contextlib.asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        tracing.start(settings)
        settings.jobs_dir.mkdir(parents=True, exist_ok=True, mode=0o700)  # before slots are told where media lie
        with contextlib.suppress(OSError):  # another user's, whose matter it is
            settings.jobs_dir.chmod(0o700)
        async with (
            open_services(settings, metrics, wait_for_models=False, media=(settings.jobs_dir,)) as context,
            _jobs(context, app).run() as app.state.jobs,
            Live(context, request_log, app.state.key_usages).run() as app.state.live,
        ):
            app.state.context = context
            log.info("ready", slots=settings.slots, model=settings.default_model, missing=context.missing())
            yield
        await asyncio.to_thread(tracing.stop)

    app = FastAPI(
        title="sign-service",
        version=__version__,
        description="Says what is signed in a video, and when.",
        lifespan=lifespan,
        docs_url=None,  # ours, without files from elsewhere: service.api.reference
        redoc_url=None,
        generate_unique_id_function=operation_id,
    )
    app.openapi = describe_routes(app, settings)  # type: ignore[method-assign]
    app.state.settings = settings
    app.state.metrics = metrics
    app.state.key_usages = KeyUsages(settings, metrics)
    app.state.watchers = Watchers(settings.most_connections, metrics)
    app.state.tensor_requests = 0
    app.state.uploads = UploadPlaces(settings.most_uploads, metrics)
    install_problem_handlers(app)
    for router in (
        page.router,
        reference.router,
        health.router,
        models.router,
        traffic.router,
        open_inference.router,
        use_cases.router,
        job_submission.router,
        jobs.router,
        teach.router,
        taught_models.router,
        live.router,
    ):
        app.include_router(router)

    # events of jobs, pictures and videos stay as they are: Starlette leaves them out
    app.add_middleware(GZipMiddleware, minimum_size=WORTH_COMPRESSING_BYTES, compresslevel=COMPRESSION_LEVEL)
    app.add_middleware(HeadMiddleware)
    app.add_middleware(OriginMiddleware, settings=settings)
    allow_origins(app, settings)
    app.add_middleware(HostMiddleware, settings=settings)
    app.add_middleware(RequestContextMiddleware, metrics=metrics, log=request_log)
    return app


def _jobs(context: AppContext, app: FastAPI) -> Jobs:
    """The jobs, those that teach among them."""
    app.state.trainer = Trainer(context)
    retention_h = context.settings.jobs_retention_h

    def describe(job: Job) -> dict[str, Any]:
        return JobBody.of(job, retention_h).model_dump(mode="json", exclude_unset=True)

    return Jobs(context, {KIND: app.state.trainer.work}, describe)
