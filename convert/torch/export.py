"""A network → one ONNX file: dynamic batch, clean graph; and how fast and how true it is. Needs torch."""

import copy
import logging
import statistics
import tempfile
import time
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import torch
from torch import nn

from convert.errors import RefusalError
from convert.parity import open_session
from convert.torch.checkpoint.arrays import Array
from convert.torch.layout import Layout, restate

INPUT, OUTPUT = "x", "y"
TOLERANCE = 1e-4
"""Largest measure_difference from torch that is allowed, on logits or probabilities."""
TOLERANCE_OF_SCALE = 1e-5
"""The same as a share of the largest answer, where that is more: float32 rounds in proportion."""
TIMED_RUNS = 5
_TRAINING = frozenset({"Dropout", "TrainableDropout", "Gradient", "Momentum", "Adam"})


@dataclass(frozen=True, slots=True)
class Exported:
    """The chosen graph, and all that were made. milliseconds: layout → median of one clip on one thread."""

    model: bytes
    layout: Layout
    milliseconds: dict[Layout, float]
    operators: dict[str, int]
    made: dict[Layout, bytes]


@dataclass(frozen=True, slots=True)
class Difference:
    """ONNX against torch: the largest measure_difference over samples, and the largest magnitude of torch's answers."""

    samples: int
    max_abs: float
    scale: float

    @property
    def tolerance(self) -> float:
        return max(TOLERANCE, TOLERANCE_OF_SCALE * self.scale)


def export(network: nn.Module, example: Array, layout: Layout | None, time_steps: int) -> Exported:
    """Export; layout None: both are tried where they differ, and the faster one is kept.

    example: two clips as the graph takes them. time_steps: frames that the network's 3-D convolutions see.
    """
    plain = network
    flat = copy.deepcopy(network)
    differs = layout != "3d" and restate(flat, time_steps) > 0
    if not differs:
        return _export({"3d": onnx_bytes(plain, example)}, example)
    if layout == "2d":
        return _export({"2d": onnx_bytes(flat, example)}, example)
    return _export({"3d": onnx_bytes(plain, example), "2d": onnx_bytes(flat, example)}, example)


def onnx_bytes(network: nn.Module, example: Array) -> bytes:
    """The network as one ONNX file with a dynamic batch."""
    batch = torch.export.Dim("batch", min=1, max=4096)
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)  # it names every library that is not installed
    with warnings.catch_warnings(), torch.no_grad(), tempfile.TemporaryDirectory(prefix="export-") as folder:
        warnings.simplefilter("ignore")
        program = torch.onnx.export(
            network,
            (torch.from_numpy(example),),
            input_names=[INPUT],
            output_names=[OUTPUT],
            dynamic_shapes=({0: batch},),
            dynamo=True,
            optimize=True,
            verbose=False,
        )
        path = Path(folder) / "model.onnx"
        program.save(path, external_data=False)
        model = onnx.load(path)
    return bytes(_clean(model).SerializeToString())


def measure_difference(network: nn.Module, model: bytes, batches: Sequence[Array]) -> Difference:
    """The ONNX graph against the network in torch, on these batches."""
    session = open_session(model, 2)
    worst, scale = 0.0, 0.0
    for clips in batches:
        with torch.no_grad():
            wanted = network(torch.from_numpy(clips)).numpy()
        got = session.run(None, {INPUT: clips})[0]
        if got.shape != wanted.shape:
            raise RefusalError(f"The graph answers {got.shape}, torch {wanted.shape}.", "Please report the file.")
        worst = max(worst, float(np.abs(got - wanted).max()))
        scale = max(scale, float(np.abs(wanted).max()))
    return Difference(sum(len(clips) for clips in batches), worst, scale)


def _export(models: dict[Layout, bytes], example: Array) -> Exported:
    milliseconds: dict[Layout, float] = {}
    if len(models) > 1:
        sessions = {layout: open_session(model, 1) for layout, model in models.items()}
        milliseconds = _measure(sessions, example[:1])
    fastest: Layout = min(models, key=lambda layout: milliseconds.get(layout, 0.0))
    graph = onnx.load_from_string(models[fastest]).graph
    operators: dict[str, int] = {}
    for node in graph.node:
        operators[node.op_type] = operators.get(node.op_type, 0) + 1
    return Exported(models[fastest], fastest, milliseconds, operators, models)


def _measure(sessions: dict[Layout, onnxruntime.InferenceSession], clip: Array) -> dict[Layout, float]:
    """CPU milliseconds of one clip, the layouts taking turns so that a busy machine is busy for both."""
    taken: dict[Layout, list[float]] = {layout: [] for layout in sessions}
    for _ in range(TIMED_RUNS + 1):
        for layout, session in sessions.items():
            start = time.process_time()
            session.run(None, {INPUT: clip})
            taken[layout].append(1000 * (time.process_time() - start))
    return {layout: round(statistics.median(times[1:]), 1) for layout, times in taken.items()}


def _clean(model: onnx.ModelProto) -> onnx.ModelProto:
    """Without the exporter's traces of this machine's source files, and checked."""
    model.producer_name, model.producer_version = "sign-service converter", ""
    model.doc_string = ""
    del model.metadata_props[:]
    del model.functions[:]
    graph = model.graph
    graph.name, graph.doc_string = "model", ""
    del graph.metadata_props[:]
    del graph.value_info[:]
    for value in (*graph.input, *graph.output):
        value.doc_string = ""
        del value.metadata_props[:]
    for tensor in graph.initializer:
        tensor.doc_string = ""
        del tensor.metadata_props[:]
    for node in graph.node:
        node.doc_string = ""
        del node.metadata_props[:]
        if node.op_type in _TRAINING or node.domain not in ("", "ai.onnx"):
            raise RefusalError(f"The exported graph holds a {node.op_type}.", "Please report the file.")
    onnx.checker.check_model(model)
    return model
