"""Models that look at pixels, count frames, or look at clips: in pieces, for a job and for who waits alike."""

import mmap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from service.media.upright import Pixels
from tests.jobs_made import ended, job_of, submit
from tests.media_made import film, signing
from tests.pixel_models import publish_clip_models, publish_means
from tests.running import RunningService, running_service

EIGHT = {"w": 8, "h": 8, "method": "area", "library": "opencv"}
IMAGE = {"kind": "image", "resize": EIGHT, "scale": 1 / 25.5}
PIXEL_BYTES = 1024 * 1024
EVERY_THIRD = {**IMAGE, "sampling": {"every": 3, "fps": 30}}


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningService]:
    root = tmp_path_factory.mktemp("store")
    publish_means(root, "colors", IMAGE, (8, 8, 3))
    publish_means(root, "counted", EVERY_THIRD, (8, 8, 3))
    publish_means(root, "white", {"kind": "hand_crop", "resize": EIGHT, "scale": 1 / 25.5}, (8, 8, 3))
    publish_clip_models(root)
    folder = tmp_path_factory.mktemp("service")
    settings = {"SIGN_DEFAULT_MODEL": "colors", "SIGN_SLOTS": "1", "SIGN_JOBS_CHUNK_S": "2"}
    settings["SIGN_PIXEL_BYTES"] = str(PIXEL_BYTES)
    with running_service(folder, SIGN_MODEL_STORE=str(root), **settings) as running:
        yield running


@pytest.fixture(scope="module")
def colors(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Nine seconds whose color changes at odd moments."""
    changes = (0, 47, 100, 171, 208)
    shades = ((220, 30, 30), (30, 30, 220), (30, 220, 30), (220, 30, 30), (30, 30, 220))

    def paint(index: int) -> Pixels:
        return np.full((48, 64, 3), shades[sum(index >= change for change in changes) - 1], np.uint8)

    return film(tmp_path_factory.mktemp("clips") / "colors.mp4", paint, frames=270, rate=30)


def both(service: RunningService, clip: Path, **options: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """What /timeline answers, and what a job does."""
    wanted = {"return_windows": "true", **options}
    direct = service.client.post("/timeline", content=clip.read_bytes(), params=wanted)
    location = job_of(submit(service, clip, **wanted))
    assert ended(service, location)["error"] is None
    return direct.json(), service.client.get(f"{location}/result").json()


@pytest.mark.parametrize("model", ["colors", "counted", "clip-color"])
def test_in_chunks_the_answer_is_the_same(service: RunningService, colors: Path, model: str) -> None:
    direct, job = both(service, colors, model=model)
    assert len(direct["segments"]) >= 3
    assert job == direct


def test_a_job_goes_on_from_an_odd_start(service: RunningService, colors: Path) -> None:
    direct, job = both(service, colors, model="counted", start_time=1.234)
    assert job == direct


def test_hands_that_are_cropped_are_found_after_a_warm_up(service: RunningService, tmp_path: Path) -> None:
    clip = signing(tmp_path / "hand.mp4", frames=50)
    direct, job = both(service, clip, model="white")
    assert [window["predicted_class_name"] for window in job["windows"]] == [
        window["predicted_class_name"] for window in direct["windows"]
    ]
    assert job["evidence"]["frames_sampled"] == direct["evidence"]["frames_sampled"]


@pytest.mark.parametrize("model", ["colors", "counted"])
def test_a_timeline_of_more_pixels_than_a_call_may_keep_goes_through_in_pieces(
    service: RunningService, tmp_path: Path, model: str
) -> None:
    """Each color lasts seven seconds; all frames together take more than SIGN_PIXEL_BYTES."""

    def paint(index: int) -> Pixels:
        return np.full((48, 64, 3), ((220, 30, 30), (30, 220, 30), (30, 30, 220))[index // 210 % 3], np.uint8)

    clip = film(tmp_path / "minute.mp4", paint, frames=1890, rate=30, options={"preset": "ultrafast"})
    asked: dict[str, str | float] = {"model": model, "clip_duration": 0.6, "stride": 0.2, "return_windows": True}
    response = service.client.post("/timeline", content=clip.read_bytes(), params=asked)
    assert response.status_code == 200, response.text
    answer = response.json()
    assert answer["evidence"]["frames_sampled"] * mmap.PAGESIZE > PIXEL_BYTES
    assert [segment["class_name"] for segment in answer["segments"]] == ["red", "green", "blue"] * 3
    for number, segment in enumerate(answer["segments"]):
        assert segment["start_time"] == pytest.approx(7 * number, abs=0.31)
        assert segment["end_time"] == pytest.approx(7 * number + 7, abs=0.31)
    assert len(answer["windows"]) == round((63 - 0.6) / 0.2) + 1
    stages = dict(entry.split(";dur=") for entry in response.headers["server-timing"].split(", "))
    assert float(stages["decode"]) > 0
    assert float(stages["inference"]) > 0
