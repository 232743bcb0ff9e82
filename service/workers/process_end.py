"""ProcessEnd: how the service learns that a slot's process has ended, and how it ends one."""

import asyncio
import contextlib
import multiprocessing
import os
import signal
import threading
from collections.abc import Callable
from multiprocessing.connection import wait
from multiprocessing.process import BaseProcess

from service import system


class ProcessEnd:
    """Calls back once, on the event loop, when a child process ends.

    Linux tells of it by a descriptor (pidfd), at once and never about another process that got the same number.
    Elsewhere a thread waits for what multiprocessing knows of its own children.
    """

    def __init__(self, pid: int, on_end: Callable[[], None]) -> None:
        """Raises ProcessLookupError where there is no such child any more."""
        self._loop = asyncio.get_running_loop()
        self._on_end = on_end
        self._descriptor = -1
        self._process: BaseProcess | None = None
        if system.HAS_PIDFD:
            self._descriptor = os.pidfd_open(pid)
            self._loop.add_reader(self._descriptor, self._note)
        else:
            self._process = _child(pid)
            threading.Thread(target=self._wait, args=(self._process.sentinel,), daemon=True).start()

    def kill(self) -> None:
        """End the process, whatever it does; nothing is called back any more."""
        self._on_end = _nothing
        if self._process is not None:
            self._process.kill()
            return
        with contextlib.suppress(ProcessLookupError):
            signal.pidfd_send_signal(self._descriptor, signal.SIGKILL)
        self._loop.remove_reader(self._descriptor)
        os.close(self._descriptor)

    def _note(self) -> None:
        if self._descriptor >= 0:
            self._loop.remove_reader(self._descriptor)
        self._on_end()

    def _wait(self, sentinel: int) -> None:
        wait([sentinel])
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody asks any more
            self._loop.call_soon_threadsafe(self._note)


def _child(pid: int) -> BaseProcess:
    for process in multiprocessing.active_children():
        if process.pid == pid:
            return process
    raise ProcessLookupError(f"process {pid} has ended")


def _nothing() -> None:
    """For a process whose end is known."""
