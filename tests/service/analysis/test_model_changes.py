"""A version that is published in the middle of a request: the request ends with the one that it began with."""

import asyncio
import gc
import weakref
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from service.analysis.clip import ClipRequest
from service.analysis.highlights import HIGHLIGHTS, HighlightsRequest
from service.analysis.predict import PredictRequest, predict
from service.analysis.task import run
from service.analysis.timeline import TimelineRequest, timeline
from service.analysis.walk import Walk
from service.commands.environment import command_settings
from service.context import AppContext, open_services
from service.media.medium import Medium
from service.media.upright import Pixels
from service.settings import Settings
from service.workers.deadline import Deadline
from tests.highlights_made import publish_statistics_head
from tests.media_made import film
from tests.pixel_models import AFFECT, COLORS, publish_clip_means, publish_emotions, publish_means

EIGHT = {"w": 8, "h": 8, "method": "area", "library": "opencv"}
IMAGE = {"kind": "image", "resize": EIGHT, "scale": 1 / 25.5}
CLIP = {"sampling": {"uniform": 4}, "side": 16, "crop": 16, "scale": 1 / 25.5}
SIX = ("a", "b", "c", "d", "e", "f")


@dataclass(frozen=True, slots=True)
class Case:
    """A use case, the model that it asks, and how its first and its second version are published."""

    ask: Callable[[ClipRequest, AppContext], Awaitable[Any]]
    model: str
    first: Callable[[Path], object]
    second: Callable[[Path], object]


async def _highlights_in_chunks(clip: ClipRequest, context: AppContext) -> Any:
    return await run(HIGHLIGHTS, HighlightsRequest(clip), Walk.of_job(context))


def _colors(root: Path) -> None:
    publish_means(root, "colors", IMAGE, (8, 8, 3))


def _clips(root: Path) -> None:
    publish_clip_means(root, "colors", CLIP, 1, COLORS)


def _six_labels(root: Path) -> None:
    publish_clip_means(root, "colors", {**CLIP, "sampling": {"uniform": 6}, "side": 8, "crop": 8}, 2, SIX)


def _same_labels_of_other_colors(root: Path) -> None:
    publish_means(root, "colors", {**IMAGE, "color": "bgr"}, (8, 8, 3))


def _head(root: Path, channel: str = "valence", *, color: str = "rgb") -> None:
    publish_emotions(root, whole_up_to=64, color=color)
    publish_statistics_head(root, "emotions", AFFECT, channel, 0.1)


CASES = {
    "a timeline, other labels": Case(
        lambda clip, context: timeline(TimelineRequest(clip), context),
        "colors",
        _colors,
        _six_labels,
    ),
    "a timeline, the same labels": Case(
        lambda clip, context: timeline(TimelineRequest(clip), context),
        "colors",
        _colors,
        _same_labels_of_other_colors,
    ),
    "a timeline of clips": Case(
        lambda clip, context: timeline(TimelineRequest(clip), context), "colors", _clips, _six_labels
    ),
    "one answer": Case(lambda clip, context: predict(PredictRequest(clip), context), "colors", _clips, _six_labels),
    "highlights of a head, whose model changes too": Case(
        _highlights_in_chunks, "spread-emotions", _head, lambda root: _head(root, "arousal", color="bgr")
    ),
}


@pytest.fixture(scope="module")
def video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six seconds, each of another color than the one before."""
    shades = ((220, 30, 30), (30, 30, 220), (30, 220, 30))

    def paint(index: int) -> Pixels:
        return np.full((48, 64, 3), shades[index // 15 % 3], np.uint8)

    return film(tmp_path_factory.mktemp("clips") / "colors.mp4", paint, frames=90, rate=15)


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_an_answer_is_of_the_version_that_was_served_when_it_was_asked(
    case: Case, tmp_path: Path, video: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    case.first(tmp_path)
    settings = Settings(model_store=tmp_path, default_model=case.model, jobs_chunk_s=1.0, pixel_bytes=128 * 1024)

    async def replaced_in_the_middle() -> None:
        async with open_services(command_settings(settings, 1), only=(case.model, None)) as context:

            async def ask() -> Any:
                model = await context.registry.get(case.model)
                return await case.ask(
                    ClipRequest(Medium(str(video), video.stat().st_size), Deadline.after(60), model), context
                )

            undisturbed = await ask()
            loop, let_go = asyncio.get_running_loop(), asyncio.Event()
            first = weakref.ref(await context.registry.get(case.model), lambda _: loop.call_soon_threadsafe(let_go.set))
            seen: list[bool] = []

            async def publish() -> None:
                if not seen:
                    case.second(tmp_path)
                    await context.registry.reload()
                gc.collect()
                seen.append(first() is not None)

            _after_each_call(context, publish, monkeypatch)
            answer = await ask()
            assert len(seen) > 1, "nothing was left to look at after the change"
            assert all(seen), "the version that answers was let go before it had answered"
            assert _without_times(answer) == _without_times(undisturbed)
            assert answer.manifest.version == 1
            gc.collect()
            async with asyncio.timeout(10):  # the thread that worked with it lets go just after it has given its result
                await let_go.wait()
            assert (await ask()).manifest.version == 2

    asyncio.run(replaced_in_the_middle())


def _after_each_call(context: AppContext, do: Callable[[], Awaitable[None]], monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("observe", "observe_low_priority"):
        observe = getattr(context.slots, name)

        async def observed(call: Any, deadline: Deadline, *turn: Any, observe: Any = observe) -> Any:
            result = await observe(call, deadline, *turn)
            await do()
            return result

        monkeypatch.setattr(context.slots, name, observed)


def _without_times(answer: Any) -> dict[str, Any]:
    return {name: getattr(answer, name) for name in answer.__dataclass_fields__ if name != "stages_s"}
