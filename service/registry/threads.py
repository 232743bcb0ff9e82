"""Threads for what may never come back: graphs of strangers run in them."""

import threading
import time
from collections.abc import Callable
from concurrent.futures import Executor, Future
from contextlib import suppress
from queue import Empty, SimpleQueue
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")
_Work = Callable[[], None]

END_S = 2.0
"""Longest that `shutdown` waits for what runs."""


class ReplaceableThreads(Executor):
    """As many threads as `count`, begun when they are needed; none keeps the process from ending.

    One that does not come back from its work is replaced by `replace_one`, and ends should it come back after all.
    """

    def __init__(self, count: int, name: str) -> None:
        self._count = count
        self._name = name
        self._work: SimpleQueue[tuple[_Work, Callable[[], bool]] | None] = SimpleQueue()
        self._lock = threading.Lock()
        self._threads: set[threading.Thread] = set()
        self._surplus = 0
        self._closed = False

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Do it in the next free thread. Raises RuntimeError after `shutdown`."""
        future: Future[T] = Future()

        def work() -> None:
            if not future.set_running_or_notify_cancel():
                return
            try:
                result = fn(*args, **kwargs)
            except BaseException as error:  # noqa: BLE001 - it belongs to whoever asks the future
                future.set_exception(error)
            else:
                future.set_result(result)

        with self._lock:
            if self._closed:
                raise RuntimeError(f"the threads {self._name} have ended")
            self._work.put((work, future.cancel))
            if len(self._threads) < self._count + self._surplus:
                self._start()
        return future

    def replace_one(self) -> None:
        """Begin a thread in the place of one that does not come back."""
        with self._lock:
            self._surplus += 1
            if not self._closed:
                self._start()

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = True) -> None:
        """Cancel what has not begun; what runs is waited for, but no longer than END_S."""
        with self._lock:
            self._closed = True
            while cancel_futures and not self._work.empty():
                with suppress(Empty):
                    if (dropped := self._work.get_nowait()) is not None:
                        dropped[1]()
            for _ in self._threads:
                self._work.put(None)
        until = time.monotonic() + END_S
        for thread in tuple(self._threads) if wait else ():
            thread.join(max(0.0, until - time.monotonic()))

    def _start(self) -> None:
        thread = threading.Thread(target=self._run, name=self._name, daemon=True)
        self._threads.add(thread)
        thread.start()

    def _run(self) -> None:
        while (item := self._work.get()) is not None:
            item[0]()
            del item  # and what its result holds
            with self._lock:
                if self._surplus and len(self._threads) > self._count:
                    self._surplus -= 1
                    self._threads.discard(threading.current_thread())
                    return
