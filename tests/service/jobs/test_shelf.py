"""The folder of jobs: what appears in it is whole, and there is never more than there is room for."""

import os
from pathlib import Path

import pytest

from service.errors import SignError
from service.jobs import shelf as module
from service.jobs.shelf import ANSWER_BYTES, Room, Shelf

JOB = "00000000-0000-0000-0000-000000000001"


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    made = Shelf(tmp_path / "jobs")
    made.root.mkdir()
    return made


def uploaded(folder: Path, content: bytes = b"film") -> Path:
    path = folder / "upload"
    path.write_bytes(content)
    return path


def test_a_medium_is_kept_after_its_upload_is_gone(shelf: Shelf, tmp_path: Path) -> None:
    upload = uploaded(tmp_path)
    shelf.keep_medium(JOB, upload)
    upload.unlink()
    kept = shelf.medium(JOB)
    assert (Path(kept.path).read_bytes(), kept.size) == (b"film", 4)
    assert shelf.size(JOB) == 0
    shelf.drop_medium(JOB)
    with pytest.raises(FileNotFoundError):
        shelf.medium(JOB)


def test_a_medium_that_cannot_be_stored_leaves_nothing(shelf: Shelf, tmp_path: Path) -> None:
    with pytest.raises(SignError) as caught:
        shelf.keep_medium(JOB, tmp_path / "missing")
    assert caught.value.code == "disk-full"
    assert list(shelf.root.iterdir()) == []


def test_an_answer_and_windows_are_read_as_they_were_written(shelf: Shelf, tmp_path: Path) -> None:
    shelf.keep_medium(JOB, uploaded(tmp_path))
    shelf.write_answer(JOB, b"{}")
    shelf.write_windows(JOB, 1, [b"three"])
    shelf.write_windows(JOB, 0, [b"one", b"two"])
    shelf.write_windows(JOB, 0, [b"one", b"two"])
    assert shelf.answer(JOB) == b"{}"
    assert list(shelf.windows(JOB)) == [b"one", b"two", b"three"]
    assert shelf.size(JOB) == 2 + 8 + 6
    shelf.forget(JOB)
    assert list(shelf.root.iterdir()) == []


def test_one_process_at_a_time_uses_the_shelf_under_a_name(shelf: Shelf) -> None:
    with shelf.opened("one") as incoming:
        assert incoming.is_dir()
        with shelf.opened("two"), pytest.raises(BlockingIOError), shelf.opened("one"):
            pass
    with shelf.opened("one"):
        assert not incoming.exists()


def test_what_no_job_answers_for_is_cleared_away_once_it_is_old(
    shelf: Shelf, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shelf.keep_medium(JOB, uploaded(tmp_path))
    (shelf.root / "something else").mkdir()
    shelf.clear(known=set(), finished=set())
    assert shelf.medium(JOB).size == 4
    monkeypatch.setattr(module, "_STALE_S", -1.0)
    shelf.clear(known={JOB}, finished=set())
    assert shelf.medium(JOB).size == 4
    shelf.clear(known=set(), finished=set())
    assert [path.name for path in shelf.root.iterdir()] == ["something else"]


def test_the_medium_of_a_finished_job_is_cleared_away(shelf: Shelf, tmp_path: Path) -> None:
    shelf.keep_medium(JOB, uploaded(tmp_path))
    shelf.write_answer(JOB, b"{}")
    shelf.clear(known={JOB}, finished={JOB})
    assert [path.name for path in (shelf.root / JOB).iterdir()] == ["answer.json"]


def test_no_more_is_taken_than_there_is_room_for(tmp_path: Path) -> None:
    room = Room(tmp_path, 100 + 2 * ANSWER_BYTES)
    with room.claim(40, 60) as first:
        with pytest.raises(SignError) as caught, room.claim(40, 30):
            pass
        assert (caught.value.code, caught.value.limit) == ("disk-full", 100 + 2 * ANSWER_BYTES)
        with room.claim(40, 0) as second, pytest.raises(SignError):
            second.grow(1)
        first.grow(50)  # less than was announced: nothing changes
        assert first.size == 60 + ANSWER_BYTES
    with room.claim(40, 60):
        pass


def test_no_more_is_taken_than_the_disk_has(tmp_path: Path) -> None:
    free = os.statvfs(tmp_path).f_bavail * os.statvfs(tmp_path).f_frsize
    with pytest.raises(SignError, match="disk"), Room(tmp_path, 10**18).claim(0, free + 10**12):
        pass
