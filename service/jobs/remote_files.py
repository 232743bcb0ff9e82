"""Files of jobs at any address that fsspec knows (s3://…), for replicas that share no disk.

Uploads, and media while they are looked at, lie in this replica's own folder; all else is there alone. The one module
that knows fsspec: it comes with the extra `s3`.
"""

import contextlib
import shutil
import time
import uuid
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, Final, ParamSpec, TypeVar

import fsspec
import structlog

from service.errors import SignError
from service.jobs.files import MEDIUM, WINDOWS, JobFiles, name_of_answer, name_of_windows
from service.jobs.outage import RETRY_AFTER_S
from service.jobs.storage import StorageError
from service.media.medium import Medium

P = ParamSpec("P")
R = TypeVar("R")

_STALE_S: Final = 3600.0

_log = structlog.get_logger(__name__)


class RemoteJobFiles(JobFiles):
    """One folder a job at the address. An object appears whole or not at all; each attempt at a job has its own.

    What the store has to say, but that something is not there, is a StorageError.
    """

    def __init__(self, root: Path, url: str) -> None:
        """root: the folder of this replica."""
        super().__init__(root)
        self._store: Any
        options = {"auto_mkdir": True} if "://" not in url or url.startswith("file:") else {"use_listings_cache": False}
        self._store, self._home = fsspec.core.url_to_fs(url, skip_instance_cache=True, **options)
        self._without_job: dict[str, float] = {}
        self._dropped: set[str] = set()

    def keep_medium(self, job_id: str, uploaded: Path) -> None:
        """Take an upload over; it is in the store when this returns. Raises SignError jobs-unavailable."""
        try:
            self._ask(self._store.put_file, str(uploaded), self._at(job_id, MEDIUM))
        except StorageError as error:
            raise SignError("jobs-unavailable", f"{error}.", retry_after_s=RETRY_AFTER_S) from error

    def make_room(self, job_id: str) -> None:
        """Nothing to do: a store has no folders."""

    def medium(self, job_id: str) -> Medium:
        """The job's medium, fetched the first time that it is asked for; FileNotFoundError where it is gone."""
        near = self._folder(job_id) / MEDIUM
        if not near.exists():
            near.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            fresh = near.with_suffix(f".{uuid.uuid4().hex}")
            try:
                self._ask(self._store.get_file, self._at(job_id, MEDIUM), str(fresh))
                fresh.replace(near)
            finally:
                fresh.unlink(missing_ok=True)
        return super().medium(job_id)

    def drop_medium(self, job_id: str) -> None:
        """Delete the medium of a job that has ended, here and there."""
        shutil.rmtree(self._folder(job_id), ignore_errors=True)
        if job_id not in self._dropped:
            with contextlib.suppress(FileNotFoundError):
                self._ask(self._store.rm_file, self._at(job_id, MEDIUM))
            self._dropped.add(job_id)

    def write_windows(self, job_id: str, number: int, attempt: int, lines: Iterable[bytes]) -> None:
        """The windows' answers of one chunk, as this attempt found them."""
        content = b"".join(line + b"\n" for line in lines)
        self._write(self._at(job_id, WINDOWS, name_of_windows(number, attempt)), content)

    def drop_windows(self, job_id: str) -> None:
        """Delete the windows' answers of a job that begins anew."""
        self._remove(self._at(job_id, WINDOWS))

    def windows(self, job_id: str, chunks: Iterable[tuple[int, int]]) -> Iterator[bytes]:
        """All windows' answers of these chunks, each with the attempt that did it, a chunk at a time."""
        for number, attempt in chunks:
            with contextlib.suppress(FileNotFoundError):  # not every chunk answers a window
                path = self._at(job_id, WINDOWS, name_of_windows(number, attempt))
                content: bytes = self._ask(self._store.cat_file, path)
                yield from content.splitlines()

    def write_answer(self, job_id: str, attempt: int, answer: bytes) -> None:
        """The job's answer, as this attempt found it."""
        self._write(self._at(job_id, name_of_answer(attempt)), answer)

    def answer(self, job_id: str, attempt: int) -> bytes:
        """The job's answer; FileNotFoundError where it is gone."""
        content: bytes = self._ask(self._store.cat_file, self._at(job_id, name_of_answer(attempt)))
        return content

    def size(self, job_id: str) -> int:
        """Bytes that the job keeps besides its medium."""
        found: dict[str, dict[str, Any]] = self._ask(self._store.find, self._at(job_id), detail=True)
        return sum(int(about["size"] or 0) for path, about in found.items() if not path.endswith(f"/{MEDIUM}"))

    def forget(self, job_id: str) -> None:
        """Delete all that the job keeps; what cannot be reached now is found later."""
        super().forget(job_id)
        try:
            self._remove(self._at(job_id))
        except StorageError as error:
            _log.warning("job_files_stay", job=job_id, reason=str(error))

    def check_room(self) -> None:
        """See that the store takes an object, and that there is room for a medium here: StorageError, OSError."""
        super().check_room()
        probe = self._at(f"try-{uuid.uuid4()}")
        self._write(probe, b"room?")
        self._ask(self._store.rm_file, probe)

    def free_bytes(self) -> int | None:
        """A store does not say."""
        return None

    def clear(self, known: set[str], finished: set[str]) -> int:
        """Delete what no job answers for, and media of finished jobs, as `JobFiles.clear`."""
        super().clear(known, finished)
        self._dropped &= finished
        found = {path.rstrip("/").rpartition("/")[2] for path in self._list()} - known
        now = time.monotonic()
        self._without_job = {name: self._without_job.get(name, now) for name in found if _is_job(name)}
        stale = [name for name, since in self._without_job.items() if now - since > _STALE_S]
        for name in stale:
            self.forget(name)
        return len(stale)

    def _list(self) -> list[str]:
        with contextlib.suppress(FileNotFoundError):
            found: list[str] = self._ask(self._store.ls, self._home, detail=False)
            return found
        return []

    def _write(self, path: str, content: bytes) -> None:
        self._ask(self._store.pipe_file, path, content)

    def _remove(self, path: str) -> None:
        with contextlib.suppress(FileNotFoundError):
            self._ask(self._store.rm, path, recursive=True)

    def _at(self, *names: str) -> str:
        return "/".join((self._home.rstrip("/"), *names))

    @staticmethod
    def _ask(call: Callable[P, R], *args: P.args, **named: P.kwargs) -> R:
        try:
            return call(*args, **named)
        except FileNotFoundError:
            raise
        except Exception as error:  # each store has errors of its own
            raise StorageError("the jobs' store cannot be reached or does not serve") from error


def _is_job(name: str) -> bool:
    try:
        return str(uuid.UUID(name)) == name
    except ValueError:
        return False
