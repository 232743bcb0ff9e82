"""The proof: the graph in ONNX Runtime against the NumPy reference, or against the original's own outputs."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from convert.errors import CallError, ParityError
from convert.graph.layer_graph import GraphInput, LayerGraph
from convert.graph.reference.evaluate import evaluate
from convert.graph.windows import spread

Floats = npt.NDArray[np.float32]

TOLERANCE = 1e-5
"""Largest difference allowed, times the largest magnitude of the reference (at least 1)."""

BATCHES = (1, 3, 8)
BIG_INPUT = 100_000
"""Numbers in one input above which one batch of two has to do."""

FREE_SIZES = (7, 12, 5)
"""What an open size (a time axis without a length) is tried with, batch after batch."""

CONDITION_SHARE = 0.25
"""Where float32 itself moves the reference by more than this share of the tolerance, a sample proves nothing."""


_AGAINST = {
    "numpy": "the NumPy reference",
    "golden": "the golden file",
    "torch": "PyTorch",
    "itself": "its own answers to single rows (no golden file was given)",
}


@dataclass(frozen=True, slots=True)
class Measured:
    """How far the graph was from the reference, over how many samples; tolerance is that for this scale."""

    reference: Literal["numpy", "golden", "torch", "itself"]
    samples: int
    max_abs_diff: float
    tolerance: float
    skipped: int = 0

    @property
    def passed(self) -> bool:
        return self.max_abs_diff <= self.tolerance

    def sentence(self) -> str:
        """The figure for a person."""
        against = _AGAINST[self.reference]
        left_out = f" ({self.skipped} ill-conditioned left out)" if self.skipped else ""
        return (
            f"max |difference| {self.max_abs_diff:.2g} from {against} on {self.samples} samples{left_out}; "
            f"allowed {self.tolerance:.2g}"
        )


_NUMBERS: dict[str, npt.DTypeLike] = {"tensor(float)": np.float32, "tensor(uint8)": np.uint8}


def open_session(model: bytes | Path, threads: int = 1) -> Any:  # noqa: ANN401 - onnxruntime has no types
    """ONNX Runtime's own session, on as many threads, or on all cores where they are 0."""
    import onnxruntime  # noqa: PLC0415 - heavy

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    source = model if isinstance(model, bytes) else str(model)
    return onnxruntime.InferenceSession(source, options, providers=["CPUExecutionProvider"])


class Session:
    """An ONNX model ready to run."""

    def __init__(self, model: bytes | Path, threads: int = 0) -> None:
        self._session = open_session(model, threads)

    @property
    def input_names(self) -> list[str]:
        return [one.name for one in self._session.get_inputs()]

    @property
    def input_shapes(self) -> list[list[int | str]]:
        return [list(one.shape) for one in self._session.get_inputs()]

    def run(self, inputs: list[npt.NDArray[Any]], names: Sequence[str] | None = None) -> list[Floats]:
        """These outputs, or all; inputs become the numbers that the graph takes."""
        feed = {
            one.name: array.astype(_NUMBERS.get(one.type, array.dtype))
            for one, array in zip(self._session.get_inputs(), inputs, strict=True)
        }
        outputs: list[Floats] = self._session.run(names, feed)
        return outputs


def measure_reference(graph: LayerGraph, model: bytes) -> Measured:
    """The ONNX model against the NumPy reference of the same layers on generated inputs."""
    session = Session(model)
    worst, scale, samples, skipped = 0.0, 1.0, 0, 0
    for inputs in generate_inputs(graph):
        wanted = evaluate(graph, list(inputs))
        got = session.run(list(inputs))
        scale = max([scale, *(_find_largest(array) for array in wanted)])
        differences = compare_rows(got, wanted)
        if (differences > TOLERANCE * scale).any():
            shaky = compare_rows(evaluate(graph, list(inputs), np.float32), wanted)
            steady = shaky <= CONDITION_SHARE * TOLERANCE * scale
            skipped += int((~steady).sum())
            differences = differences[steady]
        samples += len(differences)
        worst = max([worst, *differences.tolist()])
    if samples <= skipped:
        raise ParityError(
            f"Float32 itself moves this model's answers too much to compare ({skipped} samples).",
            "Give the original's own inputs and outputs with --golden FILE.npz (x0, y0).",
        )
    return Measured("numpy", samples, worst, TOLERANCE * scale, skipped)


