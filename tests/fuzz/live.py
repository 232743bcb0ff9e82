"""Live sessions as they should not be: messages, frames and times with something wrong, in any order."""

import json
import struct
from contextlib import suppress
from typing import Any

import numpy as np
from websockets.exceptions import ConnectionClosed, InvalidHandshake
from websockets.sync.client import ClientConnection, connect

from service.live.closing import CloseCode
from tests.fuzz.findings import Findings
from tests.fuzz.http import PICTURE
from tests.fuzz.mutation import mutated, mutated_document
from tests.running import RunningService

LONGEST_S = 40.0
STARTS: tuple[dict[str, Any], ...] = (
    {"type": "start"},
    {"type": "start", "model": "asl-digits", "window_s": 0.5, "stride_s": 0.1, "threshold": 0.5, "landmarks": False},
    {"type": "start", "model": "asl-letters", "version": 2, "mirrored": True},
)
CONTROLS: tuple[dict[str, Any], ...] = ({"type": "flush"}, {"type": "reset"}, {"type": "stop"})
TIMES = (0.0, -1.0, 1e308, -1e308, float("nan"), float("inf"), 1e-308, 3600.0)
MOST_STEPS = 12


def hold_session(service: RunningService, rng: np.random.Generator, findings: Findings) -> None:
    """Hold a session, and hear how it ends."""
    address = service.url.replace("http", "ws", 1) + "/stream"
    script: list[bytes | str] = []
    try:
        with connect(address, max_size=None, compression=None, open_timeout=LONGEST_S) as socket:
            start = STARTS[int(rng.integers(len(STARTS)))]
            _send(socket, json.dumps(start if rng.integers(4) else mutated_document(start, rng)), script)
            for number in range(int(rng.integers(MOST_STEPS))):
                _send(socket, _step(number, rng), script)
            _send(socket, json.dumps(CONTROLS[2]), script)
            findings.about_to_try(repr(script).encode())
            outcome, wrong = _end_of(socket)
    except InvalidHandshake as error:
        outcome, wrong = "live handshake", str(error)
    except TimeoutError:
        outcome, wrong = "live silent", f"no word in {LONGEST_S:g} s"
    findings.note(outcome, wrong, repr(script).encode())


def _send(socket: ClientConnection, message: bytes | str, script: list[bytes | str]) -> None:
    script.append(message)
    with suppress(ConnectionClosed):
        socket.send(message.encode("utf-8", "replace").decode() if isinstance(message, str) else message)


def _step(number: int, rng: np.random.Generator) -> bytes | str:
    """The next message: a frame as a rule."""
    match int(rng.integers(8)):
        case 0:
            return json.dumps(mutated_document(CONTROLS[int(rng.integers(3))], rng))
        case 1:
            return json.dumps(CONTROLS[int(rng.integers(2))])
        case 2:
            return rng.bytes(int(rng.integers(40)))
        case 3:
            return mutated(b'{"type":"flush"}', b"", rng).decode("utf-8", "replace")
        case _:
            time_s = number / 15 if rng.integers(3) else TIMES[int(rng.integers(len(TIMES)))]
            seq = number if rng.integers(4) else int(rng.integers(2**32))
            picture = mutated(PICTURE, PICTURE, rng) if rng.integers(2) else PICTURE
            return struct.pack("<Id", seq, time_s) + picture


def _end_of(socket: ClientConnection) -> tuple[str, str | None]:
    """How the session ended, and what of that is wrong."""
    ours = None
    try:
        while True:
            message = json.loads(socket.recv(timeout=LONGEST_S))
            if message["type"] == "error" and message["code"] in ("internal", "worker-died"):
                ours = str(message)
    except ConnectionClosed as end:
        if end.rcvd is None:
            return "live broken off", "the connection broke without a close frame"
        code = end.rcvd.code
        return f"live closed {code}", ours or (end.rcvd.reason or "1011" if code == CloseCode.OUR_FAULT else None)
