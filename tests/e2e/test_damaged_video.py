"""A video that is damaged in the middle: answered from what is left, and what is missing is marked everywhere."""

from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from service.track import Window
from tests.jobs_made import ended, job_of, long_clip, result, submit
from tests.media_made import drawn_face, film, overwritten
from tests.running import RunningService

DAMAGED = Window(5.0, 6.2)
HELD = ("letter_a_right_light",)


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One letter held for ten seconds."""
    path = long_clip(tmp_path_factory.mktemp("damaged") / "held.mp4", 10, HELD)
    return overwritten(path, DAMAGED)


def timeline(service: RunningService, clip: Path, **params: str) -> dict[str, Any]:
    response = service.client.post("/timeline", content=clip.read_bytes(), params=params)
    assert response.status_code == 200, response.text
    return dict(response.json())


def check(answer: dict[str, Any]) -> None:
    (gap,) = answer["gaps"]
    assert gap["start_time"] == pytest.approx(DAMAGED.start_s, abs=0.1)
    assert gap["end_time"] > DAMAGED.end_s - 0.1
    said = f"nothing could be read from {gap['start_time']:.2f} s to {gap['end_time']:.2f} s"
    assert any(said in sentence for sentence in answer["warnings"])
    inside = [
        segment
        for segment in answer["segments"]
        if segment["start_time"] < gap["end_time"] and segment["end_time"] > gap["start_time"]
    ]
    assert inside == []
    before = [segment["class_name"] for segment in answer["segments"] if segment["end_time"] <= gap["start_time"]]
    after = [segment["class_name"] for segment in answer["segments"] if segment["start_time"] >= gap["end_time"]]
    assert before[-1:] == after[:1] == ["A"]


def test_no_segment_reaches_over_what_could_not_be_read(service: RunningService, clip: Path) -> None:
    check(timeline(service, clip, merge_gap="5"))


def test_a_job_marks_the_same_gap_wherever_its_chunks_meet(jobs_service: RunningService, clip: Path) -> None:
    location = job_of(submit(jobs_service, clip, merge_gap=5))
    assert ended(jobs_service, location)["state"] == "succeeded"
    answer = result(jobs_service, location)
    check(answer)
    direct = timeline(jobs_service, clip, merge_gap="5")
    assert answer["gaps"] == direct["gaps"]
    assert "gap" in jobs_service.client.get(f"{location}/result", params={"format": "eaf"}).text


def test_exports_mark_it_too(service: RunningService, clip: Path) -> None:
    captions = service.client.post("/timeline?format=vtt", content=clip.read_bytes()).text
    assert "Nothing could be read from" in captions
    document = ElementTree.fromstring(service.client.post("/timeline?format=eaf", content=clip.read_bytes()).text)
    assert "gaps" in {tier.attrib["TIER_ID"] for tier in document.iter("TIER")}


def test_a_sound_video_says_nothing_of_gaps(service: RunningService, tmp_path: Path) -> None:
    assert "gaps" not in timeline(service, long_clip(tmp_path / "sound.mp4", 3, HELD))


def test_times_are_given_to_the_microsecond(service: RunningService, tmp_path: Path) -> None:
    answer = timeline(service, long_clip(tmp_path / "sound.mp4", 3, HELD), return_windows="true", stride="0.1")
    found = _times(answer)
    assert len(found) > 20
    assert [time_s for time_s in found if time_s != round(time_s, 6)] == []


def _times(value: object, name: str = "") -> list[float]:
    """All times in an answer, by their names."""
    if isinstance(value, dict):
        return [time_s for key, entry in value.items() for time_s in _times(entry, key)]
    if isinstance(value, list):
        return [time_s for entry in value for time_s in _times(entry, name)]
    return [value] if isinstance(value, float) and ("time" in name or "duration" in name) else []


def test_the_tension_is_unknown_where_nothing_could_be_read(
    service: RunningService, jobs_service: RunningService, tmp_path: Path
) -> None:
    clip = film(
        tmp_path / "face.mp4", lambda index: drawn_face(mouth=index % 8), frames=100, rate=10, keyframe_every=10
    )
    damaged = overwritten(clip, Window(4.0, 7.0))
    answers = [service.client.post("/highlights", content=damaged.read_bytes(), params={"threshold": 0}).json()]
    location = job_of(submit(jobs_service, damaged, "highlights", threshold=0))
    assert ended(jobs_service, location)["state"] == "succeeded"
    answers.append(result(jobs_service, location))
    for answer in answers:
        unknown = [point["time"] for point in answer["tension"] if point["value"] is None]
        assert {4.5, 5.0, 5.5, 6.0, 6.5} <= set(unknown)
        assert all(3.5 < time_s < 8.5 for time_s in unknown)
        before, after = answer["highlights"]
        assert before["end_time"] < 5
        assert after["start_time"] > 6.5
        assert any("nothing could be read from" in sentence for sentence in answer.pop("warnings"))
    assert answers[0] == answers[1]  # a job's chunks count damaged packets each for itself
