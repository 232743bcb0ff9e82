"""A real PostgreSQL for tests: a server of their own, on this machine's loopback, in a folder that goes with it."""

import contextlib
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import uuid
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from tests.running import children, wait_until

WITHOUT = "needs PostgreSQL's server (Debian: postgresql)"


def _programs() -> Path | None:
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    named = shutil.which("initdb")
    return found[-1].parent if found else Path(named).parent if named else None


class Server:
    """A server that can be stopped, started again and made to hang."""

    def __init__(self, programs: Path, folder: Path, port: int) -> None:
        self._programs = programs
        self._folder = folder
        self._port = port
        self._user = _unprivileged()
        self._process: subprocess.Popen[bytes] | None = None
        self.address = f"postgresql://tester@127.0.0.1:{port}"

    def make(self) -> None:
        """Write an empty cluster into the folder."""
        if self._user is not None:
            shutil.chown(self._folder, self._user)
        options = ["-U", "tester", "--auth=trust", "--no-sync", "--encoding=UTF8"]
        made = [str(self._programs / "initdb"), "-D", str(self._data), *options]
        environment = {"LC_ALL": "C.UTF-8"}
        subprocess.run(made, user=self._user, check=True, capture_output=True, cwd=self._folder, env=environment)

    def start(self) -> None:
        """Start, and wait until it answers."""
        settings = [f"port={self._port}", "listen_addresses=127.0.0.1", "unix_socket_directories=", "fsync=off"]
        options = [part for setting in settings for part in ("-c", setting)]
        self._process = subprocess.Popen(
            [str(self._programs / "postgres"), "-D", str(self._data), *options],
            user=self._user,
            cwd=self._folder,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        wait_until(lambda: _answers(self.address), 30, "PostgreSQL does not answer")

    def stop(self) -> None:
        """End it at once; whoever is connected is cut off."""
        if self._process is not None:
            self._process.send_signal(signal.SIGQUIT)
            self._process.wait(30)
            self._process = None

    @contextlib.contextmanager
    def hanging(self) -> Iterator[None]:
        """In the block it takes connections and answers nothing."""
        if self._process is None:
            raise RuntimeError("the server does not run")
        pids = [self._process.pid, *children(self._process.pid)]
        for pid in pids:
            os.kill(pid, signal.SIGSTOP)
        try:
            yield
        finally:
            for pid in pids:
                os.kill(pid, signal.SIGCONT)

    @property
    def _data(self) -> Path:
        return self._folder / "data"


@contextlib.contextmanager
def own_server() -> Iterator[Server]:
    """A server for one test; skipped without PostgreSQL, or failed if SIGN_REQUIRE names postgres."""
    programs = _programs()
    if programs is None:
        if "postgres" in os.environ.get("SIGN_REQUIRE", "").split(","):
            pytest.fail(f"SIGN_REQUIRE asks for PostgreSQL: {WITHOUT}", pytrace=False)
        pytest.skip(WITHOUT)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with tempfile.TemporaryDirectory(prefix="sign-postgres-", ignore_cleanup_errors=True) as folder:
        server = Server(programs, Path(folder), port)
        server.make()
        try:
            server.start()
            yield server
        finally:
            server.stop()


@contextlib.contextmanager
def running_server() -> Iterator[str]:
    """The address, without a database, of a server that many tests share; without PostgreSQL as `own_server`."""
    with own_server() as server:
        yield server.address


def fresh_database(server: str) -> str:
    """The address of a database that nobody has used."""
    name = f"jobs_{uuid.uuid4().hex[:12]}"
    with psycopg.connect(f"{server}/postgres", autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}".encode())
    return f"{server}/{name}"


def _answers(address: str) -> bool:
    try:
        with psycopg.connect(f"{address}/postgres", connect_timeout=2):
            return True
    except psycopg.OperationalError:
        return False


def _unprivileged() -> str | None:
    """Who may run the server: PostgreSQL refuses root."""
    if os.geteuid() != 0:
        return None
    known = {entry.pw_name for entry in pwd.getpwall()}
    return next(name for name in ("postgres", "nobody") if name in known)
