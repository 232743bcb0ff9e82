"""Memory of a slot's process with one landmarker in it."""

import multiprocessing
import os
from multiprocessing.connection import Connection
from pathlib import Path

from service.observe.landmark_files import FOLDER as NETWORKS
from service.observe.request import LandmarkLibrary, LandmarkRequest
from service.workers.process import WorkerLimits, init_worker, warm_up

_ADDRESS_SPACE = 8 * 1024**3
_FRAMES = 3


def slot_memory_mb(library: LandmarkLibrary, request: LandmarkRequest) -> tuple[float, float]:
    """(resident, private) megabytes of a fresh process that was confined and warmed up, and has seen some frames."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_measure, args=(theirs, library, request, os.getpid()))
    process.start()
    theirs.close()  # so that a process that dies is an EOFError here, not a wait for ever
    figures: tuple[float, float] = ours.recv()
    process.join()
    return figures


def _measure(pipe: Connection, library: LandmarkLibrary, request: LandmarkRequest, parent: int) -> None:
    stop = multiprocessing.get_context("spawn").RawValue("Q", 0)
    init_worker(stop, WorkerLimits(_ADDRESS_SPACE, 60.0, parent, library, (str(NETWORKS),)), None)  # type: ignore[arg-type]
    warm_up((request,) * _FRAMES)
    lines = Path("/proc/self/smaps_rollup").read_text(encoding="ascii").splitlines()[1:]
    found = {line.split()[0]: int(line.split()[1]) / 1024 for line in lines}
    pipe.send((found["Rss:"], found["Private_Clean:"] + found["Private_Dirty:"]))
