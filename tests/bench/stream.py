"""make bench, live frames: from a frame sent to its answer received, against the bare cost of a frame's landmarks.

Service and bare loops take turns in one run. Frames are encoded before anything is measured; their times advance by
what the model samples, so each one is looked at. The clients' own CPU is part of the machine's load and is told.
"""

import multiprocessing
import os
import statistics
import struct
import threading
import time
from collections import defaultdict
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path

import numpy as np

from service.settings import default_slots
from tests.running import SAMPLES, RunningService
from tests.streaming import encoded, frames_of, streaming

CLIP = SAMPLES / "letter_a_right_light.mp4"
SOCKETS = (1, 2, 4)
ROUNDS = 3
SECONDS = 6.0
PACE = 15.0
WARM_UP = 10
AIM = 1.5


def serve_bare_frames(pipe: Connection, paths: list[str]) -> None:
    """Landmarks of the clip's frames over and over for as many seconds as come through the pipe; seconds of each."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)  # MediaPipe's C++ would drown the figures
    from mediapipe.python.solutions.hands import Hands  # noqa: PLC0415 - only in this process

    pictures = [pixels for path in paths for _, pixels in frames_of(Path(path))][::2]
    graph = Hands(max_num_hands=1)
    while (order := pipe.recv()) is not None:
        seconds, pace = order
        taken, end, due = [], time.perf_counter() + seconds, time.perf_counter()
        while time.perf_counter() < end:
            for pixels in pictures:
                due += 1 / pace
                time.sleep(max(0.0, due - time.perf_counter()))
                began = time.perf_counter()
                graph.process(pixels)
                taken.append(time.perf_counter() - began)
        pipe.send(taken[WARM_UP:])


class BareFrames:
    """The bare landmarker in a process of its own."""

    def __init__(self) -> None:
        context = multiprocessing.get_context("spawn")
        self._pipe: Connection
        self._pipe, theirs = context.Pipe()
        self._process = context.Process(target=serve_bare_frames, args=(theirs, [str(CLIP)]), daemon=True)
        self._process.start()

    def begin(self, seconds: float, pace: float) -> None:
        self._pipe.send((seconds, pace))

    def taken(self) -> list[float]:
        seconds: list[float] = self._pipe.recv()
        return seconds

    def close(self) -> None:
        self._pipe.send(None)
        self._process.join(10)


class Camera:
    """One client: sends frames at a pace and notes when each answer comes; or the next as soon as one is answered."""

    def __init__(self, service: RunningService, pictures: list[bytes]) -> None:
        self._service = service
        self._pictures = pictures
        self.latencies_s: list[float] = []
        self.processed_per_s = 0.0

    def run(self, seconds: float, pace: float | None, ready: threading.Barrier) -> None:
        with streaming(self._service) as client:
            client.start()
            ready.wait(60)
            sent: dict[int, float] = {}
            seq, due = 0, time.perf_counter()
            began = due
            while time.perf_counter() < began + seconds:
                if pace is not None:
                    due += 1 / pace
                    time.sleep(max(0.0, due - time.perf_counter()))
                picture = self._pictures[seq % len(self._pictures)]
                sent[seq] = time.perf_counter()
                client.socket.send(struct.pack("<Id", seq, seq / PACE) + picture)
                client.answer_to(seq)
                self.latencies_s.append(time.perf_counter() - sent[seq])
                seq += 1
            self.processed_per_s = seq / (time.perf_counter() - began)
            self.latencies_s = self.latencies_s[WARM_UP:]


def with_cameras(service: RunningService, pictures: list[bytes], count: int, pace: float | None) -> list[Camera]:
    """So many clients at the same time."""
    cameras = [Camera(service, pictures) for _ in range(count)]
    ready = threading.Barrier(count)
    threads = [threading.Thread(target=camera.run, args=(SECONDS, pace, ready)) for camera in cameras]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return cameras


def percentiles_ms(seconds: list[float]) -> tuple[float, float]:
    p50, p95 = np.percentile(np.array(seconds) * 1000, (50, 95))
    return float(p50), float(p95)


def live_frames(service: RunningService) -> None:
    """Latency at the model's own pace, and how many frames a second are processed at most; rounds take turns."""
    pictures = [encoded(pixels, "JPEG", quality=90) for _, pixels in frames_of(CLIP)[::2]]
    bares = [BareFrames() for _ in range(2)]
    for bare in bares:
        bare.begin(1.0, PACE)
        bare.taken()
    with_cameras(service, pictures, max(SOCKETS), PACE)
    found = Figures()
    for _ in range(ROUNDS):
        found.measure_bare(bares)
        for count in SOCKETS:
            found.measure_sockets(service, pictures, count)
    for bare in bares:
        bare.close()
    size_kb = statistics.mean(map(len, pictures)) / 1000
    print(f"live frames: {CLIP.name} as JPEG of {size_kb:.0f} kB, {PACE:g}/s a socket")
    found.tell()


@dataclass(slots=True)
class Figures:
    """What was measured, by how many bare processes or sockets there were at a time."""

    bare: dict[int, list[float]] = field(default_factory=lambda: defaultdict(list))
    paced: dict[int, list[float]] = field(default_factory=lambda: defaultdict(list))
    fastest: dict[int, list[float]] = field(default_factory=lambda: defaultdict(list))
    cpu: dict[int, list[float]] = field(default_factory=lambda: defaultdict(list))

    def measure_bare(self, bares: list[BareFrames]) -> None:
        for count in range(1, len(bares) + 1):
            for bare in bares[:count]:
                bare.begin(SECONDS, PACE)
            for bare in bares[:count]:
                self.bare[count].extend(bare.taken())

    def measure_sockets(self, service: RunningService, pictures: list[bytes], count: int) -> None:
        used, began = time.process_time(), time.perf_counter()
        for camera in with_cameras(service, pictures, count, PACE):
            self.paced[count].extend(camera.latencies_s)
        self.cpu[count].append((time.process_time() - used) / (time.perf_counter() - began))
        self.fastest[count].append(sum(one.processed_per_s for one in with_cameras(service, pictures, count, None)))

    def tell(self) -> None:
        for count, taken in self.bare.items():
            p50, p95 = percentiles_ms(taken)
            print(f"bare landmarks, {count} at a time: p50 {p50:.1f} ms, p95 {p95:.1f} ms")
        for count in SOCKETS:
            p50, p95 = percentiles_ms(self.paced[count])
            print(
                f"{count} sockets: p50 {p50:.1f} ms, p95 {p95:.1f} ms; at most "
                f"{statistics.median(self.fastest[count]):.1f} frames/s processed; "
                f"clients' CPU {statistics.median(self.cpu[count]) * 100:.0f} % of a core"
            )
        slots = min(default_slots(), max(self.bare))
        p95 = percentiles_ms(self.paced[slots])[1]
        bare_p50, bare_p95 = percentiles_ms(self.bare[slots])
        verdict = "reached" if p95 <= AIM * bare_p95 else "missed"
        print(
            f"at {slots} sockets p95 is {p95 / bare_p95:.2f} × bare p95 and {p95 / bare_p50:.2f} × bare p50; "
            f"aim ≤ {AIM} × bare p95: {verdict}"
        )
