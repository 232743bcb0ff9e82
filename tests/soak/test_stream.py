"""Live frames for minutes: `make soak`. SIGN_SOAK_SECONDS says how many (600)."""

import contextlib
import os
import shutil
import socket
import statistics
import struct
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from service.registry.manifest import MODEL_FILE
from service.registry.store import Store
from tests.running import ROOT, SAMPLES, RunningService, running_service, wait_until
from tests.service.registry.graphs import draft, serialized
from tests.streaming import StreamClient, encoded, frames_of, grey, streaming

SECONDS = float(os.environ.get("SIGN_SOAK_SECONDS", "600"))
FPS = 30
STEPS, WIDTH, WIDE, DEEP = 8, 63, 4096, 60
CLIP = SAMPLES / "word_fly_right_tan.mp4"
GROWTH_BYTES = 48 * 1024 * 1024
IDLE_S = 15


def slow_graph() -> bytes:
    """Two labels by way of sixty products with one wide matrix: slower than thirty rows a second on any machine."""
    small = np.full((STEPS * WIDTH, WIDE), 1e-4, np.float32)
    nodes = [
        helper.make_node("Flatten", ["x"], ["flat"], axis=1),
        helper.make_node("MatMul", ["flat", "in"], ["h0"]),
        *(
            node
            for depth in range(DEEP)
            for node in (
                helper.make_node("MatMul", [f"h{depth}", "wide"], [f"m{depth}"]),
                helper.make_node("Tanh", [f"m{depth}"], [f"h{depth + 1}"]),
            )
        ),
        helper.make_node("MatMul", [f"h{DEEP}", "out"], ["y"]),
    ]
    stored = [
        numpy_helper.from_array(small, "in"),
        numpy_helper.from_array(np.full((WIDE, WIDE), 1 / WIDE, np.float32), "wide"),
        numpy_helper.from_array(np.full((WIDE, 2), 1e-4, np.float32), "out"),
    ]
    graph = helper.make_graph(
        nodes,
        "slow",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["batch", STEPS, WIDTH])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["batch", 2])],
        stored,
    )
    return serialized(graph)


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningService]:
    """A service with a slow model beside the default one."""
    folder = tmp_path_factory.mktemp("soak")
    store = folder / "store"
    shutil.copytree(ROOT / "model_store" / "asl-letters", store / "asl-letters")
    fields = draft(
        "slow",
        labels=["one", "two"],
        pipeline={
            "kind": "keypoints",
            "source": "hands",
            "layout": [{"part": "hand", "points": "all", "axes": ["x", "y", "z"]}],
            "sampling": {"rate": FPS},
            "length": {"length": STEPS, "pad": "post", "value": 0, "truncate": "post", "resample": True},
        },
        time={"window_s": 0.4, "stride_s": 0.1, "min_duration_s": 0.1, "merge_gap_s": 0.1},
        inputs=[{"name": "x", "dtype": "float32", "shape": ["batch", STEPS, WIDTH], "from": "track"}],
        output={"name": "y", "shape": ["batch", 2], "activation": "softmax"},
    )
    Store(store).publish(fields, {MODEL_FILE: slow_graph()})
    settings = {
        "SIGN_MODEL_STORE": str(store),
        "SIGN_STREAM_SLOTS": "3",
        "SIGN_STREAM_SESSION_S": str(2 * SECONDS + 600),
        "SIGN_STREAM_IDLE_S": str(IDLE_S),
    }
    with running_service(folder, SIGN_SLOTS="1", **settings) as running:
        wait_until(lambda: running.predict(CLIP, model="slow").status_code == 200, 120, "the model does not load")
        yield running


@dataclass(slots=True)
class Listener:
    """What a client heard, in a thread of its own."""

    client: StreamClient
    answers: list[tuple[float, float, int]] = field(default_factory=list)
    summary: dict[str, object] = field(default_factory=dict)

    def listen(self, pause_s: float = 0.0) -> None:
        with contextlib.suppress(ConnectionClosed):
            while True:
                time.sleep(pause_s)
                message = self.client.hear()
                self.client.heard.clear()
                if message["type"] == "frame":
                    self.answers.append((time.monotonic(), message["latency_ms"], message["dropped"]))
                elif message["type"] == "summary":
                    self.summary = message


def resident_bytes(service: RunningService) -> int:
    """Memory of the service and its processes."""
    total = 0
    for pid in (service.process.pid, *service.workers()):
        with contextlib.suppress(OSError):
            total += int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return total * os.sysconf("SC_PAGE_SIZE")


def play(client: StreamClient, pictures: list[bytes], seconds: float) -> int:
    """Send frames at thirty a second; how many."""
    began, seq = time.monotonic(), 0
    while (now := time.monotonic() - began) < seconds:
        client.frame(seq, seq / FPS, pictures[seq % len(pictures)])
        seq += 1
        time.sleep(max(0.0, seq / FPS - now))
    return seq


