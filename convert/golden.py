"""The author's own inputs and outputs, and how far a graph is from them."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from convert.errors import CallError, ParityError
from convert.parity import TOLERANCE, Measured, Session, compare_rows, find_largest, find_tolerance

Arrays = list[npt.NDArray[Any]]
HALF_TOLERANCE = 1e-3
"""Twice the rounding of float16 (2^-11), times the largest magnitude of the reference (at least 1)."""
_NAMES = {"x": ("x", "input", "inputs"), "y": ("y", "output", "outputs")}


@dataclass(frozen=True, slots=True)
class Golden:
    """What was recorded: inputs and outputs in the model's order, the samples first."""

    name: str
    inputs: Arrays
    outputs: Arrays


@dataclass(frozen=True, slots=True)
class Fitted:
    """Inputs in the shapes that a graph takes, and what was done for that."""

    inputs: Arrays
    notes: tuple[str, ...] = ()


def read_golden(golden: Path) -> Golden:
    """A .npz of x0 …, y0 …, or .npy files `x.npy,y.npy`. CallError where it is neither."""
    arrays = _read_pair(golden) if golden.suffix == ".npy" else _read_archive(golden)
    found = Golden(golden.name, _collect_numbered(arrays, "x"), _collect_numbered(arrays, "y"))
    counts = {len(array) if array.ndim else 0 for array in (*found.inputs, *found.outputs)}
    if len(counts) != 1 or 0 in counts:
        raise CallError(f"{golden.name} holds arrays of {sorted(counts)} samples.", "Record as many inputs as outputs.")
    return found


def fit_inputs(golden: Golden, shapes: Sequence[Sequence[int | str | None]]) -> Fitted | None:
    """The recorded inputs as a graph takes them: as they are, rows from steps, or steps × values for values × steps.

    None where they are of another network.
    """
    if len(golden.inputs) != len(shapes):
        return None
    made, notes = [], []
    for number, (array, taken) in enumerate(zip(golden.inputs, shapes, strict=True)):
        sizes = [size if isinstance(size, int) else None for size in taken[1:]]
        if _fits(array.shape[1:], sizes):
            made.append(array)
        elif array.ndim == 3 and len(sizes) == 2 and _fits(array.shape[:0:-1], sizes):
            made.append(array.transpose(0, 2, 1))
            notes.append(f"x{number} was turned: its values stand before its steps")
        elif len(sizes) < array.ndim - 1 and array[0].size == _count(sizes):
            made.append(array.reshape(len(array), *[size or 0 for size in sizes]))
            notes.append(f"x{number} was flattened")
        else:
            return None
    return Fitted(made, tuple(notes))


def measure_golden(
    model: bytes,
    golden: Path,
    outputs: Sequence[str] | None = None,
    *,
    activation: str = "none",
    half: bool = False,
    rounding: float | None = None,
) -> Measured:
    """The ONNX model against recorded answers, which may stand before or behind the output's activation.

    outputs: their names, in the recorded order; half: the original computed in half precision; rounding: how far its
    float32 is from its float64, where that was measured.
    """
    recorded = read_golden(golden)
    session = Session(model)
    fitted = fit_inputs(recorded, session.input_shapes)
    if fitted is None:
        raise ParityError(
            f"{golden.name} holds inputs of the shapes {[array.shape for array in recorded.inputs]}; the model takes "
            f"{[tuple(taken) for taken in session.input_shapes]}.",
            "The golden file is of another network; nothing was published.",
        )
    got = session.run(list(fitted.inputs), outputs)
    return compare_golden(got, recorded, activation=activation, half=half, rounding=rounding)


def compare_golden(
    got: Arrays, recorded: Golden, *, activation: str = "none", half: bool = False, rounding: float | None = None
) -> Measured:
    """A model's answers against recorded ones, as they are and as the activation makes them; the nearer figure."""
    tolerance = HALF_TOLERANCE if half else TOLERANCE
    forms = [("", got), *([(f"after {activation}", _activate(got, activation))] if activation != "none" else [])]
    forms += [("as two classes", [_make_two_classes(forms[-1][1][0]), *got[1:]])] if got[0].shape[-1:] == (1,) else []
    found = []
    for form, answers in forms:
        wanted = [_reshape(array, answer) for array, answer in zip(recorded.outputs, answers, strict=False)]
        if len(recorded.outputs) > len(answers) or any(a is None for a in wanted):
            continue
        known = [
            array.astype(answer.dtype) for array, answer in zip(wanted, answers, strict=False) if array is not None
        ]
        differences = compare_rows(answers[: len(known)], known)
        scale = max([1.0, *(find_largest(array) for array in known)])
        found.append(
            Measured(
                "golden", len(differences), float(differences.max()),
                find_tolerance(tolerance * scale, rounding or 0.0, scale), form=form,
                precision="half" if half else "single", rounding=rounding,
            )
        )  # fmt: skip
    if not found:
        raise ParityError(
            f"{recorded.name} holds outputs of the shapes {[array.shape for array in recorded.outputs]}; the model "
            f"gives {[array.shape for array in got]}.",
            "The golden file is of another network; nothing was published.",
        )
    return min(found, key=lambda one: one.max_abs_diff / one.tolerance)


