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

MEDIUM = "medium"
_ANSWER = "answer"
WINDOWS = "windows"
_LOCK = "single.lock"
_STALE_S = 3600.0

ROOM_BYTES: Final = 4 * 1024 * 1024
"""What has to fit on the disk before jobs go on after it was full."""


class JobFiles:
    """One folder a job. What is written appears whole or not at all.

    Each attempt at a job writes files of its own: what one leaves that was lost to another is never read.
    """

    def __init__(self, root: Path) -> None:
        self.root = root.absolute()
        self._unclaimed: dict[str, float] = {}

    @contextlib.contextmanager
    def opened(self, *, alone: bool) -> Iterator[Path]:
        """The private folder for what is being uploaded; alone: no other process may use the jobs' folder meanwhile.

        Raises BlockingIOError where another does.
        """
        self.root.mkdir(parents=True, exist_ok=True, mode=0o700)
        with contextlib.ExitStack() as stack:
            if alone:
                lock = os.open(self.root / _LOCK, os.O_CREAT | os.O_RDWR | system.CLOSE_ON_EXEC, 0o600)
                stack.callback(os.close, lock)
                system.lock(lock, waits=False)
            yield stack.enter_context(spool_folder(self.root))

    def keep_medium(self, job_id: str, uploaded: Path) -> None:
        """Take an upload over; it is on the disk when this returns. Raises SignError disk-full."""
        folder = self._folder(job_id)
        try:
            folder.mkdir(mode=0o700)
            os.link(uploaded, folder / MEDIUM)
            for path in (folder / MEDIUM, folder, self.root):
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
        path = self._folder(job_id) / MEDIUM
        return Medium(str(path), path.stat().st_size)

    def drop_medium(self, job_id: str) -> None:
        """Delete the medium of a job that has ended."""
        (self._folder(job_id) / MEDIUM).unlink(missing_ok=True)

    def write_windows(self, job_id: str, number: int, attempt: int, lines: Iterable[bytes]) -> None:
        """The windows' answers of one chunk, as this attempt found them."""
        folder = self._folder(job_id) / WINDOWS
        folder.mkdir(exist_ok=True)
        _write(folder / name_of_windows(number, attempt), b"".join(line + b"\n" for line in lines))

    def drop_windows(self, job_id: str) -> None:
        """Delete the windows' answers of a job that begins anew."""
        shutil.rmtree(self._folder(job_id) / WINDOWS, ignore_errors=True)

    def windows(self, job_id: str, chunks: Iterable[tuple[int, int]]) -> Iterator[bytes]:
        """All windows' answers of these chunks, each with the attempt that did it, one at a time."""
        for number, attempt in chunks:
            path = self._folder(job_id) / WINDOWS / name_of_windows(number, attempt)
            if path.exists():  # not every chunk answers a window
                with path.open("rb") as file:
                    yield from (line.rstrip(b"\n") for line in file)

    def write_answer(self, job_id: str, attempt: int, answer: bytes) -> None:
        """The job's answer, as this attempt found it."""
        _write(self._folder(job_id) / name_of_answer(attempt), answer)

    def answer(self, job_id: str, attempt: int) -> bytes:
        """The job's answer; FileNotFoundError where it is gone."""
        try:
            return (self._folder(job_id) / name_of_answer(attempt)).read_bytes()
        except FileNotFoundError:
            return (self._folder(job_id) / name_of_answer(0)).read_bytes()

    def size(self, job_id: str) -> int:
        """Bytes that the job keeps besides its medium."""
        total = 0
        for path in self._folder(job_id).rglob("*"):
            with contextlib.suppress(FileNotFoundError):  # the unfinished file of an attempt that this one follows
                total += path.stat().st_size if path.is_file() and path.name != MEDIUM else 0
        return total

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

    def free_bytes(self) -> int | None:
        """Room on the disk; None where that is not known."""
        try:
            return shutil.disk_usage(self.root).free
        except OSError:
            return None

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


def name_of_windows(number: int, attempt: int) -> str:
    """The file of a chunk's windows; a release that did not count attempts (0) left it without."""
    return f"{number:06}-{attempt}.jsonl" if attempt else f"{number:06}.jsonl"


def name_of_answer(attempt: int) -> str:
    return f"{_ANSWER}-{attempt}.json" if attempt else f"{_ANSWER}.json"


def _is_job(folder: Path) -> bool:
    return (folder / MEDIUM).exists() or any(folder.glob(f"{_ANSWER}*.json"))


def _write(path: Path, content: bytes) -> None:
    """Write a file whole or not at all; it is on the disk when this returns."""
    fresh = path.with_suffix(".new")
    fresh.write_bytes(content)
    system.sync(fresh)
    fresh.replace(path)
    system.sync(path.parent)
