"""How the service ends: a proxy sees it first, and what outlives the grace time is told so."""

import json
import signal
import socket
import time
from pathlib import Path

from tests.running import SAMPLES, RunningService, running_service, wait_until

A = SAMPLES / "letter_a_right_light.mp4"


def connected(service: RunningService) -> socket.socket:
    host, port = service.url.removeprefix("http://").split(":")
    return socket.create_connection((host, int(port)), timeout=30)


def read_all(connection: socket.socket) -> bytes:
    """All that comes until the service closes."""
    return b"".join(iter(lambda: connection.recv(65536), b""))


def test_for_the_delay_after_sigterm_it_is_not_ready_but_still_answers(tmp_path: Path) -> None:
    with running_service(tmp_path, SIGN_SLOTS="1", SIGN_SHUTDOWN_DELAY_S="4") as service:
        began = time.monotonic()
        service.process.send_signal(signal.SIGTERM)
        wait_until(lambda: service.client.get("/readyz").status_code == 503, 3, "/readyz does not say it")
        assert service.client.get("/readyz").json()["missing"] == ["the service is shutting down"]
        assert service.predict(A).status_code == 200
        service.client.close()
        assert service.process.wait(30) == -signal.SIGTERM
        assert time.monotonic() - began >= 4


def test_a_request_that_outlives_the_grace_time_is_told_so_without_a_traceback(tmp_path: Path) -> None:
    with running_service(tmp_path, SIGN_SLOTS="1", SIGN_GRACE_S="3") as service, connected(service) as slow:
        slow.sendall(b"POST /predict HTTP/1.1\r\nHost: localhost\r\nX-Request-ID: slow\r\nContent-Length: 99\r\n\r\nx")
        wait_until(lambda: service.client.get("/healthz").status_code == 200, 5, "no answer")
        service.client.close()
        service.process.send_signal(signal.SIGTERM)
        head, _, body = read_all(slow).partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 503")
        assert b"application/problem+json" in head
        assert b"retry-after" in head.lower()
        assert json.loads(body)["code"] == "shutting-down"
        assert service.process.wait(30) == -signal.SIGTERM
        logged = [json.loads(line) for line in service.log.read_text().splitlines() if not line.startswith("Open http")]
    (line,) = [line for line in logged if line.get("request_id") == "slow"]
    assert (line["status"], line["code"]) == (503, "shutting-down")
    assert [line for line in logged if "exception" in line] == []
