"""What is seen is gathered piece by piece, and is the same as at once."""

import asyncio
from pathlib import Path

import numpy as np
import pytest

from service.analysis.clip import ClipRequest
from service.analysis.highlights import HighlightsAnswer, HighlightsRequest, highlights
from service.commands.environment import command_settings
from service.context import open_services
from service.errors import SignError
from service.features.gathering import Features, gather
from service.media.medium import Medium
from service.settings import Settings
from service.track import Track
from service.workers.deadline import Deadline
from tests.pixel_models import AFFECT, publish_emotions
from tests.running import ROOT, SAMPLES

WORD = SAMPLES / "word_fly_right_tan.mp4"


def gathered(*, chunk_s: float, start_s: float = 0.0, duration_s: float | None = None) -> Features:
    settings = Settings(model_store=ROOT / "model_store", jobs_chunk_s=chunk_s)
    medium = Medium(str(WORD), WORD.stat().st_size)

    async def run() -> Features:
        async with open_services(command_settings(settings, 1), only=("asl-letters", None)) as context:
            model = await context.registry.get("asl-letters")
            part = ClipRequest(medium, Deadline.after(60), model, start_s=start_s, duration_s=duration_s)
            return await gather(part, context)

    return asyncio.run(run())


def test_pieces_hold_each_observation_once() -> None:
    once, pieces = gathered(chunk_s=10), gathered(chunk_s=1)
    assert pieces.track.times_s == pytest.approx(once.track.times_s)
    assert np.diff(pieces.track.times_s).min() > 0
    assert np.array_equal(pieces.track.present, once.track.present)
    settled = np.nanmax(np.abs(pieces.track.values[..., :2] - once.track.values[..., :2]))
    assert settled < 0.02  # fractions of the picture: a tracker that starts afresh is off by little after its warm-up
    assert once.points[0] == "hand_WRIST"


def test_only_the_asked_part_is_looked_at() -> None:
    part = gathered(chunk_s=10, start_s=1.0, duration_s=0.5)
    assert part.track.times_s[0] >= 1.0
    assert part.track.times_s[-1] < 1.5


def test_a_part_behind_the_end_is_refused() -> None:
    with pytest.raises(SignError, match="lasts"):
        gathered(chunk_s=10, start_s=99.0)


def test_numbers_of_faces_are_those_of_the_series_of_highlights(testdata: Path, tmp_path: Path) -> None:
    publish_emotions(tmp_path)
    path = testdata / "videos/faces/sintel_face_girl.mp4"
    medium = Medium(str(path), path.stat().st_size)
    crops: list[Track] = []

    async def run() -> tuple[Features, HighlightsAnswer]:
        settings = command_settings(Settings(model_store=tmp_path, default_model="emotions"), 1)
        async with open_services(settings, only=("emotions", None)) as context:
            part = ClipRequest(medium, Deadline.after(60), await context.registry.get("emotions"))
            found = await gather(part, context, on_pictures=crops.append)
            return found, await highlights(HighlightsRequest(part, with_series=True), context)

    found, answer = asyncio.run(run())
    assert answer.series is not None
    assert found.channels == AFFECT
    assert found.reported is not None
    assert [sample.time_s for sample in answer.series] == pytest.approx(found.track.times_s)
    for sample, row, present in zip(answer.series, found.reported, found.track.present, strict=True):
        assert bool(sample.values) == present
        assert not present or list(sample.values.values()) == pytest.approx(row.tolist())
    assert found.track.present.any()
    assert sum(int(track.present.sum()) for track in crops) == found.track.present.sum()
