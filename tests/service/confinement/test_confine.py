"""What a confined process can still do: a child tries it, and says what it was refused."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from service.confinement import confine as module
from service.confinement.confine import describe_confinement
from service.confinement.landlock import landlock_version
from service.confinement.seccomp import make_filter, seccomp_available
from service.confinement.system_calls import ARCHITECTURES, NEVER, STARTING
from tests.running import ROOT

FULL = landlock_version() >= 6 and seccomp_available()
confined = pytest.mark.skipif(not FULL, reason="this system has no Landlock of Linux 6.12, or no seccomp")

TRIES = """
import ctypes, json, os, resource, signal, socket, subprocess, sys, threading
from service.confinement.confine import Confinement, confine

scratch, may_start = sys.argv[1], sys.argv[2] == "may_start"
others = sys.argv[3]
confine(Confinement(readable=(), writable=(scratch,), may_start=may_start))

def write(path):
    with open(path, "w") as file:
        file.write("x")

def start_thread():
    thread = threading.Thread(target=list)
    thread.start()
    thread.join()

def raise_limit():
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CORE, (1, 1))

def use_x32():
    if ctypes.CDLL(None, use_errno=True).syscall(ctypes.c_long(0x40000000 + 41), 2, 1, 0) < 0:
        raise OSError(ctypes.get_errno(), "refused")

tries = {
    "open a socket": socket.socket,
    "open a pair of sockets": socket.socketpair,
    "open a socket by another number": use_x32,
    "read /etc/passwd": lambda: open("/etc/passwd"),
    "list the root": lambda: os.listdir("/"),
    "read another process": lambda: open(f"/proc/{os.getppid()}/environ").read(),
    "write outside": lambda: write(others + "/new"),
    "write over a file": lambda: write(others + "/file"),
    "remove a file": lambda: os.unlink(others + "/file"),
    "rename a file into the scratch folder": lambda: os.rename(others + "/file", scratch + "/file"),
    "link a file into the scratch folder": lambda: os.link(others + "/file", scratch + "/file"),
    "change a mode": lambda: os.chmod(others + "/file", 0o777),
    "signal the parent": lambda: os.kill(os.getppid(), 0),
    "start another program": lambda: subprocess.run(["/bin/true"]),
    "raise a limit": raise_limit,
    "fork": lambda: os._exit(0) if os.fork() == 0 else None,
    "start this Python": lambda: subprocess.run([sys.executable, "-c", ""], check=True),
    "write in the scratch folder": lambda: write(scratch + "/own"),
    "start a thread": start_thread,
    "signal itself": lambda: os.kill(os.getpid(), 0),
}
done = []
for what, attempt in tries.items():
    try:
        attempt()
    except (OSError, ValueError):
        continue
    done.append(what)
print(json.dumps(done))
"""
HARMLESS = ["write in the scratch folder", "start a thread", "signal itself"]


@confined
@pytest.mark.parametrize(
    ("how", "allowed"),
    [("alone", HARMLESS), ("may_start", ["fork", "start this Python", *HARMLESS])],
)
def test_a_confined_process_can_do_its_work_and_nothing_else(tmp_path: Path, how: str, allowed: list[str]) -> None:
    scratch, others = tmp_path / "scratch", tmp_path / "others"
    scratch.mkdir()
    others.mkdir()
    (others / "file").write_text("kept")
    command = [sys.executable, "-c", TRIES, str(scratch), how, str(others)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == allowed
    assert [file.name for file in others.iterdir()] == ["file"]
    assert (others / "file").read_text() == "kept"


@confined
def test_what_is_named_can_be_read_and_nothing_beside_it(tmp_path: Path) -> None:
    named, beside = tmp_path / "named", tmp_path / "beside"
    named.write_text("a")
    beside.write_text("b")
    code = (
        "import sys\nfrom service.confinement.confine import Confinement, confine\n"
        "confine(Confinement((sys.argv[1],)))\nprint(open(sys.argv[1]).read())\nopen(sys.argv[2])"
    )
    command = [sys.executable, "-c", code, str(named), str(beside)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False)
    assert done.stdout == "a\n"
    assert "PermissionError" in done.stderr


def test_what_a_system_lacks_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "landlock_version", lambda: 0)
    monkeypatch.setattr(module, "seccomp_available", lambda: False)
    assert describe_confinement() == (module.NO_FILES, module.NO_CALLS)
    monkeypatch.setattr(module, "landlock_version", lambda: 1)
    assert describe_confinement() == (module.NO_SIGNALS, module.NO_CALLS)
    monkeypatch.setattr(module, "seccomp_available", lambda: True)
    assert describe_confinement() == ()


def test_a_system_without_these_means_is_left_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    assert module.confine(module.Confinement(readable=())) == (module.NO_FILES, module.NO_CALLS)
    with Path("/etc/passwd").open() as file:
        assert file.read(1)


@pytest.mark.parametrize("architecture", ARCHITECTURES.values(), ids=[*ARCHITECTURES])
def test_a_filter_is_whole_instructions_and_not_too_long(architecture: object) -> None:
    code = make_filter(architecture, may_start=False, pid=os.getpid())  # type: ignore[arg-type]
    assert len(code) % 8 == 0
    assert len(code) // 8 < 4096


def test_no_call_is_numbered_twice() -> None:
    for column in (0, 1):
        numbers = [pair[column] for pair in (NEVER | STARTING).values() if pair[column] >= 0]
        assert len(set(numbers)) == len(numbers)
