"""A graph tried out: rows in a batch against the same rows alone. Runs in the child process."""

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from convert.errors import RefusalError
from convert.parity import Session, row_differences

ROWS = 5
OPEN_SIZE = 8
_DTYPES = {
    "float": "float32",
    "float16": "float16",
    "uint8": "uint8",
    "int64": "int64",
    "int32": "int32",
    "bool": "bool",
}
Arrays = list[npt.NDArray[Any]]


def try_out(path: Path, inputs: list[dict[str, Any]]) -> dict[str, Any]:
    """How far a batch's rows are from the same rows alone: a graph that mixes rows cannot be served in batches.

    inputs: name, dtype and shape of each. Raises RefusalError where the graph does not run or gives no numbers.
    """
    for one in inputs:
        if one["dtype"] not in _DTYPES:
            raise RefusalError(f"The input {one['name']} takes {one['dtype']}.", "Export it with float32 inputs.")
    try:
        session = Session(path, threads=1)
        fixed = [int(shape[0]) for shape in session.input_shapes if shape and isinstance(shape[0], int)]
        rows = fixed[0] if fixed else ROWS
        arrays = [_values(one, rows, seed) for seed, one in enumerate(inputs)]
        together = session.run(list(arrays))
        alone = together if fixed else _row_by_row(session, arrays, rows)
    except MemoryError:
        raise
    except Exception as error:  # noqa: BLE001 - ONNX Runtime's exceptions share no other base class
        raise RefusalError(f"The graph does not run: {str(error)[:300]}.", "Export it again.") from None
    if not np.isfinite(together[0]).all():
        raise RefusalError("The graph answers NaN or infinity on plain inputs.", "Export it again.")
    worst = float(row_differences(list(together[:1]), list(alone[:1])).max())
    return {"rows": rows, "worst": worst, "scale": max(1.0, float(np.abs(together[0]).max()))}


def _values(one: dict[str, Any], rows: int, seed: int) -> npt.NDArray[Any]:
    shape = (rows, *(OPEN_SIZE if size is None else size for size in one["shape"][1:]))
    return np.random.default_rng(seed).uniform(0, 1, shape).astype(_DTYPES[one["dtype"]])


def _row_by_row(session: Session, arrays: Arrays, rows: int) -> Arrays:
    answers = [session.run([array[row : row + 1] for array in arrays]) for row in range(rows)]
    return [np.concatenate([answer[k] for answer in answers]) for k in range(len(answers[0]))]
