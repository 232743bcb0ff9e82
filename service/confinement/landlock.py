"""Landlock: which files a process may still open, by kernel call (https://docs.kernel.org/userspace-api/landlock.html).

The C library has no functions for it, and its few bindings are not kept: three calls, each a line here.
"""

import ctypes
import os
import stat
import struct
import sys
from collections.abc import Iterable

_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446  # the same on every architecture
_VERSION_FLAG = 1
_PATH_BENEATH = 1

_EXECUTE, _WRITE_FILE, _READ_FILE, _READ_DIR = 1 << 0, 1 << 1, 1 << 2, 1 << 3
_FIRST_VERSION = (1 << 13) - 1
_REFER, _TRUNCATE, _IOCTL_DEVICE = 1 << 13, 1 << 14, 1 << 15
_OF_FILES = _EXECUTE | _WRITE_FILE | _READ_FILE | _TRUNCATE | _IOCTL_DEVICE
"""Rights that make sense for a file; all others are of folders."""
_TCP = 0b11
_ABSTRACT_SOCKETS_AND_SIGNALS = 0b11

LIMITS_NETWORK = 4
LIMITS_SIGNALS = 6
"""From which version on it also keeps a process from TCP ports, and from signals to processes outside."""


def landlock_version() -> int:
    """The kernel's version of it; 0 where there is none, or it is switched off."""
    if sys.platform != "linux":
        return 0
    return max(0, _call(_CREATE_RULESET, None, ctypes.c_size_t(0), ctypes.c_uint32(_VERSION_FLAG)))


def restrict_files(
    readable: Iterable[str], writable: Iterable[str], executable: Iterable[str], listable: Iterable[str]
) -> None:
    """From now on only what lies at or below these paths can be opened; the calling thread and those it starts.

    listable: the names are read, not the files; writable: read and written, files and folders made and removed. Paths
    that are not there are passed over. The thread must not be able to gain privileges (no_new_privs). Raises OSError
    where the kernel refuses.
    """
    version = landlock_version()
    handled = _handled(version)
    attributes = struct.pack("=QQQ", handled, _TCP, _ABSTRACT_SOCKETS_AND_SIGNALS)
    size = 24 if version >= LIMITS_SIGNALS else 16 if version >= LIMITS_NETWORK else 8
    ruleset = _checked(_CREATE_RULESET, attributes, ctypes.c_size_t(size), ctypes.c_uint32(0))
    try:
        for paths, rights in (
            (readable, _READ_FILE | _READ_DIR),
            (writable, handled & ~_EXECUTE),
            (executable, _EXECUTE | _READ_FILE),
            (listable, _READ_DIR),
        ):
            for path in paths:
                _allow(ruleset, path, rights)
        _checked(_RESTRICT_SELF, ctypes.c_int(ruleset), ctypes.c_uint32(0))
    finally:
        os.close(ruleset)


def _handled(version: int) -> int:
    """All that this kernel can deny."""
    later = (_REFER, 2), (_TRUNCATE, 3), (_IOCTL_DEVICE, 5)
    return _FIRST_VERSION | sum(right for right, since in later if version >= since)


def _allow(ruleset: int, path: str, rights: int) -> None:
    try:
        place = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:
        return
    try:
        if not stat.S_ISDIR(os.fstat(place).st_mode):
            rights &= _OF_FILES
        rule = struct.pack("=Qi", rights, place)
        _checked(_ADD_RULE, ctypes.c_int(ruleset), ctypes.c_int(_PATH_BENEATH), rule, ctypes.c_uint32(0))
    finally:
        os.close(place)


def _call(number: int, *arguments: object) -> int:
    return int(ctypes.CDLL(None, use_errno=True).syscall(ctypes.c_long(number), *arguments))


def _checked(number: int, *arguments: object) -> int:
    result = _call(number, *arguments)
    if result < 0:
        code = ctypes.get_errno()
        raise OSError(code, f"Landlock: {os.strerror(code)}")
    return result
