"""make bench: the service against the bare loop, on the same clip, in one run, interleaved.

The bare loop is what a researcher writes: decode with PyAV, MediaPipe on each frame that the model samples, the
model's features, ONNX Runtime on one thread; in a process of its own, warmed up. Figures are medians of this machine
at this moment: read the ratios.
"""

import multiprocessing
import statistics
import tempfile
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path

from tests.bench.bare import serve_bare_loop
from tests.bench.stream import SOCKETS, live_frames
from tests.running import SAMPLES, RunningService, running_service

CLIP = SAMPLES / "letter_a_right_light.mp4"
ROUNDS = 15
CLIENT_SECONDS = 12.0
SOURCES = ("hands", "holistic")


class BareLoop:
    """The bare loop in a process of its own."""

    def __init__(self, source: str) -> None:
        context = multiprocessing.get_context("spawn")
        self._pipe: Connection
        self._pipe, theirs = context.Pipe()
        self._process = context.Process(target=serve_bare_loop, args=(theirs, source), daemon=True)
        self._process.start()
        self._lock = threading.Lock()

    def run(self, clip: Path) -> None:
        with self._lock:
            self._pipe.send(str(clip))
            self._pipe.recv()

    def close(self) -> None:
        self._pipe.send(None)
        self._process.join(10)


def milliseconds(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return (time.perf_counter() - began) * 1000


def per_second(works: list[Callable[[], object]], seconds: float) -> float:
    """How often per second the works are done, each over and over in a thread of its own."""
    counts = [0] * len(works)
    end = time.perf_counter() + seconds
    began = time.perf_counter()

    def repeat(index: int) -> None:
        while time.perf_counter() < end:
            works[index]()
            counts[index] += 1

    with ThreadPoolExecutor(len(works)) as pool:
        list(pool.map(repeat, range(len(works))))
    return sum(counts) / (time.perf_counter() - began)


def ask(service: RunningService) -> None:
    response = service.predict(CLIP)
    response.raise_for_status()


def single_stream(service: RunningService, bare: BareLoop) -> None:
    """One request at a time, service and bare loop taking turns."""
    ask(service)
    bare.run(CLIP)
    ours, theirs = [], []
    for _ in range(ROUNDS):
        theirs.append(milliseconds(lambda: bare.run(CLIP)))
        ours.append(milliseconds(lambda: ask(service)))
    ours_ms, bare_ms = statistics.median(ours), statistics.median(theirs)
    aim = bare_ms * 1.05 + 5
    verdict = "reached" if ours_ms <= aim else "missed"
    print(f"single stream, p50 of {ROUNDS}: service {ours_ms:.1f} ms, bare loop {bare_ms:.1f} ms,")
    print(f"  overhead {ours_ms - bare_ms:+.1f} ms ({ours_ms / bare_ms:.3f} ×); aim ≤ {aim:.1f} ms: {verdict}")


def throughput(service: RunningService, bares: list[BareLoop]) -> None:
    """Clips per second with 1, 2 and 4 clients, and what one and two bare processes reach; three rounds each."""
    rates: dict[str, list[float]] = {}
    for _ in range(3):
        for clients in (1, 2, 4):
            works: list[Callable[[], object]] = [lambda: ask(service)] * clients
            rates.setdefault(f"service, {clients} clients", []).append(per_second(works, CLIENT_SECONDS / 3))
        for count in (1, 2):
            loops: list[Callable[[], object]] = [partial(bare.run, CLIP) for bare in bares[:count]]
            rates.setdefault(f"bare, {count} processes", []).append(per_second(loops, CLIENT_SECONDS / 3))
    medians = {name: statistics.median(values) for name, values in rates.items()}
    for name, rate in medians.items():
        print(f"{name}: {rate:.2f} clips/s")
    two_bare = medians["bare, 2 processes"]
    best = max(medians["service, 2 clients"], medians["service, 4 clients"])
    print(f"two slots against two bare processes: {best / two_bare:.3f} ×; aim ≥ 0.97")
    print(f"two bare processes against one: {two_bare / medians['bare, 1 processes']:.2f} ×")


def holistic_alone() -> None:
    """What two processes of Holistic reach together on this machine: each uses more than a core."""
    bares = [BareLoop("holistic") for _ in range(2)]
    for bare in bares:
        bare.run(CLIP)
    one = per_second([lambda: bares[0].run(CLIP)], CLIENT_SECONDS)
    two = per_second([lambda: bares[0].run(CLIP), lambda: bares[1].run(CLIP)], CLIENT_SECONDS)
    print(f"Holistic alone, bare: one process {one:.2f} clips/s, two {two:.2f} clips/s ({two / one:.2f} ×)")
    for bare in bares:
        bare.close()


def main() -> None:
    with tempfile.TemporaryDirectory() as folder, running_service(Path(folder), SIGN_SLOTS="2") as service:
        bares = [BareLoop("hands") for _ in range(2)]
        for bare in bares:
            bare.run(CLIP)
        print(f"clip: {CLIP.name}")
        single_stream(service, bares[0])
        throughput(service, bares)
        for bare in bares:
            bare.close()
    holistic_alone()
    with (
        tempfile.TemporaryDirectory() as folder,
        running_service(
            Path(folder), SIGN_SLOTS="1", SIGN_STREAM_SLOTS=str(max(SOCKETS)), SIGN_STREAM_MAX_FPS="1000"
        ) as service,
    ):
        live_frames(service)


if __name__ == "__main__":
    main()
