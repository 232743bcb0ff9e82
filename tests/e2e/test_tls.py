"""HTTPS of the service: handshakes are counted and have an end, so that a flood of half-open ones keeps nobody out."""

import contextlib
import os
import resource
import signal
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest

from tests.running import ROOT, SAMPLES, RunningService, running_service, wait_until
from tests.streaming import streaming

A = SAMPLES / "letter_a_right_light.mp4"
TLS = ROOT / "tests" / "data" / "tls"
CERTIFICATE, KEY = TLS / "certificate.pem", TLS / "key.pem"
HALF = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nX-A: "
WHOLE = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"
CLIENT_HELLO = b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"
"""How a handshake begins; the rest of it never comes."""
FILES = 1024
CONNECTIONS = 1000


def secure_service(folder: Path, **settings: str) -> "contextlib.AbstractContextManager[RunningService]":
    """A service that speaks HTTPS."""
    chosen = {"SIGN_SLOTS": "1", "SIGN_TLS_CERT": str(CERTIFICATE), "SIGN_TLS_KEY": str(KEY), **settings}
    return running_service(folder, **chosen)


def client_context() -> ssl.SSLContext:
    return ssl.create_default_context(cafile=str(CERTIFICATE))


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningService]:
    """A service with room for ten connections, and little patience."""
    few = {"SIGN_CONNECTIONS": "10", "SIGN_HEADER_S": "1.5", "SIGN_STREAM_SLOTS": "1"}
    with secure_service(tmp_path_factory.mktemp("small"), **few) as running:
        yield running


def connect(service: RunningService, sent: bytes = b"") -> socket.socket:
    """A connection without TLS."""
    host, port = service.url.removeprefix("https://").split(":")
    connection = socket.create_connection((host, int(port)), timeout=30)
    connection.sendall(sent)
    return connection


def shaken(service: RunningService, sent: bytes = b"") -> ssl.SSLSocket:
    """A connection whose handshake is done."""
    connection = client_context().wrap_socket(connect(service), server_hostname="localhost")
    connection.sendall(sent)
    return connection


def is_cut_off(connection: socket.socket) -> bool:
    """Whether the service closes before the connection's own time is over."""
    try:
        return connection.recv(1) == b""
    except ConnectionResetError:
        return True


def is_alive(service: RunningService) -> bool:
    """Whether a newcomer's probe is answered."""
    return httpx.get(f"{service.url}/healthz", verify=client_context(), timeout=30).status_code == 200


def test_requests_and_live_sessions_are_answered(small: RunningService) -> None:
    assert small.predict(A).json()["predicted_class_name"] == "A"
    with streaming(small, ssl=client_context()) as client:
        client.start()
        client.stop()


@pytest.mark.parametrize("begun", [b"", CLIENT_HELLO, b"GET / HTTP/1.1\r\n\r\n"], ids=["silent", "begun", "no TLS"])
def test_a_handshake_that_does_not_end_is_cut_off_and_not_counted_any_more(small: RunningService, begun: bytes) -> None:
    began = time.monotonic()
    with connect(small, begun) as connection:
        assert is_cut_off(connection)
    assert time.monotonic() - began < 10
    wait_until(lambda: small.metric("sign_connections") == 1, 10, "the connection is still counted")


def test_headers_have_their_time_after_the_handshake_too(small: RunningService) -> None:
    with shaken(small, HALF) as connection:
        assert connection.recv(65536).startswith(b"HTTP/1.1 408")


@pytest.mark.parametrize("sent", [None, HALF], ids=["handshakes", "headers"])
def test_the_oldest_that_is_half_open_makes_room_at_once(tmp_path: Path, sent: bytes | None) -> None:
    patient = {"SIGN_CONNECTIONS": "10", "SIGN_HEADER_S": "60"}
    with secure_service(tmp_path, **patient) as service, ExitStack() as stack:
        half = [
            stack.enter_context(connect(service, CLIENT_HELLO) if sent is None else shaken(service, sent))
            for _ in range(30)
        ]
        assert is_alive(service)
        assert is_cut_off(half[0])
        assert service.metric("sign_connections") <= 10


def test_one_connection_too_many_of_requests_under_way_is_told_so(tmp_path: Path) -> None:
    upload = b"POST /predict HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100000\r\nExpect: 100-continue\r\n\r\n"
    limits = {"SIGN_CONNECTIONS": "10", "SIGN_UPLOADS": "20", "SIGN_UPLOAD_STALL_S": "60"}
    with secure_service(tmp_path, **limits) as service, ExitStack() as stack:
        service.client.close()
        for _ in range(10):
            uploading = stack.enter_context(shaken(service, upload))
            assert uploading.recv(65536).startswith(b"HTTP/1.1 100")  # it is under way, and makes room for nobody
        with shaken(service, WHOLE) as refused:
            assert refused.recv(65536).startswith(b"HTTP/1.1 503")


def test_more_half_open_handshakes_than_files_leave_a_probe_its_answer(tmp_path: Path) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with ExitStack() as stack:
        resource.setrlimit(resource.RLIMIT_NOFILE, (FILES, hard))
        try:
            service = stack.enter_context(secure_service(tmp_path, SIGN_HEADER_S="60"))
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, (min(4 * FILES, hard), hard))
        stack.callback(resource.setrlimit, resource.RLIMIT_NOFILE, (soft, hard))
        for number in range(CONNECTIONS):
            stack.enter_context(connect(service, CLIENT_HELLO))
            if number % 100 == 0:
                assert is_alive(service)
        assert is_alive(service)
        assert service.predict(A).status_code == 200
        assert len(list(Path(f"/proc/{service.process.pid}/fd").iterdir())) < FILES


def test_it_ends_in_time_with_handshakes_under_way(tmp_path: Path) -> None:
    with secure_service(tmp_path, SIGN_HEADER_S="60", SIGN_GRACE_S="5") as service, ExitStack() as stack:
        for _ in range(5):
            stack.enter_context(connect(service, CLIENT_HELLO))
        wait_until(lambda: service.metric("sign_connections") >= 5, 10, "the handshakes have not begun")
        began = time.monotonic()
        assert service.stop() == -signal.SIGTERM  # not by the last resort
        assert time.monotonic() - began < 4
        assert "Traceback" not in service.log.read_text()


def test_a_port_that_is_taken_is_said(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        settings = {
            "SIGN_PORT": str(other.getsockname()[1]),
            "SIGN_TLS_CERT": str(CERTIFICATE),
            "SIGN_TLS_KEY": str(KEY),
            "SIGN_SLOTS": "1",
            "SIGN_STREAM_SLOTS": "0",
            "SIGN_JOBS_DIR": str(tmp_path / "jobs"),
        }
        command = [sys.executable, "-m", "service", "serve"]
        ended = subprocess.run(
            command, env=os.environ | settings, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False
        )
    assert ended.returncode == 3
    assert "cannot listen" in ended.stderr
    assert "Traceback" not in ended.stderr
