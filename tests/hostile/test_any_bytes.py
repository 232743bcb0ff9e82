"""Any bytes at all get an answer or a listed error, and the next caller notices nothing."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from service.errors import KINDS
from tests.running import SAMPLES, RunningService, running_service

CLIP = (SAMPLES / "letter_a_right_light.mp4").read_bytes()
BEGINNINGS = [
    b"", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff\xe0", b"GIF89a", b"RIFF\x00\x00\x00\x00WEBP", b"RIFF\x00\x00\x00\x00AVI ",
    b"\x00\x00\x00\x18ftypheic", b"\x00\x00\x00\x18ftypmp42", b"\x1aE\xdf\xa3", b"BM", b"G" * 189, b"\xcd\xcc\x4c\x3e",
]  # fmt: skip
ours = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningService]:
    with running_service(tmp_path_factory.mktemp("hostile"), SIGN_SLOTS="1") as running:
        yield running


def answered_or_listed(service: RunningService, body: bytes) -> None:
    response = service.predict(body)
    if response.status_code != 200:
        code = response.json()["code"]
        assert code in KINDS
        assert response.status_code == KINDS[code].status
        assert code not in ("internal", "worker-died")


@ours
@given(beginning=st.sampled_from(BEGINNINGS), rest=st.binary(max_size=2000))
def test_random_bytes_behind_any_known_beginning(service: RunningService, beginning: bytes, rest: bytes) -> None:
    answered_or_listed(service, beginning + rest)


@ours
@given(places=st.lists(st.tuples(st.integers(0, len(CLIP) - 1), st.integers(0, 255)), min_size=1, max_size=60))
def test_a_video_with_changed_bytes(service: RunningService, places: list[tuple[int, int]]) -> None:
    damaged = bytearray(CLIP)
    for at, value in places:
        damaged[at] = value
    answered_or_listed(service, bytes(damaged))


@ours
@given(start=st.integers(0, len(CLIP)), length=st.integers(0, len(CLIP)))
def test_a_video_with_a_piece_cut_out(service: RunningService, start: int, length: int) -> None:
    answered_or_listed(service, CLIP[:start] + CLIP[start + length :])


def test_after_all_of_it_a_good_video_is_answered(service: RunningService) -> None:
    assert service.predict(CLIP).status_code == 200


def test_nothing_of_what_was_sent_stays_on_the_disk(service: RunningService) -> None:
    links = [entry.readlink() for entry in Path(f"/proc/{service.process.pid}/fd").iterdir() if entry.is_symlink()]
    assert [link for link in links if "/medium-" in str(link)] == []
