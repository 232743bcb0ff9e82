"""The container's health check, run against real sockets."""

import http.server
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

CHECK = Path(__file__).parents[2] / "deploy/healthcheck.py"


@contextmanager
def service_that_answers(status: int, body: bytes = b"{}") -> Iterator[int]:
    """A server on a free port that gives /readyz this answer."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status if self.path == "/readyz" else 404)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (the name is the base class's)
            """Keep the tests' output clean."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_address[1]
        server.shutdown()


def check(**environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-I", str(CHECK)], env=environment, capture_output=True, text=True, timeout=30, check=False
    )


def test_a_ready_service_is_healthy() -> None:
    with service_that_answers(200) as port:
        assert check(SIGN_PORT=str(port)).returncode == 0


def test_a_service_that_is_not_ready_is_unhealthy_and_says_what_is_missing() -> None:
    with service_that_answers(503, b'{"ready": false, "missing": ["no slot is running yet"]}') as port:
        result = check(SIGN_PORT=str(port))
    assert result.returncode == 1
    assert "no slot is running yet" in result.stderr


def test_a_service_that_is_gone_is_unhealthy() -> None:
    with service_that_answers(200) as port:
        pass
    result = check(SIGN_PORT=str(port))
    assert result.returncode == 1
    assert "no answer" in result.stderr


def test_a_proxy_of_the_environment_is_not_asked() -> None:
    with service_that_answers(200) as port:
        assert check(SIGN_PORT=str(port), http_proxy="http://127.0.0.1:9").returncode == 0


def test_with_a_certificate_the_check_speaks_tls() -> None:
    with service_that_answers(200) as port:
        result = check(SIGN_PORT=str(port), SIGN_TLS_CERT="/certificate.pem")
    assert result.returncode == 1
    assert "https://127.0.0.1" in result.stderr
