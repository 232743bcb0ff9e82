"""Disk quota: what jobs keep and what is being uploaded stay within what is allowed, and what the disk has."""

import contextlib
import shutil
from collections.abc import Iterator
from pathlib import Path

from service.errors import SignError

ANSWER_BYTES = 2 * 1024 * 1024
"""Room that is kept for an answer until it is known."""

WINDOWS_BYTES = 64 * 1024 * 1024
"""The same where each window's own answer is asked for."""


def answer_bytes(keeps_windows: bool) -> int:
    """Room that is kept for a job's answer."""
    return WINDOWS_BYTES if keeps_windows else ANSWER_BYTES


class DiskQuota:
    """Keeps what is stored and what is being uploaded within `most_bytes`, and within what the disk has."""

    def __init__(self, root: Path, most_bytes: int) -> None:
        self._root = root
        self._most_bytes = most_bytes
        self._uploading = 0

    @contextlib.contextmanager
    def reserve(self, stored: int, expected: int) -> Iterator["Reservation"]:
        """Room for one upload and its answer, given back with the block: once stored, the table counts it.

        stored: bytes of all jobs now; expected: those that the upload announces. Raises SignError disk-full.
        """
        reservation = Reservation(self, stored)
        try:
            reservation.reserve_answer(ANSWER_BYTES)
            reservation.grow(expected)
            yield reservation
        finally:
            self.add(-reservation.size)

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


class Reservation:
    """The room of one upload."""

    def __init__(self, quota: DiskQuota, stored: int) -> None:
        self._quota = quota
        self._stored = stored
        self._medium = self._answer = 0

    @property
    def size(self) -> int:
        return self._medium + self._answer

    def grow(self, medium_bytes: int) -> None:
        """Reserve room for a medium of at least so many bytes; SignError disk-full where there is none."""
        self._medium += self._more(medium_bytes - self._medium)

    def reserve_answer(self, answer_bytes: int) -> None:
        """The same for its answer."""
        self._answer += self._more(answer_bytes - self._answer)

    def _more(self, wanted: int) -> int:
        if wanted <= 0:
            return 0
        self._quota.check(self._stored, wanted)
        self._quota.add(wanted)
        return wanted
