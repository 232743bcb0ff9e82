"""The doors: what comes too slowly, too large or too often is ended in words, and everybody else is answered."""

import json
import resource
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.running import SAMPLES, RunningService, running_service, wait_until
from tests.streaming import streaming

A = SAMPLES / "letter_a_right_light.mp4"
HALF = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nX-A: "
WHOLE = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"
UPLOAD = b"POST /predict HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100000\r\n\r\n"
STALL_S = 1.5
FILES = 320
LIMITS = {
    "SIGN_SLOTS": "1",
    "SIGN_HEADER_S": "1.5",
    "SIGN_HEADER_BYTES": "4096",
    "SIGN_UPLOAD_STALL_S": str(STALL_S),
    "SIGN_UPLOAD_RATE": "2000",
}


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningService]:
    """A service with little patience, which asks for no key."""
    with running_service(tmp_path_factory.mktemp("open"), SIGN_UPLOADS="2", **LIMITS) as running:
        yield running


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningService]:
    """A service with room for ten connections, which asks for a key; no request of it is refused for being slow."""
    few = {"SIGN_CONNECTIONS": "10", "SIGN_HEADER_S": "60", "SIGN_API_KEYS": "key", "SIGN_UPLOAD_STALL_S": "60"}
    with running_service(tmp_path_factory.mktemp("small"), SIGN_SLOTS="1", **few) as running:
        yield running


def connect(service: RunningService, sent: bytes = b"") -> socket.socket:
    host, port = service.url.removeprefix("http://").split(":")
    connection = socket.create_connection((host, int(port)), timeout=30)
    connection.sendall(sent)
    return connection


def read_answer(connection: socket.socket) -> tuple[int, dict[str, str], str]:
    """Status, header fields and error code of all that comes until the service closes."""
    head, _, body = read_all(connection).partition(b"\r\n\r\n")
    status, *fields = head.decode().split("\r\n")
    headers = {name.lower(): value for name, _, value in (field.partition(": ") for field in fields)}
    problem = json.loads(body)
    assert headers["content-type"] == "application/problem+json"
    assert int(headers["content-length"]) == len(body)
    assert problem["instance"] == f"urn:uuid:{headers['x-request-id']}"
    return int(status.split()[1]), headers, problem["code"]


def read_all(connection: socket.socket) -> bytes:
    """All that comes until the service closes."""
    found = b""
    try:
        while piece := connection.recv(65536):
            found += piece
    except ConnectionResetError:
        pass
    return found


def send_without_end(connection: socket.socket) -> int:
    """Send the same byte until the service has had enough; how many it took, 200 MiB at most."""
    sent = 0
    try:
        while sent < 200 * 2**20:
            connection.sendall(b"x" * 65536)
            sent += 65536
    except (ConnectionResetError, BrokenPipeError):
        pass
    return sent


