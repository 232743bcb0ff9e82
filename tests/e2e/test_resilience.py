"""What goes wrong costs one request; everybody else notices nothing."""

import os
import shutil
import signal
import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import av
import httpx
import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from service.registry.manifest import MODEL_FILE
from service.registry.store import Store
from tests.running import ROOT, SAMPLES, RunningService, running_service, wait_until

A = SAMPLES / "letter_a_right_light.mp4"
LETTERS = "asl-letters"


@pytest.fixture(scope="module")
def long_clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sample twelve times over: several seconds of work for a slot."""
    path = tmp_path_factory.mktemp("clips") / "long.mp4"
    with av.open(str(A)) as source:
        frames = [frame.to_ndarray(format="rgb24") for frame in source.decode(video=0)]
    with av.open(str(path), "w") as target:
        stream = target.add_stream("libx264", rate=30)
        stream.height, stream.width, _ = frames[0].shape
        stream.pix_fmt = "yuv420p"
        stream.options = {"preset": "ultrafast"}
        for pixels in frames * 12:
            target.mux(stream.encode(av.VideoFrame.from_ndarray(pixels, format="rgb24")))
        target.mux(stream.encode())
    return path


@pytest.fixture(scope="module")
def lonely(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningService]:
    """A service with one slot and no waiting room."""
    folder = tmp_path_factory.mktemp("lonely")
    with running_service(folder, SIGN_SLOTS="1", SIGN_MAX_WAITING="0") as running:
        yield running


def busy(service: RunningService) -> bool:
    return service.metric('sign_slots{state="busy"}') == 1


def idle(service: RunningService) -> bool:
    return service.metric('sign_slots{state="idle"}') == 1


def another_works(service: RunningService, than: list[int]) -> bool:
    """Whether a worker that is none of these is on a request."""
    return bool(set(service.workers()) - set(than)) and busy(service)


def ask_in_background(pool: ThreadPoolExecutor, service: RunningService, clip: Path) -> "Future[httpx.Response]":
    answer = pool.submit(service.predict, clip)
    wait_until(lambda: busy(service), 10, "the slot never became busy")
    return answer


@pytest.mark.parametrize("blow", [signal.SIGKILL, signal.SIGSEGV], ids=lambda blow: blow.name)
def test_a_worker_that_is_killed_costs_no_request(
    lonely: RunningService, long_clip: Path, blow: signal.Signals
) -> None:
    wait_until(lambda: idle(lonely), 20, "the slot is not idle")
    answered = lonely.metric('sign_retries_total{outcome="answered"}')
    with ThreadPoolExecutor(1) as pool:
        answer = ask_in_background(pool, lonely, long_clip)
        for pid in lonely.workers():
            os.kill(pid, blow)
        assert answer.result(60).status_code == 200
    assert lonely.metric('sign_retries_total{outcome="answered"}') == answered + 1


def test_a_request_whose_workers_are_killed_twice_fails_and_the_next_is_answered(
    lonely: RunningService, long_clip: Path
) -> None:
    wait_until(lambda: idle(lonely), 20, "the slot is not idle")
    with ThreadPoolExecutor(1) as pool:
        answer = ask_in_background(pool, lonely, long_clip)
        for _ in range(2):
            killed = lonely.workers()
            for pid in killed:
                os.kill(pid, signal.SIGKILL)
            wait_until(lambda: answer.done() or another_works(lonely, killed), 60, "no other worker took the request")  # noqa: B023
        problem = answer.result(60)
    assert (problem.status_code, problem.json()["code"]) == (500, "worker-died")
    wait_until(lambda: lonely.client.get("/readyz").status_code == 200, 30, "the slot did not come back")
    assert lonely.predict(A).status_code == 200
    assert lonely.metric('sign_slot_restarts_total{reason="died"}') >= 1


def test_a_caller_who_hangs_up_frees_the_slot(lonely: RunningService, long_clip: Path) -> None:
    wait_until(lambda: idle(lonely), 20, "the slot is not idle")
    host, port = lonely.url.removeprefix("http://").split(":")
    body = long_clip.read_bytes()
    with socket.create_connection((host, int(port))) as connection:
        connection.sendall(
            f"POST /predict HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body
        )
        wait_until(lambda: busy(lonely), 10, "the slot never became busy")
    began = time.monotonic()
    wait_until(lambda: idle(lonely), 10, "the slot still works for a caller who is gone")
    assert time.monotonic() - began < 5
    assert lonely.predict(A).status_code == 200


def test_a_deadline_stops_the_work(lonely: RunningService, long_clip: Path) -> None:
    wait_until(lambda: idle(lonely), 20, "the slot is not idle")
    problem = lonely.predict(long_clip, timeout_s=0.3)
    assert (problem.status_code, problem.json()["code"]) == (504, "deadline-exceeded")
    wait_until(lambda: idle(lonely), 10, "the slot still works past the deadline")
    assert lonely.predict(A).status_code == 200


def test_who_finds_no_room_is_told_at_once_and_when_to_come_back(lonely: RunningService, long_clip: Path) -> None:
    wait_until(lambda: idle(lonely), 20, "the slot is not idle")
    with ThreadPoolExecutor(1) as pool:
        first = ask_in_background(pool, lonely, long_clip)
        refused = lonely.predict(A)
        assert first.result(60).status_code == 200
    assert (refused.status_code, refused.json()["code"]) == (503, "busy")
    assert int(refused.headers["retry-after"]) >= 1


def test_on_sigterm_a_running_request_is_answered_and_the_process_ends(tmp_path: Path, long_clip: Path) -> None:
    with running_service(tmp_path, SIGN_SLOTS="1", SIGN_GRACE_S="30") as service, ThreadPoolExecutor(1) as pool:
        workers = service.workers()
        answer = ask_in_background(pool, service, long_clip)
        code = service.stop()
        assert answer.result(5).status_code == 200
        assert code == -signal.SIGTERM  # uvicorn ends by the signal that it was sent, after all is closed
        assert not any(Path(f"/proc/{pid}").exists() for pid in workers)


def heavier(graph: bytes, megabytes: int) -> bytes:
    """The same graph with a large constant that changes nothing but takes its time to load."""
    model = onnx.load_from_string(graph)
    weight = np.random.default_rng(0).random(megabytes * 250_000, np.float32)
    (output,) = [entry.name for entry in model.graph.output]
    for node in model.graph.node:
        node.output[:] = [f"{name}_light" if name == output else name for name in node.output]
    model.graph.initializer.append(numpy_helper.from_array(weight, "ballast"))
    model.graph.initializer.append(numpy_helper.from_array(np.zeros((), np.float32), "nothing"))
    model.graph.node.extend(
        [
            helper.make_node("ReduceMax", ["ballast"], ["most"], keepdims=0),
            helper.make_node("Mul", ["most", "nothing"], ["zero"]),
            helper.make_node("Add", [f"{output}_light", "zero"], [output]),
        ]
    )
    return bytes(model.SerializeToString())


def broken() -> bytes:
    """A graph that ONNX Runtime can read, but whose output is not the manifest's."""
    value = helper.make_tensor_value_info("other", TensorProto.FLOAT, ["batch", 3])
    graph = helper.make_graph([helper.make_node("Identity", ["other"], ["same"])], "g", [value], [
        helper.make_tensor_value_info("same", TensorProto.FLOAT, ["batch", 3])
    ])  # fmt: skip
    return bytes(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)]).SerializeToString())


