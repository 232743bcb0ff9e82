"""The trained networks as ONNX: from the pipeline's rows, through the arithmetic of `body`, to one row of logits."""

from collections.abc import Sequence
from typing import Final

import numpy as np

from service.teaching import body
from service.teaching.network import LAYERS, NEIGHBORS, STRIDES, Weights
from service.teaching.onnx_file import OnnxFile

INPUT: Final = "x"
OUTPUT: Final = "logits"
BATCH: Final = "batch"


def network_graph(networks: Sequence[Weights]) -> bytes:
    """An ONNX file that takes batch × STEPS × 2·POINTS and gives the mean of the networks' log-probabilities."""
    file = OnnxFile()
    features = _features(file)
    answers = [file.op("LogSoftmax", _network(file, features, weights), axis=1) for weights in networks]
    file.op("Mean", *answers, output=OUTPUT)
    classes = len(networks[0]["last.bias"])
    return file.content("taught", {INPUT: (BATCH, body.STEPS, 2 * body.POINTS)}, {OUTPUT: (BATCH, classes)})


def _features(file: OnnxFile) -> str:
    """As `body.body_features`."""
    points = file.op("Reshape", INPUT, file.constant([-1, body.STEPS, body.POINTS, 2], np.int64))
    arms = _gather(file, points, range(body.BODY.start, body.BODY.stop))
    there = _seen(file, arms)
    steps = file.op("Max", file.op("ReduceSum", there, file.constant([1], np.int64), keepdims=1), file.constant(1.0))
    one, two = (_gather(file, points, [place]) for place in body.SHOULDERS)
    away = file.op("Sub", one, two)
    squared = file.op("ReduceSum", file.op("Mul", away, away), file.constant([3], np.int64), keepdims=1)
    apart = _mean(file, file.op("Sqrt", squared), there, steps)
    unseen = file.op("Less", apart, file.constant(body.LEAST_WIDTH))
    width = file.op("Where", unseen, file.constant(body.USUAL_WIDTH), apart)
    middle = _mean(file, file.op("Mul", file.op("Add", one, two), file.constant(0.5)), there, steps)
    placed = file.op("Div", file.op("Sub", points, middle), width)
    parts, seen = [], []
    for hand in (body.LEFT, body.RIGHT):
        own = range(hand.start, hand.stop)
        is_there = _seen(file, _gather(file, points, own))
        wrist = _gather(file, placed, [hand.start])
        shape = file.op("Mul", file.op("Sub", _gather(file, placed, own), wrist), file.constant(body.HAND_SCALE))
        parts += [_flat(file, file.op("Mul", shape, is_there), 2 * body.HAND)]
        parts += [_flat(file, file.op("Mul", wrist, is_there), 2)]
        seen.append(_flat(file, is_there, 1))
    placed_arms = file.op("Mul", _gather(file, placed, range(body.BODY.start, body.BODY.stop)), there)
    return file.op("Concat", *parts, _flat(file, placed_arms, 2 * len(body.ARMS)), *seen, axis=2)


def _seen(file: OnnxFile, points: str) -> str:
    """batch × STEPS × 1 × 1: 1 where any of these points is not 0."""
    total = file.op("ReduceSum", file.op("Abs", points), file.constant([2, 3], np.int64), keepdims=1)
    return file.op("Cast", file.op("Greater", total, file.constant(0.0)), to=1)


def _mean(file: OnnxFile, values: str, there: str, steps: str) -> str:
    """Over the steps that are there."""
    total = file.op("ReduceSum", file.op("Mul", values, there), file.constant([1], np.int64), keepdims=1)
    return file.op("Div", total, steps)


def _network(file: OnnxFile, features: str, weights: Weights) -> str:
    """As `network.logits`, over batch × channels × steps."""
    hidden = file.op("Transpose", features, perm=[0, 2, 1])
    for name, stride in zip(LAYERS, STRIDES, strict=True):
        span = 1 if name == LAYERS[0] else NEIGHBORS
        kernel = weights[f"{name}.kernel"]
        kernel = kernel.reshape(span, -1, kernel.shape[1]).transpose(2, 1, 0)
        product = file.op(
            "Conv",
            hidden,
            file.constant(kernel),
            file.constant(weights[f"{name}.bias"]),
            kernel_shape=[span],
            pads=[span // 2, span // 2],
            strides=[stride],
        )
        hidden = file.op("Relu", product)
    mean = file.op("ReduceMean", hidden, axes=[2], keepdims=0)
    most = file.op("ReduceMax", hidden, axes=[2], keepdims=0)
    pooled = file.op("Concat", mean, most, axis=1)
    head = file.op("Relu", _dense(file, pooled, weights, "head"))
    return _dense(file, head, weights, "last")


def _dense(file: OnnxFile, taken: str, weights: Weights, name: str) -> str:
    return file.op("Gemm", taken, file.constant(weights[f"{name}.kernel"]), file.constant(weights[f"{name}.bias"]))


def _gather(file: OnnxFile, points: str, places: Sequence[int]) -> str:
    return file.op("Gather", points, file.constant(list(places), np.int64), axis=2)


def _flat(file: OnnxFile, points: str, width: int) -> str:
    return file.op("Reshape", points, file.constant([-1, body.STEPS, width], np.int64))
