"""A graph tried out: rows in a batch against the same rows alone. Runs in the child process."""

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from convert.errors import ContradictionError, RefusalError
from convert.parity import Session, compare_rows
from service.registry.memory_mark import MemoryMark

ROWS = 5
TRIAL_S = 30.0
"""Longest that the rows of one run may take."""
SUM_TOLERANCE = 1e-4
OPEN_SIZE = 8
DTYPES = {
    "float": "float32",
    "float16": "float16",
    "uint8": "uint8",
    "int64": "int64",
    "int32": "int32",
    "bool": "bool",
}
"""What an input may take: ONNX's name → NumPy's."""
Arrays = list[npt.NDArray[Any]]


def try_out(
    path: Path, inputs: list[dict[str, Any]], outputs: list[dict[str, Any]], answer: int, labels: list[str] | None
) -> dict[str, Any]:
    """How far a batch's rows are from the same rows alone: a graph that mixes rows cannot be served in batches.

    inputs, outputs: name, dtype and shape of each; answer: the place of the output that answers, labels: its classes.
    Raises RefusalError where the graph does not run, gives no numbers, or gives labels that its numbers do not mean.
    """
    for one in inputs:
        if one["dtype"] not in DTYPES:
            raise RefusalError(f"The input {one['name']} takes {one['dtype']}.", "Export it with float32 inputs.")
    import onnxruntime  # noqa: F401, PLC0415 - its own libraries are no part of what the graph takes

    mark = MemoryMark.now()
    try:
        session = Session(path, threads=1, most_s=TRIAL_S)
        fixed = [int(shape[0]) for shape in session.input_shapes if shape and isinstance(shape[0], int)]
        rows = fixed[0] if fixed else ROWS
        arrays = [_make_values(one, rows, seed) for seed, one in enumerate(inputs)]
        together = session.run(list(arrays))
        alone = together if fixed else _run_rows_alone(session, arrays, rows)
    except (MemoryError, RefusalError):
        raise
    except Exception as error:  # noqa: BLE001 - ONNX Runtime's exceptions share no other base class
        raise ContradictionError(f"The graph does not run: {str(error)[:300]}.", "Export it again.") from None
    taken_bytes = mark.growth_bytes()
    numbers = together[answer]
    if not np.isfinite(numbers).all():
        raise ContradictionError("The graph answers NaN or infinity on plain inputs.", "Export it again.")
    _check_labels(together, outputs, numbers, labels)
    worst = float(compare_rows([numbers], [alone[answer]]).max())
    scale = max(1.0, float(np.abs(numbers).max()))
    found = {"rows": rows, "worst": worst, "scale": scale, "sums_to_one": _sums_to_one(numbers)}
    return found | {"memory_bytes": taken_bytes}


def _sums_to_one(numbers: npt.NDArray[Any]) -> bool:
    """Whether every row is a distribution over two classes or more."""
    if numbers.ndim != 2 or numbers.shape[1] < 2:
        return False
    return bool((numbers >= 0).all() and np.abs(numbers.sum(axis=1) - 1).max() <= SUM_TOLERANCE)


def _check_labels(
    together: Arrays, outputs: list[dict[str, Any]], numbers: npt.NDArray[Any], labels: list[str] | None
) -> None:
    """The label that a classifier gives beside its numbers is, as a rule, the class of the largest one."""
    given = [made for made, one in zip(together, outputs, strict=True) if one["dtype"] in ("int64", "string")]
    if labels is None or len(given) != 1 or given[0].shape != (len(numbers),) or numbers.ndim != 2:
        return
    largest = [labels[place] for place in numbers.argmax(axis=1)]
    agreed = sum(str(label) == name for label, name in zip(given[0], largest, strict=True))
    if 2 * agreed < len(numbers):
        raise RefusalError(
            f"The graph's largest number names its own label in {agreed} of {len(numbers)} rows: they are scores.",
            "Train a classifier that gives probabilities, such as SVC(probability=True), and export it again.",
        )


def _make_values(one: dict[str, Any], rows: int, seed: int) -> npt.NDArray[Any]:
    shape = (rows, *(OPEN_SIZE if size is None else size for size in one["shape"][1:]))
    return np.random.default_rng(seed).uniform(0, 1, shape).astype(DTYPES[one["dtype"]])


def _run_rows_alone(session: Session, arrays: Arrays, rows: int) -> Arrays:
    answers = [session.run([array[row : row + 1] for array in arrays]) for row in range(rows)]
    return [np.concatenate([answer[k] for answer in answers]) for k in range(len(answers[0]))]
