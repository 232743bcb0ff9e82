"""Models of clips through the doors: which frames arrive, cut and in which order, of videos of every rate and size."""

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from service.media.upright import Pixels
from tests.jobs_made import ended, job_of, submit
from tests.media_made import film
from tests.pixel_models import COLORS, publish_clip_means
from tests.running import RunningService, running_service

FOUR = {"sampling": {"uniform": 4}, "side": 16, "crop": 16}
ORDER = ("first", "second", "third", "fourth")
PIXELS = str(200 * 4096)
STEP = 5
"""Levels by which each frame is brighter than the one before."""


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningService]:
    root = tmp_path_factory.mktemp("store")
    publish_clip_means(root, "times", FOUR | {"scale": 1 / 25}, 2, ORDER)
    publish_clip_means(root, "colors", FOUR | {"scale": 1 / 25.5}, 1, COLORS)
    publish_clip_means(root, "normalised", FOUR | {"scale": 1 / 255, "mean": [0.45] * 3, "std": [0.225] * 3}, 1, COLORS)
    publish_clip_means(root, "averaged", FOUR | {"scale": 1 / 25.5, "clips": 3}, 1, COLORS)
    many = {"sampling": {"uniform": 250}, "side": 16, "crop": 16}
    publish_clip_means(root, "many", many, 1, COLORS)
    folder = tmp_path_factory.mktemp("service")
    settings = {
        "SIGN_DEFAULT_MODEL": "colors",
        "SIGN_SLOTS": "1",
        "SIGN_JOBS_CHUNK_S": "2",
        "SIGN_PIXEL_BYTES": PIXELS,
    }
    with running_service(folder, SIGN_MODEL_STORE=str(root), **settings) as running:
        yield running


def brightening(path: Path, frames: int, rate: int = 10, **options: Any) -> Path:
    """Frame i has the level STEP · i, so that an answer tells which frames were taken."""
    return film(
        path, lambda index: np.full((48, 64, 3), STEP * index % 250, np.uint8), frames=frames, rate=rate, **options
    )


def taken(service: RunningService, clip: Path, **options: Any) -> list[int]:
    """How many frames later than the first each of the four frames is, worked out from the probabilities."""
    response = service.predict(clip, model="times", return_probabilities=True, **options)
    assert response.status_code == 200, response.text
    logits = np.log([response.json()["probabilities"][name] for name in ORDER])
    return [round(float(value)) for value in (logits - logits[0]) * 25 / STEP]


def test_the_frames_of_the_window_are_spread_over_it(service: RunningService, tmp_path: Path) -> None:
    clip = brightening(tmp_path / "a.mp4", 50)
    assert taken(service, clip, start_time=0.5, clip_duration=1.0) == [0, 3, 6, 9]
    assert taken(service, clip, start_time=0.5, clip_duration=3.1) == [0, 10, 20, 30]


