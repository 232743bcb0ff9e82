"""What is signed when, over HTTP, in every format."""

import csv
import io
import json
from pathlib import Path
from xml.etree import ElementTree

import pytest

from tests.running import SAMPLES, RunningService

WORDS = sorted(SAMPLES.glob("word_*.mp4"))
FLY = SAMPLES / "word_fly_right_tan.mp4"


@pytest.mark.parametrize("clip", WORDS, ids=lambda clip: clip.stem)
def test_a_spelled_sample_is_read_letter_by_letter_each_in_its_place(service: RunningService, clip: Path) -> None:
    truth = json.loads(clip.with_suffix(".json").read_text())["segments"]
    body = service.client.post("/timeline", content=clip.read_bytes()).json()
    assert body["transcript"] == "".join(entry["label"] for entry in truth)
    for found, true in zip(body["segments"], truth, strict=True):
        middle = (true["start_time"] + true["end_time"]) / 2
        assert found["start_time"] < middle < found["end_time"]


def test_a_spelled_video_of_a_person_is_read(service: RunningService, testdata: Path) -> None:
    video = testdata / "videos" / "sentences" / "spell_abc.mp4"
    truth = json.loads(video.with_suffix(".json").read_text())["labels"]
    body = service.client.post("/timeline", content=video.read_bytes()).json()
    assert body["transcript"] == "ABC"
    for found, true in zip(body["segments"], truth, strict=True):
        assert found["end_time"] > true["motion_start"]
        assert found["start_time"] < true["idle_from"]


def test_segments_are_in_order_never_overlap_and_lie_in_the_video(service: RunningService) -> None:
    body = service.client.post("/timeline", params={"return_windows": True}, content=FLY.read_bytes()).json()
    times = [time for segment in body["segments"] for time in (segment["start_time"], segment["end_time"])]
    assert times == sorted(times)
    assert 0 <= times[0] < times[-1] <= body["duration"] + 1e-3
    assert all(segment["start_time"] < segment["end_time"] for segment in body["segments"])
    assert len(body["windows"]) > len(body["segments"])
    assert {"predicted_class_name", "confidence", "declined", "top"} <= set(body["windows"][0])


def test_each_format_comes_by_option_and_by_accept(service: RunningService) -> None:
    def export(**asked: str) -> str:
        params = {"media_name": "folder/내 영상.mp4", **({"format": asked["format"]} if "format" in asked else {})}
        headers = {"Accept": asked["accept"]} if "accept" in asked else {}
        response = service.client.post("/timeline", params=params, content=FLY.read_bytes(), headers=headers)
        response.raise_for_status()
        assert "%EB%82%B4%20%EC%98%81%EC%83%81" in response.headers["content-disposition"]
        return response.text

    assert export(format="vtt").startswith("WEBVTT")
    assert export(accept="text/vtt").startswith("WEBVTT")
    assert "-->" in export(format="srt")
    assert ElementTree.fromstring(export(format="eaf")).tag == "ANNOTATION_DOCUMENT"
    rows = list(csv.DictReader(io.StringIO(export(format="csv"))))
    assert [row["class_name"] for row in rows] == ["F", "L", "Y"]
    signs = json.loads(export(format="aihub"))
    assert [entry["attributes"][0]["name"] for entry in signs["data"]] == ["F", "L", "Y"]


def test_a_download_is_named_for_programs_that_read_only_ascii_too(service: RunningService) -> None:
    response = service.client.post("/timeline?format=eaf", files={"file": ("내 영상.mp4", FLY.read_bytes())})
    disposition = response.headers["content-disposition"]
    assert 'filename="_ __.eaf"' in disposition


@pytest.mark.parametrize(
    ("request_", "code"),
    [
        ({"params": {"format": "docx"}}, "parameter-invalid"),
        ({"headers": {"Accept": "application/pdf"}}, "format-not-acceptable"),
        ({"params": {"stride": "0"}}, "parameter-invalid"),
        ({"params": {"top_k": "3"}}, "parameter-invalid"),
    ],
)
def test_what_cannot_be_answered_is_said(
    service: RunningService, request_: dict[str, dict[str, str]], code: str
) -> None:
    assert service.client.post("/timeline", content=FLY.read_bytes(), **request_).json()["code"] == code  # type: ignore[arg-type]


def test_a_picture_has_no_timeline(service: RunningService) -> None:
    from PIL import Image  # noqa: PLC0415

    picture = io.BytesIO()
    Image.new("RGB", (64, 64), "white").save(picture, "PNG")
    response = service.client.post("/timeline", content=picture.getvalue())
    assert (response.status_code, response.json()["code"]) == (415, "media-wrong-kind")
