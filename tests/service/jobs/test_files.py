"""The folder of jobs: what appears in it is whole."""

import resource
from pathlib import Path

import pytest

from service.errors import SignError
from service.jobs import files as module
from service.jobs.files import JobFiles

JOB = "00000000-0000-0000-0000-000000000001"


@pytest.fixture
def files(tmp_path: Path) -> JobFiles:
    made = JobFiles(tmp_path / "jobs")
    made.root.mkdir()
    return made


def uploaded(folder: Path, content: bytes = b"film") -> Path:
    path = folder / "upload"
    path.write_bytes(content)
    return path


def test_a_medium_is_kept_after_its_upload_is_gone(files: JobFiles, tmp_path: Path) -> None:
    upload = uploaded(tmp_path)
    files.keep_medium(JOB, upload)
    upload.unlink()
    kept = files.medium(JOB)
    assert (Path(kept.path).read_bytes(), kept.size) == (b"film", 4)
    assert files.size(JOB) == 0
    files.drop_medium(JOB)
    with pytest.raises(FileNotFoundError):
        files.medium(JOB)


def test_a_medium_that_cannot_be_stored_leaves_nothing(files: JobFiles, tmp_path: Path) -> None:
    with pytest.raises(SignError) as caught:
        files.keep_medium(JOB, tmp_path / "missing")
    assert caught.value.code == "disk-full"
    assert list(files.root.iterdir()) == []


def test_an_answer_and_windows_are_read_as_they_were_written(files: JobFiles, tmp_path: Path) -> None:
    files.keep_medium(JOB, uploaded(tmp_path))
    files.write_answer(JOB, 1, b"{}")
    files.write_windows(JOB, 2, 1, [b"three"])
    files.write_windows(JOB, 0, 1, [b"one", b"two"])
    files.write_windows(JOB, 0, 1, [b"one", b"two"])
    assert files.answer(JOB, 1) == b"{}"
    assert list(files.windows(JOB, [(0, 1), (1, 1), (2, 1)])) == [b"one", b"two", b"three"]
    assert files.size(JOB) == 2 + 8 + 6
    files.forget(JOB)
    assert list(files.root.iterdir()) == []


def test_what_another_attempt_wrote_is_not_read(files: JobFiles, tmp_path: Path) -> None:
    files.keep_medium(JOB, uploaded(tmp_path))
    for attempt in (1, 2):
        files.write_windows(JOB, 0, attempt, [b"of attempt %d" % attempt])
        files.write_answer(JOB, attempt, b"%d" % attempt)
    assert list(files.windows(JOB, [(0, 1)])) == [b"of attempt 1"]
    assert (files.answer(JOB, 1), files.answer(JOB, 2)) == (b"1", b"2")


def test_what_a_release_wrote_that_did_not_count_attempts_is_read(files: JobFiles, tmp_path: Path) -> None:
    files.keep_medium(JOB, uploaded(tmp_path))
    (files.root / JOB / "answer.json").write_bytes(b"{}")
    (files.root / JOB / "windows").mkdir()
    (files.root / JOB / "windows" / "000000.jsonl").write_bytes(b"one\n")
    assert files.answer(JOB, 3) == b"{}"
    assert list(files.windows(JOB, [(0, 0)])) == [b"one"]


def test_one_process_at_a_time_has_the_folder_for_itself(files: JobFiles) -> None:
    with files.opened(alone=True) as incoming:
        assert incoming.is_dir()
        with files.opened(alone=False), pytest.raises(BlockingIOError), files.opened(alone=True):
            pass
    with files.opened(alone=True):
        assert not incoming.exists()


def test_what_no_job_answers_for_is_cleared_away_once_it_is_old(
    files: JobFiles, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files.keep_medium(JOB, uploaded(tmp_path))
    (files.root / "something else").mkdir()
    files.clear(known=set(), finished=set())
    assert files.medium(JOB).size == 4
    monkeypatch.setattr(module, "_STALE_S", -1.0)
    files.clear(known={JOB}, finished=set())
    assert files.medium(JOB).size == 4
    files.clear(known=set(), finished=set())
    assert [path.name for path in files.root.iterdir()] == ["something else"]


def test_the_medium_of_a_finished_job_is_cleared_away(files: JobFiles, tmp_path: Path) -> None:
    files.keep_medium(JOB, uploaded(tmp_path))
    files.write_answer(JOB, 1, b"{}")
    files.clear(known={JOB}, finished={JOB})
    assert [path.name for path in (files.root / JOB).iterdir()] == ["answer-1.json"]


def test_a_full_disk_is_told_before_anything_is_written(files: JobFiles, monkeypatch: pytest.MonkeyPatch) -> None:
    files.check_room()
    assert list(files.root.iterdir()) == []
    monkeypatch.setattr(module, "ROOM_BYTES", 1 << 20)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 10, resource.RLIM_INFINITY))
    try:
        with pytest.raises(OSError, match="too large"):
            files.check_room()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    assert list(files.root.iterdir()) == []


def test_how_many_folders_without_a_job_were_deleted_is_told(
    files: JobFiles, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files.keep_medium(JOB, uploaded(tmp_path))
    assert files.clear(known=set(), finished=set()) == 0
    monkeypatch.setattr(module, "_STALE_S", -1.0)
    assert files.clear(known=set(), finished=set()) == 1
    assert files.clear(known=set(), finished=set()) == 0