def test_a_window_is_half_open_at_whatever_rate(service: RunningService, tmp_path: Path) -> None:
    for rate in (24, 25, 30, 60):
        clip = brightening(tmp_path / f"{rate}.mp4", 50, rate)
        frames = sum(0.1 <= index / rate < 0.6 for index in range(50))
        wanted = [k * (frames - 1) // 3 for k in range(4)]
        assert taken(service, clip, start_time=0.1, clip_duration=0.5) == wanted, rate


def test_of_a_variable_rate_frames_are_counted_and_not_seconds(service: RunningService, tmp_path: Path) -> None:
    times = [0.0, 0.05, 0.1, 0.15, 0.2, 0.25, 1.5, 1.9, 2.5]
    clip = brightening(tmp_path / "variable.mp4", 9, times=times)
    assert taken(service, clip, start_time=0, clip_duration=2.0) == [0, 2, 4, 7]


def test_what_is_shorter_than_the_clip_repeats_frames(service: RunningService, tmp_path: Path) -> None:
    assert taken(service, brightening(tmp_path / "two.mp4", 2)) == [0, 0, 0, 1]
    assert taken(service, brightening(tmp_path / "one.mp4", 1)) == [0, 0, 0, 0]


def test_far_in_the_same_frames_are_taken(service: RunningService, tmp_path: Path) -> None:
    """From two seconds on a start is sought."""
    clip = brightening(tmp_path / "far.mp4", 50)
    assert taken(service, clip, start_time=3.05, clip_duration=0.9) == [0, 2, 5, 8]


def _bands(_: int) -> Pixels:
    """A wide picture, blue in the middle square and red beside it."""
    picture = np.full((48, 96, 3), (220, 20, 20), np.uint8)
    picture[:, 24:72] = (20, 20, 220)
    return picture


@pytest.mark.parametrize("upright", [True, False])
def test_only_the_middle_of_the_picture_is_looked_at(service: RunningService, tmp_path: Path, upright: bool) -> None:
    def paint(index: int) -> Pixels:
        return np.ascontiguousarray(_bands(index).transpose(1, 0, 2)) if upright else _bands(index)

    clip = film(tmp_path / "bands.mp4", paint, frames=10, options={"crf": "1"})
    body = service.predict(clip, model="colors", return_probabilities=True).json()
    assert body["predicted_class_name"] == "blue"
    logits = np.exp(np.array([20, 20, 220]) / 25.5)
    found = [body["probabilities"][name] for name in COLORS]
    assert found == pytest.approx(list(logits / logits.sum()), abs=0.05)


def test_levels_are_normalised_where_the_graph_does_not(service: RunningService, tmp_path: Path) -> None:
    clip = film(tmp_path / "plain.mp4", lambda _: np.full((48, 64, 3), (200, 100, 50), np.uint8), frames=10)
    body = service.predict(clip, model="normalised", return_probabilities=True).json()
    logits = (np.array([200, 100, 50]) / 255 - 0.45) / 0.225
    found = np.log([body["probabilities"][name] for name in COLORS])
    assert found - found[0] == pytest.approx(list(logits - logits[0]), abs=0.1)


def _two_colors(path: Path, frames: int = 60, change: int = 20) -> Path:
    def paint(index: int) -> Pixels:
        return np.full((48, 64, 3), (240, 20, 20) if index < change else (20, 20, 200), np.uint8)

    return film(path, paint, frames=frames)


def test_the_surest_window_answers_and_says_what_it_rests_on(service: RunningService, tmp_path: Path) -> None:
    body = service.predict(_two_colors(tmp_path / "two.mp4"), model="colors").json()
    assert (body["predicted_class_name"], body["clip_duration"]) == ("red", pytest.approx(1.0))
    assert body["end_time"] <= 2.0
    assert body["evidence"]["frames_sampled"] == 4


def test_several_clips_are_averaged_where_the_section_says_so(service: RunningService, tmp_path: Path) -> None:
    """Of three clips spread over six seconds, one is red and two are blue."""
    clip = _two_colors(tmp_path / "two.mp4")
    body = service.predict(clip, model="averaged", return_probabilities=True).json()
    assert (body["start_time"], body["end_time"]) == (0.0, pytest.approx(6.0))
    assert body["evidence"]["frames_sampled"] == 12
    mean = (np.array([240, 20, 20]) + 2 * np.array([20, 20, 200])) / 3 / 25.5
    found = np.log([body["probabilities"][name] for name in COLORS])
    assert found - found[0] == pytest.approx(list(mean - mean[0]), abs=0.2)
    single = service.predict(clip, model="averaged", clip_duration=1.0).json()
    assert (single["predicted_class_name"], single["evidence"]["frames_sampled"]) == ("red", 4)


def test_a_timeline_of_clips(service: RunningService, tmp_path: Path) -> None:
    clip = _two_colors(tmp_path / "two.mp4")
    body = service.client.post("/timeline", content=clip.read_bytes(), params={"model": "colors"}).json()
    assert [segment["class_name"] for segment in body["segments"]] == ["red", "blue"]
    assert body["segments"][0]["end_time"] == pytest.approx(2.0, abs=0.4)


@pytest.mark.parametrize("options", [{}, {"clip_duration": 2.3, "stride": 0.7}, {"start_time": 1.234}])
def test_a_job_answers_as_the_request_does(service: RunningService, tmp_path: Path, options: dict[str, float]) -> None:
    clip = _two_colors(tmp_path / "long.mp4", frames=127, change=61)
    wanted: dict[str, Any] = {"model": "colors", "return_windows": "true", **options}
    direct = service.client.post("/timeline", content=clip.read_bytes(), params=wanted).json()
    location = job_of(submit(service, clip, **wanted))
    assert ended(service, location)["error"] is None
    assert service.client.get(f"{location}/result").json() == direct
    assert len(direct["segments"]) == 2


@pytest.mark.parametrize("model", ["colors", "averaged"])
def test_a_job_predicts_as_the_request_does(service: RunningService, tmp_path: Path, model: str) -> None:
    clip = _two_colors(tmp_path / "long.mp4", frames=127, change=61)
    direct = service.predict(clip, model=model, return_probabilities=True).json()
    location = job_of(submit(service, clip, "predict", model=model, return_probabilities=True))
    assert ended(service, location)["error"] is None
    assert service.client.get(f"{location}/result").json() == direct


def test_a_long_timeline_holds_few_pictures_at_a_time(service: RunningService, tmp_path: Path) -> None:
    """A slot may keep 200 pictures here: of 900 frames only those are kept that a window samples, piece by piece."""
    clip = film(tmp_path / "long.mp4", lambda _: np.full((48, 64, 3), 90, np.uint8), frames=900, rate=30)
    for stride_s, least, most in ((1.0, 120, 120), (0.1, 201, 900)):
        wanted: dict[str, str | float] = {"model": "colors", "stride": stride_s, "return_windows": "true"}
        body = service.client.post("/timeline", content=clip.read_bytes(), params=wanted).json()
        assert least <= body["evidence"]["frames_sampled"] <= most
        assert len(body["windows"]) == round(29 / stride_s) + 1
    assert body["duration"] == pytest.approx(30.0)


def test_pieces_answer_as_one_would(service: RunningService, tmp_path: Path) -> None:
    """The same part twice: once short enough for a slot, and as the middle of pieces."""
    clip = _two_colors(tmp_path / "long.mp4", frames=300, change=61)
    wanted: dict[str, Any] = {
        "model": "colors",
        "stride": 0.1,
        "return_windows": "true",
        "return_probabilities": "true",
    }
    whole = service.client.post("/timeline", content=clip.read_bytes(), params=wanted).json()["windows"]
    for window in whole[:: len(whole) // 5]:
        options = {"start_time": window["start_time"], "clip_duration": 1.0, "return_probabilities": True}
        alone = service.predict(clip, model="colors", **options).json()
        assert alone["probabilities"] == pytest.approx(window["probabilities"], abs=1e-5)


def test_a_pause_longer_than_a_piece_shows_nothing_and_ends_nothing(service: RunningService, tmp_path: Path) -> None:
    times = [k / 10 for k in range(20)] + [70 + k / 10 for k in range(20)]
    clip = film(tmp_path / "pause.mp4", lambda _: np.full((48, 64, 3), (240, 20, 20), np.uint8), frames=40, times=times)
    wanted: dict[str, Any] = {"model": "colors", "return_windows": "true"}
    direct = service.client.post("/timeline", content=clip.read_bytes(), params=wanted).json()
    assert direct["duration"] == pytest.approx(72.0, abs=0.2)
    answered = [window["start_time"] for window in direct["windows"] if window["predicted_class_name"]]
    assert min(answered) == 0.0
    assert max(answered) > 70
    assert not [start for start in answered if 2 <= start <= 69]
    location = job_of(submit(service, clip, **wanted))
    assert ended(service, location)["error"] is None
    assert service.client.get(f"{location}/result").json() == direct


def test_a_clip_that_no_slot_can_hold_is_refused_with_advice(service: RunningService, tmp_path: Path) -> None:
    clip = brightening(tmp_path / "a.mp4", 300, rate=100)
    response = service.predict(clip, model="many", clip_duration=3.0)
    assert (response.status_code, response.json()["code"]) == (413, "too-many-frames")
    assert "job" in response.json()["detail"]


def test_a_picture_is_no_clip(service: RunningService) -> None:
    buffer = io.BytesIO()
    Image.new("RGB", (64, 48)).save(buffer, "PNG")
    for route in ("/predict", "/timeline"):
        body = service.client.post(route, content=buffer.getvalue(), params={"model": "colors"}).json()
        assert body["code"] == "media-wrong-kind"
