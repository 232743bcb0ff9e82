"""The service under attacks on its connections: half-open ones, slow uploads, a flood of headers.

`python -m tests.bench.doors [--tree CHECKOUT] [--seconds 30]` prints, for each, how /healthz and /predict were answered
to others meanwhile, and the memory and files of the process. The service may open 1024 files. Nothing but the
connections' number and contents differs between attacks, so another checkout can be put beside this one.
"""

import argparse
import contextlib
import resource
import socket
import statistics
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from tests.running import ROOT, SAMPLES, RunningService, running_service

FILES = 1024
CONNECTIONS = 1000
FLOOD_BYTES = 200 * 2**20
PROBE_S = 5.0
PAUSE_S = 0.2
TRICKLE_S = 2.0
MIB = 2**20
HALF = b"POST /predict HTTP/1.1\r\nHost: localhost\r\nX-A: "
UPLOAD = b"POST /predict HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10000000\r\n\r\n"


@dataclass(slots=True)
class Seen:
    """What another caller saw meanwhile; seconds of each answer, None where none came within PROBE_S."""

    health_s: list[float | None] = field(default_factory=list)
    predict: list[str] = field(default_factory=list)
    most_memory: int = 0
    most_files: int = 0
    alive: bool = True


def status_of(service: RunningService) -> tuple[int, int]:
    """Resident bytes and open files of the service's process."""
    try:
        text = Path(f"/proc/{service.process.pid}/status").read_text()
        pages = next(line for line in text.splitlines() if line.startswith("VmRSS")).split()[1]
        return int(pages) * 1024, len(list(Path(f"/proc/{service.process.pid}/fd").iterdir()))
    except (OSError, StopIteration):
        return 0, 0


def watch(service: RunningService, until: threading.Event, seen: Seen) -> None:
    """Ask /healthz again and again, each time on a new connection, and /predict in between."""
    letter = (SAMPLES / "letter_a_right_light.mp4").read_bytes()
    asked = 0
    while not until.is_set():
        memory, files = status_of(service)
        seen.most_memory, seen.most_files = max(seen.most_memory, memory), max(seen.most_files, files)
        seen.health_s.append(ask(lambda: httpx.get(f"{service.url}/healthz", timeout=PROBE_S)))
        if asked % 10 == 0:
            with contextlib.suppress(httpx.HTTPError):
                answer = httpx.post(f"{service.url}/predict", content=letter, timeout=4 * PROBE_S)
                seen.predict.append(str(answer.status_code))
                asked += 1
                continue
            seen.predict.append("none")
        asked += 1
        until.wait(PAUSE_S)
    seen.alive = service.process.poll() is None


def ask(question: Callable[[], httpx.Response]) -> float | None:
    began = time.perf_counter()
    try:
        return time.perf_counter() - began if question().status_code == 200 else None
    except httpx.HTTPError:
        return None


def trickle(service: RunningService, begun: bytes, seconds: float) -> None:
    """Many connections that begin a request and send a byte now and then; who is cut off comes again."""
    host, port = service.url.removeprefix("http://").split(":")
    opened: list[socket.socket] = []
    end = time.monotonic() + seconds
    try:
        while time.monotonic() < end:
            while len(opened) < CONNECTIONS and time.monotonic() < end:
                with contextlib.suppress(OSError):
                    connection = socket.create_connection((host, int(port)), timeout=1)
                    connection.sendall(begun)
                    connection.setblocking(False)
                    opened.append(connection)
            time.sleep(TRICKLE_S)
            opened = [connection for connection in opened if lives(connection)]
    finally:
        for connection in opened:
            connection.close()


def lives(connection: socket.socket) -> bool:
    """Send one byte more; False where the service has closed, and the connection is closed here, too."""
    try:
        connection.send(b"x")
        with contextlib.suppress(BlockingIOError):
            if not connection.recv(65536):
                raise ConnectionResetError
    except OSError:
        connection.close()
        return False
    return True


def flood(service: RunningService, seconds: float) -> None:
    """Headers that do not end, one after the other: each as large as it may grow."""
    host, port = service.url.removeprefix("http://").split(":")
    taken: list[int] = []
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        taken.append(0)
        with contextlib.suppress(OSError), socket.create_connection((host, int(port)), timeout=PROBE_S) as connection:
            connection.sendall(HALF)
            while taken[-1] < FLOOD_BYTES:
                connection.sendall(b"x" * 65536)
                taken[-1] += 65536
            time.sleep(1)
    print(f"  {len(taken)} headers, of which {max(taken) / MIB:.0f} MiB were taken at most")


@contextlib.contextmanager
def few_files() -> Iterator[None]:
    """What is started within the block may open FILES files."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (FILES, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def attack(tree: Path, name: str, act: Callable[[RunningService, float], None], seconds: float) -> None:
    """One service, one attack, and what others saw."""
    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as stack:
        with few_files():
            service = stack.enter_context(running_service(Path(folder), tree, SIGN_SLOTS="2"))
        before, files = status_of(service)
        seen, over = Seen(), threading.Event()
        watching = threading.Thread(target=watch, args=(service, over, seen))
        watching.start()
        act(service, seconds)
        over.set()
        watching.join()
        after, _ = status_of(service)
        print(describe(name, seen, (before, after), files), flush=True)


def describe(name: str, seen: Seen, memory: tuple[int, int], files: int) -> str:
    """One row."""
    answered = sorted(each for each in seen.health_s if each is not None)
    took = "none answered"
    if answered:
        p95 = answered[min(len(answered) - 1, int(0.95 * len(answered)))]
        took = (
            f"median {1000 * statistics.median(answered):.0f}, p95 {1000 * p95:.0f}, most {1000 * answered[-1]:.0f} ms"
        )
    predicted = ", ".join(f"{seen.predict.count(each)} × {each}" for each in dict.fromkeys(seen.predict))
    return (
        f"{name}: /healthz {len(answered)} of {len(seen.health_s)} within {PROBE_S:g} s ({took}); "
        f"/predict {predicted}; "
        f"memory {memory[0] / MIB:.0f} → {seen.most_memory / MIB:.0f} → {memory[1] / MIB:.0f} MiB, "
        f"files {files} → {seen.most_files} of {FILES}; {'alive' if seen.alive else 'dead'}"
    )


def main() -> None:
    """All attacks, one after the other."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tree", type=Path, default=ROOT)
    parser.add_argument("--seconds", type=float, default=30.0)
    given = parser.parse_args()
    attacks: dict[str, Callable[[RunningService, float], None]] = {
        "nothing": lambda _service, seconds: time.sleep(seconds / 3),
        f"{CONNECTIONS:,} half-open connections": lambda service, seconds: trickle(service, HALF, seconds),
        f"{CONNECTIONS:,} slow uploads": lambda service, seconds: trickle(service, UPLOAD, seconds),
        f"headers of {FLOOD_BYTES // MIB} MiB": flood,
    }
    for name, act in attacks.items():
        attack(given.tree, name, act, given.seconds)


if __name__ == "__main__":
    main()
