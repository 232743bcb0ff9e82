"""The private folder of media that are being read; what a killed service left behind is cleared away."""

import contextlib
import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

_PREFIX = "sign-"
_LOCK = "in-use"


@contextlib.contextmanager
def spool_folder(parent: Path | None) -> Iterator[Path]:
    """A new folder that only this user can enter, gone when the block ends.

    Its lock lasts as long as the process: a folder whose lock is free belongs to nobody any more and is removed.
    """
    home = parent or Path(tempfile.gettempdir())
    home.mkdir(parents=True, exist_ok=True)
    _remove_left_behind(home)
    with tempfile.TemporaryDirectory(prefix=_PREFIX, dir=home, ignore_cleanup_errors=True) as folder:
        lock = os.open(Path(folder, _LOCK), os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield Path(folder)
        finally:
            os.close(lock)


def _remove_left_behind(home: Path) -> None:
    for folder in home.glob(f"{_PREFIX}*"):
        try:
            lock = os.open(folder / _LOCK, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW)
        except OSError:
            continue  # not one of ours, or not finished yet
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(folder, ignore_errors=True)
        except BlockingIOError:
            continue
        finally:
            os.close(lock)
