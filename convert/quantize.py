"""INT8: a float graph and clips to calibrate on → a quantized graph that still answers alike, or a refusal.

Convolutional networks get static QDQ: symmetric weights per channel, activation ranges from the clips. The first
convolution, the classifier and the squeeze-and-excitation gates stay float: they are cheap, and rounding there moves
answers. Transformers and recurrent networks get dynamic quantization of their matrix products.
"""

import io
import statistics
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import onnx
import onnxruntime
from onnxruntime.quantization import QuantType, quantize_dynamic
from onnxruntime.quantization.calibrate import CalibrationMethod, create_calibrator
from onnxruntime.quantization.qdq_quantizer import QDQQuantizer

from convert.errors import CallError, MismatchError
from convert.parity import open_session

Array = npt.NDArray[Any]
Session = Any
"""onnxruntime has no types."""
Ranges = Literal["percentile", "entropy"]

MIN_AGREEMENT = 0.98
MIN_SAMPLES = 8
PERCENTILE = 99.99
TIMED_RUNS = 5
RANGES: tuple[Ranges, ...] = ("percentile", "entropy")
"""Ways to find activation ranges, tried in this order until the answers agree; entropy takes minutes."""


@dataclass(frozen=True, slots=True)
class QuantizedModel:
    """The graph, how it was made, the share of clips whose first answer is the float graph's, and its speed."""

    model: bytes
    method: str
    agreement: float
    samples: int
    speedup: float

    def notes(self) -> list[str]:
        """What a person should know."""
        if self.speedup > 1:
            return []
        return [f"The INT8 graph is not faster on this machine ({self.speedup:.2f} ×); it is smaller."]


def quantize(
    model: bytes, clips: Sequence[Array], min_agreement: float = MIN_AGREEMENT, rival: bytes | None = None
) -> QuantizedModel:
    """Quantize a graph with one input. clips: each one row as the graph takes it, with its batch axis of 1.

    rival: the float graph that its speed is measured against; the graph itself if none is given.

    Raises CallError for too few clips, RefusalError with the figure where no method agrees well enough.
    """
    if len(clips) < MIN_SAMPLES:
        raise CallError(f"There are {len(clips)} clips to calibrate on; at least {MIN_SAMPLES} are needed.")
    wanted = _answer_all(model, clips)
    best = 0.0
    for methods in _try_methods(model, clips):
        agreeing = []
        for small, method in methods:
            agreement = float((_answer_all(small, clips) == wanted).mean())
            best = max(best, agreement)
            if agreement >= min_agreement:
                speedup = _measure_speedup(rival or model, small, clips[0])
                agreeing.append(QuantizedModel(small, method, agreement, len(clips), speedup))
        if agreeing:
            return max(agreeing, key=lambda one: one.speedup)
    raise MismatchError(
        f"Quantized, the model agrees with itself on {best:.1%} of {len(clips)} clips; {min_agreement:.1%} are needed.",
        "Publish it without --int8, or give more clips that look like those it will see.",
    )


def find_float_nodes(graph: onnx.GraphProto) -> list[str]:
    """Names of the convolutions and products that stay float: the first, the last, and the gates'."""
    weighted = [node for node in graph.node if node.op_type in ("Conv", "MatMul", "Gemm")]
    kept = [weighted[0].name, weighted[-1].name] if weighted else []
    gated = {name for node in graph.node if node.op_type in ("ReduceMean", "GlobalAveragePool") for name in node.output}
    for node in graph.node:
        if node.op_type in ("Conv", "Relu", "Sigmoid", "Reshape", "Mul") and node.input[0] in gated:
            if node.op_type == "Conv":
                kept.append(node.name)
            if node.op_type != "Mul" or node.input[1] in gated:
                gated.update(node.output)
    return kept


class _Clips:
    """One clip for the calibrator: it holds every activation of what it is given, so it gets one at a time."""

    def __init__(self, feed: dict[str, Array]) -> None:
        self._feeds: Iterator[dict[str, Array]] = iter([feed])

    def get_next(self) -> dict[str, Array] | None:
        return next(self._feeds, None)


def _try_methods(model: bytes, clips: Sequence[Array]) -> Iterator[list[tuple[bytes, str]]]:
    """Some (graph, how it was made), of which the fastest that agrees is wanted; then others, should none agree."""
    if not _is_convolutional(model):
        yield [(_quantize_dynamic(model), "dynamic, MatMul, weights int8 per channel")]
        return
    with tempfile.TemporaryDirectory(prefix="quantize-") as folder:
        plain, prepared = Path(folder) / "float.onnx", Path(folder) / "prepared.onnx"
        plain.write_bytes(model)
        graph = _prepare(plain, prepared).graph
        kept = find_float_nodes(graph)
        for ranges in RANGES:
            found = _measure_ranges(prepared, graph.input[0].name, clips, ranges)
            said = (
                f"static QDQ, Conv, weights int8 per channel, activations uint8 by {ranges}; float: first, last, gates"
            )
            methods = [(_quantize_static(prepared, found, kept), said)]
            if grouped := find_grouped_nodes(graph):
                methods.append((_quantize_static(prepared, found, kept + grouped), f"{said}, grouped"))
            yield methods


