"""The moments that stand out, over HTTP: planted ones, real faces, none at all; in every format, and as jobs."""

import csv
import io
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from PIL import Image
from pycmx import parse_cmx3600
from webvtt import WebVTT

from service.media.upright import Pixels
from service.pipelines.face_geometry import CHANNELS
from tests.highlights_made import (
    Plan,
    Stretch,
    iou,
    publish_measures,
    publish_planted_head,
    publish_statistics_head,
    spliced,
    talking,
)
from tests.jobs_made import at_work, ended, job_of, problem, result, serving, submit
from tests.media_made import drawn_face, film
from tests.pixel_models import AFFECT, publish_emotions
from tests.running import ROOT, SAMPLES, RunningService, running_service

AVATAR, DUNES = "avatar/words/computer.mp4", "noface/sintel_dunes_noface.mp4"
RED = (90, 0, 0)
SPLICED = Plan(
    (
        Stretch(AVATAR, 5.0),
        Stretch(DUNES, 3.0, shows_face=False),
        Stretch(AVATAR, 3.0),
        Stretch(AVATAR, 4.0, tint=RED),
        Stretch("avatar/words/happy.mp4", 4.0),
        Stretch(DUNES, 2.5, shows_face=False),
        Stretch("faces/sintel_face_close.mp4", 1.5, from_s=1.8),
        Stretch(AVATAR, 2.0),
        Stretch(AVATAR, 3.0, tint=RED),
        Stretch(DUNES, 2.0, shows_face=False),
    ),
    peaks=(3, 8),
)
TALKING = Plan(
    (
        Stretch("", 4.0),
        Stretch("", 4.0),
        Stretch("", 4.0),
        Stretch("", 3.0, shows_face=False),
        Stretch("", 2.0),
        Stretch("", 3.0),
    ),
    peaks=(1, 5),
)


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningService]:
    root = tmp_path_factory.mktemp("store")
    shutil.copytree(ROOT / "model_store" / "face-motion", root / "face-motion")
    shutil.copytree(ROOT / "model_store" / "asl-letters", root / "asl-letters")
    publish_emotions(root)
    publish_planted_head(root, "valence", threshold=0.3)
    publish_measures(root)
    publish_statistics_head(root, "measures", CHANNELS, "mouth_opening", threshold=0.08)
    settings = {"SIGN_MODEL_STORE": str(root), "SIGN_SLOTS": "1", "SIGN_JOBS_CHUNK_S": "3"}
    with running_service(tmp_path_factory.mktemp("service"), **settings) as running:
        yield running


