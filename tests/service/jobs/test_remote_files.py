"""Files of jobs in a store that replicas share instead of a disk: the same, wherever the address leads."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from service.errors import SignError
from service.jobs.files import JobFiles
from service.jobs.storage import StorageError
from tests import object_store

pytest.importorskip("s3fs", reason="needs the extra s3")

from service.jobs import remote_files

JOB = "00000000-0000-0000-0000-000000000001"


@pytest.fixture(scope="module")
def store() -> Iterator[None]:
    with object_store.running_store() as environment, object_store.reached(environment):
        yield


@pytest.fixture(params=["file", "s3"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "file":
        return (tmp_path / "shared").as_uri()
    request.getfixturevalue("store")
    return object_store.fresh_bucket()


def replica(folder: Path, url: str) -> JobFiles:
    made = remote_files.RemoteJobFiles(folder, url)
    made.root.mkdir()
    return made


def uploaded(folder: Path, content: bytes = b"film") -> Path:
    path = folder / "upload"
    path.write_bytes(content)
    return path


def test_what_one_replica_keeps_another_reads(url: str, tmp_path: Path) -> None:
    one, two = replica(tmp_path / "one", url), replica(tmp_path / "two", url)
    upload = uploaded(tmp_path)
    one.keep_medium(JOB, upload)
    upload.unlink()
    for files in (two, one, two):
        kept = files.medium(JOB)
        assert (Path(kept.path).read_bytes(), kept.size) == (b"film", 4)
    one.write_windows(JOB, 2, 1, [b"three"])
    two.write_windows(JOB, 0, 2, [b"one", b"two"])
    two.write_windows(JOB, 0, 1, [b"of an attempt that was lost"])
    two.write_answer(JOB, 2, b"{}")
    assert list(one.windows(JOB, [(0, 2), (1, 2), (2, 1)])) == [b"one", b"two", b"three"]
    assert one.answer(JOB, 2) == b"{}"
    assert one.size(JOB) == 2 + 8 + 6 + len(b"of an attempt that was lost\n")
    two.drop_medium(JOB)
    with pytest.raises(FileNotFoundError):
        replica(tmp_path / "three", url).medium(JOB)
    one.drop_windows(JOB)
    assert list(two.windows(JOB, [(0, 2)])) == []
    one.forget(JOB)
    with pytest.raises(FileNotFoundError):
        two.answer(JOB, 2)
    one.forget(JOB)


def test_what_no_job_answers_for_is_cleared_away_once_it_is_old(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = replica(tmp_path / "one", url)
    assert files.clear(known=set(), finished=set()) == 0
    files.keep_medium(JOB, uploaded(tmp_path))
    assert files.clear(known=set(), finished=set()) == 0
    assert files.medium(JOB).size == 4
    monkeypatch.setattr(remote_files, "_STALE_S", -1.0)
    assert files.clear(known={JOB}, finished=set()) == 0
    assert files.medium(JOB).size == 4
    assert files.clear(known=set(), finished=set()) == 1
    with pytest.raises(FileNotFoundError):
        replica(tmp_path / "two", url).medium(JOB)


def test_the_medium_of_a_finished_job_is_cleared_away(url: str, tmp_path: Path) -> None:
    files = replica(tmp_path / "one", url)
    files.keep_medium(JOB, uploaded(tmp_path))
    files.write_answer(JOB, 1, b"{}")
    files.medium(JOB)
    files.clear(known={JOB}, finished={JOB})
    assert list(files.root.iterdir()) == []
    assert (files.size(JOB), files.answer(JOB, 1)) == (2, b"{}")


def test_room_is_tried_out_and_leaves_nothing(url: str, tmp_path: Path) -> None:
    files = replica(tmp_path / "one", url)
    files.check_room()
    assert list(files.root.iterdir()) == []
    assert files.clear(known=set(), finished=set()) == 0


@pytest.mark.usefixtures("store")
def test_a_store_that_cannot_be_reached_is_told_from_what_is_not_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    files = replica(tmp_path / "one", "s3://nowhere/service")
    with pytest.raises(StorageError, match="cannot be reached"):
        files.check_room()
    with pytest.raises(SignError) as caught:
        files.keep_medium(JOB, uploaded(tmp_path))
    assert caught.value.code == "jobs-unavailable"
