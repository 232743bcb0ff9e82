"""Seccomp: which system calls a process is refused, as a classic BPF program of a few dozen instructions.

pyseccomp needs a library of the system that most containers lack; the kernel's interface is one call.
"""

import ctypes
import errno
import os
import platform
import struct
import sys

from service.confinement.system_calls import (
    ARCHITECTURES,
    CLONE,
    CLONE3,
    KILL,
    NEVER,
    PRLIMIT,
    SECCOMP,
    STARTING,
    TGKILL,
    Architecture,
    pick_numbers,
)

_SET_MODE_FILTER, _GET_ACTION = 1, 2
_ALL_THREADS = 1  # SECCOMP_FILTER_FLAG_TSYNC
_KILL_PROCESS, _ERRNO, _ALLOW = 0x80000000, 0x00050000, 0x7FFF0000
_LOAD, _EQUAL, _AT_LEAST, _ANY_BIT, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_NUMBER, _ARCHITECTURE, _FIRST_ARGUMENT = 0, 4, 16  # offsets in struct seccomp_data
_X32 = 0x40000000
"""Calls of x86-64's 32-bit pointers begin here; nobody makes them, and they would get round the numbers."""
_CLONE_THREAD = 0x00010000


def seccomp_available() -> bool:
    """Whether this system can filter system calls, and we know its numbers."""
    architecture = _here()
    if architecture is None:
        return False
    action = ctypes.c_uint32(_ERRNO)
    return _seccomp(architecture, _GET_ACTION, 0, ctypes.byref(action)) == 0


def refuse_calls(*, may_start: bool) -> None:
    """Refuse, with EPERM and in all threads, what no reader of a file needs. Raises OSError where the kernel refuses.

    may_start: whether other processes may be started, and ended. The process must not be able to gain privileges.
    """
    architecture = _here()
    if architecture is None:
        raise OSError(errno.ENOSYS, "no system calls are known of this system")
    code = make_filter(architecture, may_start=may_start, pid=os.getpid())
    instructions = ctypes.create_string_buffer(code, len(code))
    program = _Program(len(code) // 8, ctypes.addressof(instructions))
    if _seccomp(architecture, _SET_MODE_FILTER, _ALL_THREADS, ctypes.byref(program)) != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"seccomp: {os.strerror(number)}")


def make_filter(architecture: Architecture, *, may_start: bool, pid: int) -> bytes:
    """The program: each refusal is a comparison and a return, so that no jump is long."""
    column = architecture.column
    refused = _ERRNO | errno.EPERM
    code = [
        _step(_LOAD, _ARCHITECTURE),
        _step(_EQUAL, architecture.audit, 1, 0),
        _step(_RETURN, _KILL_PROCESS),
        _step(_LOAD, _NUMBER),
        _step(_AT_LEAST, _X32, 0, 1),
        _step(_RETURN, refused),
    ]
    numbers = pick_numbers(NEVER, column) + ([] if may_start else pick_numbers(STARTING, column))
    for number in numbers:
        code += [_step(_EQUAL, number, 0, 1), _step(_RETURN, refused)]
    if not may_start:
        # glibc falls back to clone, whose flags can be looked at
        code += [_step(_EQUAL, CLONE3[column], 0, 1), _step(_RETURN, _ERRNO | errno.ENOSYS)]
        code += _only_if(CLONE[column], _step(_ANY_BIT, _CLONE_THREAD, 0, 1), refused)
        for number in (KILL[column], TGKILL[column]):
            code += _only_if(number, _step(_EQUAL, pid, 0, 1), refused)
        code += _only_if(PRLIMIT[column], _step(_EQUAL, 0, 0, 1), refused)
    code.append(_step(_RETURN, _ALLOW))
    return b"".join(code)


def _only_if(number: int, condition: bytes, refused: int) -> list[bytes]:
    """Allow a call where its first argument meets a condition, which skips one instruction where it does not."""
    return [
        _step(_EQUAL, number, 0, 4),
        _step(_LOAD, _FIRST_ARGUMENT),
        condition,
        _step(_RETURN, _ALLOW),
        _step(_RETURN, refused),
    ]


def _step(operation: int, value: int, if_true: int = 0, if_false: int = 0) -> bytes:
    return struct.pack("=HBBI", operation, if_true, if_false, value)


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("instructions", ctypes.c_void_p))


def _here() -> Architecture | None:
    return ARCHITECTURES.get(platform.machine()) if sys.platform == "linux" else None


def _seccomp(architecture: Architecture, operation: int, flags: int, argument: object) -> int:
    library = ctypes.CDLL(None, use_errno=True)
    number = SECCOMP[architecture.column]
    return int(library.syscall(ctypes.c_long(number), ctypes.c_uint(operation), ctypes.c_uint(flags), argument))
