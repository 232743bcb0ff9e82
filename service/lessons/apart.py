"""Work that takes a minute of all that a core has, in a process of its own: the service goes on answering beside it."""

import asyncio
import multiprocessing
import os
import signal
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Any, TypeVar

import structlog

from service import system
from service.errors import SignError

ArgumentT = TypeVar("ArgumentT")
ResultT = TypeVar("ResultT")

Progress = Callable[[float], None]
"""Is told how far the work is, 0 to 1."""

_NICENESS = 5
"""Behind those who wait for an answer."""

_ONE_THREAD = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
"""NumPy's products are small here: with a second thread beside a busy service they took many times the CPU."""

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class _Told:
    progress: float


@dataclass(frozen=True, slots=True)
class _Done:
    result: Any


@dataclass(frozen=True, slots=True)
class _Failed:
    """With an error for the caller, or with a fault of ours as it is logged."""

    error: SignError | str


async def run_apart(
    work: Callable[[ArgumentT, Progress], ResultT],
    argument: ArgumentT,
    tell: Callable[[float], Awaitable[None]],
    memory_bytes: int,
) -> ResultT:
    """What the work gives; it, its argument and its result can be pickled. Cancelling this ends the process.

    tell: is told its progress, here. memory_bytes: address space that it may take. Raises the SignError that the work
    raises, worker-died where the process ends before its time, internal where the work has a fault.
    """
    for name, value in _ONE_THREAD.items():
        os.environ.setdefault(name, value)  # read where NumPy is loaded: here it is, in the process it is not yet
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe(duplex=False)
    process = context.Process(target=_serve, args=(theirs, work, argument, memory_bytes, os.getpid()), daemon=True)
    await asyncio.to_thread(process.start)
    theirs.close()
    try:
        while True:
            message = await asyncio.to_thread(_receive, ours)
            match message:
                case _Told(progress):
                    await tell(progress)
                case _Done(result):
                    answer: ResultT = result
                    return answer
                case _Failed(SignError() as error):
                    raise error
                case _Failed(fault):
                    _log.error("training_fails", fault=fault)
                    raise SignError("internal", "The fault is logged; the service goes on.")
                case _:
                    raise SignError("worker-died", "The process that made the model ended while doing so.")
    finally:
        process.kill()
        await asyncio.shield(asyncio.to_thread(process.join))
        ours.close()


def _receive(connection: Connection) -> object:
    """The next message; None where none will come."""
    try:
        return connection.recv()
    except (EOFError, OSError):
        return None


def _serve(
    connection: Connection, work: Callable[[Any, Progress], Any], argument: object, memory_bytes: int, parent: int
) -> None:
    """The process's whole life."""
    system.die_with_parent(parent)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    system.limit("AS", memory_bytes)
    system.limit("CORE", 0)
    if hasattr(os, "nice"):
        os.nice(_NICENESS)
    try:
        connection.send(_Done(work(argument, lambda progress: connection.send(_Told(progress)))))
    except SignError as error:
        connection.send(_Failed(error))
    except MemoryError:
        detail = f"Making the model takes more than {memory_bytes:,} bytes; teach fewer signs, or with fewer takes."
        connection.send(_Failed(SignError("worker-died", detail)))
    except Exception as fault:  # noqa: BLE001 - whatever it is, it is told to the service, which logs it
        connection.send(_Failed(repr(fault)))
