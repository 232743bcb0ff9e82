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

from tests.running import wait_until

WITHOUT = "needs PostgreSQL's server (Debian: postgresql)"


def _programs() -> Path | None:
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    named = shutil.which("initdb")
    return found[-1].parent if found else Path(named).parent if named else None


@contextlib.contextmanager
def running_server() -> Iterator[str]:
    """The server's address without a database; skipped without one, or failed if SIGN_REQUIRE names postgres."""
    programs = _programs()
    if programs is None:
        if "postgres" in os.environ.get("SIGN_REQUIRE", "").split(","):
            pytest.fail(f"SIGN_REQUIRE asks for PostgreSQL: {WITHOUT}", pytrace=False)
        pytest.skip(WITHOUT)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    user = _unprivileged()
    with tempfile.TemporaryDirectory(prefix="sign-postgres-", ignore_cleanup_errors=True) as folder:
        if user is not None:
            shutil.chown(folder, user)
        data = Path(folder, "data")
        made = [
            str(programs / "initdb"),
            "-D",
            str(data),
            "-U",
            "tester",
            "--auth=trust",
            "--no-sync",
            "--encoding=UTF8",
        ]
        subprocess.run(made, user=user, check=True, capture_output=True, cwd=folder, env={"LC_ALL": "C.UTF-8"})
        settings = [f"port={port}", "listen_addresses=127.0.0.1", "unix_socket_directories=", "fsync=off"]
        options = [part for setting in settings for part in ("-c", setting)]
        server = subprocess.Popen(
            [str(programs / "postgres"), "-D", str(data), *options],
            user=user,
            cwd=folder,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        address = f"postgresql://tester@127.0.0.1:{port}"
        try:
            wait_until(lambda: _answers(address), 30, "PostgreSQL does not answer")
            yield address
        finally:
            server.send_signal(signal.SIGQUIT)
            server.wait(30)


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
