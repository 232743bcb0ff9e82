"""A checkpoint as the rest of the converter sees it: read in a child process, tensors mapped from what it left."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from convert import isolation
from convert.errors import RefusalError
from convert.pickles.values import Value
from convert.torch.checkpoint import safetensors
from convert.torch.checkpoint.arrays import Array
from convert.torch.checkpoint.reader import TENSORS_FILE

TASK = "torch"


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """tensors: the network's and what lies beside it, in the file's order. hyper_parameters: by group."""

    tensors: dict[str, Array]
    container: str
    framework: str
    found_at: str = ""
    notes: tuple[str, ...] = ()
    stand_ins: dict[str, int] = field(default_factory=dict)
    other_keys: tuple[str, ...] = ()
    hyper_parameters: dict[str, dict[str, Any]] = field(default_factory=dict)
    non_finite: tuple[str, ...] = ()

    def hyper_parameter(self, *names: str) -> Value:
        """The first of these that some group holds, also in a group's own dicts; None where there is none."""
        for group in self.hyper_parameters.values():
            nested = [value for value in group.values() if isinstance(value, dict)]
            for entries in (group, *nested):
                for name in names:
                    if entries.get(name) is not None:
                        return entries[name]
        return None


def read_checkpoint(path: Path, folder: Path) -> Checkpoint:
    """Read an untrusted file in a child process. folder: where the child leaves the tensors.

    Raises RefusalError or CallError with the reason.
    """
    if not path.is_file():
        raise RefusalError(f"There is no file {path}.")
    result = isolation.run_isolated(TASK, {"path": str(path.resolve())}, folder)
    tensors, _ = safetensors.read(folder / TENSORS_FILE)
    return Checkpoint(
        tensors,
        result["container"],
        result["framework"],
        result["found_at"],
        tuple(result["notes"]),
        result["stand_ins"],
        tuple(result["other_keys"]),
        result["hyper_parameters"],
        tuple(result["non_finite"]),
    )


@contextmanager
def open_checkpoint(file: Path) -> Iterator[Checkpoint]:
    """Read a checkpoint; its tensors are mapped from a folder that goes with this context."""
    with tempfile.TemporaryDirectory(prefix="convert-") as folder:
        yield read_checkpoint(file, Path(folder))