@pytest.mark.timeout(2 * SECONDS + 600)
def test_minutes_of_frames_into_a_slow_model_leave_latency_and_memory_flat(service: RunningService) -> None:
    pictures = [encoded(pixels, "JPEG", quality=85) for _, pixels in frames_of(CLIP)]
    with streaming(service) as client:
        client.start(model="slow")
        listener = Listener(client)
        listening = threading.Thread(target=listener.listen)
        listening.start()
        sent = play(client, pictures, SECONDS / 10)
        began_bytes = resident_bytes(service)
        client.say("reset")  # times begin at 0 again
        sent += play(client, pictures, SECONDS)
        ended_bytes = resident_bytes(service)
        client.say("stop")
        listening.join(60)
    summary = listener.summary
    latencies = [latency for _, latency, _ in listener.answers]
    quarter = len(latencies) // 4
    first, last = (statistics.median(part) for part in (latencies[:quarter], latencies[-quarter:]))
    p95 = [float(np.percentile(part, 95)) for part in (latencies[:quarter], latencies[-quarter:])]
    sys.stdout.write(
        f"\n{sent} frames sent: {summary['processed']} processed, {summary['dropped']} dropped, {summary['skipped']} "
        f"skipped; {len(latencies)} answers came\nlatency, first and last quarter: p50 {first:.1f} and {last:.1f} ms, "
        f"p95 {p95[0]:.1f} and {p95[1]:.1f} ms\n"
        f"memory {began_bytes / 2**20:.0f} MiB, at the end {ended_bytes / 2**20:.0f} MiB\n"
    )
    assert summary["frames"] == sent
    assert summary["processed"] == len(latencies)
    assert sent - len(latencies) == summary["dropped"] + summary["skipped"]  # type: ignore[operator]
    assert listener.answers[-1][2] <= summary["dropped"]  # type: ignore[operator]
    assert summary["dropped"] > sent / 10  # type: ignore[operator]
    assert last < 1.5 * first + 10
    assert ended_bytes - began_bytes < GROWTH_BYTES


def bad_fast(client: StreamClient) -> None:
    for seq in range(100_000):
        client.socket.send(struct.pack("<Id", seq, seq / 1000) + grey())


def bad_oversize(client: StreamClient) -> None:
    client.socket.send(struct.pack("<Id", 0, 0.0) + grey() + bytes(3_000_000))


def bad_garbage(client: StreamClient) -> None:
    for _ in range(3):
        client.socket.send(os.urandom(2000))


def bad_text(client: StreamClient) -> None:
    client.socket.send("what is this?")


def bad_silent(client: StreamClient) -> None:
    """Sends nothing, closes nothing."""


BAD = {bad_fast: 1008, bad_oversize: 1009, bad_garbage: 1007, bad_text: 1003, bad_silent: 4408}


@pytest.mark.timeout(SECONDS + 600)
def test_bad_clients_are_sent_away_and_a_good_one_never_notices(service: RunningService) -> None:
    """One after the other, over and over, beside a camera, and beside one who reads only a message a second."""
    pictures = [encoded(pixels, "JPEG", quality=85) for _, pixels in frames_of(CLIP)]
    seconds = SECONDS / 4
    wait_until(lambda: service.metric("sign_stream_sessions") == 0, 30, "a session is left over")
    with streaming(service) as good, streaming(service, max_queue=1, ping_interval=None) as slow:
        slow.start()
        good.start()
        listeners = [Listener(good), Listener(slow)]
        threads = [
            threading.Thread(target=listeners[0].listen),
            threading.Thread(target=listeners[1].listen, args=(1.0,), daemon=True),
            threading.Thread(target=play, args=(slow, pictures, seconds)),
        ]
        sent: list[int] = []
        threads.append(threading.Thread(target=lambda: sent.append(play(good, pictures, seconds))))
        for thread in threads:
            thread.start()
        ends, end = 0, time.monotonic() + seconds - IDLE_S - 2
        while time.monotonic() < end:
            for behave, code in BAD.items():
                with streaming(service) as bad:
                    bad.start()
                    with contextlib.suppress(ConnectionClosed):
                        behave(bad)
                    assert bad.closed()[0] == code, behave.__name__
                    ends += 1
        for thread in threads[2:]:
            thread.join()
        good.say("stop")
        threads[0].join(60)
    summary = listeners[0].summary
    latencies = [latency for _, latency, _ in listeners[0].answers]
    assert latencies
    sys.stdout.write(
        f"\n{ends} bad clients sent away; beside them {sent[0]} frames, {summary['processed']} processed, "
        f"{summary['dropped']} dropped, p95 {np.percentile(latencies, 95):.0f} ms\n"
    )
    assert summary["frames"] == sent[0]
    assert summary["broken"] == 0
    assert summary["processed"] == len(latencies)


@pytest.mark.timeout(300)
def test_who_reads_nothing_loses_the_session_and_its_slot(tmp_path: Path) -> None:
    """A peer that is half open: its frames come, but nothing that it is told is ever read."""
    picture = encoded(frames_of(CLIP)[10][1], "JPEG", quality=80)
    limits = {"SIGN_SLOTS": "1", "SIGN_STREAM_SLOTS": "1", "SIGN_STREAM_IDLE_S": "2", "SIGN_STREAM_MAX_FPS": "1000"}
    with running_service(tmp_path, **limits) as service, socket.socket() as raw:
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
        host, port = service.url.removeprefix("http://").split(":")
        raw.connect((host, int(port)))
        with connect(f"ws://{host}:{port}/stream", sock=raw, compression=None, max_queue=1) as half_open:
            client = StreamClient(half_open)
            client.start()
            seq, end = 0, time.monotonic() + 240
            while service.metric("sign_stream_sessions") > 0:
                assert time.monotonic() < end, "the session did not end"
                for _ in range(5):
                    seq += 1
                    client.frame(seq, seq / 15, picture)
                    time.sleep(0.005)
        assert service.metric('sign_stream_frames_total{outcome="dropped"}') > 0
        with streaming(service) as other:
            other.start()
            other.frame(1, 0.0, picture)
            other.answer_to(1)
