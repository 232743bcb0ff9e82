"""What a Python program imports that asks the service's questions itself, without a server: docs/embedding.md."""

import asyncio
from pathlib import Path
from typing import Any

from service.context import AppContext, open_services
from service.contract.answers import HighlightsBody, PredictBody, TimelineBody
from service.contract.options import HighlightsOptions, MediumOptions, PredictOptions, TimelineOptions
from service.contract.requests import find_model
from service.contract.use_cases import HIGHLIGHTS, PREDICT, TIMELINE, BodyT, OptionsT, UseCase
from service.errors import SignError
from service.media.medium import Medium
from service.settings import Settings

__all__ = [
    "AppContext",
    "HighlightsBody",
    "HighlightsOptions",
    "MediumOptions",
    "PredictBody",
    "PredictOptions",
    "Settings",
    "SignError",
    "TimelineBody",
    "TimelineOptions",
    "highlights",
    "open_services",
    "predict",
    "timeline",
]


async def predict(services: AppContext, path: str | Path, options: PredictOptions | None = None) -> PredictBody:
    """What POST /predict answers for this file. Raises SignError as it does, and OSError where there is no file."""
    return await _ask(PREDICT, services, path, options or PredictOptions())


async def timeline(services: AppContext, path: str | Path, options: TimelineOptions | None = None) -> TimelineBody:
    """What POST /timeline answers for this file. Raises SignError as it does, and OSError where there is no file."""
    return await _ask(TIMELINE, services, path, options or TimelineOptions())


async def highlights(
    services: AppContext, path: str | Path, options: HighlightsOptions | None = None
) -> HighlightsBody:
    """What POST /highlights answers for this file. Raises SignError as it does, and OSError where there is no file."""
    return await _ask(HIGHLIGHTS, services, path, options or HighlightsOptions())


async def _ask(
    case: UseCase[OptionsT, Any, Any, BodyT], services: AppContext, path: str | Path, options: OptionsT
) -> BodyT:
    model = await find_model(options, services)
    request = case.make_request(options, _medium_at(Path(path)), services, model)
    answer = await case.answer(request, options, services)
    return await asyncio.to_thread(case.to_body, answer, options)


def _medium_at(path: Path) -> Medium:
    return Medium(str(path), path.stat().st_size)