def _reshape(array: npt.NDArray[Any], answer: npt.NDArray[Any]) -> npt.NDArray[Any] | None:
    """The recorded array in the answer's shape, where that differs by an axis of one alone; else None."""
    if array.shape == answer.shape:
        return array
    return array.reshape(answer.shape) if array.size == answer.size and len(array) == len(answer) else None


def _make_two_classes(values: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """One probability as the table of two that predict_proba gives."""
    return np.concatenate([1 - values, values], axis=-1)


def _activate(got: Arrays, activation: str) -> Arrays:
    first = got[0].astype(np.float64)
    if activation == "softmax":
        powers = np.exp(first - first.max(axis=-1, keepdims=True))
        first = powers / powers.sum(axis=-1, keepdims=True)
    elif activation == "sigmoid":
        first = 1 / (1 + np.exp(-first))
    return [first.astype(np.float32), *got[1:]]


def _read_archive(golden: Path) -> dict[str, npt.NDArray[Any]]:
    if not golden.is_file():
        raise CallError(f"There is no golden file {golden}.")
    try:
        with np.load(golden, allow_pickle=False) as archive:
            names = [key for key in archive.files if _number(key) is not None]
            return {str(_number(key)): archive[key] for key in names}
    except (OSError, ValueError, EOFError, AttributeError) as error:
        raise CallError(
            f"{golden.name} is no .npz of plain arrays: {error}.", "np.savez('golden.npz', x0=inputs, y0=outputs)"
        ) from None


def _number(key: str) -> str | None:
    """ "x0" for x0, x, input and inputs; None for any other name."""
    if key[:1] in ("x", "y") and key[1:].isdigit():
        return key
    return next((f"{letter}0" for letter, names in _NAMES.items() if key.lower() in names), None)


def _read_pair(golden: Path) -> dict[str, npt.NDArray[Any]]:
    """`x.npy,y.npy`, or one of a pair whose names differ by x and y (or in and out)."""
    first, comma, second = str(golden).partition(",")
    paths = [Path(first), Path(second)] if comma else [golden, _find_other(golden)]
    arrays = {}
    for key, path in zip(("x0", "y0"), paths, strict=True):
        if not path.is_file():
            raise CallError(f"There is no golden file {path}.", "Give both: --golden x.npy,y.npy.")
        try:
            arrays[key] = np.load(path, allow_pickle=False)
        except (OSError, ValueError, EOFError) as error:
            raise CallError(f"{path.name} is no .npy of numbers: {error}.") from None
    return arrays


def _find_other(golden: Path) -> Path:
    for mine, other in (("input", "output"), ("x", "y"), ("X", "Y")):
        if mine in golden.stem:
            head, _, tail = golden.stem.rpartition(mine)
            path = golden.with_name(f"{head}{other}{tail}{golden.suffix}")
            if path.is_file():
                return path
    raise CallError(f"{golden.name} holds inputs or outputs, not both.", "Give both: --golden x.npy,y.npy.")


def _collect_numbered(arrays: dict[str, npt.NDArray[Any]], letter: str) -> Arrays:
    found: Arrays = []
    while f"{letter}{len(found)}" in arrays:
        found.append(arrays[f"{letter}{len(found)}"])
    if not found:
        raise CallError(f"The golden file has no {letter}0.")
    return found


def _count(sizes: Sequence[int | None]) -> int:
    """Numbers in a sample of these sizes; -1 where one is open."""
    return -1 if None in sizes else math.prod(size or 0 for size in sizes)


def _fits(shape: Sequence[int], taken: Sequence[int | None]) -> bool:
    """Whether sizes are those that a model takes: equal wherever they are fixed."""
    return len(shape) == len(taken) and all(said in (None, own) for own, said in zip(shape, taken, strict=True))
