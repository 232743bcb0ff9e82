"""Inside a slot's process: how it is confined, and what it does for a call.

This module is the first of ours that the process imports: what it imports itself at the top must be light, since
limits and environment come before NumPy and MediaPipe.
"""

import gc
import logging
import os
import signal
import sys
import time
import warnings
from dataclasses import dataclass, replace
from types import ModuleType
from typing import TYPE_CHECKING, Protocol

from service import system
from service.confinement.confine import Confinement, confine
from service.observe.cancelled import ObservationCancelledError

if TYPE_CHECKING:
    from service.observe.call import ObserveCall, ObserveResult
    from service.observe.landmarkers import Landmarkers
    from service.observe.live import LiveCall, LiveFrame, LiveObservation, LiveObserver
    from service.observe.request import LandmarkLibrary, LandmarkRequest
    from service.workers.frame_buffer import SharedFrameBuffer

_OPEN_FILES = 256
_CPU_SECONDS_A_SECOND = 8  # threads of one graph may run side by side
_ENVIRONMENT = {
    "OPENBLAS_NUM_THREADS": "1",
    "OMP_NUM_THREADS": "1",
    "OPENCV_FOR_THREADS_NUM": "1",
    "GLOG_minloglevel": "3",
    "TF_CPP_MIN_LOG_LEVEL": "3",
}


class StopFlag(Protocol):
    """Shared memory: calls up to this number are no longer wanted."""

    value: int


@dataclass(frozen=True, slots=True)
class WorkerLimits:
    """What a process may take: bytes of address space, seconds a call; and what it finds landmarks with.

    media: the folders in which media lie; None: anywhere, as those of a command do.
    """

    memory_bytes: int
    call_s: float
    parent: int
    landmarks: "LandmarkLibrary"
    media: tuple[str, ...] | None


@dataclass(slots=True)
class _WorkerState:
    """What the process keeps between calls."""

    stop: StopFlag
    limits: WorkerLimits
    landmarkers: "Landmarkers"
    buffer: "SharedFrameBuffer"
    live: "LiveObserver | None" = None


_state: _WorkerState | None = None


def init_worker(stop: StopFlag, limits: WorkerLimits, buffer: "SharedFrameBuffer") -> None:
    """The process's first act: confine itself, before anything heavy is loaded. buffer: where its pictures go.

    From then on it opens no network, starts no process, writes no file and reads only those that it needs.
    """
    global _state  # noqa: PLW0603 - a process has one state, and pebble's initializer cannot hand it on
    system.die_with_parent(limits.parent)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    os.environ.update(_ENVIRONMENT)
    _silence()
    _limit(limits)
    if limits.landmarks == "mediapipe":
        _without_plotting()
    confine(Confinement(readable=limits.media))
    from service.observe.landmarkers import Landmarkers  # noqa: PLC0415

    _state = _WorkerState(stop, limits, Landmarkers(library=limits.landmarks), buffer)


def warm_up(requests: "tuple[LandmarkRequest, ...]") -> int:
    """The second: load readers and graphs, look at a black frame with each; from then on no file can be written.

    Gives the process id.
    """
    import numpy as np  # noqa: PLC0415

    import service.observe.picture  # noqa: PLC0415
    import service.observe.video  # noqa: F401, PLC0415

    for request in requests:
        with _current_state().landmarkers.borrow(request) as landmarker:
            landmarker.detect(np.zeros((64, 64, 3), np.uint8))
    gc.collect()
    system.trim_memory()
    gc.freeze()  # what is kept for good: collecting after each call looks at the call's own objects alone
    system.limit("FSIZE", 0)
    return os.getpid()


def run_call(number: int, call: "ObserveCall") -> "ObserveResult":
    """Observe a medium, as call `number` of this process. Pictures stay in the buffer; the result counts them."""
    from service.errors import SignError  # noqa: PLC0415
    from service.observe.observe import observe  # noqa: PLC0415
    from service.observe.request import LandmarkRequest  # noqa: PLC0415
    from service.workers.frame_buffer import SharedFrameSink  # noqa: PLC0415

    state, began_ns = _current_state(), time.time_ns()
    _limit_cpu(state.limits.call_s)

    def keep_going() -> None:
        if state.stop.value >= number:
            raise ObservationCancelledError

    try:
        result = observe(call, keep_going, state.landmarkers, lambda request: SharedFrameSink(state.buffer, request))
        apart = 0 if isinstance(call.request, LandmarkRequest) else len(result.track)
        return replace(result, shared_frames=apart, pid=os.getpid(), began_ns=began_ns, ended_ns=time.time_ns())
    except MemoryError:
        raise SignError("worker-died", "Reading the medium takes more memory than a slot has.") from None
    finally:
        gc.collect()  # PyAV's and MediaPipe's objects refer to each other, few but large: Python would wait for many


def open_live(call: "LiveCall") -> None:
    """Make ready for the frames of a session; what the session before followed is forgotten."""
    from service.observe.live import LiveObserver  # noqa: PLC0415

    state = _current_state()
    if state.live is not None:
        state.live.close()
    state.live = LiveObserver(call, state.landmarkers)


def observe_live_frame(frame: "LiveFrame") -> "LiveObservation":
    """Observe the next frame of the session that was opened."""
    from service.errors import SignError  # noqa: PLC0415

    state = _current_state()
    _limit_cpu(state.limits.call_s)
    if state.live is None:
        raise RuntimeError("no session was opened in this process")
    try:
        return state.live.observe(frame)
    except MemoryError:
        raise SignError("worker-died", "Reading the frame takes more memory than a slot has.") from None


def _current_state() -> _WorkerState:
    if _state is None:
        raise RuntimeError("the process was not initialized")
    return _state


def _silence() -> None:
    """Send what C libraries print to nowhere; Python's own standard error stays."""
    kept = os.dup(2)
    sys.stderr = os.fdopen(kept, "w", buffering=1)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    os.close(nowhere)
    warnings.simplefilter("ignore")
    logging.getLogger("libav").setLevel(logging.CRITICAL)


def _limit(limits: WorkerLimits) -> None:
    system.limit("AS", limits.memory_bytes)
    system.limit("CORE", 0)
    system.limit("NOFILE", _OPEN_FILES)


def _limit_cpu(call_s: float) -> None:
    """A last line behind the time limit that the parent keeps: the kernel ends a process that burns too much."""
    system.limit("CPU", int(system.cpu_seconds() + call_s * _CPU_SECONDS_A_SECOND) + 1, system.UNLIMITED)


def _without_plotting() -> None:
    """MediaPipe imports matplotlib to draw, which is never done here: half of its import time, 40 MiB, a font cache."""
    matplotlib = ModuleType("matplotlib")
    matplotlib.__dict__["pyplot"] = sys.modules["matplotlib.pyplot"] = ModuleType("matplotlib.pyplot")
    sys.modules["matplotlib"] = matplotlib
