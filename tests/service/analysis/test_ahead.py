"""The next chunk is looked at while the one before it is scored, and the answer is the same."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from service.analysis import timeline as timeline_module
from service.analysis.ahead import Ahead, Seen
from service.analysis.clip import ClipRequest
from service.analysis.task import run
from service.analysis.timeline import TIMELINE, TimelineRequest, timeline
from service.analysis.walk import Walk
from service.context import AppContext, open_services
from service.errors import SignError
from service.media.medium import Medium
from service.media.sampling import Rate
from service.observe.call import ObserveCall, ObserveResult
from service.pipelines.chunking import Chunk
from service.pipelines.rows import ModelRows
from service.registry.served import ServedModel
from service.settings import Settings
from service.track import FloatArray
from service.workers.deadline import Deadline
from service.workers.slots import Slots
from tests.media_made import film
from tests.pixel_models import COLORS, publish_clip_means

pytestmark = pytest.mark.anyio
CLIP = {"sampling": {"uniform": 4}, "side": 16, "crop": 16, "scale": 1 / 25.5}
FIRST, SECOND = Chunk(0.0, 1.0, Rate(rate=5)), Chunk(1.0, 2.0, Rate(rate=5))


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    """Ten seconds that go from red to blue."""
    return film(
        tmp_path / "clip.mp4",
        lambda index: np.full((32, 32, 3), (250 - 2 * index, 0, 2 * index), np.uint8),
        frames=100,
        rate=10,
    )


@asynccontextmanager
async def _services(tmp_path: Path) -> AsyncIterator[AppContext]:
    publish_clip_means(tmp_path / "store", "colors", CLIP, 1, COLORS)
    async with open_services(Settings(model_store=tmp_path / "store", default_model="colors", slots=1)) as services:
        yield services


async def _request(services: AppContext, clip: Path) -> TimelineRequest:
    medium = Medium(str(clip), clip.stat().st_size)
    return TimelineRequest(ClipRequest(medium, Deadline.after(60), model=await services.registry.get("colors")))


async def test_the_next_chunk_is_looked_at_while_this_one_is_scored(
    tmp_path: Path, clip: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(timeline_module, "CLIPS_CHUNK_S", 3.0)
    second_look = asyncio.Event()
    looks: list[float] = []
    observe, outputs = Slots.observe, ServedModel.outputs

    async def observed(slots: Slots, call: ObserveCall, deadline: Deadline) -> ObserveResult:
        looks.append(call.start_s)
        if len(looks) == 2:
            second_look.set()
        return await observe(slots, call, deadline)

    async def given(model: ServedModel, rows: ModelRows, **options: Any) -> FloatArray:
        async with asyncio.timeout(30):  # without a look ahead it never comes: nothing is looked at before this ends
            await second_look.wait()
        return await outputs(model, rows, **options)

    monkeypatch.setattr(Slots, "observe", observed)
    monkeypatch.setattr(ServedModel, "outputs", given)
    async with _services(tmp_path) as services:
        request = await _request(services, clip)
        answer = await timeline(request, services)
        count = len(looks)
        whole = await run(TIMELINE, request, Walk.at_once(services, 600.0))
    assert count > 2  # each chunk once
    assert looks[:count] == sorted(set(looks[:count]))
    assert answer.segments == whole.segments
    assert len(answer.windows) == 37
    assert {window.ranked[0].class_name for window in answer.windows} == {"red", "blue"}


async def test_what_fails_while_it_is_looked_at_ahead_fails_the_request_and_nothing_else(
    tmp_path: Path, clip: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(timeline_module, "CLIPS_CHUNK_S", 3.0)
    observe, looks = Slots.observe, []

    async def observed(slots: Slots, call: ObserveCall, deadline: Deadline) -> ObserveResult:
        looks.append(call)
        if len(looks) == 2:
            raise SignError("media-corrupt", "It cannot be read any further.")
        return await observe(slots, call, deadline)

    monkeypatch.setattr(Slots, "observe", observed)
    async with _services(tmp_path) as services:
        request = await _request(services, clip)
        with pytest.raises(SignError, match="any further"):
            await timeline(request, services)
        assert len((await timeline(request, services)).windows) == 37


async def test_a_request_that_ends_early_gives_its_look_ahead_up(
    tmp_path: Path, clip: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(timeline_module, "CLIPS_CHUNK_S", 3.0)
    begun, ended = asyncio.Event(), asyncio.Event()
    observe, looks = Slots.observe, []

    async def observed(slots: Slots, call: ObserveCall, deadline: Deadline) -> ObserveResult:
        looks.append(call)
        if len(looks) < 2:
            return await observe(slots, call, deadline)
        begun.set()
        try:
            await asyncio.Event().wait()
            raise AssertionError("nobody ends it but by cancelling it")
        finally:
            ended.set()

    async def fails(*_: Any, **__: Any) -> FloatArray:
        await begun.wait()
        raise SignError("model-failed", "it is stopped")

    monkeypatch.setattr(Slots, "observe", observed)
    monkeypatch.setattr(ServedModel, "outputs", fails)
    async with _services(tmp_path) as services:
        with pytest.raises(SignError, match="it is stopped"):
            await timeline(await _request(services, clip), services)
        await asyncio.wait_for(ended.wait(), 10)


async def _look(begun: list[str], ended: list[str]) -> Seen | None:
    begun.append("look")
    try:
        await asyncio.Event().wait()
    finally:
        ended.append("look")
    return None


async def test_only_the_chunk_that_was_looked_at_is_taken() -> None:
    ahead = Ahead()
    begun: list[str] = []
    ended: list[str] = []
    ahead.begin(FIRST, _look(begun, ended))
    await asyncio.sleep(0)
    assert ahead.take(SECOND) is None
    await asyncio.sleep(0)
    assert (begun, ended) == (["look"], ["look"])
    ahead.begin(SECOND, _look(begun, ended))
    task = ahead.take(SECOND)
    assert task is not None
    ahead.close()  # it is not kept any more
    await asyncio.sleep(0)
    assert not task.done()
    task.cancel()
    await asyncio.wait([task])