def is_alive(service: RunningService) -> bool:
    """Whether a newcomer's probe is answered."""
    with connect(service, WHOLE.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")) as probe:
        return read_all(probe).startswith(b"HTTP/1.1 200")


@pytest.mark.parametrize(
    "sent",
    [
        HALF + b"x" * 5000 + b"\r\n\r\n",
        HALF + b"x\r\nX-B: y" * 1000 + b"\r\n\r\n",
        b"GET /" + b"x" * 5000 + b" HTTP/1.1\r\n\r\n",
        HALF + b"x" * 5000,
    ],
    ids=["value", "number", "address", "unfinished"],
)
def test_headers_that_are_too_large_are_refused(service: RunningService, sent: bytes) -> None:
    with connect(service, sent) as connection:
        assert read_answer(connection)[::2] == (431, "headers-too-large")
    assert service.client.get("/healthz", headers={"X-A": "x" * 3000}).status_code == 200


def test_an_endless_header_is_cut_off_soon(service: RunningService) -> None:
    with connect(service, HALF) as connection:
        assert send_without_end(connection) < 32 * 2**20


@pytest.mark.parametrize("begun", [b"3;", b"0\r\nX-Trailer: "], ids=["extension of a chunk", "trailer"])
def test_what_surrounds_a_chunked_body_has_an_end_too(service: RunningService, begun: bytes) -> None:
    ask = b"POST /predict HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n"
    with connect(service, ask + begun) as connection:
        assert send_without_end(connection) < 32 * 2**20


def test_headers_that_do_not_end_are_told_so_and_silent_connections_are_closed(service: RunningService) -> None:
    began = time.monotonic()
    with connect(service, HALF) as half, connect(service) as silent:
        for _ in range(8):
            half.sendall(b"x")
            time.sleep(0.1)  # the time counts from the beginning, not from the last byte
        status, headers, code = read_answer(half)
        assert (status, code, headers["connection"]) == (408, "request-timeout", "close")
        assert read_all(silent) == b""
    assert time.monotonic() - began < 5


def test_later_headers_of_a_connection_have_to_end_as_well(service: RunningService) -> None:
    with connect(service, WHOLE) as connection:
        assert connection.recv(65536).startswith(b"HTTP/1.1 200")
        connection.sendall(HALF)
        assert read_answer(connection)[::2] == (408, "request-timeout")


def test_what_is_no_http_is_answered_as_a_problem(service: RunningService) -> None:
    with connect(service, b"\x16\x03\x01 hello\r\n\r\n") as connection:
        assert read_answer(connection)[::2] == (400, "request-malformed")


@pytest.mark.parametrize(
    ("coding", "body"),
    [(b"xchunked", b"0\r\n\r\n"), (b"chunked", b"0x5\r\nhello\r\n"), (b"chunked", b"f" * 20 + b"\r\nhello")],
    ids=["unknown coding", "size of a chunk", "huge size"],
)
def test_a_body_that_is_no_http_is_answered_as_a_problem_too(
    service: RunningService, coding: bytes, body: bytes
) -> None:
    ask = b"POST /predict HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: %b\r\n\r\n" % coding
    with connect(service, ask + body) as connection:
        assert read_answer(connection)[::2] == (400, "request-malformed")
    assert service.client.get("/healthz").status_code == 200


def test_an_upload_that_stalls_or_trickles_is_told_so(service: RunningService) -> None:
    with connect(service, UPLOAD + b"x" * 100) as stalled:
        assert read_answer(stalled)[::2] == (408, "request-timeout")
    began = time.monotonic()
    with connect(service, UPLOAD) as slow:
        slow.settimeout(0.1)
        answer = b""
        while not answer.endswith(b"}") and time.monotonic() - began < 20:
            slow.sendall(b"x" * 50)
            try:
                answer += slow.recv(65536)
            except TimeoutError:
                continue
    assert answer.startswith(b"HTTP/1.1 408")
    assert json.loads(answer.partition(b"\r\n\r\n")[2])["code"] == "request-timeout"
    assert time.monotonic() - began >= STALL_S


def test_one_upload_more_is_refused_before_it_is_read(service: RunningService) -> None:
    with ExitStack() as stack:
        slow = [stack.enter_context(connect(service, UPLOAD.replace(b"/predict", b"/jobs/predict"))) for _ in range(2)]
        wait_until(lambda: service.metric("sign_uploads") == 2, 5, "the uploads are not under way")
        with connect(service, UPLOAD.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")) as third:
            status, headers, code = read_answer(third)
        assert (status, code, headers["retry-after"]) == (503, "busy", "5")
        assert service.client.get("/healthz").status_code == 200
        for connection in slow:
            assert read_answer(connection)[0] == 408
    wait_until(lambda: service.metric("sign_uploads") == 0, 5, "the places were not given back")
    assert service.predict(A).status_code == 200


def test_an_answer_that_nobody_reads_is_not_kept_for_ever(service: RunningService) -> None:
    ask = b"GET /docs/swagger-ui-bundle.js HTTP/1.1\r\nHost: localhost\r\n\r\n"
    with connect(service) as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.sendall(ask * 20)
        wait_until(lambda: service.metric("sign_connections") == 1, 10, "the connection is still kept")


def test_half_open_connections_make_room_and_the_oldest_is_told(small: RunningService) -> None:
    with ExitStack() as stack:
        half = [stack.enter_context(connect(small, HALF)) for _ in range(30)]
        assert is_alive(small)
        assert read_answer(half[0])[::2] == (408, "request-timeout")


def test_requests_under_way_make_room_for_nobody(small: RunningService) -> None:
    ask = UPLOAD.replace(b"\r\n\r\n", b"\r\nAuthorization: Bearer key\r\n\r\n")
    small.client.close()
    with ExitStack() as stack:
        for _ in range(10):
            stack.enter_context(connect(small, ask))
        wait_until(lambda: not is_alive(small), 10, "ten requests under way leave room for more")
        with connect(small, WHOLE) as refused:
            status, headers, code = read_answer(refused)
        assert (status, code, headers["retry-after"]) == (503, "busy", "5")
    wait_until(lambda: is_alive(small), 10, "the places were not given back")


def test_without_a_key_the_rest_of_an_upload_is_not_waited_for(tmp_path: Path) -> None:
    with running_service(tmp_path, SIGN_API_KEYS="key", **LIMITS) as service, connect(service, UPLOAD) as connection:
        began = time.monotonic()
        connection.settimeout(0.2)
        answer = b""
        try:
            while time.monotonic() - began < 20:
                connection.sendall(b"x")
                try:
                    piece = connection.recv(65536)
                except TimeoutError:
                    continue
                if not piece:
                    break
                answer += piece
        except OSError:
            pass
        assert answer.startswith(b"HTTP/1.1 401")
        assert time.monotonic() - began < 10
        assert service.metric("sign_uploads") == 0


def test_one_address_has_so_many_connections_unless_it_is_a_proxy(tmp_path: Path) -> None:
    limits = {"SIGN_CONNECTIONS_PER_ADDRESS": "5", "SIGN_FORWARDED_ALLOW_IPS": "192.0.2.1"}
    with running_service(tmp_path, SIGN_SLOTS="1", **limits) as service, ExitStack() as stack:
        service.client.close()
        wait_until(lambda: is_alive(service), 10, "no answer")
        for _ in range(5):
            stack.enter_context(connect(service, HALF))
        with connect(service, WHOLE) as sixth:
            assert read_answer(sixth)[::2] == (503, "busy")


def test_more_half_open_connections_than_files_leave_a_probe_its_answer(tmp_path: Path) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (FILES, hard))
    with ExitStack() as stack:
        try:
            service = stack.enter_context(running_service(tmp_path, SIGN_SLOTS="1", SIGN_HEADER_S="60"))
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        for _ in range(2 * FILES):
            stack.enter_context(connect(service, HALF))
        assert is_alive(service)
        assert service.predict(A).status_code == 200
        assert len(list(Path(f"/proc/{service.process.pid}/fd").iterdir())) < FILES


def test_a_live_session_is_no_request_whose_headers_are_awaited(tmp_path: Path) -> None:
    limits = {"SIGN_HEADER_S": "0.5", "SIGN_UPLOAD_STALL_S": "0.5"}
    with running_service(tmp_path, SIGN_SLOTS="1", SIGN_STREAM_SLOTS="1", **limits) as service:
        with streaming(service) as client:
            client.start()
            time.sleep(1.5)  # nothing is awaited: it is the silence that is tried
            client.stop()
        wait_until(lambda: service.metric("sign_connections") == 1, 10, "the session's connection is still counted")


def test_a_slow_upload_makes_room_for_the_next(tmp_path: Path) -> None:
    with running_service(tmp_path, SIGN_SLOTS="1", SIGN_UPLOADS="1") as service, connect(service, UPLOAD) as slow:
        wait_until(lambda: service.metric("sign_uploads") == 1, 5, "the upload is not under way")
        wait_until(lambda: service.predict(A).status_code == 200, 20, "the slow upload makes no room")
        slow.settimeout(10)
        answer = slow.recv(65536)
        assert answer.startswith(b"HTTP/1.1 408")
