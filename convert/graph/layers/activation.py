"""Activation functions as ONNX operations."""

from collections.abc import Callable
from typing import Any

import numpy as np

from convert.graph.activations import Activation, refuse_activation
from convert.graph.builder import Builder

Parameters = dict[str, Any]
Function = Callable[[Builder, str, Parameters, int], str]

SELU_ALPHA = 1.6732632423543772
SELU_SCALE = 1.0507009873554805


def activate(g: Builder, x: str, activation: Activation, place: str, keras: int) -> str:
    """Apply an activation; RefusalError if it is not known."""
    function = _FUNCTIONS.get(activation.name)
    if function is None:
        raise refuse_activation(activation, place)
    return function(g, x, activation.parameters, keras)


def relu(g: Builder, x: str, parameters: Parameters, _keras: int = 3) -> str:
    """max_value above it, slope · (x − threshold) below the threshold, x between."""
    slope = float(parameters.get("negative_slope") or 0.0)
    threshold = float(parameters.get("threshold") or 0.0)
    limit = parameters.get("max_value")
    if threshold == 0.0 and slope == 0.0:
        positive = g.op("Relu", x)
    elif threshold == 0.0:
        positive = g.op("LeakyRelu", x, alpha=slope)
    else:
        below = g.op("Mul", g.op("Sub", x, g.number(threshold)), g.number(slope))
        positive = g.op("Where", g.op("GreaterOrEqual", x, g.number(threshold)), x, below)
    return positive if limit is None else g.op("Min", positive, g.number(float(limit)))


def _unary(kind: str) -> Function:
    def function(g: Builder, x: str, _parameters: Parameters, _keras: int) -> str:
        return g.op(kind, x)

    return function


def _linear(_g: Builder, x: str, _parameters: Parameters, _keras: int) -> str:
    return x


def _leaky_relu(g: Builder, x: str, parameters: Parameters, _keras: int) -> str:
    slope = parameters["negative_slope"] if "negative_slope" in parameters else parameters.get("alpha", 0.2)
    return g.op("LeakyRelu", x, alpha=float(slope))


def _elu(g: Builder, x: str, parameters: Parameters, _keras: int) -> str:
    return g.op("Elu", x, alpha=float(parameters.get("alpha", 1.0)))


def _selu(g: Builder, x: str, _parameters: Parameters, _keras: int) -> str:
    return g.op("Selu", x, alpha=SELU_ALPHA, gamma=SELU_SCALE)


def _gelu(g: Builder, x: str, parameters: Parameters, _keras: int) -> str:
    half = g.op("Mul", x, g.number(0.5))
    if parameters.get("approximate", False):
        cube = g.op("Mul", g.op("Mul", x, x), x)
        bent = g.op("Add", x, g.op("Mul", cube, g.number(0.044715)))
        inner = g.op("Tanh", g.op("Mul", bent, g.number(float(np.sqrt(2 / np.pi)))))
    else:
        inner = g.op("Erf", g.op("Mul", x, g.number(float(np.sqrt(0.5)))))
    return g.op("Mul", half, g.op("Add", inner, g.number(1.0)))


def _hard_sigmoid(g: Builder, x: str, _parameters: Parameters, keras: int) -> str:
    return g.op("HardSigmoid", x, alpha=find_hard_sigmoid_slope(keras), beta=0.5)


def find_hard_sigmoid_slope(keras: int) -> float:
    """Keras 3 has relu6(x + 3) / 6, earlier ones clip(0.2 x + 0.5)."""
    return 1 / 6 if keras >= 3 else 0.2


def _softmax(g: Builder, x: str, parameters: Parameters, _keras: int) -> str:
    return g.op("Softmax", x, axis=int(parameters.get("axis", -1)))


def _log_softmax(g: Builder, x: str, parameters: Parameters, _keras: int) -> str:
    return g.op("LogSoftmax", x, axis=int(parameters.get("axis", -1)))


def _silu(g: Builder, x: str, _parameters: Parameters, _keras: int) -> str:
    return g.op("Mul", x, g.op("Sigmoid", x))


def _hard_silu(g: Builder, x: str, _parameters: Parameters, _keras: int) -> str:
    return g.op("Mul", x, g.op("HardSigmoid", x, alpha=1 / 6, beta=0.5))


def _mish(g: Builder, x: str, _parameters: Parameters, _keras: int) -> str:
    return g.op("Mul", x, g.op("Tanh", g.op("Softplus", x)))


def _relu6(g: Builder, x: str, _parameters: Parameters, _keras: int) -> str:
    return relu(g, x, {"max_value": 6.0})


def _hard_tanh(g: Builder, x: str, _parameters: Parameters, _keras: int) -> str:
    return g.op("Clip", x, g.number(-1.0), g.number(1.0))


def _log_sigmoid(g: Builder, x: str, _parameters: Parameters, _keras: int) -> str:
    return g.op("Neg", g.op("Softplus", g.op("Neg", x)))


def _tanh_shrink(g: Builder, x: str, _parameters: Parameters, _keras: int) -> str:
    return g.op("Sub", x, g.op("Tanh", x))


def _celu(g: Builder, x: str, _parameters: Parameters, _keras: int) -> str:
    return g.op("Celu", x, alpha=1.0)


_FUNCTIONS: dict[str, Function] = {
    "linear": _linear,
    "relu": relu,
    "relu6": _relu6,
    "leaky_relu": _leaky_relu,
    "elu": _elu,
    "selu": _selu,
    "gelu": _gelu,
    "sigmoid": _unary("Sigmoid"),
    "hard_sigmoid": _hard_sigmoid,
    "softmax": _softmax,
    "log_softmax": _log_softmax,
    "softplus": _unary("Softplus"),
    "softsign": _unary("Softsign"),
    "tanh": _unary("Tanh"),
    "exponential": _unary("Exp"),
    "silu": _silu,
    "hard_silu": _hard_silu,
    "mish": _mish,
    "hard_tanh": _hard_tanh,
    "log_sigmoid": _log_sigmoid,
    "tanh_shrink": _tanh_shrink,
    "celu": _celu,
}
