"""A small temporal network in NumPy: three products over neighboring steps, pooling over time, two layers more.

It is trained in seconds on a CPU, so that the service needs no framework. Shapes: N × STEPS × width in, N × classes
out. `graph.py` writes the same as ONNX.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from service.track import FloatArray

Weights = dict[str, FloatArray]
Batch = tuple[FloatArray, FloatArray]
"""N × STEPS × width values, N × classes targets."""

NEIGHBORS: Final = 3
LAYERS: Final = ("first", "second", "third")
STRIDES: Final = (1, 2, 2)
_BETA1, _BETA2, _EPSILON = 0.9, 0.99, 1e-8


@dataclass(frozen=True, slots=True)
class Shape:
    """How wide the layers are."""

    width: int
    classes: int
    hidden: tuple[int, int, int] = (64, 96, 128)
    head: int = 64


@dataclass(frozen=True, slots=True)
class Schedule:
    """How long and how fast is learned. dropout: the share of pooled numbers left out in a step."""

    steps: int = 500
    peak_rate: float = 3e-3
    decay: float = 0.02
    dropout: float = 0.3
    warm_up: float = 0.2


def initial_weights(shape: Shape, rng: np.random.Generator) -> Weights:
    """He's uniform weights for ReLU; the last layer begins small."""
    weights: Weights = {}
    taken = shape.width
    for name, given in zip(LAYERS, shape.hidden, strict=True):
        span = 1 if name == "first" else NEIGHBORS
        weights |= _layer(name, span * taken, given, rng)
        taken = given
    weights |= _layer("head", 2 * taken, shape.head, rng)
    weights |= _layer("last", shape.head, shape.classes, rng)
    weights["last.kernel"] *= np.float32(0.1)
    return weights


def _layer(name: str, taken: int, given: int, rng: np.random.Generator) -> Weights:
    limit = np.sqrt(6.0 / taken)
    kernel = rng.uniform(-limit, limit, (taken, given)).astype(np.float32)
    return {f"{name}.kernel": kernel, f"{name}.bias": np.zeros(given, np.float32)}


def _neighbors(values: FloatArray, stride: int) -> FloatArray:
    """N × T × C → N × T/stride × 3C: each step with the one before and after it, zeros beyond the ends."""
    count, steps, width = values.shape
    padded = np.zeros((count, steps + 2, width), np.float32)
    padded[:, 1:-1] = values
    return np.concatenate([padded[:, shift : shift + steps : stride] for shift in range(NEIGHBORS)], axis=-1)


def _scatter(gradient: FloatArray, stride: int, steps: int) -> FloatArray:
    """The gradient of `_neighbors`' input."""
    count, _, width = gradient.shape
    width //= NEIGHBORS
    padded = np.zeros((count, steps + 2, width), np.float32)
    for shift in range(NEIGHBORS):
        padded[:, shift : shift + steps : stride] += gradient[..., shift * width : (shift + 1) * width]
    return padded[:, 1:-1]


@dataclass(slots=True)
class _Trace:
    """What the backward pass needs of the forward one."""

    inputs: list[FloatArray]
    outputs: list[FloatArray]
    pooled: FloatArray
    kept: FloatArray
    most: npt.NDArray[np.intp]
    head: FloatArray


def embed(weights: Weights, values: FloatArray) -> FloatArray:
    """N × 2C: what the layers over time say of a sequence, as mean and maximum over its steps."""
    hidden = values
    for name, stride in zip(LAYERS, STRIDES, strict=True):
        taken = hidden if name == "first" else _neighbors(hidden, stride)
        hidden = np.maximum(taken @ weights[f"{name}.kernel"] + weights[f"{name}.bias"], 0)
    return np.concatenate([hidden.mean(axis=1), hidden.max(axis=1)], axis=-1)