def measure_golden(model: bytes, golden: Path, outputs: Sequence[str] | None = None) -> Measured:
    """The ONNX model against recorded inputs x0, x1, … and outputs y0, y1, …; outputs: their names, in that order."""
    arrays = _read_golden(golden)
    inputs = _collect_numbered(arrays, "x")
    wanted = _collect_numbered(arrays, "y")
    session = Session(model)
    if len(inputs) != len(session.input_names):
        raise CallError(f"{golden.name} has {len(inputs)} inputs (x0 …); the model takes {len(session.input_names)}.")
    if not all(_fits(array.shape, taken) for array, taken in zip(inputs, session.input_shapes, strict=True)):
        shapes = [tuple(taken) for taken in session.input_shapes]
        raise ParityError(
            f"The golden inputs have the shapes {[array.shape for array in inputs]}, the model takes {shapes}.",
            "They are of another network.",
        )
    got = session.run(inputs, outputs)
    if len(wanted) > len(got) or any(a.shape != b.shape for a, b in zip(got, wanted, strict=False)):
        shapes = [array.shape for array in got]
        raise ParityError(f"The golden outputs have the shapes {[a.shape for a in wanted]}, the model's {shapes}.")
    wanted = [array.astype(one.dtype) for array, one in zip(wanted, got, strict=False)]  # float64 says no more here
    differences = compare_rows(got[: len(wanted)], wanted)
    scale = max([1.0, *(_find_largest(array) for array in wanted)])
    return Measured("golden", len(differences), float(differences.max()), TOLERANCE * scale)


def require(measured: Measured) -> Measured:
    """The figure, if it is small enough. ParityError otherwise."""
    if not measured.passed:
        raise ParityError(
            f"The converted graph does not say what the original says: {measured.sentence()}.",
            "Nothing was published. Please report the file; if it is private, its `convert inspect` output.",
        )
    return measured


def compare_rows(got: list[Floats], wanted: list[npt.NDArray[Any]]) -> npt.NDArray[np.float64]:
    """The largest difference of each sample over all outputs; NaN in both is no difference, in one is infinite."""
    rows = np.zeros(len(wanted[0]))
    for a, b in zip(got, wanted, strict=False):
        if a.shape != b.shape:
            raise ParityError(f"An output has the shape {a.shape}; the reference has {b.shape}.")
        left, right = a.astype(np.float64), b.astype(np.float64)
        same = (left == right) | (np.isnan(left) & np.isnan(right))
        with np.errstate(invalid="ignore"):
            gap = np.where(same, 0.0, np.abs(left - right))
        gap = np.where(np.isnan(gap), np.inf, gap)
        rows = np.maximum(rows, gap.reshape(len(gap), -1).max(axis=1, initial=0.0))
    return rows


def generate_inputs(graph: LayerGraph) -> Iterator[tuple[Floats, ...]]:
    """Batches of inputs with structure: waves, ramps and noise, padded before, behind, with gaps and altogether."""
    rng = np.random.default_rng(20260101)
    table_sizes = _find_tables(graph)
    pad = _find_mask_value(graph)
    masks = {ref.call for call in graph.calls for ref in call.masks if ref is not None}
    big = any(np.prod([size or 1 for size in one.shape[1:]]) > BIG_INPUT for one in graph.inputs)
    least = _count_least_steps(graph)
    for number, batch in enumerate((2,) if big else BATCHES):
        free = max(least, FREE_SIZES[number])
        yield tuple(
            np.stack(
                [
                    _make_mask(one, index + number, free)
                    if one.name in masks
                    else _make_sample(one, index + number, free, table_sizes, pad, rng)
                    for index in range(batch)
                ]
            )
            for one in graph.inputs
        )


def _make_sample(
    one: GraphInput, index: int, free: int, table_sizes: dict[str, int], pad: float, rng: np.random.Generator
) -> Floats:
    shape = tuple(free if size is None else size for size in one.shape[1:])
    if one.name in table_sizes:
        values = rng.integers(0, table_sizes[one.name], shape).astype(np.float32)
    else:
        values = _make_values(shape, index, rng)
    if len(shape) == 2 or one.name in table_sizes:
        _pad_steps(values, index, pad)
    return values


