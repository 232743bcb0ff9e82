"""HTTP as it should not be: requests with something wrong in their head, their body or their options, on a socket."""

import json
import re
import socket
from contextlib import suppress
from urllib.parse import quote

import numpy as np

from tests.fuzz.findings import Findings
from tests.fuzz.mutation import mutated
from tests.running import ROOT, RunningService

PICTURE = (ROOT / "tests" / "data" / "media" / "X_16x12.png").read_bytes()
BOUNDARY = "fuzz"
LONGEST_S = 40.0
WAITS_S = 0.3
_STATUS = re.compile(rb"^HTTP/1\.[01] (\d{3})", re.MULTILINE)
_CODE = re.compile(rb'"code": ?"([a-z-]+)"')
_OURS = (b"internal", b"worker-died")

PATHS = (
    "/healthz", "/readyz", "/metrics", "/models", "/models/asl-letters", "/models/asl-letters/versions/2",
    "/openapi.json", "/", "/docs", "/jobs",
    "/jobs/0b6cb2b4-4ef1-4f5e-9d6c-2f0b1f9b7f11", "/jobs/x/result", "/jobs/x/events", "/stream",
    "/nowhere", "/static/../../etc/passwd", "/models/reload",
)  # fmt: skip
POSTS = ("/predict", "/timeline", "/highlights", "/jobs/predict", "/jobs/timeline", "/jobs/highlights")
OPTIONS = (
    "start_time", "clip_duration", "top_k", "threshold", "window_s", "stride_s", "format", "model", "version",
    "mirrored", "return_probabilities", "return_windows", "return_series", "timeout_s", "min_duration_s", "merge_gap_s",
    "smoothing", "media_name", "limit", "cursor", "state", "unknown",
)  # fmt: skip
NUMBERS = (
    "0", "-1", "1", "1e308", "-1e308", "1e-308", "nan", "inf", "-inf", "9" * 400, "0x10", "1_000", "٣", "", " ", "true",
    "png", "vtt", "json", "eaf", "csv", "aihub", "edl", "asl-digits", "face-motion", "2", "0.5", "%00",
    "\ud800", "x" * 4000,
)  # fmt: skip


def talk(service: RunningService, rng: np.random.Generator, findings: Findings) -> None:
    """Send a request with something wrong, and hear what comes of it."""
    sent = request(rng)
    findings.about_to_try(sent)
    finishes = bool(rng.integers(2))
    heard, ended = _exchange(service, sent, finishes=finishes)
    statuses = [int(status) for status in _STATUS.findall(heard)]
    code = _CODE.search(heard)
    if not statuses:
        outcome = "http waits" if not ended else "http closed"
        is_slow = not ended and finishes
        findings.note(outcome, f"no answer in {LONGEST_S:g} s" if is_slow else None, sent)
        return
    worst = max(statuses)
    is_ours = worst == 500 or (worst > 500 and code is not None and code[1] in _OURS)
    findings.note(f"http {worst}", heard[:1000].decode("latin-1") if is_ours else None, sent)


def request(rng: np.random.Generator) -> bytes:
    """A request: as it should be but for its options, or with something wrong in its bytes."""
    method, path, body, headers = _parts(rng)
    query = "&".join(f"{_any(OPTIONS, rng)}={_quoted(_any(NUMBERS, rng), rng)}" for _ in range(int(rng.integers(3))))
    target = path + (f"?{query}" if query else "")
    head = f"{method} {target} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n{headers}\r\n"
    whole = head.encode("utf-8", "replace") + body
    match int(rng.integers(4)):
        case 0:
            return whole
        case 1:
            return head.encode("utf-8", "replace") + mutated(body, whole, rng) if body else whole
        case 2:
            return mutated(head.encode("utf-8", "replace"), body, rng) + body
        case _:
            return mutated(whole, PICTURE, rng)


def _parts(rng: np.random.Generator) -> tuple[str, str, bytes, str]:
    """Method, path, body and headers."""
    match int(rng.integers(6)):
        case 0 | 1:
            method = _any(("GET", "GET", "GET", "HEAD", "OPTIONS", "DELETE", "PUT", "POST", "PATCH", "get"), rng)
            return method, _any(PATHS, rng), b"", _any(("", "Accept: */*\r\n", "Range: bytes=0-9\r\n"), rng)
        case 2:
            body = mutated(PICTURE, PICTURE, rng) if rng.integers(2) else PICTURE
            return "POST", _any(POSTS, rng), body, f"Content-Length: {len(body)}\r\n"
        case 3:
            body = b"%x\r\n%b\r\n0\r\n\r\n" % (len(PICTURE), PICTURE)
            return "POST", _any(POSTS, rng), body, "Transfer-Encoding: chunked\r\n"
        case 4:
            document = {_any(OPTIONS, rng): _any(NUMBERS, rng)}
            body = json.dumps(document).encode()
            kind = _any(("application/json", "text/plain", "application/x-www-form-urlencoded", "a/b; c"), rng)
            return "POST", _any(POSTS, rng), body, f"Content-Type: {kind}\r\nContent-Length: {len(body)}\r\n"
        case _:
            body = _form(rng)
            kind = f"multipart/form-data; boundary={_any((BOUNDARY, BOUNDARY, 'x' * 300, '', chr(34)), rng)}"
            return "POST", _any(POSTS, rng), body, f"Content-Type: {kind}\r\nContent-Length: {len(body)}\r\n"


def _form(rng: np.random.Generator) -> bytes:
    """A form with a file and fields, some more than once."""
    parts = []
    for _ in range(int(rng.integers(1, 5))):
        name = _any(("file", "file", *OPTIONS), rng)
        said = f'form-data; name="{name}"'
        if name == "file":
            said += f'; filename="{_any(("a.png", "../a", "", "x" * 3000, "a%00b"), rng)}"'
        value = PICTURE if name == "file" else _any(NUMBERS, rng).encode("utf-8", "replace")
        parts.append(f"--{BOUNDARY}\r\nContent-Disposition: {said}\r\n\r\n".encode() + value + b"\r\n")
    return b"".join(parts) + f"--{BOUNDARY}--\r\n".encode()


def _any(choices: tuple[str, ...], rng: np.random.Generator) -> str:
    return choices[int(rng.integers(len(choices)))]


def _quoted(value: str, rng: np.random.Generator) -> str:
    return value.replace(" ", "+") if rng.integers(3) == 0 else quote(value.encode("utf-8", "surrogatepass"))


def _exchange(service: RunningService, sent: bytes, *, finishes: bool) -> tuple[bytes, bool]:
    """All that comes back, and whether the service ended the connection; finishes: we say that no more comes."""
    host, port = service.url.removeprefix("http://").split(":")
    heard = b""
    with socket.create_connection((host, int(port)), timeout=LONGEST_S) as connection:
        with suppress(OSError):
            connection.sendall(sent)
            if finishes:
                connection.shutdown(socket.SHUT_WR)
        connection.settimeout(LONGEST_S if finishes else WAITS_S)
        try:
            while more := connection.recv(65536):
                heard = (heard + more)[-200_000:] if len(heard) > 400_000 else heard + more
        except TimeoutError:
            return heard, False
        except OSError:
            pass
    return heard, True