def logits(weights: Weights, values: FloatArray) -> FloatArray:
    """N × classes, without training's randomness; in parts, so that memory stays small."""
    parts = [
        np.maximum(embed(weights, part) @ weights["head.kernel"] + weights["head.bias"], 0) @ weights["last.kernel"]
        + weights["last.bias"]
        for part in np.array_split(values, max(1, -(-len(values) // 256)))
    ]
    return np.concatenate(parts)


def train_network(
    weights: Weights,
    batches: Iterator[Batch],
    schedule: Schedule,
    rng: np.random.Generator,
    on_step: Callable[[float], None] = lambda _: None,
) -> Weights:
    """Weights after `schedule.steps` batches: AdamW with one cycle of the rate. on_step: told the share done."""
    moments = {name: (np.zeros_like(value), np.zeros_like(value)) for name, value in weights.items()}
    weights = {name: value.copy() for name, value in weights.items()}
    for step in range(schedule.steps):
        values, targets = next(batches)
        gradients = _gradients(weights, values, targets, schedule.dropout, rng)
        rate = schedule.peak_rate * _cycle((step + 1) / schedule.steps, schedule.warm_up)
        for name, gradient in gradients.items():
            first, second = moments[name]
            first += (1 - _BETA1) * (gradient - first)
            second += (1 - _BETA2) * (gradient * gradient - second)
            ahead = first / (1 - _BETA1 ** (step + 1))
            spread = np.sqrt(second / (1 - _BETA2 ** (step + 1))) + _EPSILON
            if name.endswith("kernel"):
                weights[name] *= np.float32(1 - rate * schedule.decay)
            weights[name] -= np.float32(rate) * (ahead / spread).astype(np.float32)
        on_step((step + 1) / schedule.steps)
    return weights


def _cycle(share: float, warm_up: float) -> float:
    if share < warm_up:
        return share / warm_up
    return float(0.5 + 0.5 * np.cos(np.pi * (share - warm_up) / (1 - warm_up)))


def softmax(values: FloatArray) -> FloatArray:
    """Probabilities over the last axis."""
    raised = np.exp(values - values.max(axis=-1, keepdims=True))
    return np.asarray(raised / raised.sum(axis=-1, keepdims=True))


def _forward(
    weights: Weights, values: FloatArray, dropout: float, rng: np.random.Generator
) -> tuple[FloatArray, _Trace]:
    inputs, outputs = [], []
    hidden = values
    for name, stride in zip(LAYERS, STRIDES, strict=True):
        taken = hidden if name == "first" else _neighbors(hidden, stride)
        hidden = np.maximum(taken @ weights[f"{name}.kernel"] + weights[f"{name}.bias"], 0)
        inputs.append(taken)
        outputs.append(hidden)
    most = hidden.argmax(axis=1)
    pooled = np.concatenate([hidden.mean(axis=1), hidden.max(axis=1)], axis=-1)
    kept = np.asarray(rng.random(pooled.shape, np.float32) >= dropout, np.float32) / np.float32(1 - dropout)
    pooled = pooled * kept
    head = np.maximum(pooled @ weights["head.kernel"] + weights["head.bias"], 0)
    return head @ weights["last.kernel"] + weights["last.bias"], _Trace(inputs, outputs, pooled, kept, most, head)


def _gradients(
    weights: Weights, values: FloatArray, targets: FloatArray, dropout: float, rng: np.random.Generator
) -> Weights:
    given, trace = _forward(weights, values, dropout, rng)
    found: Weights = {}
    back: FloatArray = (softmax(given) - targets) / np.float32(len(values))
    found["last.kernel"], found["last.bias"] = trace.head.T @ back, back.sum(axis=0)
    back = (back @ weights["last.kernel"].T) * (trace.head > 0)
    found["head.kernel"], found["head.bias"] = trace.pooled.T @ back, back.sum(axis=0)
    back = (back @ weights["head.kernel"].T) * trace.kept
    hidden = trace.outputs[-1]
    steps, width = hidden.shape[1:]
    spread: FloatArray = np.repeat(back[:, None, :width] / np.float32(steps), steps, axis=1)
    rows = np.arange(len(values))[:, None]
    spread[rows, trace.most, np.arange(width)[None]] += back[:, width:]
    for place in range(len(LAYERS) - 1, -1, -1):
        name, taken, hidden = LAYERS[place], trace.inputs[place], trace.outputs[place]
        spread = np.asarray(spread * (hidden > 0), np.float32)
        flat, source = spread.reshape(-1, spread.shape[-1]), taken.reshape(-1, taken.shape[-1])
        found[f"{name}.kernel"], found[f"{name}.bias"] = source.T @ flat, flat.sum(axis=0)
        if place:
            back = np.asarray(flat @ weights[f"{name}.kernel"].T).reshape(taken.shape)
            spread = _scatter(back, STRIDES[place], trace.outputs[place - 1].shape[1])
    return found
