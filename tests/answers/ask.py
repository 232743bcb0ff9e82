"""A running service's answers by HTTP and by /stream, in a form that is the same each time."""

import hashlib
import io
import json
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import av
import httpx
from PIL import Image
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from tests.answers.cases import Case
from tests.answers.media import Media
from tests.answers.steady import steady, steady_text
from tests.jobs_made import ended
from tests.running import RunningService

_BOUND_S = 30.0
_MIDDLE = 20
"""Of the frames that are sent, the one after which a session is told to flush or reset."""

Message = dict[str, Any]


class Asker:
    """Asks one service."""

    def __init__(self, service: RunningService, media: Media) -> None:
        self._service = service
        self._media = media

    def ask(self, case: Case) -> Any:
        """The answer to a case."""
        if case.door == "get":
            return self._get(case.medium)
        if case.door == "stream":
            return self._stream(case)
        content = self._media.path(case.medium).read_bytes()
        options = {"model": case.model, **case.options}
        response = self._service.client.post(f"/{case.door}", content=content, params=options)
        if response.status_code != 202:
            return _body(response)
        location = response.headers["location"]
        job = ended(self._service, location, 300)
        return {"job": steady(job), "result": _body(self._service.client.get(f"{location}/result"))}

    def _get(self, address: str) -> Any:
        response = self._service.client.get(address)
        if address == "/metrics":  # figures differ, names do not
            lines = response.text.splitlines()
            return sorted({line.split()[2] for line in lines if line.startswith("# TYPE sign_")})
        return _body(response)

    def _stream(self, case: Case) -> Any:
        """All messages of a session, up to its end and how it ended."""
        start: Message = {name: json.loads(value) for name, value in case.options.items() if name not in _OURS}
        address = self._service.url.replace("http", "ws", 1) + "/stream"
        heard: list[Message] = []
        with connect(address, max_size=None, compression=None) as socket:
            try:
                self._session(socket, case, start, heard)
            except ConnectionClosed as end:
                closed = None if end.rcvd is None else [end.rcvd.code, end.rcvd.reason]
        return {"heard": [steady(message) for message in heard], "closed": closed}

    def _session(self, socket: ClientConnection, case: Case, start: Message, heard: list[Message]) -> None:
        """Send frames one by one, each after the answer to the one before; raises ConnectionClosed at the end."""
        socket.send(json.dumps({"type": "start", "model": case.model, **start}))
        ready = _hear_until(socket, heard, "ready")
        every = 2 if "every_frame" in case.options else 1  # at twice the model's rate, each second one is looked at
        frames = _pictures(self._media.path(case.medium), every * ready["sample_rate"])
        for number, (time_s, picture) in enumerate(frames):
            socket.send(struct.pack("<Id", number, time_s) + picture)
            if number % every == 0:
                _hear_until(socket, heard, "frame")
            if number == _MIDDLE and "say" in case.options:
                socket.send(json.dumps({"type": case.options["say"]}))
        socket.send(json.dumps({"type": "stop"}))
        _hear_until(socket, heard, "nothing more")


_OURS = {"say", "every_frame"}


def _hear_until(socket: ClientConnection, heard: list[Message], kind: str) -> Message:
    while True:
        message: Message = json.loads(socket.recv(timeout=_BOUND_S))
        heard.append(message)
        if message["type"] == kind:
            return message


def _pictures(video: Path, rate: float) -> Iterator[tuple[float, bytes]]:
    """The frames that are shown at multiples of 1 / rate, as PNG."""
    with av.open(str(video)) as container:
        step = 0
        for frame in container.decode(video=0):
            if float(frame.time or 0.0) < step / rate - 1e-6:
                continue
            file = io.BytesIO()
            Image.fromarray(frame.to_ndarray(format="rgb24")).save(file, "PNG", compress_level=1)
            yield step / rate, file.getvalue()
            step += 1


def _body(response: httpx.Response) -> Any:
    kind = response.headers.get("content-type", "")
    found: dict[str, Any] = {"status": response.status_code, "kind": kind}
    if name := response.headers.get("content-disposition"):
        found["name"] = name
    if "json" in kind:
        return found | {"body": steady(response.json())}
    if kind.startswith("image/"):
        return found | {"body": hashlib.sha256(response.content).hexdigest()}
    return found | {"body": steady_text(response.text)}
