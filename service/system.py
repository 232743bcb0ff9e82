"""What depends on the operating system: Linux gives all of it; elsewhere a weaker stand-in, and `lacks` says so.

Standard library alone, since a slot's process imports this before its limits are set. Only Linux is tested; the
stand-ins are tested on Linux with what it offers hidden.
"""

import contextlib
import ctypes
import importlib
import mmap
import os
import signal
import sys
import threading
from multiprocessing import parent_process
from multiprocessing.connection import wait
from types import ModuleType
from typing import Final, Literal

Limit = Literal["AS", "CORE", "NOFILE", "CPU", "FSIZE"]
"""What a process may take, as setrlimit names it."""

UNLIMITED: Final = -1
_PR_SET_PDEATHSIG: Final = 1


def _module(name: str) -> ModuleType | None:
    try:
        return importlib.import_module(name)
    except ImportError:
        return None


_resource = _module("resource")
_fcntl = _module("fcntl")
_IS_LINUX: Final = sys.platform == "linux"

_HAS_MEMFD: Final = _IS_LINUX and hasattr(os, "memfd_create") and _fcntl is not None
HAS_PIDFD: Final = _IS_LINUX and hasattr(os, "pidfd_open") and hasattr(signal, "pidfd_send_signal")
"""Whether the kernel tells of a process's end by a descriptor."""

HAS_LOCKS: Final = _fcntl is not None
"""Whether a folder in use can be told from one that was left behind."""

CLOSE_ON_EXEC: Final[int] = getattr(os, "O_CLOEXEC", 0)
READ_NO_LINK: Final[int] = (
    os.O_RDONLY | CLOSE_ON_EXEC | sum(getattr(os, flag, 0) for flag in ("O_NOFOLLOW", "O_NONBLOCK", "O_BINARY"))
)
"""How a file is opened that must not be a link, and must not wait for a writer."""


def lacks() -> tuple[str, ...]:
    """What this system does not give, as sentences for whoever runs the service; nothing on Linux."""
    found = []
    if not (_IS_LINUX and _resource is not None):
        found.append("Memory, CPU time and files of a slot have no limit of the kernel's; a call's time has one.")
    if not _HAS_MEMFD:
        found.append("Pictures cross between processes in a file of the temporary folder, not in sealed memory.")
    if not HAS_PIDFD:
        found.append("A slot's end is learned from a closed pipe, and it ends with the service by a thread of its own.")
    if not HAS_LOCKS:
        found.append("Folders in use are not locked: start one service only for each SIGN_MEDIA_DIR and SIGN_JOBS_DIR.")
    return tuple(found)


def cores() -> int:
    """Cores that this process may use, at least 1."""
    affinity = getattr(os, "sched_getaffinity", None)
    return max(1, len(affinity(0)) if affinity else os.cpu_count() or 1)


def memory_bytes() -> int | None:
    """The machine's memory; None where the system does not say."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        return None


def limit(kind: Limit, soft: int, hard: int | None = None) -> None:
    """What this process may take from now on; `hard` is what it may raise that to, the same where none is given.

    Nothing happens where the kernel has no such limit, or has it in name only (macOS).
    """
    if _resource is None:
        return
    try:
        _resource.setrlimit(getattr(_resource, f"RLIMIT_{kind}"), (soft, soft if hard is None else hard))
    except (AttributeError, ValueError, OSError):
        if _IS_LINUX:
            raise


def most_files() -> int | None:
    """How many files and connections this process may have open; None where the system does not say, or sets none."""
    if _resource is None:
        return None
    soft: int = _resource.getrlimit(_resource.RLIMIT_NOFILE)[0]
    return None if soft == _resource.RLIM_INFINITY else soft


def cpu_seconds() -> float:
    """CPU time that this process has taken."""
    used = os.times()
    return used.user + used.system


def die_with_parent(parent: int) -> None:
    """End when the parent process (its id) ends, whatever ends it."""
    if _IS_LINUX:
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:
            os._exit(1)
        return
    threading.Thread(target=_end_after_parent, name="parent's end", daemon=True).start()


def _end_after_parent() -> None:
    parent = parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os._exit(1)


def kill(pid: int) -> None:
    """End a process at once."""
    with contextlib.suppress(OSError):
        os.kill(pid, getattr(signal, "SIGKILL", signal.SIGTERM))


def seal_memory(size: int) -> int | None:
    """A descriptor of anonymous memory whose size is sealed; None where the system has no such thing.

    OSError where the kernel gives none.
    """
    if not _HAS_MEMFD or _fcntl is None:
        return None
    descriptor = os.memfd_create("sign-pictures", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    try:
        os.ftruncate(descriptor, size)
        _fcntl.fcntl(descriptor, _fcntl.F_ADD_SEALS, _fcntl.F_SEAL_SHRINK | _fcntl.F_SEAL_GROW | _fcntl.F_SEAL_SEAL)
    except OSError:
        os.close(descriptor)
        raise
    return descriptor


def give_back(descriptor: int, size: int) -> None:
    """Give back the memory, or room on a disk, of all that was written into a shared file of this size."""
    if hasattr(mmap, "MADV_REMOVE"):
        with mmap.mmap(descriptor, size) as pages, contextlib.suppress(OSError):
            pages.madvise(mmap.MADV_REMOVE)
            return
    with contextlib.suppress(OSError):  # Windows does not shorten what another process maps
        os.ftruncate(descriptor, 0)
        os.ftruncate(descriptor, size)


def trim_memory() -> None:
    """Give back what loading left behind: a tenth of a slot. Only glibc can; elsewhere it stays."""
    if sys.platform == "linux" and (trim := getattr(ctypes.CDLL(None), "malloc_trim", None)) is not None:
        trim(0)


def sync(path: "str | os.PathLike[str]") -> None:
    """See that a file, or a folder's entries, are on the disk; Windows opens no folder, and needs none of it."""
    posix = os.name == "posix"
    if not posix and os.path.isdir(path):  # noqa: PTH112 - pathlib costs a slot's start its import
        return
    descriptor = os.open(path, os.O_RDONLY if posix else os.O_RDWR)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def lock(descriptor: int, *, waits: bool) -> None:
    """Lock an open file until it is closed; BlockingIOError where another process has it and this does not wait."""
    if _fcntl is not None:
        _fcntl.flock(descriptor, _fcntl.LOCK_EX | (0 if waits else _fcntl.LOCK_NB))
