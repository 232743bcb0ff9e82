"""The tools that `mcp` offers: predict, timeline and highlights, each with its route's options and answer."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from mcp.server import MCPServer
from mcp.server.mcpserver.exceptions import ToolError

from service import __version__
from service.context import AppContext
from service.contract.options import HighlightsOptions, MediumOptions, PredictOptions, TimelineOptions
from service.contract.rendering import to_json
from service.contract.requests import find_model
from service.contract.use_cases import HIGHLIGHTS, PREDICT, TIMELINE, AnyUseCase
from service.embedding import open_services
from service.errors import SignError
from service.media.medium import Medium
from service.settings import Settings

Answer = dict[str, Any]

_INSTRUCTIONS = "Says what is signed in a video, and when. Paths are those of files in the folder that is served."


def make_server(settings: Settings, folder: Path) -> MCPServer[None]:
    """A server whose tools read the files in this folder, and below it."""
    opened: list[AppContext] = []

    @contextlib.asynccontextmanager
    async def lifespan(_: MCPServer[None]) -> AsyncIterator[None]:
        async with open_services(settings, media=(folder,)) as services:
            opened[:] = [services]
            yield

    server = MCPServer[None](
        "sign-service", version=__version__, instructions=_INSTRUCTIONS, lifespan=lifespan, log_level="ERROR"
    )

    @server.tool(description="What is signed in a short video or a picture: one answer, with alternatives.")
    async def predict(path: str, options: PredictOptions | None = None) -> Answer:
        return await _ask(PREDICT, opened[0], _inside(folder, path), options or PredictOptions())

    @server.tool(description="What is signed when in a video: segments with their times, and a transcript.")
    async def timeline(path: str, options: TimelineOptions | None = None) -> Answer:
        return await _ask(TIMELINE, opened[0], _inside(folder, path), options or TimelineOptions())

    @server.tool(description="The moments of a video in which faces move most, and the curve behind them.")
    async def highlights(path: str, options: HighlightsOptions | None = None) -> Answer:
        return await _ask(HIGHLIGHTS, opened[0], _inside(folder, path), options or HighlightsOptions())

    return server


def _inside(folder: Path, path: str) -> Path:
    """The file, where it lies in the folder, whatever links say; ToolError else."""
    try:
        found = (folder / path).resolve(strict=True)
    except (OSError, ValueError):
        raise ToolError(f"There is no file {path!r} in the folder.") from None
    if not found.is_relative_to(folder) or not found.is_file():
        raise ToolError(f"There is no file {path!r} in the folder.")
    return found


def _medium_at(file: Path) -> Medium:
    return Medium(str(file), file.stat().st_size)


async def _ask(case: AnyUseCase, services: AppContext, file: Path, options: MediumOptions) -> Answer:
    if getattr(options, "format", None) not in (None, "json"):
        raise ToolError("format: tools answer as json; the command line writes the other formats.")
    try:
        model = await find_model(options, services)
        request = case.make_request(options, _medium_at(file), services, model)
        answer = await case.answer(request, options, services)
    except SignError as error:
        raise ToolError(f"{error.title}: {error.detail}") from error
    body = await asyncio.to_thread(lambda: to_json(case.to_body(answer, options)))
    said: Answer = json.loads(body)
    return said
