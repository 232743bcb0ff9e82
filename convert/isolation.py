"""Untrusted files are parsed in a child process: no shell, a bare environment, limits on memory, CPU and time, and no
more of the system than it needs (`service.confinement`).

The child gets a task's name and its arguments as JSON and leaves plain data (JSON, raw arrays) in a folder; nothing
that it sends is unpickled.
"""

import importlib
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

from convert.errors import ConversionError, UnsafeError, describe_fault, find_error
from service import system
from service.confinement.confine import Confinement, confine

TASKS = {
    "keras": "convert.keras.reader",
    "onnx": "convert.onnx.checker",
    "pickle": "convert.pickles.reader",
    "sklearn": "convert.sklearn.reader",
    "tflite": "convert.tflite.convert",
    "torch": "convert.torch.checkpoint.reader",
    "xgboost": "convert.xgboost.reader",
}
"""Task → the module whose `run(request, folder)` is its work."""

RESULT_FILE = "result.json"
WALL_S = 120
CPU_S = 110
MEMORY_BASE = 1 << 30
"""Address space that a child may take beyond a multiple of the file's size: NumPy, h5py and onnx need most of it."""
MEMORY_OF_A_TASK = {"onnx": 3 << 30, "sklearn": 3 << 30}
"""What a task may take beyond that: one also runs a graph, one unpacks what joblib compressed (`unpack.MAX_BYTES`)."""
MEMORY_PER_FILE_BYTE = 4
WRITE_PER_FILE_BYTE = 4
WRITE_BASE = 64 << 20
WRITE_OF_A_TASK = {"sklearn": 1 << 30}
"""What a task may write beyond that: what it unpacked, as plain arrays."""
OPEN_FILES = 64
_OF_WINDOWS = ("SYSTEMROOT",)  # without it no Python starts there
_STOPPED = ("SIGXCPU", "SIGKILL")

Request = dict[str, Any]


def run_isolated(task: str, request: Request, folder: Path) -> Request:
    """Run a task on `request["path"]` in a child; its result, with whatever files it left in `folder`.

    Raises the ConversionError that the child raised, or RefusalError where it met a limit or died.
    """
    size = Path(request["path"]).stat().st_size
    limits = {
        "memory": MEMORY_BASE + MEMORY_PER_FILE_BYTE * size + MEMORY_OF_A_TASK.get(task, 0),
        "written": WRITE_BASE + WRITE_PER_FILE_BYTE * size + WRITE_OF_A_TASK.get(task, 0),
        "cpu_s": CPU_S,
    }
    order = json.dumps({"task": task, "request": request, "folder": str(folder), "limits": limits})
    try:
        done = subprocess.run(
            [sys.executable, "-m", "convert.isolation"],
            input=order.encode(),
            capture_output=True,
            timeout=WALL_S,
            env=_make_environment(folder),
            check=False,
            start_new_session=True,
        )
    except subprocess.TimeoutExpired:
        raise UnsafeError(f"Reading the file took longer than {WALL_S} s.", "A model file reads in seconds.") from None
    result_file = folder / RESULT_FILE
    if not result_file.is_file():
        raise UnsafeError(_explain_death(done.returncode, limits["memory"]), "The file is not what it claims to be.")
    answer: Request = json.loads(result_file.read_text(encoding="utf-8"))
    result_file.unlink()
    if "error" in answer:
        raise find_error(answer["kind"])(answer["error"], answer["advice"])
    result: Request = answer["result"]
    return result


def _make_environment(folder: Path) -> dict[str, str]:
    return {
        "PATH": "/usr/bin:/bin",
        "TMPDIR": str(folder),
        "PYTHONPATH": str(Path(__file__).resolve().parent.parent),
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONUTF8": "1",
        "OPENBLAS_NUM_THREADS": "1",
        "OMP_NUM_THREADS": "1",
        "HDF5_PLUGIN_PATH": "/nonexistent",  # an unknown filter must not load a library
        "HDF5_USE_FILE_LOCKING": "FALSE",
        **{name: os.environ[name] for name in _OF_WINDOWS if name in os.environ},
    }


def _explain_death(code: int, memory: int) -> str:
    by = signal.Signals(-code).name if -code in signal.valid_signals() else ""
    if by in _STOPPED:
        return f"Reading the file took more than {CPU_S} s of CPU, or was killed."
    if by == "SIGXFSZ":
        return "The file unpacks to far more than its size."
    if code < 0:
        return f"Reading the file crashed the reader (signal {-code})."
    return f"Reading the file failed; it may have asked for more than {memory >> 20} MiB."


def _set_limits(limits: dict[str, int]) -> None:
    system.limit("CORE", 0)
    system.limit("AS", limits["memory"])
    system.limit("CPU", limits["cpu_s"])
    system.limit("FSIZE", limits["written"])
    system.limit("NOFILE", OPEN_FILES)


def _serve_child() -> None:
    order = json.load(sys.stdin)
    _set_limits(order["limits"])
    folder = Path(order["folder"])
    named = (value for value in order["request"].values() if isinstance(value, str))
    confine(Confinement(readable=tuple(value for value in named if Path(value).exists()), writable=(str(folder),)))
    answer: Request
    try:
        module = importlib.import_module(TASKS[order["task"]])
        answer = {"result": module.run(order["request"], folder)}
    except ConversionError as error:
        answer = _answer_of(error)
    except MemoryError:
        limit = order["limits"]["memory"] >> 20
        advice = "A model of this size needs less; a file that declares more than it holds is not opened."
        answer = _answer_of(UnsafeError(f"Reading the file asked for more than {limit} MiB of memory.", advice))
    except RecursionError:
        advice = "Save the model again where it was made."
        answer = _answer_of(UnsafeError("The file is nested too deeply to be a model.", advice))
    except Exception as error:  # noqa: BLE001 - whatever a file brings about is told, and told as what it is
        answer = _answer_of(describe_fault(error))
    temporary = folder / f"{RESULT_FILE}.part"
    temporary.write_text(json.dumps(answer, ensure_ascii=False), encoding="utf-8")
    os.replace(temporary, folder / RESULT_FILE)  # noqa: PTH105 - atomic, and the same on every Path version


def _answer_of(error: ConversionError) -> Request:
    return {"error": error.reason, "advice": error.advice, "kind": error.kind}


if __name__ == "__main__":
    _serve_child()