@pytest.fixture(scope="module")
def splice(testdata: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return spliced(tmp_path_factory.mktemp("films") / "spliced.mp4", SPLICED, testdata / "videos")


@pytest.fixture(scope="module")
def talk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return talking(tmp_path_factory.mktemp("films") / "talk.mp4", TALKING)


def post(service: RunningService, medium: Path, **options: Any) -> httpx.Response:
    return service.client.post("/highlights", content=medium.read_bytes(), params=options)


def asked(service: RunningService, medium: Path, **options: Any) -> dict[str, Any]:
    response = post(service, medium, **options)
    assert response.status_code == 200, response.text
    return dict(response.json())


def nulls(answer: dict[str, Any]) -> list[bool]:
    return [point["value"] is None for point in answer["tension"]]


def check_found(answer: dict[str, Any], plan: Plan) -> list[float]:
    """Each peak of the plan is one highlight, and the curve is null exactly where no face is; how well they overlap."""
    times_s = [point["time"] for point in answer["tension"]]
    assert times_s == [place / 2 for place in range(round(2 * plan.starts_s[-1]))]
    assert nulls(answer) == plan.unknown_at(times_s, plan.starts_s[-1])
    assert answer["evidence"] == {"samples": len(times_s), "face_samples": sum(map(plan.face_at, times_s))}
    found = [(one["start_time"], one["end_time"]) for one in answer["highlights"]]
    assert len(found) == len(plan.peaks), answer["highlights"]
    for one, (start_s, end_s) in zip(answer["highlights"], plan.spans_s(), strict=True):
        assert start_s <= one["peak_time"] < end_s
        assert one["score"] == max(point["value"] for point in answer["tension"] if point["time"] == one["peak_time"])
    return [iou(one, true) for one, true in zip(found, plan.spans_s(), strict=True)]


def test_a_planted_head_finds_the_planted_peaks(service: RunningService, splice: Path) -> None:
    answer = asked(service, splice, model="planted")
    assert (answer["channel"], answer["threshold"], answer["sample_rate"]) == ("tension", 0.3, 2.0)
    assert min(check_found(answer, SPLICED)) >= 0.5


def test_a_model_of_emotions_gives_any_of_its_channels_without_a_head(service: RunningService, splice: Path) -> None:
    answer = asked(service, splice, model="emotions", channel="valence", threshold=0.3, window=2.0)
    assert min(check_found(answer, SPLICED)) >= 0.5
    head = asked(service, splice, model="planted")
    for mean, given in zip(answer["tension"], head["tension"], strict=True):
        assert mean["value"] == pytest.approx(given["value"], abs=0.1)
    assert asked(service, splice, model="emotions")["channel"] == "arousal"


def test_the_default_model_finds_a_mouth_that_moves(service: RunningService, talk: Path) -> None:
    answer = asked(service, talk)
    assert answer["model"] == {"name": "face-motion", "version": 1}
    assert min(check_found(answer, TALKING)) >= 0.5


def test_a_head_over_the_measures_of_faces_answers_from_their_statistics(service: RunningService, talk: Path) -> None:
    answer = asked(service, talk, model="spread-measures", return_series=True)
    assert min(check_found(answer, TALKING)) >= 0.5
    assert list(answer["series"][0]["values"]) == list(CHANNELS)


@pytest.mark.parametrize("clip", ["sintel_face_close", "sintel_face_girl"])
def test_real_faces_have_a_tension_where_they_are_seen(service: RunningService, testdata: Path, clip: str) -> None:
    answer = asked(service, testdata / "videos" / "faces" / f"{clip}.mp4", return_series=True)
    known = [point["value"] for point in answer["tension"] if point["value"] is not None]
    assert known
    assert all(0 <= value < 1 for value in known)
    assert answer["evidence"]["face_samples"] == sum(bool(sample["values"]) for sample in answer["series"]) >= 3


def test_a_video_without_a_face_has_no_tension_at_all(service: RunningService, testdata: Path) -> None:
    for options in ({}, {"model": "planted"}, {"model": "emotions", "signal": "change"}):
        answer = asked(service, testdata / "videos" / DUNES, return_series=True, **options)
        assert nulls(answer) == [True] * 6
        assert (answer["highlights"], answer["evidence"]) == ([], {"samples": 6, "face_samples": 0})
        assert [sample["box"] for sample in answer["series"]] == [None] * 6
        assert [sample["values"] for sample in answer["series"]] == [{}] * 6


def test_a_signers_hands_are_no_faces(service: RunningService) -> None:
    answer = asked(service, SAMPLES / "word_fly_right_tan.mp4")
    assert set(nulls(answer)) == {True}


def test_the_series_says_where_the_face_is_in_the_picture_as_it_was_sent(
    service: RunningService, tmp_path: Path
) -> None:
    clip = film(tmp_path / "left.mp4", lambda _: drawn_face(at=(0.3, 0.5), size=0.8), frames=16, rate=8)
    for options in ({}, {"mirrored": True}, {"model": "emotions"}, {"model": "emotions", "mirrored": True}):
        answer = asked(service, clip, return_series=True, **options)
        assert len(answer["series"]) == len(answer["tension"]) == 4
        for sample in answer["series"]:
            x, y, width, height = sample["box"]
            assert (x + width / 2, y + height / 2) == (pytest.approx(0.3, abs=0.03), pytest.approx(0.55, abs=0.07))
    assert list(answer["series"][0]["values"]) == list(AFFECT)


def test_what_stands_out_can_be_chosen(service: RunningService, talk: Path) -> None:
    first, second = asked(service, talk)["highlights"]
    strongest = max(first, second, key=lambda one: float(one["score"]))
    assert asked(service, talk, top_k=1)["highlights"] == [strongest]
    assert asked(service, talk, threshold=0.999)["highlights"] == []
    assert asked(service, talk, min_duration=30)["highlights"] == []
    assert len(asked(service, talk, threshold=-1, window=0.5, merge_gap=0)["highlights"]) == 2  # apart: no face between
    part = asked(service, talk, start_time=3.2, clip_duration=6)
    assert [point["time"] for point in part["tension"]] == [3.5 + place / 2 for place in range(12)]
    assert len(part["highlights"]) == 1


def test_change_is_high_where_the_tension_begins_and_ends(service: RunningService, talk: Path) -> None:
    answer = asked(service, talk, signal="change", sample_rate=4)
    assert answer["threshold"] != 0.4  # that of the values does not count
    peaks = [one["peak_time"] for one in answer["highlights"]]
    assert any(abs(peak - 4.0) < 1 for peak in peaks)
    assert any(abs(peak - 8.0) < 1 for peak in peaks)
    assert not any(5.2 < peak < 6.8 for peak in peaks)


def test_the_largest_face_counts_or_all_of_them(service: RunningService, tmp_path: Path) -> None:
    def paint(index: int) -> Pixels:
        mouth = 16 if index // 4 % 2 else 0
        return drawn_face(480, 240, at=(0.7, 0.5), on=drawn_face(480, 240, at=(0.25, 0.5), size=0.7, mouth=mouth))

    clip = film(tmp_path / "two.mp4", paint, frames=40, rate=8)
    largest, mean = (asked(service, clip, faces=faces, return_series=True) for faces in ("largest", "mean"))
    assert max(point["value"] for point in largest["tension"]) < 0.15
    assert max(point["value"] for point in mean["tension"]) > 0.2  # half of what the smaller face does
    for one, all_ in zip(largest["series"], mean["series"], strict=True):
        assert one["box"] == all_["box"]
        assert one["box"][0] > 0.5


def test_more_samples_with_a_face_may_be_asked_for(service: RunningService, talk: Path) -> None:
    usual, strict = asked(service, talk), asked(service, talk, min_faces=4)
    assert sum(nulls(strict)) > sum(nulls(usual))


def test_each_format_comes_by_option_and_by_accept(service: RunningService, talk: Path) -> None:
    def file(accept: str | None = None, **options: Any) -> httpx.Response:
        headers = {"Accept": accept} if accept else {}
        params = {"media_name": "내 영상.mp4", **options}
        response = service.client.post("/highlights", content=talk.read_bytes(), params=params, headers=headers)
        response.raise_for_status()
        assert "%EB%82%B4%20%EC%98%81%EC%83%81" in response.headers["content-disposition"]
        return response

    truth = asked(service, talk)["highlights"]
    starts = [pytest.approx(one["start_time"], abs=0.001) for one in truth]
    rows = list(csv.DictReader(io.StringIO(file(format="csv").text)))
    assert [float(row["start_time"]) for row in rows] == starts
    captions = WebVTT.from_buffer(io.StringIO(file(accept="text/vtt").text)).captions
    assert [caption.start_in_seconds for caption in captions] == [int(one["start_time"]) for one in truth]
    cuts = list(parse_cmx3600(io.StringIO(file(format="edl").text)).events)
    assert len(cuts) == len(truth)
    assert Image.open(io.BytesIO(file(accept="image/png").content)).size == (1200, 400)
    samples = list(csv.DictReader(io.StringIO(file(format="csv", return_series=True).text)))
    assert {"tension", "box_x", *CHANNELS} <= set(samples[0])
    assert [sample["mouth_opening"] != "" for sample in samples] == [TALKING.face_at(place / 2) for place in range(40)]


@pytest.mark.parametrize(
    ("options", "status", "code", "says"),
    [
        ({"model": "asl-letters"}, 422, "model-wrong-task", "/timeline"),
        ({"channel": "boredom"}, 422, "parameter-invalid", "tension"),
        ({"format": "docx"}, 422, "parameter-invalid", "format"),
        ({"sample_rate": 0}, 422, "parameter-invalid", "sample_rate"),
        ({"min_faces": 0}, 422, "parameter-invalid", "min_faces"),
        ({"stride": 1}, 422, "parameter-invalid", "stride"),
        ({"start_time": 99}, 422, "window-empty", "99"),
    ],
)
def test_what_cannot_be_answered_is_said(
    service: RunningService, talk: Path, options: dict[str, Any], status: int, code: str, says: str
) -> None:
    response = post(service, talk, **options)
    assert problem(response) == (status, code)
    assert says in response.json()["detail"]


def test_other_routes_send_highlight_models_here(service: RunningService, talk: Path) -> None:
    for route in ("/predict", "/timeline"):
        response = service.client.post(route, content=talk.read_bytes(), params={"model": "face-motion"})
        assert problem(response) == (422, "model-wrong-task")
        assert "/highlights" in response.json()["detail"]


def test_a_picture_has_no_highlights(service: RunningService) -> None:
    picture = io.BytesIO()
    Image.fromarray(drawn_face()).save(picture, "PNG")
    response = service.client.post("/highlights", content=picture.getvalue())
    assert problem(response) == (415, "media-wrong-kind")
    job = ended(service, job_of(submit(service, picture.getvalue(), "highlights")))
    assert job["error"]["code"] == "media-wrong-kind"


def test_the_stages_are_measured(service: RunningService, talk: Path) -> None:
    stages = ("upload", "queue", "decode", "observe", "tensor", "inference", "spotting", "export")
    before = {stage: service.metric(f'sign_stage_seconds_count{{stage="{stage}"}}') for stage in stages}
    timing = post(service, talk, format="csv").headers["server-timing"]
    assert [entry.partition(";")[0] for entry in timing.split(", ")] == [*stages[:-1]]
    assert all(service.metric(f'sign_stage_seconds_count{{stage="{stage}"}}') > before[stage] for stage in stages)


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"return_series": True, "faces": "mean", "mirrored": True},
        {"sample_rate": 0.3},
        {"sample_rate": 5, "start_time": 1.3, "clip_duration": 11.6, "signal": "change"},
    ],
    ids=str,
)
def test_a_job_answers_what_the_route_answers(service: RunningService, talk: Path, options: dict[str, Any]) -> None:
    location = job_of(submit(service, talk, "highlights", **options))
    job = ended(service, location)
    assert (job["state"], job["kind"], job["segments"], job["error"]) == ("succeeded", "highlights", [], None)
    assert result(service, location) == asked(service, talk, **options)