def test_while_versions_load_slowly_and_one_fails_no_request_without_a_version_does(tmp_path: Path) -> None:
    root = tmp_path / "store"
    shutil.copytree(ROOT / "model_store" / LETTERS, root / LETTERS)
    store = Store(root)
    newest = max(found.version for found in store.versions())
    stored = store.read(LETTERS, newest)
    graph = stored.graph.read_bytes()
    with running_service(tmp_path, SIGN_MODEL_STORE=str(root), SIGN_ADMIN_KEYS="boss", SIGN_SLOTS="2") as service:
        done = threading.Event()
        statuses: list[tuple[int, int]] = []

        def ask() -> None:
            while not done.is_set() or len(statuses) < 200:
                response = service.predict(A, clip_duration=0.2)
                statuses.append((response.status_code, response.json()["model"]["version"]))

        def reload() -> dict[str, object]:
            answer = service.client.post("/models/reload", headers={"Authorization": "Bearer boss"}, timeout=120)
            answer.raise_for_status()
            return dict(answer.json())

        with ThreadPoolExecutor(2) as pool:
            askers = [pool.submit(ask) for _ in range(2)]
            wait_until(lambda: len(statuses) > 10, 30, "no answers")
            store.publish(stored.manifest, {MODEL_FILE: heavier(graph, 200)})
            reload()
            store.publish(stored.manifest, {MODEL_FILE: broken()})
            reload()
            done.set()
            for asker in askers:
                asker.result(120)
        assert {status for status, _ in statuses} == {200}
        assert len(statuses) >= 200
        assert {version for _, version in statuses} <= {newest, newest + 1}
        assert service.predict(A).json()["model"]["version"] == newest + 1
        versions = service.client.get(f"/models/{LETTERS}").json()["versions"]
        refused = [entry for entry in versions if entry["state"] == "refused"]
        assert [entry["version"] for entry in refused] == [newest + 2]
        assert refused[0]["reason"]
