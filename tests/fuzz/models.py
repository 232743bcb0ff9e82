"""Mutated model files and pickles: each is read, or refused in words, in a process confined as the converter's are.

`python -m tests.fuzz.models` forks for each file a child that gives up what the converter's child gives up and does
what that does; each fortieth file goes through `python -m convert inspect` itself. What is wrong: an error that is no
refusal, a death of the child, an exit code that is none of the command's.
"""

import importlib
import json
import os
import select
import signal
import subprocess
import sys
import tempfile
import time
import traceback
from pathlib import Path

import numpy as np

from convert import isolation
from convert.confined import EXIT_CODES
from convert.errors import ConversionError
from service.confinement.confine import Confinement, confine
from tests.fuzz.findings import Budget, Findings, read_budget
from tests.fuzz.mutation import mutated_file
from tests.running import ROOT

LONGEST_S = 30.0
COMMAND_LONGEST_S = 120.0
COMMAND_EACH = 40
MOST_BYTES = 300_000
_DATA = ROOT / "tests" / "data"
_HOSTILE = ROOT / "tests" / "hostile" / "files"

TASKS = {
    ".h5": "keras", ".keras": "keras", ".onnx": "onnx", ".tflite": "tflite", ".ubj": "xgboost", ".json": "xgboost",
    ".pt": "torch", ".pth": "torch", ".joblib": "sklearn",
}  # fmt: skip
"""By what a file is read, for its ending; pickles by each task that reads some."""

_PICKLES = ("pickle", "sklearn", "torch")
_ENDS = {"pickle": ".pkl", "sklearn": ".pkl"}


def corpus() -> list[tuple[Path, str]]:
    """Our own small files of every kind that the converter reads, each with its task."""
    found = [ROOT / "model_store" / "face-motion" / "1" / "model.onnx", *_HOSTILE.iterdir()]
    for folder in ("keras", "proof", "tflite", "torch", "xgboost", "pickles"):
        found += (_DATA / folder).iterdir()
    made: list[tuple[Path, str]] = []
    for path in sorted(found):
        if path.suffix == ".npz" or path.stat().st_size > MOST_BYTES or path.name.startswith("loop"):
            continue
        made += [(path, task) for task in ([TASKS[path.suffix]] if path.suffix in TASKS else _PICKLES)]
    return made


def run(budget: Budget) -> int:
    """Try files until there were so many, or so long; the exit status."""
    rng, files, findings = np.random.default_rng(budget.seed), corpus(), Findings("models", budget)
    contents = {path: path.read_bytes() for path, _ in files}
    for module in isolation.TASKS.values():
        importlib.import_module(module)
    import h5py  # noqa: F401, PLC0415 - before the children are forked, so that none has to import it
    import onnx.checker  # noqa: F401, PLC0415

    slowest_s = 0.0
    with tempfile.TemporaryDirectory() as folder:
        while findings.go_on:
            path, task = files[int(rng.integers(len(files)))]
            other = contents[files[int(rng.integers(len(files)))][0]]
            data = mutated_file(contents[path], other, rng)
            tried = Path(folder, f"tried{path.suffix}")
            tried.write_bytes(data)
            findings.about_to_try(data)
            began = time.monotonic()
            if findings.inputs % COMMAND_EACH == COMMAND_EACH - 1:
                outcome, wrong = command(tried)
            else:
                outcome, wrong = read(tried, task)
            slowest_s = max(slowest_s, time.monotonic() - began)
            findings.note(outcome, None if wrong is None else f"{task}, of {path.name}: {wrong}", data)
    return findings.tell(f"; slowest {slowest_s:.1f} s")


def read(path: Path, task: str) -> tuple[str, str | None]:
    """What a child makes of a file, and what of that is wrong."""
    with tempfile.TemporaryDirectory() as folder:
        reader, writer = os.pipe()
        child = os.fork()
        if child == 0:
            os.close(reader)
            _read_in_child(path, task, Path(folder), writer)
        os.close(writer)
        try:
            said = _hear(reader)
        finally:
            os.close(reader)
            os.kill(child, signal.SIGKILL)
            _, status = os.waitpid(child, 0)
    if said:
        outcome, _, wrong = said.partition("\n")
        return outcome, wrong or None
    if said is None:
        return "slow", f"it took longer than {LONGEST_S:g} s"
    by = os.waitstatus_to_exitcode(status)
    return "died", f"the child ended with {by}"


def _hear(reader: int) -> str | None:
    """All that a child says until it ends; None where that takes too long."""
    said, until = b"", time.monotonic() + LONGEST_S
    while True:
        ready, _, _ = select.select([reader], [], [], max(0.0, until - time.monotonic()))
        if not ready:
            return None
        if not (more := os.read(reader, 65536)):
            return said.decode()
        said += more


def _read_in_child(path: Path, task: str, folder: Path, writer: int) -> None:
    """Confine this process as the converter's child is, read, say what came of it, and end."""
    said = "FAULT\nnothing was said"
    try:
        size = path.stat().st_size
        isolation._set_limits(
            {
                "memory": isolation.MEMORY_BASE + (1 << 30) + isolation.MEMORY_OF_A_TASK.get(task, 0),
                "written": isolation.WRITE_BASE + 4 * size + isolation.WRITE_OF_A_TASK.get(task, 0),
                "cpu_s": int(LONGEST_S),
            }
        )
        confine(Confinement(readable=(str(path),), writable=(str(folder),)))
        module = importlib.import_module(isolation.TASKS[task])
        module.run({"path": str(path), "arch": None}, folder)
        said = f"{task} read"
    except ConversionError as error:
        said = error.kind
    except MemoryError:
        said = "memory"
    except RecursionError:
        said = "recursion"
    except BaseException:  # noqa: BLE001 - it is what is looked for
        said = f"FAULT\n{traceback.format_exc()}"
    os.write(writer, said.encode("utf-8", "replace"))
    os._exit(0)


def command(path: Path) -> tuple[str, str | None]:
    """What `python -m convert inspect` says of a file, and what of that is wrong."""
    asked = [sys.executable, "-m", "convert", "inspect", str(path), "--json"]
    try:
        done = subprocess.run(
            asked, cwd=ROOT, capture_output=True, text=True, timeout=COMMAND_LONGEST_S, check=False, errors="replace"
        )
    except subprocess.TimeoutExpired:
        return "inspect slow", f"inspect took longer than {COMMAND_LONGEST_S:g} s"
    if done.returncode not in EXIT_CODES or "Traceback" in done.stderr:
        return "inspect FAULT", f"inspect ended with {done.returncode}: {done.stderr[-2000:]}"
    try:
        document = json.loads(done.stdout)
    except ValueError:
        return "inspect FAULT", f"inspect printed {done.stdout[:500]!r}"
    kind = document.get("kind", "read")
    if kind == "fault" or "crashed" in str(document.get("error")) or "Reading the file failed" in str(document):
        return "inspect FAULT", f"inspect says {document}"
    return f"inspect {kind}", None


if __name__ == "__main__":
    sys.exit(run(read_budget()))
