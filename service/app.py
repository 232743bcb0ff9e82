"""create_app: the rooms that live as long as the server, and the doors into them."""

import contextlib
from collections.abc import AsyncIterator

import structlog
from fastapi import FastAPI
from starlette.middleware.cors import CORSMiddleware

from service import __version__
from service.analysis.house import House
from service.api import health, highlights, jobs, models, page, predict, reference, timeline
from service.api.middleware import Around
from service.api.problem import install_problem_handlers
from service.jobs.jobs import Jobs
from service.live import route as live
from service.live.live import Live
from service.media.spool import spool_folder
from service.metrics import Metrics
from service.registry.registry import Registry
from service.settings import Settings
from service.workers.slots import Slots

log = structlog.get_logger()


def create_app(settings: Settings) -> FastAPI:
    """The service as an ASGI application; everything that needs closing is opened by its lifespan."""
    metrics = Metrics()
    metrics.build_info.labels(__version__).set(1)

    @contextlib.asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with (
            open_house(settings, metrics) as house,
            Jobs(house).run() as app.state.jobs,
            Live(house).run() as app.state.live,
        ):
            app.state.house = house
            log.info("ready", slots=settings.slots, model=settings.default_model, missing=house.missing())
            yield

    app = FastAPI(
        title="sign-service",
        version=__version__,
        description="Says what is signed in a video, and when.",
        lifespan=lifespan,
        docs_url=None,  # ours, without files from elsewhere: service.api.reference
        redoc_url=None,
    )
    app.state.settings = settings
    app.state.metrics = metrics
    install_problem_handlers(app)
    for router in (
        page.router,
        reference.router,
        health.router,
        models.router,
        predict.router,
        timeline.router,
        highlights.router,
        jobs.router,
        live.router,
    ):
        app.include_router(router)

    if settings.cors_origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=list(settings.cors_origins),
            allow_methods=["GET", "POST", "DELETE"],
            allow_headers=["Authorization", "Content-Type", "Idempotency-Key", "Last-Event-ID", "X-Request-ID"],
            expose_headers=["Location", "X-Request-ID", "Server-Timing", "Retry-After"],
        )
    app.add_middleware(Around, metrics=metrics)
    return app


@contextlib.asynccontextmanager
async def open_house(settings: Settings, metrics: Metrics) -> AsyncIterator[House]:
    """Slots started, models loaded, a private folder for media; all closed again on every path."""
    async with contextlib.AsyncExitStack() as stack:
        spool = stack.enter_context(spool_folder(settings.media_dir))
        registry = Registry(settings, metrics)
        stack.push_async_callback(registry.close)
        await registry.start()
        slots = Slots(settings, metrics)
        stack.push_async_callback(slots.close)
        await slots.start()
        yield House(settings, metrics, registry, slots, spool)
