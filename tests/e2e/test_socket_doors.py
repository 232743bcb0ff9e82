"""Connections that stay: WebSockets without a session, floods inside them, and listeners leave others their answers."""

import base64
import socket
import struct
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest

from tests.jobs_made import job_of, submit
from tests.running import SAMPLES, RunningService, running_service, wait_until
from tests.streaming import streaming

UPGRADE = (
    b"GET /stream HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: %b\r\nSec-WebSocket-Version: 13\r\n\r\n" % base64.b64encode(bytes(16))
)
CONNECTIONS = 12
MOST_BYTES = 200 * 2**20


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningService]:
    """A service with room for twelve connections and one live session."""
    limits = {"SIGN_CONNECTIONS": str(CONNECTIONS), "SIGN_STREAM_SLOTS": "1", "SIGN_HEADER_S": "60"}
    with running_service(tmp_path_factory.mktemp("small"), SIGN_SLOTS="1", **limits) as running:
        yield running


def upgraded(service: RunningService) -> socket.socket:
    """A WebSocket that says nothing."""
    host, port = service.url.removeprefix("http://").split(":")
    connection = socket.create_connection((host, int(port)), timeout=30)
    connection.sendall(UPGRADE)
    assert connection.recv(65536).startswith(b"HTTP/1.1 101")
    return connection


def frame(first: int, payload: bytes = b"") -> bytes:
    """A frame as a client sends it, with a mask that changes nothing."""
    return struct.pack("!BB4x", first, 0x80 | len(payload)) + payload


def is_alive(service: RunningService) -> bool:
    """Whether a newcomer's probe is answered."""
    return httpx.get(f"{service.url}/healthz", timeout=30).status_code == 200


def test_sockets_without_a_session_make_room_and_a_session_does_not(small: RunningService) -> None:
    with streaming(small) as client, ExitStack() as stack:
        client.start()
        for _ in range(2 * CONNECTIONS):
            stack.enter_context(upgraded(small))
        assert is_alive(small)
        client.stop()
        assert client.closed()[0] == 1000


@pytest.mark.parametrize(
    ("begun", "repeated"),
    [(b"", frame(0x89, bytes(125))), (frame(0x01), frame(0x00)), (b"", frame(0x8A))],
    ids=["pings", "empty continuations", "pongs"],
)
def test_a_flood_within_a_socket_is_cut_off(small: RunningService, begun: bytes, repeated: bytes) -> None:
    many = repeated * 1000
    with upgraded(small) as connection:
        sent = 0
        with pytest.raises((ConnectionResetError, BrokenPipeError)):  # noqa: PT012 - sent until it ends
            connection.sendall(begun)
            while sent < MOST_BYTES:
                connection.sendall(many)
                sent += len(many)
    assert is_alive(small)


def test_listeners_leave_others_their_places(tmp_path: Path, jobs_clip: Path) -> None:
    with running_service(tmp_path, SIGN_SLOTS="1", SIGN_CONNECTIONS="20", SIGN_JOBS_CHUNK_S="1") as service:
        letter = (SAMPLES / "letter_a_right_light.mp4").read_bytes()
        location = job_of(submit(service, jobs_clip))
        with ExitStack() as stack:
            client = stack.enter_context(httpx.Client(base_url=service.url, timeout=30))
            heard = [stack.enter_context(client.stream("GET", f"{location}/events")) for _ in range(5)]
            assert [answer.status_code for answer in heard] == [200] * 5
            refused = service.client.get(f"{location}/events")
            assert (refused.status_code, refused.json()["code"]) == (503, "busy")
            assert service.predict(letter).status_code == 200
        service.client.delete(location)
        again = job_of(submit(service, jobs_clip))

        def may_listen() -> bool:
            with service.client.stream("GET", f"{again}/events") as answer:
                return answer.status_code == 200

        wait_until(may_listen, 30, "the places were not given back")
