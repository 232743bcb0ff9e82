"""A letter spelled twice in a row is two, and one that is held is one: by /timeline, as a job and live."""

from pathlib import Path

import numpy as np
import pytest

from service.media.upright import Pixels
from tests.bench.agreement import labels
from tests.jobs_made import ended, job_of, submit
from tests.media_made import film
from tests.running import SAMPLES, RunningService
from tests.streaming import as_png, frames_of, streamed

RATE = 15
MODEL = "asl-spelling"
HELD = [(0.0, 0.0)] * 9
# the hand's way in parts of the picture's width, frame by frame
SLID = [(0.03 * step, 0.0) for step in range(1, 5)] + [(0.12, 0.0)] * 9
BOUNCED = [(0.0, -0.04), (0.0, -0.08), (0.0, -0.04)] + [(0.0, 0.0)] * 9


def spelled(path: Path, way: list[tuple[float, float]]) -> Path:
    """The picture of an L, carried along a way."""
    picture = frames_of(SAMPLES / "letter_l_left_tan.mp4")[30][1]
    return film(path, lambda index: carried(picture, way[index]), frames=len(way), rate=RATE)


def carried(picture: Pixels, by: tuple[float, float]) -> Pixels:
    """A picture moved right and down; its edge goes on where it moved away from."""
    height, width = picture.shape[:2]
    rows = np.clip(np.arange(height) - round(by[1] * width), 0, height - 1)
    columns = np.clip(np.arange(width) - round(by[0] * width), 0, width - 1)
    return np.ascontiguousarray(picture[rows][:, columns])


@pytest.mark.parametrize("way", [SLID, BOUNCED], ids=["slid", "bounced"])
def test_a_letter_made_twice_is_two_by_timeline_as_a_job_and_live(
    service: RunningService, tmp_path: Path, way: list[tuple[float, float]]
) -> None:
    clip = spelled(tmp_path / "twice.mp4", [*HELD, *way])
    filed = service.client.post("/timeline", content=clip.read_bytes(), params={"model": MODEL}).json()["segments"]
    location = job_of(submit(service, clip, model=MODEL))
    live = streamed(service, as_png(clip), model=MODEL)["segments"]
    assert ended(service, location)["state"] == "succeeded"
    queued = service.client.get(f"{location}/result").json()["segments"]
    assert labels(filed) == labels(queued) == labels(live) == ["L", "L"]
    for one, other in zip([*filed, *filed], [*queued, *live], strict=True):
        assert other["start_time"] == pytest.approx(one["start_time"], abs=1 / RATE + 1e-6)


def test_a_letter_that_is_held_is_one(service: RunningService, tmp_path: Path) -> None:
    clip = spelled(tmp_path / "held.mp4", HELD * 3)
    found = service.client.post("/timeline", content=clip.read_bytes(), params={"model": MODEL}).json()["segments"]
    assert labels(found) == ["L"]
