"""Shelf: the folder where jobs keep their media until they end, and their answers until they are forgotten."""

import contextlib
import fcntl
import os
import shutil
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

from service.errors import SignError
from service.media.medium import Medium
from service.media.spool import spool_folder

ANSWER_BYTES = 2 * 1024 * 1024
"""Room that is kept for an answer until it is known."""

WINDOWS_BYTES = 64 * 1024 * 1024
"""The same where each window's own answer is asked for."""


def answer_bytes(keeps_windows: bool) -> int:
    """Room that is kept for a job's answer."""
    return WINDOWS_BYTES if keeps_windows else ANSWER_BYTES


_MEDIUM = "medium"
_ANSWER = "answer.json"
_WINDOWS = "windows"
_STALE_S = 3600.0


class Shelf:
    """One folder a job. What is written appears whole or not at all."""

    def __init__(self, root: Path) -> None:
        self.root = root.absolute()

    @contextlib.contextmanager
    def opened(self, replica: str) -> Iterator[Path]:
        """The shelf for this replica alone, and the private folder for what is being uploaded to it.

        Raises BlockingIOError where another process uses it under the same name.
        """
        self.root.mkdir(parents=True, exist_ok=True, mode=0o700)
        lock = os.open(self.root / f"{replica}.lock", os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
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
                _sync(path)
        except OSError as error:
            self.forget(job_id)
            raise SignError("disk-full", f"The medium could not be stored: {error.strerror}.") from error

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

    def clear(self, known: set[str], finished: set[str]) -> None:
        """Delete what no job answers for: folders of none that is known, media of those that are finished."""
        for folder in self.root.iterdir():
            if folder.name in finished:
                self.drop_medium(folder.name)
            elif _is_job(folder) and folder.name not in known and time.time() - folder.stat().st_mtime > _STALE_S:
                self.forget(folder.name)

    def _folder(self, job_id: str) -> Path:
        return self.root / job_id


class Room:
    """Keeps what is stored and what is being uploaded within `most_bytes`, and within what the disk has."""

    def __init__(self, root: Path, most_bytes: int) -> None:
        self._root = root
        self._most_bytes = most_bytes
        self._uploading = 0

    @contextlib.contextmanager
    def claim(self, stored: int, expected: int) -> Iterator["Claim"]:
        """Room for one upload and its answer, given back with the block: once stored, the ledger counts it.

        stored: bytes of all jobs now; expected: those that the upload announces. Raises SignError disk-full.
        """
        claim = Claim(self, stored)
        try:
            claim.reserve(ANSWER_BYTES)
            claim.grow(expected)
            yield claim
        finally:
            self.add(-claim.size)

    def check(self, stored: int, wanted: int) -> None:
        """Raise SignError disk-full unless so many bytes more can be stored."""
        needed = stored + self._uploading + wanted
        if needed > self._most_bytes:
            detail = f"All jobs together would take {needed:,} bytes; {self._most_bytes:,} are allowed."
            raise SignError("disk-full", detail, limit=self._most_bytes, actual=needed)
        free = shutil.disk_usage(self._root).free
        if wanted > free:
            raise SignError("disk-full", f"The disk has {free:,} bytes left; {wanted:,} are needed.")

    def add(self, size: int) -> None:
        """Count so many bytes more, or fewer, as being uploaded."""
        self._uploading += size


class Claim:
    """The room of one upload."""

    def __init__(self, room: Room, stored: int) -> None:
        self._room = room
        self._stored = stored
        self._medium = self._answer = 0

    @property
    def size(self) -> int:
        return self._medium + self._answer

    def grow(self, medium_bytes: int) -> None:
        """Claim room for a medium of at least so many bytes; SignError disk-full where there is none."""
        self._medium += self._more(medium_bytes - self._medium)

    def reserve(self, answer_bytes: int) -> None:
        """The same for its answer."""
        self._answer += self._more(answer_bytes - self._answer)

    def _more(self, wanted: int) -> int:
        if wanted <= 0:
            return 0
        self._room.check(self._stored, wanted)
        self._room.add(wanted)
        return wanted


def _is_job(folder: Path) -> bool:
    return (folder / _MEDIUM).exists() or (folder / _ANSWER).exists()


def _write(path: Path, content: bytes) -> None:
    """Write a file whole or not at all; it is on the disk when this returns."""
    fresh = path.with_suffix(".new")
    fresh.write_bytes(content)
    _sync(fresh)
    fresh.replace(path)
    _sync(path.parent)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
