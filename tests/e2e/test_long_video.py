"""Long videos over several slots: the same answer, sooner."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.jobs_made import ended, job_of, result, serving, submit, told
from tests.running import RunningService

CHUNK_S = 4
WARM_UP_FRAMES = 2 * 15
STRIDE_S = 0.2


@pytest.fixture(scope="module")
def three(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningService]:
    """A service with three slots, of which jobs take two."""
    folder = tmp_path_factory.mktemp("three")
    with serving(folder, SIGN_SLOTS="3", SIGN_JOBS_CHUNK_S=str(CHUNK_S)) as running:
        yield running


def alike(answer: dict[str, Any], direct: dict[str, Any]) -> None:
    """The same labels, and boundaries within one stride."""
    found, expected = answer["segments"], direct["segments"]
    assert [entry["class_name"] for entry in found] == [entry["class_name"] for entry in expected]
    for one, other in zip(found, expected, strict=True):
        assert abs(one["start_time"] - other["start_time"]) <= STRIDE_S + 1e-6
        assert abs(one["end_time"] - other["end_time"]) <= STRIDE_S + 1e-6
    for name in ("transcript", "duration", "media"):
        assert answer[name] == direct[name]
    assert answer["evidence"]["frames_sampled"] == direct["evidence"]["frames_sampled"]


def observed(service: RunningService) -> float:
    return service.metric('sign_frames_total{stage="observed"}')


def test_free_slots_share_a_timeline(three: RunningService, jobs_clip: Path, direct: dict[str, Any]) -> None:
    before = observed(three)
    answer = three.client.post("/timeline", content=jobs_clip.read_bytes(), params={"return_windows": "true"}).json()
    alike(answer, direct)
    assert len(answer["windows"]) == len(direct["windows"])
    pieces = -(-answer["duration"] // CHUNK_S)
    sampled = answer["evidence"]["frames_sampled"]
    assert observed(three) - before == pytest.approx(sampled + (pieces - 1) * WARM_UP_FRAMES, abs=3)


def test_a_timeline_beside_others_is_looked_at_in_one_piece(jobs_service: RunningService, jobs_clip: Path) -> None:
    before = observed(jobs_service)
    answer = jobs_service.client.post("/timeline", content=jobs_clip.read_bytes()).json()
    assert observed(jobs_service) - before == answer["evidence"]["frames_sampled"]


def test_a_job_takes_all_slots_but_one(three: RunningService, jobs_clip: Path, direct: dict[str, Any]) -> None:
    location = job_of(submit(three, jobs_clip))
    assert ended(three, location)["state"] == "succeeded"
    alike(result(three, location), direct)
    steps = [event for event in told(three, location) if event["event"] == "progress"]
    assert len(steps) == -(-direct["duration"] // (2 * CHUNK_S))


def test_a_part_is_shared_up_to_its_end(three: RunningService, jobs_clip: Path, jobs_service: RunningService) -> None:
    part = {"start_time": 1.3}
    shared, alone = (
        service.client.post("/timeline", content=jobs_clip.read_bytes(), params=part).json()
        for service in (three, jobs_service)
    )
    alike(shared, alone)


def test_what_is_too_long_says_so(tmp_path: Path, jobs_clip: Path) -> None:
    with serving(tmp_path, SIGN_SLOTS="2", SIGN_TIMELINE_SECONDS="10") as service:
        response = service.client.post("/timeline", content=jobs_clip.read_bytes())
    assert (response.status_code, response.json()["code"], response.json()["limit"]) == (413, "media-too-long", 10)
    assert "/jobs" in response.json()["detail"]