def test_a_job_of_a_head_answers_alike_and_its_result_comes_in_every_format(
    service: RunningService, splice: Path
) -> None:
    options: dict[str, Any] = {"model": "planted", "return_series": True}
    location = job_of(submit(service, splice, "highlights", media_name="수어.mp4", format="png", **options))
    assert ended(service, location)["state"] == "succeeded"
    answer = result(service, location, format="json")
    assert answer == asked(service, splice, **options)
    assert min(check_found(answer, SPLICED)) >= 0.5
    for name, beginning in (
        ("png", b"\x89PNG"),
        ("vtt", b"WEBVTT"),
        ("edl", b"TITLE: \xec\x88\x98"),
        ("csv", b"time,"),
    ):
        response = service.client.get(f"{location}/result", params={"format": name})
        assert response.content.startswith(beginning)
        assert "%EC%88%98%EC%96%B4" in response.headers["content-disposition"]
    assert service.client.get(f"{location}/result").content.startswith(b"\x89PNG")
    assert problem(service.client.get(f"{location}/result", params={"format": "eaf"})) == (406, "format-not-acceptable")


def test_a_job_that_no_model_can_do_is_refused_at_once(service: RunningService, talk: Path) -> None:
    refused: list[dict[str, Any]] = [{"model": "asl-letters"}, {"channel": "boredom"}, {"timeout_s": 3}]
    codes = [problem(submit(service, talk, "highlights", **options)) for options in refused]
    assert codes == [(422, "model-wrong-task"), (422, "parameter-invalid"), (422, "parameter-invalid")]


def test_a_job_outlives_the_service_and_makes_way_without_a_trace_in_its_answer(tmp_path: Path) -> None:
    clip = talking(tmp_path / "long.mp4", Plan(2 * TALKING.stretches, peaks=(1, 5, 7, 11)))
    with serving(tmp_path, SIGN_JOBS_CHUNK_S="1") as service:
        location = job_of(submit(service, clip, "highlights"))
        at_work(service, location)
        direct = asked(service, clip)
        assert service.client.get(location).json()["state"] == "running"
        service.process.kill()
        service.process.wait(30)
    with serving(tmp_path, SIGN_JOBS_CHUNK_S="1") as service:
        job = ended(service, location)
        assert (job["state"], job["attempts"]) == ("succeeded", 2)
        assert result(service, location) == direct
