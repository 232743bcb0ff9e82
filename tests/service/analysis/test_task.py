"""A use case in chunks, for somebody who waits: the command line's way, here against the routes' own."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

import pytest

from service.analysis.clip import ClipRequest
from service.analysis.predict import PREDICT, PredictRequest, predict
from service.analysis.prediction import Prediction
from service.analysis.task import run
from service.analysis.timeline import TIMELINE, TimelineRequest, timeline
from service.analysis.walk import Walk
from service.commands.environment import command_settings
from service.context import AppContext, open_services
from service.errors import SignError
from service.media.medium import Medium
from service.settings import Settings
from service.workers.deadline import Deadline
from tests.running import ROOT, SAMPLES

T = TypeVar("T")
CAB = SAMPLES / "word_cab_left_brown.mp4"


async def clip_of(path: Path, context: AppContext) -> ClipRequest:
    model = await context.registry.get("asl-letters")
    return ClipRequest(Medium(str(path), path.stat().st_size), Deadline.after(60), model)


def with_services(ask: Callable[[AppContext], Awaitable[T]], **changes: object) -> T:
    settings = Settings(model_store=ROOT / "model_store", **changes)  # type: ignore[arg-type]

    async def asked() -> T:
        async with open_services(command_settings(settings, 1), only=("asl-letters", None)) as context:
            return await ask(context)

    return asyncio.run(asked())


def test_a_medium_of_one_chunk_is_answered_as_the_routes_answer() -> None:
    shares: list[float] = []

    async def both(context: AppContext) -> None:
        asked = TimelineRequest(await clip_of(CAB, context))
        once = await timeline(asked, context)
        windows: list[Prediction] = []
        answer = await run(TIMELINE, asked, Walk.of_job(context), windows=windows, on_progress=shares.append)
        assert answer.segments == once.segments
        assert answer.transcript == once.transcript == "CAB"
        assert tuple(windows) == once.windows
        one = PredictRequest(await clip_of(SAMPLES / "letter_a_right_light.mp4", context))
        assert (await run(PREDICT, one, Walk.of_job(context))).prediction == (await predict(one, context)).prediction
        states = {model.name: [version.state for version in model.versions] for model in context.registry.snapshot()}
        assert states.pop("asl-letters").count("ready") == 1
        assert {state for found in states.values() for state in found} == {"available"}

    with_services(both)
    assert shares == [1.0]


def test_many_chunks_say_how_far_they_are_and_find_the_same_signs() -> None:
    shares: list[float] = []

    async def ask(context: AppContext) -> str:
        asked = TimelineRequest(await clip_of(CAB, context))
        return (await run(TIMELINE, asked, Walk.of_job(context), on_progress=shares.append)).transcript

    assert with_services(ask, jobs_chunk_s=1.0) == "CAB"
    assert len(shares) > 2
    assert min(shares) >= 0
    assert sum(shares) == pytest.approx(1)


def test_services_do_not_open_for_a_model_that_is_not_there() -> None:
    async def run() -> None:
        async with open_services(Settings(model_store=ROOT / "model_store", slots=1), only=("asl-letters", 9)):
            pytest.fail("it opened")

    with pytest.raises(SignError, match="no version 9"):
        asyncio.run(run())
