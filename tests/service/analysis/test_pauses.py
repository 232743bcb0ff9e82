"""A video that pauses: chunks in which no frame begins, one after the other."""

import asyncio
from pathlib import Path

import numpy as np

from service.analysis.clip import ClipRequest
from service.analysis.task import run
from service.analysis.timeline import TIMELINE, TimelineAnswer, TimelineRequest
from service.analysis.walk import Walk
from service.commands.environment import command_settings
from service.context import open_services
from service.media.upright import Pixels
from service.settings import Settings
from service.workers.deadline import Deadline
from tests.media_made import film, medium
from tests.pixel_models import publish_means

EVERY_FRAME = {
    "kind": "image",
    "resize": {"w": 8, "h": 8, "method": "area", "library": "opencv"},
    "scale": 1 / 25.5,
    "sampling": {"every": 1, "fps": 5},
}


def test_a_video_that_pauses_for_many_chunks_is_walked_to_its_end(tmp_path: Path) -> None:
    publish_means(tmp_path, "colors", EVERY_FRAME, (8, 8, 3))
    shades = ((220, 30, 30), (30, 30, 220))

    def paint(index: int) -> Pixels:
        return np.full((48, 64, 3), shades[index // 30], np.uint8)

    times_s = [*(index / 15 for index in range(30)), *(10 + index / 15 for index in range(30))]
    paused = medium(film(tmp_path / "paused.mp4", paint, frames=60, rate=15, times=times_s))
    settings = Settings(model_store=tmp_path, default_model="colors", jobs_chunk_s=1.0)

    async def both() -> tuple[TimelineAnswer, TimelineAnswer]:
        async with open_services(command_settings(settings, 1), only=("colors", None)) as context:
            request = TimelineRequest(ClipRequest(paused, Deadline.after(60), await context.registry.get("colors")))
            in_chunks = await run(TIMELINE, request, Walk.of_job(context))
            at_once = await run(TIMELINE, request, Walk.at_once(context, 60))
            return in_chunks, at_once

    in_chunks, at_once = asyncio.run(both())
    assert in_chunks.segments == at_once.segments
    assert [segment.label for segment in in_chunks.segments] == ["red", "blue"]
