"""Files of jobs: their media until they end, and their answers until they are forgotten."""

import contextlib
import os
import shutil
import time
import uuid
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

from service import system
from service.errors import SignError
from service.media.medium import Medium
from service.media.spool import spool_folder

_MEDIUM = "medium"
_ANSWER = "answer.json"
_WINDOWS = "windows"
_STALE_S = 3600.0

ROOM_BYTES: Final = 4 * 1024 * 1024
"""What has to fit on the disk before jobs go on after it was full."""


class JobFiles:
    """One folder a job. What is written appears whole or not at all."""

    def __init__(self, root: Path) -> None:
        self.root = root.absolute()
        self._unclaimed: dict[str, float] = {}

    @contextlib.contextmanager
    def opened(self, replica: str) -> Iterator[Path]:
        """The folder for this replica alone, and the private folder for what is being uploaded to it.

        Raises BlockingIOError where another process uses it under the same name.
        """
        self.root.mkdir(parents=True, exist_ok=True, mode=0o700)
        lock = os.open(self.root / f"{replica}.lock", os.O_CREAT | os.O_RDWR | system.CLOSE_ON_EXEC, 0o600)
        try:
            system.lock(lock, waits=False)
            with spool_folder(self.root) as incoming:
                yield incoming
        finally:
            os.close(lock)

    def keep_medium(self, job_id: str, uploaded: Path) -> None:
        """Take an upload over; it is on the disk when this returns. Raises SignError disk-full."""
        folder = self._folder(job_id)
        try:
            folder.mkdir(mode=0o700)
            os.link(uploaded, folder / _MEDIUM)
            for path in (folder / _MEDIUM, folder, self.root):
                system.sync(path)
        except OSError as error:
            self.forget(job_id)
            raise SignError("disk-full", f"The medium could not be stored: {error.strerror}.") from error

    def make_room(self, job_id: str) -> None:
        """A folder for the answer of a job without a medium. Raises SignError disk-full."""
        try:
            self._folder(job_id).mkdir(mode=0o700)
        except OSError as error:
            raise SignError("disk-full", f"The job could not be stored: {error.strerror}.") from error

    def medium(self, job_id: str) -> Medium:
        """The job's medium; FileNotFoundError where it is gone."""
        path = self._folder(job_id) / _MEDIUM
        return Medium(str(path), path.stat().st_size)

    def drop_medium(self, job_id: str) -> None:
        """Delete the medium of a job that has ended."""
        (self._folder(job_id) / _MEDIUM).unlink(missing_ok=True)

    def write_windows(self, job_id: str, number: int, lines: Iterable[bytes]) -> None:
        """The windows' answers of one chunk; written again, they replace what was there."""
        folder = self._folder(job_id) / _WINDOWS
        folder.mkdir(exist_ok=True)
        _write(folder / f"{number:06}.jsonl", b"".join(line + b"\n" for line in lines))

    def drop_windows(self, job_id: str) -> None:
        """Delete the windows' answers of a job that begins anew."""
        shutil.rmtree(self._folder(job_id) / _WINDOWS, ignore_errors=True)

    def windows(self, job_id: str) -> Iterator[bytes]:
        """All windows' answers in order, one at a time."""
        for path in sorted((self._folder(job_id) / _WINDOWS).glob("*.jsonl")):
            with path.open("rb") as file:
                yield from (line.rstrip(b"\n") for line in file)

    def write_answer(self, job_id: str, answer: bytes) -> None:
        """The job's answer."""
        _write(self._folder(job_id) / _ANSWER, answer)

    def answer(self, job_id: str) -> bytes:
        """The job's answer; FileNotFoundError where it is gone."""
        return (self._folder(job_id) / _ANSWER).read_bytes()

    def size(self, job_id: str) -> int:
        """Bytes that the job keeps besides its medium."""
        files = (path for path in self._folder(job_id).rglob("*") if path.is_file() and path.name != _MEDIUM)
        return sum(path.stat().st_size for path in files)

    def forget(self, job_id: str) -> None:
        """Delete all that the job keeps."""
        shutil.rmtree(self._folder(job_id), ignore_errors=True)

    def check_room(self) -> None:
        """See that there is room for what a chunk writes: OSError where a file of ROOM_BYTES cannot be written."""
        tried = self.root / f"{uuid.uuid4()}.room"
        try:
            tried.write_bytes(bytes(ROOM_BYTES))
            system.sync(tried)
        finally:
            tried.unlink(missing_ok=True)

    def is_in_use(self, replica: str) -> bool:
        """Whether a process holds the folder under this name, on this machine or another that locks files with it."""
        try:
            lock = os.open(self.root / f"{replica}.lock", os.O_RDWR | system.CLOSE_ON_EXEC)
        except FileNotFoundError:
            return False
        try:
            system.lock(lock, waits=False)
        except BlockingIOError:
            return True
        finally:
            os.close(lock)
        return False

    def clear(self, known: set[str], finished: set[str]) -> int:
        """Delete what no job answers for: folders of none that is known, media of those that are finished.

        A folder is deleted once it has been without a job for an hour of this process: not on the first look at a
        database that was mended, or is another. How many were deleted.
        """
        found = {folder.name for folder in self.root.iterdir() if folder.name not in known and _is_job(folder)}
        now = time.monotonic()
        self._unclaimed = {name: self._unclaimed.get(name, now) for name in found}
        stale = [name for name, since in self._unclaimed.items() if now - since > _STALE_S]
        for name in stale:
            self.forget(name)
        for job_id in finished:
            self.drop_medium(job_id)
        return len(stale)

    def _folder(self, job_id: str) -> Path:
        return self.root / job_id


def _is_job(folder: Path) -> bool:
    return (folder / _MEDIUM).exists() or (folder / _ANSWER).exists()


def _write(path: Path, content: bytes) -> None:
    """Write a file whole or not at all; it is on the disk when this returns."""
    fresh = path.with_suffix(".new")
    fresh.write_bytes(content)
    system.sync(fresh)
    fresh.replace(path)
    system.sync(path.parent)
