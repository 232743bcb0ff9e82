"""Activation functions by their formulas."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from convert.graph.activations import Activation
from convert.graph.layer_graph import Array

_erf = np.vectorize(math.erf, otypes=[np.float64])


def apply_activation(activation: Activation, x: Array, keras: int) -> Array:
    """The function's values; KeyError for one without a definition."""
    if activation.name == "hard_sigmoid":
        return hard_sigmoid(x, keras)
    return FUNCTIONS[activation.name](x, **_known(activation.parameters))


def hard_sigmoid(x: Array, keras: int) -> Array:
    """Keras 3: relu6(x + 3) / 6. Before: 0.2 x + 0.5, kept within 0 and 1."""
    if keras >= 3:
        return np.clip(x + 3.0, 0.0, 6.0) / 6.0
    return np.clip(0.2 * x + 0.5, 0.0, 1.0)


def relu(x: Array, negative_slope: float = 0.0, max_value: float | None = None, threshold: float = 0.0) -> Array:
    """Three pieces: the ceiling, the identity above the threshold, a slope below."""
    y = np.where(x >= threshold, x, negative_slope * (x - threshold))
    return y if max_value is None else np.where(x >= max_value, max_value, np.minimum(y, max_value))


def elu(x: Array, alpha: float = 1.0) -> Array:
    """e^x − 1, scaled, below 0."""
    return np.where(x > 0, x, alpha * np.expm1(np.minimum(x, 0)))


def softmax(x: Array, axis: int = -1) -> Array:
    """e^x over its sum."""
    powers = np.exp(x - x.max(axis=axis, keepdims=True))
    return np.asarray(powers / powers.sum(axis=axis, keepdims=True))


def sigmoid(x: Array) -> Array:
    """1 / (1 + e^−x)."""
    return 1.0 / (1.0 + np.exp(-x))


def softplus(x: Array) -> Array:
    """log(1 + e^x)."""
    return np.logaddexp(x, np.zeros((), x.dtype))


def gelu(x: Array, approximate: bool = False) -> Array:
    """x · Φ(x), or its tanh approximation."""
    if approximate:
        return np.asarray(0.5 * x * (1 + np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3))))
    return np.asarray(0.5 * x * (1 + _erf(x / math.sqrt(2)).astype(x.dtype)))


def _selu(x: Array) -> Array:
    return 1.0507009873554805 * elu(x, 1.6732632423543772)


def _leaky_relu(x: Array, negative_slope: float = 0.2, alpha: float | None = None) -> Array:
    return np.where(x >= 0, x, (negative_slope if alpha is None else alpha) * x)


def _known(parameters: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in parameters.items() if value is not None}


FUNCTIONS: dict[str, Callable[..., Array]] = {
    "linear": lambda x: x,
    "relu": relu,
    "relu6": lambda x: np.clip(x, 0, 6),
    "leaky_relu": _leaky_relu,
    "elu": elu,
    "celu": elu,
    "selu": _selu,
    "gelu": gelu,
    "sigmoid": sigmoid,
    "softmax": softmax,
    "log_softmax": lambda x, axis=-1: np.log(softmax(x, axis)),
    "softplus": softplus,
    "softsign": lambda x: x / (1 + np.abs(x)),
    "tanh": np.tanh,
    "exponential": np.exp,
    "silu": lambda x: x * sigmoid(x),
    "hard_silu": lambda x: x * np.clip(x + 3, 0, 6) / 6,
    "mish": lambda x: x * np.tanh(softplus(x)),
    "hard_tanh": lambda x: np.clip(x, -1, 1),
    "log_sigmoid": lambda x: -softplus(-x),
    "tanh_shrink": lambda x: x - np.tanh(x),
}
