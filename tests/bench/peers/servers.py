"""The servers that are compared, each in processes of its own on a free port: how it starts, and how it is asked."""

import contextlib
import os
import signal
import socket
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx

from tests.running import ROOT, running_service, wait_until

START_S = 240.0
SLOTS = 2
_PATIENCE_S = 600.0


@dataclass(frozen=True, slots=True)
class Server:
    """One that answers POST /predict; as_form: the clip is a form's field `file`, else it is the body."""

    name: str
    url: str
    as_form: bool
    pid: int

    def client(self) -> httpx.Client:
        return httpx.Client(base_url=self.url, timeout=_PATIENCE_S)

    def request(self, client: httpx.Client, clip: bytes) -> httpx.Request:
        if self.as_form:
            return client.build_request("POST", "/predict", files={"file": ("clip.mp4", clip, "video/mp4")})
        return client.build_request("POST", "/predict", content=clip)

    def ask(self, client: httpx.Client, clip: bytes) -> httpx.Response:
        return client.send(self.request(client, clip))


@contextlib.contextmanager
def running_servers(environments: Path, folder: Path) -> Iterator[list[Server]]:
    """All three, each with SLOTS workers, ready."""
    with contextlib.ExitStack() as stack:
        ours = stack.enter_context(running_service(folder, SIGN_SLOTS=str(SLOTS)))
        servers = [Server("this service", ours.url, False, ours.process.pid)]
        for name, command in (
            ("LitServe", ["litserve/bin/python", "-m", "tests.bench.peers.litserve_letters", "PORT"]),
            (
                "BentoML",
                ["bentoml/bin/bentoml", "serve", "tests.bench.peers.bentoml_letters:Letters", "--port", "PORT"],
            ),
        ):
            servers.append(stack.enter_context(_peer(name, [str(environments / command[0]), *command[1:]], folder)))
        yield servers


@contextlib.contextmanager
def _peer(name: str, command: list[str], folder: Path) -> Iterator[Server]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    quiet = {"GLOG_minloglevel": "3", "BENTOML_DO_NOT_TRACK": "True", "BENTOML_HOME": str(folder / "bentoml")}
    with (folder / f"{name}.log").open("wb") as log:
        process = subprocess.Popen(
            [str(port) if word == "PORT" else word for word in command],
            cwd=ROOT,
            env={**os.environ, **quiet, "PYTHONPATH": str(ROOT)},
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    server = Server(name, f"http://127.0.0.1:{port}", True, process.pid)
    try:
        with server.client() as client:
            wait_until(lambda: _is_up(process, client), START_S, f"{name} does not start: see {folder}")
        yield server
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(15)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _is_up(process: "subprocess.Popen[bytes]", client: httpx.Client) -> bool:
    if process.poll() is not None:
        raise RuntimeError(f"a server ended with {process.returncode}")
    try:
        return client.get("/readyz").status_code in (200, 404) or client.get("/health").status_code == 200
    except httpx.TransportError:
        return False
