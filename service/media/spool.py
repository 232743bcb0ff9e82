"""The private folder of media that are being read; what a killed service left behind is cleared away."""

import contextlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from service import system

_PREFIX = "sign-"
_LOCK = "in-use"


@contextlib.contextmanager
def spool_folder(parent: Path | None) -> Iterator[Path]:
    """A new folder that only this user can enter, gone when the block ends.

    Its lock lasts as long as the process: a folder whose lock is free belongs to nobody any more and is removed.
    """
    home = parent or Path(tempfile.gettempdir())
    home.mkdir(parents=True, exist_ok=True)
    if system.HAS_LOCKS:
        _remove_left_behind(home)
    with tempfile.TemporaryDirectory(prefix=_PREFIX, dir=home, ignore_cleanup_errors=True) as folder:
        lock = os.open(Path(folder, _LOCK), os.O_CREAT | os.O_RDWR | system.CLOSE_ON_EXEC, 0o600)
        try:
            system.lock(lock, waits=True)
            yield Path(folder)
        finally:
            os.close(lock)


def _remove_left_behind(home: Path) -> None:
    for folder in home.glob(f"{_PREFIX}*"):
        try:
            lock = os.open(folder / _LOCK, os.O_RDWR | system.CLOSE_ON_EXEC | os.O_NOFOLLOW)
        except OSError:
            continue  # not one of ours, or not finished yet
        try:
            system.lock(lock, waits=False)
            shutil.rmtree(folder, ignore_errors=True)
        except BlockingIOError:
            continue
        finally:
            os.close(lock)
