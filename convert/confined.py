"""A command on a stranger's file runs in a child process that can read what the call names, and write nothing.

The child reads, converts, measures and prints. What it wants to publish it asks of its parent, which alone can write
into the store; whatever becomes of the child, the command ends with one of its exit codes.
"""

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from convert.errors import HEADINGS, ConversionError, UnsafeError
from service.confinement.confine import Confinement, confine
from service.own_store import default_store
from service.terminal import dump_json, escape_controls

COMMANDS = frozenset({"keras", "torch", "onnx", "tflite", "xgboost", "sklearn", "inspect", "verify"})
_READING = frozenset({"inspect", "verify"})
EXIT_CODES = frozenset({0, 2, 3, 4})
PIPES = "SIGN_CONVERTPIPES"
"""By which descriptors a confined command asks its parent and is answered; set for it alone."""

Answer = Callable[[str, Path, Path], str]
"""A line that the child wrote, its scratch folder and the store → the line that it gets."""

MEMORY_BASE = 8 << 30
MEMORY_PER_FILE_BYTE = 12
"""Private memory that a command may take: the proof holds weights several times, torch takes gigabytes for itself."""
CPU_S = 7200
DEFAULT_STORE = "model_store"


def run_command(arguments: list[str], answer: Answer) -> int:
    """Run `python -m convert ARGUMENTS` in a confined child; the exit code. answer: to what the child asks."""
    with tempfile.TemporaryDirectory(prefix="convert-") as folder, _existing(arguments):
        asks, asks_of_child = os.pipe()
        answers_of_child, answers = os.pipe()
        child = subprocess.Popen(  # noqa: S603 - this Python, and the arguments that it was given
            [sys.executable, "-m", "convert", *arguments],
            env={**os.environ, PIPES: f"{asks_of_child} {answers_of_child}", "TMPDIR": folder},
            pass_fds=(asks_of_child, answers_of_child),
        )
        os.close(asks_of_child)
        os.close(answers_of_child)
        try:
            with os.fdopen(asks, encoding="utf-8") as questions, os.fdopen(answers, "w", encoding="utf-8") as replies:
                for question in questions:
                    replies.write(answer(question, Path(folder), _find_store(arguments)) + "\n")
                    replies.flush()
            code = child.wait()
        finally:
            child.kill()
            child.wait()
    if code in EXIT_CODES:
        return code
    error = UnsafeError(_explain_death(code), "The file is not what it claims to be, or larger than can be proven.")
    print_error(error, as_json="--json" in arguments)
    return error.exit_code


@contextmanager
def _existing(arguments: list[str]) -> Iterator[None]:
    """Where something may be published, the store is there meanwhile, so that it can be named; left empty, it goes."""
    store = _find_store(arguments).absolute()
    made = []
    try:
        for folder in (*reversed(store.parents), store) if arguments[0] not in _READING else ():
            if not folder.exists():
                folder.mkdir()
                made.append(folder)
    except OSError:
        pass  # a store that cannot be made is said when something is published into it
    try:
        yield
    finally:
        with suppress(OSError):
            for folder in reversed(made):
                folder.rmdir()


def print_error(error: ConversionError, *, as_json: bool) -> None:
    """Say how a command ended: for programs on standard output, for people on standard error."""
    if as_json:
        document = {"error": error.reason, "advice": error.advice, "kind": error.kind, "exit_code": error.exit_code}
        sys.stdout.write(dump_json(document) + "\n")
        return
    said = f"{HEADINGS[error.kind]}: {error.reason}\n" + (f"→ {error.advice}\n" if error.advice else "")
    sys.stderr.write(escape_controls(said, keep="\n"))


def confine_command(arguments: list[str]) -> None:
    """In the child: keep what the call names and the scratch folder, give up the rest."""
    import resource  # noqa: PLC0415 - not everywhere

    named = _named_paths(arguments)
    size = sum(path.stat().st_size for path in map(Path, named) if path.is_file())
    machine = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    memory = min(MEMORY_BASE + MEMORY_PER_FILE_BYTE * size, machine)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_DATA, (memory, memory))
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_S, CPU_S))
    samples = Path(__file__).resolve().parent.parent / "samples"
    readable = (*named, str(_find_store(arguments)), str(default_store()), str(samples))
    confine(Confinement(readable=readable, writable=(tempfile.gettempdir(),), may_start=True))


def is_confined() -> bool:
    """Whether this is the child."""
    return PIPES in os.environ


def _named_paths(arguments: list[str]) -> list[str]:
    """What the call names and is there; of a recorded pair of .npy both lie in one folder."""
    words = [word.partition("=")[2] if word.startswith("-") else word for word in arguments]
    parts = {part for word in words for part in (word, word.rpartition(":")[0], *word.split(",")) if part}
    there = (Path(part) for part in parts if os.path.exists(part))  # noqa: PTH110 - anything at all may be asked
    return [str((path.parent if path.suffix == ".npy" else path).absolute()) for path in there]


def _find_store(arguments: list[str]) -> Path:
    """The store that the call names."""
    for place, argument in enumerate(arguments):
        if argument == "--store" and place + 1 < len(arguments):
            return Path(arguments[place + 1])
        if argument.startswith("--store="):
            return Path(argument.partition("=")[2])
    return Path(DEFAULT_STORE)


def _explain_death(code: int) -> str:
    if code == -signal.SIGXCPU:
        return f"Converting the file took more than {CPU_S} s of CPU."
    if code == -signal.SIGKILL:
        return "The conversion was killed, for want of memory as a rule."
    if code < 0:
        return f"Converting the file crashed the process that did it (signal {-code})."
    return f"The process that converted the file ended with {code}."