def _make_mask(one: GraphInput, index: int, free: int) -> Floats:
    """A mask that a model takes as an input: 1 where a step is real, 0 where `_pad_steps` pads."""
    real = np.ones(tuple(free if size is None else size for size in one.shape[1:]), np.float32)
    _pad_steps(real, index, 0.0)
    return real


def _make_values(shape: tuple[int, ...], index: int, rng: np.random.Generator) -> Floats:
    if index % 3 == 0:
        return rng.uniform(-1, 1, shape).astype(np.float32)
    steps = np.linspace(0, 1, shape[0] if shape else 1).reshape(-1, *([1] * (len(shape) - 1)))
    phases = rng.uniform(0, 6.28, shape[1:])
    if index % 3 == 1:
        return (0.5 + 0.5 * np.sin(6.28 * (1 + index) * steps + phases)).astype(np.float32).reshape(shape)
    return (steps * np.cos(phases)).astype(np.float32).reshape(shape)


def _pad_steps(values: Floats, index: int, pad: float) -> None:
    """Sample 1 is padded behind, 2 before, 3 has gaps, 5 is padding alone; the others are whole."""
    steps = len(values)
    match index:
        case 1:
            values[steps - steps // 3 :] = pad
        case 2:
            values[: steps // 3] = pad
        case 3:
            values[1::3] = pad
            values[steps - 1 :] = pad
        case 5:
            values[:] = pad


def _count_least_steps(graph: LayerGraph) -> int:
    """Steps that leave one behind the convolutions and pools that shorten a sequence, one after the other."""
    steps = 1
    for call in reversed(graph.calls):
        config = call.layer.config
        if call.layer.kind not in ("Conv1D", "MaxPooling1D", "AveragePooling1D") or config.get("padding") == "same":
            continue
        window = call.layer.weights["kernel"].shape[0] if "kernel" in call.layer.weights else config.get("pool_size", 2)
        window, dilation = spread(window, 1)[0], spread(config.get("dilation_rate", 1), 1)[0]
        stride = spread(config.get("strides") or (window if "pool_size" in config else 1), 1)[0]
        steps = (steps - 1) * stride + (window - 1) * dilation + 1
    return steps


def _find_mask_value(graph: LayerGraph) -> float:
    for call in graph.calls:
        if call.layer.kind == "Masking":
            return float(call.layer.config.get("mask_value", 0.0))
    return 0.0


def _find_tables(graph: LayerGraph) -> dict[str, int]:
    """Inputs that are indices into a table → its length."""
    return {
        ref.call: len(call.layer.weights["embeddings"])
        for call in graph.calls
        if call.layer.kind == "Embedding"
        for ref in call.inputs
    }


def _fits(shape: tuple[int, ...], taken: list[int | str]) -> bool:
    """Whether a model takes an array of this shape: equal wherever it is fixed."""
    return len(shape) == len(taken) and all(
        own == said for own, said in zip(shape, taken, strict=True) if isinstance(said, int)
    )


def _find_largest(array: npt.NDArray[Any]) -> float:
    finite = array[np.isfinite(array)]
    return float(np.abs(finite).max()) if finite.size else 0.0


def _read_golden(golden: Path) -> dict[str, npt.NDArray[Any]]:
    if not golden.is_file():
        raise CallError(f"There is no golden file {golden}.")
    try:
        with np.load(golden, allow_pickle=False) as archive:
            return {key: archive[key] for key in archive.files if key[:1] in ("x", "y") and key[1:].isdigit()}
    except (OSError, ValueError, EOFError) as error:
        raise CallError(f"{golden.name} is no .npz of plain arrays: {error}.") from None


def _collect_numbered(arrays: dict[str, npt.NDArray[Any]], letter: str) -> list[npt.NDArray[Any]]:
    found: list[npt.NDArray[Any]] = []
    while f"{letter}{len(found)}" in arrays:
        found.append(arrays[f"{letter}{len(found)}"])
    if not found:
        raise CallError(f"The golden file has no {letter}0.")
    return found
