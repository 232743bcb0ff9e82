"""python -m tests.bench.peers ENVIRONMENTS [--page PAGE]: this service beside LitServe and BentoML.

All answer the same clips with the same model, with two workers each; theirs run MediaPipe 0.10.21, ours its engine.
Rounds take turns; figures are medians of this machine at this moment: read the ratios, and the load beside them.
"""

import argparse
import os
import socket
import tempfile
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import av
import httpx

from tests.bench.peers.page import CROWD, CROWD_PATIENCE_S, HANG_UPS, LONG_REPEATS, Crowd, Figures, Speed, page
from tests.bench.peers.servers import Server, running_servers
from tests.running import ROOT, SAMPLES

CLIPS = {
    "a letter that is held (A)": SAMPLES / "letter_a_right_light.mp4",
    "one that is drawn (Z)": SAMPLES / "letter_z_right_tan.mp4",
}
CLIP_S = 2.4
_WARM = 6


def measured(servers: list[Server], rounds: int, seconds: float) -> dict[str, Figures]:
    """Everything, the servers taking turns within each round."""
    clips = {shown: path.read_bytes() for shown, path in CLIPS.items()}
    first = next(iter(CLIPS.values()))
    clip, long_clip = first.read_bytes(), repeated(first, LONG_REPEATS)
    found = {server.name: Figures({shown: Speed() for shown in clips}) for server in servers}
    for server in servers:
        with server.client() as client:
            for _ in range(_WARM):
                server.ask(client, clip).raise_for_status()
    for number in range(rounds):
        turn = servers[number % len(servers) :] + servers[: number % len(servers)]
        for shown, content in clips.items():
            _one_round(turn, {name: figures.speeds[shown] for name, figures in found.items()}, content, seconds)
    for server in servers:
        found[server.name].crowd = crowd(server, clip)
        time.sleep(CROWD_PATIENCE_S)  # whoever still works for those that gave up
    for _ in range(2):
        for server in servers:
            found[server.name].after_hang_up_s.append(after_hang_ups(server, clip, long_clip))
    for server in servers:
        found[server.name].memory_mb = memory_mb(server.pid)
    return found


def _one_round(turn: list[Server], found: dict[str, Speed], clip: bytes, seconds: float) -> None:
    """Speed alone; the next round begins with another server."""
    for _ in range(5):
        for server in turn:
            found[server.name].single_ms.append(_single_ms(server, clip))
    for clients in (2, 4):
        for server in turn:
            found[server.name].rates[clients].append(_rate(server, clip, clients, seconds))


def _single_ms(server: Server, clip: bytes) -> float:
    with server.client() as client:
        client.get("/")  # opens the connection
        began = time.perf_counter()
        server.ask(client, clip).raise_for_status()
        return (time.perf_counter() - began) * 1000


def _rate(server: Server, clip: bytes, clients: int, seconds: float) -> float:
    """Answers a second, of clients that each ask again as soon as they are answered."""
    counts = [0] * clients
    began = time.perf_counter()

    def repeat(index: int) -> None:
        with server.client() as client:
            while time.perf_counter() < began + seconds:
                server.ask(client, clip).raise_for_status()
                counts[index] += 1

    _together([lambda index=index: repeat(index) for index in range(clients)])  # type: ignore[misc]
    return sum(counts) / (time.perf_counter() - began)


def crowd(server: Server, clip: bytes) -> Crowd:
    """What becomes of far more callers than two workers can serve in time."""
    answered: list[float] = []
    refused: list[float] = []
    lock = threading.Lock()

    def ask() -> None:
        began = time.perf_counter()
        with httpx.Client(base_url=server.url, timeout=CROWD_PATIENCE_S) as client:
            try:
                status = server.ask(client, clip).status_code
            except httpx.TransportError:
                return
        with lock:
            (answered if status == 200 else refused).append(time.perf_counter() - began)

    _together([ask] * CROWD)
    return Crowd(
        len(answered),
        len(refused),
        CROWD - len(answered) - len(refused),
        max(answered, default=0.0),
        max(refused, default=0.0),
    )


def after_hang_ups(server: Server, clip: bytes, long_clip: bytes) -> float:
    """Seconds until a short clip is answered behind callers of a long one who have hung up."""
    host, port = server.url.removeprefix("http://").split(":")
    with server.client() as client:
        request = server.request(client, long_clip)
    lines = ["POST /predict HTTP/1.1", *(f"{name}: {value}" for name, value in request.headers.items()), "", ""]
    body = request.read()
    callers = [socket.create_connection((host, int(port))) for _ in range(HANG_UPS)]
    for caller in callers:
        caller.sendall("\r\n".join(lines).encode() + body)
    time.sleep(1.5)
    for caller in callers:
        caller.close()
    began = time.perf_counter()
    with server.client() as client:
        server.ask(client, clip).raise_for_status()
    return time.perf_counter() - began


def memory_mb(pid: int) -> float:
    """Memory of a process and all below it, what they share counted once (PSS)."""
    total = 0.0
    left = [pid]
    while left:
        one = left.pop()
        try:
            children = Path(f"/proc/{one}/task/{one}/children").read_text(encoding="ascii").split()
            lines = Path(f"/proc/{one}/smaps_rollup").read_text(encoding="ascii").splitlines()
        except OSError:
            continue
        left += map(int, children)
        total += next(int(line.split()[1]) for line in lines if line.startswith("Pss:")) / 1024
    return total


def repeated(clip: Path, times: int) -> bytes:
    """The clip over and over, as one video."""
    with tempfile.NamedTemporaryFile(suffix=".mp4") as file:
        with av.open(str(clip)) as source, av.open(file.name, "w") as target:
            frames = [frame.to_ndarray(format="rgb24", threads=1) for frame in source.decode(video=0)]
            stream = target.add_stream("libx264", rate=30)
            stream.height, stream.width = frames[0].shape[:2]
            stream.pix_fmt = "yuv420p"
            for pixels in frames * times:
                target.mux(stream.encode(av.VideoFrame.from_ndarray(pixels, format="rgb24")))
            target.mux(stream.encode())
        return Path(file.name).read_bytes()


def _together(works: list[Callable[[], None]]) -> None:
    with ThreadPoolExecutor(len(works)) as pool:
        for done in [pool.submit(work) for work in works]:
            done.result()


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("environments", type=Path)
    parser.add_argument("--page", type=Path)
    parser.add_argument("--rounds", type=int, default=6)
    parser.add_argument("--seconds", type=float, default=4.0)
    arguments = parser.parse_args()
    before = os.getloadavg()[0]
    with (
        tempfile.TemporaryDirectory() as folder,
        running_servers(arguments.environments.absolute(), Path(folder)) as servers,
    ):
        found = measured(servers, arguments.rounds, arguments.seconds)
    text = page(found, CLIP_S, (before, os.getloadavg()[0]))
    print(text)
    if arguments.page is not None:
        (ROOT / arguments.page).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
