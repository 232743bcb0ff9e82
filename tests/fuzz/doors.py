"""A running service and whatever comes through its doors: bytes on the socket, live messages, entries of its store.

`python -m tests.fuzz.doors` starts a service and tries one after the other. What is wrong: an answer of 500, a live
session that ends by our fault or without a word, no answer at all, a service that ended or does not answer a good
letter any more. It prints statuses, and the service's memory and descriptors at the start and at the end.
"""

import contextlib
import os
import shutil
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import httpx
import numpy as np

from tests.fuzz.entries import Entries
from tests.fuzz.findings import Budget, Findings, read_budget
from tests.fuzz.http import talk
from tests.fuzz.live import hold_session
from tests.running import ROOT, SAMPLES, RunningService, running_service

LETTER = SAMPLES / "letter_a_right_light.mp4"
ADMIN = "fuzzing-admin-key"
LOOK_EACH = 50
Door = Callable[[RunningService, np.random.Generator, Findings], None]


def run(budget: Budget) -> int:
    """Try the doors in turn until there were so many inputs, or so long; the exit status."""
    rng, findings = np.random.default_rng(budget.seed), Findings("doors", budget)
    with tempfile.TemporaryDirectory(prefix="fuzz-") as named, contextlib.ExitStack() as stack:
        folder = Path(named)
        store = folder / "store"
        for name in ("asl-letters", "asl-digits", "face-motion"):
            shutil.copytree(ROOT / "model_store" / name, store / name)
        service = stack.enter_context(_serve(folder, store))
        entries = Entries(store, ADMIN)
        doors: tuple[Door, ...] = (talk, talk, talk, hold_session, entries.put)
        _look(service, findings)
        before = _taken(service)
        while findings.go_on and service.process.poll() is None:
            try:
                doors[findings.inputs % len(doors)](service, rng, findings)
            except httpx.HTTPError as error:
                findings.note("NO ANSWER", f"{type(error).__name__}: {error}")
            if findings.inputs % LOOK_EACH == 0:
                _look(service, findings)
        if service.process.poll() is None:
            _look(service, findings)
            deaths, after = 0, _taken(service)
        else:
            deaths, after = 1, "gone"
            findings.note("THE SERVICE DIED", f"with {service.process.returncode}", service.log.read_bytes()[-20000:])
        five = sum(number for name, number in findings.outcomes.items() if name.split()[-1].startswith("5"))
        restarts = _slots_lost(service) if not deaths else 0
        shutil.copy(service.log, budget.keep / "doors-service.log")
        return findings.tell(
            f"; 5xx {five}; process deaths {deaths}; slots lost {restarts:g}; at first {before}; at last {after}"
        )


def _serve(folder: Path, store: Path) -> "contextlib.AbstractContextManager[RunningService]":
    return running_service(
        folder,
        SIGN_MODEL_STORE=str(store),
        SIGN_ADMIN_KEYS=ADMIN,
        SIGN_SLOTS="1",
        SIGN_STREAM_SLOTS="1",
        SIGN_UPLOAD_STALL_S="1",
        SIGN_STREAM_IDLE_S="2",
        SIGN_REQUEST_TIMEOUT_S="30",
        SIGN_JOBS_UNFINISHED="20",
    )


def _look(service: RunningService, findings: Findings) -> None:
    """A good letter is answered as ever."""
    if service.process.poll() is not None:
        return
    with httpx.Client(base_url=service.url, timeout=60) as client:
        answer = client.post("/predict", content=LETTER.read_bytes())
    said = answer.json().get("predicted_class_name") if answer.status_code == 200 else answer.text
    findings.note(f"letter {answer.status_code}", None if said == "A" else f"the letter A is answered with {said}")


def _taken(service: RunningService) -> str:
    """Memory and descriptors of the service's own process."""
    pid = service.process.pid
    status = Path(f"/proc/{pid}/status").read_text()
    memory = next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS"))
    return f"{memory // 1024} MiB, {len(os.listdir(f'/proc/{pid}/fd'))} descriptors"  # noqa: PTH208 - only a count


def _slots_lost(service: RunningService) -> float:
    return service.metric('sign_slot_restarts_total{reason="died"}')


if __name__ == "__main__":
    sys.exit(run(read_budget()))
