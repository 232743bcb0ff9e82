"""The proof: the graph in ONNX Runtime against the NumPy reference, or against the original's own outputs."""

import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from convert.errors import FaultError, ParityError, UnsafeError
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


ROUNDING_FACTOR = 3
"""A float32 graph sums in another order than its original: it may be this many times as far from float64 (ADR 0016)."""
RUN_S = 600.0
"""Longest that one run of a graph may take."""
MOST_ROUNDING = 1e-3
"""Where float32 of the original itself is further off, times the scale, nothing can be proven."""


_AGAINST = {
    "numpy": "the NumPy reference",
    "golden": "the golden file",
    "torch": "PyTorch",
    "itself": "its own answers to single rows (no golden file was given)",
}


@dataclass(frozen=True, slots=True)
class Measured:
    """How far the graph was from the reference, over how many samples; tolerance is that for this scale.

    form: what was done to the graph's answers to compare them ("after softmax"); precision: of the original;
    rounding: how far float32 of the reference itself was from its float64, where that was measured.
    """

    reference: Literal["numpy", "golden", "torch", "itself"]
    samples: int
    max_abs_diff: float
    tolerance: float
    skipped: int = 0
    form: str = ""
    precision: Literal["single", "half"] = "single"
    rounding: float | None = None

    @property
    def passed(self) -> bool:
        return self.max_abs_diff <= self.tolerance

    def sentence(self) -> str:
        """The figure for a person."""
        against = f"{_AGAINST[self.reference]} {self.form}".rstrip()
        left_out = f" ({self.skipped} ill-conditioned left out)" if self.skipped else ""
        half = " (half precision's: the original computed in float16)" if self.precision == "half" else ""
        own = "" if self.rounding is None else f"; the reference's own float32 is {self.rounding:.2g} from its float64"
        return (
            f"max |difference| {self.max_abs_diff:.2g} from {against} on {self.samples} samples{left_out}; "
            f"allowed {self.tolerance:.2g}{half}{own}"
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
    """An ONNX model ready to run. most_s: after so long a run is stopped, between two operations of the graph."""

    def __init__(self, model: bytes | Path, threads: int = 0, most_s: float = RUN_S) -> None:
        self._session = open_session(model, threads)
        self._most_s = most_s

    @property
    def input_names(self) -> list[str]:
        return [one.name for one in self._session.get_inputs()]

    @property
    def input_shapes(self) -> list[list[int | str]]:
        return [list(one.shape) for one in self._session.get_inputs()]

    def run(self, inputs: list[npt.NDArray[Any]], names: Sequence[str] | None = None) -> list[Floats]:
        """These outputs, or all; inputs become the numbers that the graph takes. UnsafeError where it does not end."""
        feed = {
            one.name: array.astype(_NUMBERS.get(one.type, array.dtype))
            for one, array in zip(self._session.get_inputs(), inputs, strict=True)
        }
        outputs: list[Floats] = _run_for(self._session, names, feed, self._most_s)
        return outputs


def _run_for(session: Any, names: Sequence[str] | None, feed: dict[str, Any], most_s: float) -> Any:  # noqa: ANN401
    import onnxruntime  # noqa: PLC0415 - heavy

    options = onnxruntime.RunOptions()
    options.log_severity_level = 4  # what fails is raised
    timer = threading.Timer(most_s, lambda: setattr(options, "terminate", True))
    timer.daemon = True
    timer.start()
    try:
        return session.run(names, feed, options)
    except Exception as error:
        if not options.terminate:
            raise
        reason = f"The graph did not come to an end within {most_s:g} s."
        raise UnsafeError(reason, "A graph with a Loop may never end; export it without.") from error
    finally:
        timer.cancel()


def find_tolerance(usual: float, rounding: float, scale: float) -> float:
    """What is allowed of a graph whose original's own float32 is `rounding` from its float64."""
    return max(usual, ROUNDING_FACTOR * rounding) if rounding <= MOST_ROUNDING * scale else usual


def measure_reference(graph: LayerGraph, model: bytes) -> Measured:
    """The ONNX model against the NumPy reference of the same layers on generated inputs."""
    session = Session(model)
    worst, scale, samples, skipped = 0.0, 1.0, 0, 0
    shaken, rounding = 0.0, 0.0
    for inputs in generate_inputs(graph):
        wanted = evaluate(graph, list(inputs))
        got = session.run(list(inputs))
        scale = max([scale, *(find_largest(array) for array in wanted)])
        differences = compare_rows(got, wanted)
        if (differences > TOLERANCE * scale).any():
            shaky = compare_rows(evaluate(graph, list(inputs), np.float32), wanted)
            shaken, rounding = max(shaken, float(differences.max())), max(rounding, float(shaky.max()))
            steady = shaky <= CONDITION_SHARE * TOLERANCE * scale
            skipped += int((~steady).sum())
            differences = differences[steady]
        samples += len(differences)
        worst = max([worst, *differences.tolist()])
    if samples <= skipped and rounding <= MOST_ROUNDING * scale:
        allowed = find_tolerance(TOLERANCE * scale, rounding, scale)
        return Measured("numpy", samples + skipped, max(worst, shaken), allowed, rounding=rounding)
    if samples <= skipped:
        raise ParityError(
            f"Float32 itself moves this model's answers by {rounding:.2g}, too much to compare ({skipped} samples).",
            "Give the original's own inputs and outputs with --golden FILE.npz (x0, y0).",
        )
    return Measured("numpy", samples, worst, TOLERANCE * scale, skipped)


def require(measured: Measured) -> Measured:
    """The figure, if it is small enough. ParityError where a golden file disagrees, FaultError where we do."""
    if measured.passed:
        return measured
    if measured.reference == "golden":
        raise ParityError(
            f"The converted graph does not say what the golden file says: {measured.sentence()}.",
            "Nothing was published. Are inputs and outputs of this file's model, in evaluation mode? If so, a flag or "
            "an assumption above is not what its author did (`convert inspect` lists them).",
        )
    whose = ""
    if measured.rounding is not None:
        whose = f" It is the graph that disagrees with float64, not the original's float32 ({measured.rounding:.2g})."
    raise FaultError(
        f"The converted graph does not say what the original says: {measured.sentence()}.{whose}",
        "Nothing was published. Please report the file; if it is private, its `convert inspect` output.",
    )


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


def find_largest(array: npt.NDArray[Any]) -> float:
    """The largest magnitude among the finite numbers."""
    finite = array[np.isfinite(array)]
    return float(np.abs(finite).max()) if finite.size else 0.0
