"""What a process that reads strangers' files may still do, and how it gives up the rest."""

import ctypes
import os
import struct
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from service.confinement.landlock import LIMITS_SIGNALS, landlock_version, restrict_files
from service.confinement.seccomp import refuse_calls, seccomp_available

_NO_NEW_PRIVILEGES = 38
_CAPABILITIES_VERSION = 0x20080522
_READ_ANY_FILE = 1 << 2
"""CAP_DAC_READ_SEARCH: root may go on reading what belongs to others, as far as Landlock lets it."""
_CAPSET = {"x86_64": 126, "aarch64": 91}

_OURS = Path(__file__).resolve().parents[2]
"""Where our own code lies; Python looks there for what it imports."""
_SYSTEM = (
    "/usr/lib",
    "/usr/lib64",
    "/lib",
    "/lib64",
    "/usr/local/lib",
    "/nix/store",
    "/etc/ld.so.cache",
    "/etc/localtime",
    "/usr/share/zoneinfo",
    "/dev/null",
    "/dev/zero",
    "/dev/urandom",
    "/proc/cpuinfo",
    "/proc/meminfo",
    "/sys/devices",
    "/sys/bus/pci",
    "/sys/fs/cgroup",
)
"""Libraries, the clock, and what libraries ask about the machine."""

NO_FILES = "The files that it may open are not limited: this system has no Landlock (Linux from 5.13 on has it)."
NO_SIGNALS = "Landlock of this kernel cannot keep it from signals to other processes (Linux from 6.12 on can)."
NO_CALLS = "The network and other programs are not closed to it: seccomp is not to be had on this system."


@dataclass(frozen=True, slots=True)
class Confinement:
    """What a process keeps, beside Python and its libraries.

    readable, writable: files and folders, with all below them; readable None: every file that the user may read.
    may_start: other processes of this Python, which inherit the confinement.
    """

    readable: tuple[str, ...] | None
    writable: tuple[str, ...] = ()
    may_start: bool = False


def confine(keeps: Confinement) -> tuple[str, ...]:
    """Give up for good all that is not kept; what the system cannot take away, in words.

    Call it before any thread is started: Landlock takes hold of the calling one and those that it starts. Raises
    OSError where the system has the means, and refuses them.
    """
    if sys.platform != "linux":
        return describe_confinement()
    if ctypes.CDLL(None, use_errno=True).prctl(_NO_NEW_PRIVILEGES, 1, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "no_new_privs is refused")
    _drop_capabilities()
    if landlock_version() > 0:
        readable = ("/",) if keeps.readable is None else (*_python_paths(), _own_process(keeps), *keeps.readable)
        programs = _programs() if keeps.may_start else ()
        restrict_files(readable, (*keeps.writable, os.devnull), programs, (str(_OURS),))
    if seccomp_available():
        refuse_calls(may_start=keeps.may_start)
    return describe_confinement()


def describe_confinement() -> tuple[str, ...]:
    """What this system cannot take away from a process, in words; nothing where it can take all."""
    version = landlock_version()
    said = []
    if version == 0:
        said.append(NO_FILES)
    elif version < LIMITS_SIGNALS and not seccomp_available():
        said.append(NO_SIGNALS)
    if not seccomp_available():
        said.append(NO_CALLS)
    return tuple(said)


def _python_paths() -> Iterator[str]:
    """Where this Python, its libraries and our own code lie."""
    yield from (sys.prefix, sys.base_prefix, sys.exec_prefix, str(_OURS / "service"), str(_OURS / "convert"))
    here = os.getcwd()  # noqa: PTH109 - as sys.path has it
    yield from (entry for entry in sys.path if entry not in ("", here, str(_OURS)))
    yield from _SYSTEM


def _own_process(keeps: Confinement) -> str:
    """What the kernel tells of this process, and of those that it may start: their numbers are not known yet."""
    return "/proc" if keeps.may_start else f"/proc/{os.getpid()}"


def _programs() -> tuple[str, ...]:
    """This Python and what the kernel starts it with."""
    with Path("/proc/self/maps").open(encoding="utf-8") as maps:
        mapped = {line.split(maxsplit=5)[5].strip() for line in maps if len(line.split(maxsplit=5)) == 6}
    loaders = (path for path in mapped if Path(path).name.startswith("ld-") or "/ld-musl-" in path)
    return (str(Path(sys.executable).resolve()), *loaders)


def _drop_capabilities() -> None:
    """Root without its privileges: limits cannot be raised again, nor other users' files written."""
    number = _CAPSET.get(os.uname().machine)
    if number is None:
        return
    library = ctypes.CDLL(None, use_errno=True)
    kept = _READ_ANY_FILE if os.geteuid() == 0 else 0
    for mask in (kept, 0):
        header = struct.pack("=Ii", _CAPABILITIES_VERSION, 0)
        sets = struct.pack("=6I", mask, mask, 0, 0, 0, 0)
        if library.syscall(ctypes.c_long(number), header, sets) == 0:
            return