def foresee(model: bytes) -> str | None:
    """What is known before INT8 is tried: where it will hardly be faster, why; else None.

    Measured: dense convolutions are twice as fast in INT8, depthwise ones and the thin products beside them are not
    (0.95–1.17 ×): they wait for numbers, not for arithmetic.
    """
    graph = onnx.load_from_string(model).graph
    convolutions = [node for node in graph.node if node.op_type == "Conv"]
    grouped = len(find_grouped_nodes(graph))
    if not grouped:
        return None
    return (
        f"{grouped} of {len(convolutions)} convolutions are depthwise or grouped, which are no faster in INT8 here: "
        "the graph will be a third of the size, and hardly faster."
    )


def find_grouped_nodes(graph: onnx.GraphProto) -> list[str]:
    """Names of the grouped and depthwise convolutions, whose channels differ most in range."""
    groups = {
        node.name: attribute.i for node in graph.node for attribute in node.attribute if attribute.name == "group"
    }
    return [name for name, group in groups.items() if group > 1]


def _measure_ranges(prepared: Path, name: str, clips: Sequence[Array], ranges: Ranges) -> Any:  # noqa: ANN401
    """onnxruntime's table of ranges. Clips go in one by one: it holds every activation of what it is given."""
    options = {"percentile": PERCENTILE} if ranges == "percentile" else {}
    kind = CalibrationMethod.Percentile if ranges == "percentile" else CalibrationMethod.Entropy
    augmented = str(prepared.with_name("augmented.onnx"))
    with redirect_stdout(io.StringIO()):  # the calibrator prints its progress
        calibrator = create_calibrator(str(prepared), ["Conv"], augmented, kind, extra_options=options)
        for clip in clips:
            calibrator.collect_data(_Clips({name: clip}))
        return calibrator.compute_data()


def _quantize_static(prepared: Path, ranges: Any, kept: list[str]) -> bytes:  # noqa: ANN401 - onnxruntime has no types
    quantizer = QDQQuantizer(
        onnx.load(prepared),
        per_channel=True,
        reduce_range=False,
        weight_qType=QuantType.QInt8,
        activation_qType=QuantType.QUInt8,
        tensors_range=ranges,
        nodes_to_quantize=None,
        nodes_to_exclude=kept,
        op_types_to_quantize=["Conv"],
        extra_options={"WeightSymmetric": True, "ActivationSymmetric": False},
    )
    quantizer.quantize_model()
    return bytes(quantizer.model.model.SerializeToString())


def _prepare(plain: Path, prepared: Path) -> onnx.ModelProto:
    """The graph with constants and norms folded and shapes known, as the quantizer wants it."""
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC
    options.optimized_model_filepath = str(prepared)
    options.log_severity_level = 3
    onnxruntime.InferenceSession(str(plain), options, providers=["CPUExecutionProvider"])
    graph = onnx.shape_inference.infer_shapes(onnx.load(prepared))
    onnx.save(graph, prepared)
    return graph


def _quantize_dynamic(model: bytes) -> bytes:
    with tempfile.TemporaryDirectory(prefix="quantize-") as folder:
        plain, small = Path(folder) / "float.onnx", Path(folder) / "int8.onnx"
        plain.write_bytes(model)
        quantize_dynamic(plain, small, op_types_to_quantize=["MatMul"], per_channel=True, weight_type=QuantType.QInt8)
        return small.read_bytes()


def _is_convolutional(model: bytes) -> bool:
    kinds = [node.op_type for node in onnx.load_from_string(model).graph.node]
    return kinds.count("Conv") > kinds.count("MatMul") and "LSTM" not in kinds and "GRU" not in kinds


def _answer_all(model: bytes, clips: Sequence[Array]) -> npt.NDArray[np.intp]:
    session = open_session(model)
    name = session.get_inputs()[0].name
    return np.array([int(np.argmax(session.run(None, {name: clip})[0])) for clip in clips])


def _measure_speedup(plain: bytes, small: bytes, clip: Array) -> float:
    sessions = [open_session(plain), open_session(small)]
    taken: list[list[float]] = [[], []]
    for _ in range(TIMED_RUNS + 1):
        for session, times in zip(sessions, taken, strict=True):
            start = time.process_time()
            session.run(None, {session.get_inputs()[0].name: clip})
            times.append(time.process_time() - start)
    before, after = (statistics.median(times[1:]) for times in taken)
    return round(before / max(after, 1e-6), 2)
