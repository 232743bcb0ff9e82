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
    one, two = (_gather(file, points, [place]) for place in body.SHOULDERS)
    away = file.op("Sub", one, two)
    squared = file.op("ReduceSum", file.op("Mul", away, away), file.constant([3], np.int64), keepdims=1)
    apart = file.op("ReduceMean", file.op("Sqrt", squared), axes=[1], keepdims=1)
    unseen = file.op("Less", apart, file.constant(body.LEAST_WIDTH))
    width = file.op("Where", unseen, file.constant(body.USUAL_WIDTH), apart)
    middle = file.op("ReduceMean", _gather(file, points, list(body.SHOULDERS)), axes=[1, 2], keepdims=1)
    placed = file.op("Div", file.op("Sub", points, middle), width)
    parts, seen = [], []
    for hand in (body.LEFT, body.RIGHT):
        own = file.op("Abs", _gather(file, points, range(hand.start, hand.stop)))
        total = file.op("ReduceSum", own, file.constant([1, 2, 3], np.int64), keepdims=1)
        there = file.op("Cast", file.op("Greater", total, file.constant(0.0)), to=1)
        wrist = _gather(file, placed, [hand.start])
        away = file.op("Sub", _gather(file, placed, range(hand.start, hand.stop)), wrist)
        shape = file.op("Mul", away, file.constant(body.HAND_SCALE))
        parts += [_flat(file, file.op("Mul", shape, there), 2 * body.HAND)]
        parts += [_flat(file, file.op("Mul", wrist, there), 2)]
        seen.append(_flat(file, file.op("Expand", there, file.constant([1, body.STEPS, 1, 1], np.int64)), 1))
    arms = _flat(file, _gather(file, placed, range(body.BODY.start, body.BODY.stop)), 2 * len(body.ARMS))
    return file.op("Concat", *parts, arms, *seen, axis=2)


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
