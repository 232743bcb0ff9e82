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


def network_graph(networks: Sequence[Weights], *, has_body: bool = True) -> bytes:
    """An ONNX file that takes rows of the pipeline and gives the mean of the networks' log-probabilities."""
    file = OnnxFile()
    numbers = body.landmark_section(has_body=has_body).width
    features = _features(file, numbers // 2)
    answers = [file.op("LogSoftmax", _network(file, features, weights), axis=1) for weights in networks]
    file.op("Mean", *answers, output=OUTPUT)
    classes = len(networks[0]["last.bias"])
    return file.content("taught", {INPUT: (BATCH, body.STEPS, numbers)}, {OUTPUT: (BATCH, classes)})


def _features(file: OnnxFile, given: int) -> str:
    """As `body.body_features`; given: how many points a row has."""
    points = file.op("Reshape", INPUT, file.constant([-1, body.STEPS, given, 2], np.int64))
    if given < body.POINTS:
        pads = [0, 0, 0, 0, 0, 0, body.POINTS - given, 0]
        points = file.op("Pad", points, file.constant(pads, np.int64))
    arms = _gather(file, points, range(body.BODY.start, body.BODY.stop))
    there = _seen(file, arms)
    one, two = (_gather(file, points, [place]) for place in body.SHOULDERS)
    apart = _mean(file, [_length(file, file.op("Sub", one, two))], [there])
    hands = [_gather(file, points, range(hand.start, hand.stop)) for hand in (body.LEFT, body.RIGHT)]
    hands_there = [_seen(file, hand) for hand in hands]
    palm = file.op("Mul", _mean(file, [_palm(file, hand) for hand in hands], hands_there), file.constant(body.PALMS))
    least, usual = file.constant(body.LEAST_WIDTH), file.constant(body.USUAL_WIDTH)
    by_palm = file.op("Where", file.op("Less", palm, least), usual, palm)
    unseen = file.op("Less", apart, least)
    width = file.op("Where", unseen, by_palm, apart)
    wrists = _mean(file, [_gather(file, hand, [0]) for hand in hands], hands_there)
    between = file.op("Mul", file.op("Add", one, two), file.constant(0.5))
    middle = file.op("Where", unseen, wrists, _mean(file, [between], [there]))
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


def _mean(file: OnnxFile, values: Sequence[str], there: Sequence[str]) -> str:
    """batch × 1 × 1 × C: over the steps that are there, of all of these together; 0 for none."""
    over_steps = file.constant([1], np.int64)
    totals = [
        file.op("ReduceSum", file.op("Mul", part, seen), over_steps, keepdims=1)
        for part, seen in zip(values, there, strict=True)
    ]
    counts = [file.op("ReduceSum", seen, over_steps, keepdims=1) for seen in there]
    count = file.op("Max", file.op("Sum", *counts), file.constant(1.0))
    return file.op("Div", file.op("Sum", *totals), count)


def _length(file: OnnxFile, vectors: str) -> str:
    """The length of vectors over the last axis, which stays as one number."""
    squared = file.op("ReduceSum", file.op("Mul", vectors, vectors), file.constant([3], np.int64), keepdims=1)
    return file.op("Sqrt", squared)


def _palm(file: OnnxFile, hand: str) -> str:
    """batch × STEPS × 1 × 1: from the wrist to the farthest knuckle."""
    away = file.op("Sub", _gather(file, hand, body.KNUCKLES), _gather(file, hand, [0]))
    return file.op("ReduceMax", _length(file, away), axes=[2], keepdims=1)


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
