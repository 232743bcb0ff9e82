"""A real service in a process of its own, for tests and benchmarks."""

import contextlib
import os
import signal
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx

ROOT = Path(__file__).parents[1]
SAMPLES = ROOT / "samples"


class RunningService:
    """The service on a free port of this machine; closed with the block that started it."""

    def __init__(
        self, process: "subprocess.Popen[bytes]", url: str, log: Path, tls: ssl.SSLContext | None = None
    ) -> None:
        self.process = process
        self.url = url
        self.log = log
        self.client = httpx.Client(base_url=url, timeout=120, verify=True if tls is None else tls)

    def predict(self, medium: Path | bytes, **options: object) -> httpx.Response:
        """POST /predict with the medium as the body."""
        content = medium if isinstance(medium, bytes) else medium.read_bytes()
        params = {name: str(value).lower() if isinstance(value, bool) else value for name, value in options.items()}
        return self.client.post("/predict", content=content, params=params)  # type: ignore[arg-type]

    def metric(self, line: str) -> float:
        """The value of one line of /metrics, 0 where it is not there yet."""
        for entry in self.client.get("/metrics").text.splitlines():
            if entry.startswith(f"{line} "):
                return float(entry.rpartition(" ")[2])
        return 0.0

    def workers(self) -> list[int]:
        """Process ids of the slots: the spawned children, without multiprocessing's resource tracker."""
        return [pid for pid in children(self.process.pid) if b"spawn_main" in command_line(pid)]

    def stop(self, grace_s: float = 30.0) -> int:
        """SIGTERM, and the exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(grace_s)


@contextlib.contextmanager
def running_service(
    folder: Path,
    tree: Path = ROOT,
    /,
    *,
    module: str = "service",
    **environment: str,
) -> Iterator[RunningService]:
    """Start the service with these settings and wait until it is ready; its log lies in the folder.

    It takes live frames only where SIGN_STREAM_SLOTS is given: a further process takes a second to start. tree: the
    checkout whose service it is; module: what is run, where that is not the service as it is. Its client
    believes the certificate that SIGN_TLS_CERT names.
    """
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    clean = {name: value for name, value in os.environ.items() if not name.startswith("SIGN_")}
    log = folder / "service.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", module, "serve"],
            env={
                **clean,
                "SIGN_PORT": str(port),
                "SIGN_JOBS_DIR": str(folder / "jobs"),
                "SIGN_TEACH_DIR": str(folder / "taught"),
                "SIGN_STREAM_SLOTS": "0",
                **environment,
            },
            cwd=tree,
            stdout=output,
            stderr=output,
        )
    certificate = environment.get("SIGN_TLS_CERT")
    tls = None if certificate is None else ssl.create_default_context(cafile=certificate)
    service = RunningService(process, f"{'http' if tls is None else 'https'}://127.0.0.1:{port}", log, tls)
    try:
        wait_until(lambda: _ready(service), 180, f"the service is not ready; its log: {log.read_text()[-3000:]}")
        yield service
    finally:
        service.client.close()
        if process.poll() is None:
            process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(30)
        if process.poll() is None:
            process.kill()
            process.wait()


def _ready(service: RunningService) -> bool:
    if service.process.poll() is not None:
        raise RuntimeError(f"the service ended with {service.process.returncode}: {service.log.read_text()[-3000:]}")
    try:
        return service.client.get("/readyz").status_code == 200
    except httpx.TransportError:
        return False


def wait_until(condition: Callable[[], bool], seconds: float, otherwise: str) -> None:
    """Wait for a condition, with a bound; AssertionError saying `otherwise` when the time is over."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise AssertionError(otherwise)
        time.sleep(0.02)


def children(pid: int) -> list[int]:
    """Process ids of a process's children."""
    found: list[int] = []
    for task in Path(f"/proc/{pid}/task").iterdir():
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):  # a thread that has ended meanwhile
            found += [int(child) for child in (task / "children").read_text().split()]
    return found


def command_line(pid: int) -> bytes:
    """The command line of a process, empty once it has ended."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""
