"""What the numbers in a TensorFlow Lite file stand for: tensorflow/lite/schema/schema.fbs, version 3."""

from typing import Any, Literal

import numpy as np

IDENTIFIER = b"TFL3"

DTYPES: dict[int, np.dtype[Any]] = {
    0: np.dtype("<f4"),
    1: np.dtype("<f2"),
    2: np.dtype("<i4"),
    3: np.dtype("u1"),
    4: np.dtype("<i8"),
    6: np.dtype("?"),
    7: np.dtype("<i2"),
    9: np.dtype("i1"),
    10: np.dtype("<f8"),
    12: np.dtype("<u8"),
    15: np.dtype("<u4"),
    16: np.dtype("<u2"),
}
"""TensorType; strings, complex numbers and types of less than a byte are not read."""

OPERATORS = {
    0: "ADD",
    1: "AVERAGE_POOL_2D",
    2: "CONCATENATION",
    3: "CONV_2D",
    4: "DEPTHWISE_CONV_2D",
    5: "DEPTH_TO_SPACE",
    6: "DEQUANTIZE",
    9: "FULLY_CONNECTED",
    14: "LOGISTIC",
    17: "MAX_POOL_2D",
    18: "MUL",
    19: "RELU",
    21: "RELU6",
    22: "RESHAPE",
    23: "RESIZE_BILINEAR",
    25: "SOFTMAX",
    28: "TANH",
    32: "CUSTOM",
    34: "PAD",
    36: "GATHER",
    39: "TRANSPOSE",
    40: "MEAN",
    41: "SUB",
    42: "DIV",
    43: "SQUEEZE",
    44: "UNIDIRECTIONAL_SEQUENCE_LSTM",
    45: "STRIDED_SLICE",
    49: "SPLIT",
    54: "PRELU",
    55: "MAXIMUM",
    57: "MINIMUM",
    67: "TRANSPOSE_CONV",
    97: "RESIZE_NEAREST_NEIGHBOR",
    98: "LEAKY_RELU",
    114: "QUANTIZE",
    117: "HARD_SWISH",
    119: "WHILE",
    124: "DENSIFY",
}
"""BuiltinOperator: those that are read, and those that are worth their name in a refusal."""

CUSTOM = 32
_LAST_OF_A_BYTE = 127

Activation = Literal["none", "relu", "relu_n1_to_1", "relu6", "tanh", "sign_bit"]
ACTIVATIONS: tuple[Activation, ...] = ("none", "relu", "relu_n1_to_1", "relu6", "tanh", "sign_bit")

SAME = 0
"""Padding: as much as keeps size / stride, rounded up; 1 is none."""

Option = tuple[int, str, float]
"""A field of an operator's options: its number, its kind as `struct` names it, its default."""

_STRIDES: dict[str, Option] = {"padding": (0, "b", 0), "stride_w": (1, "i", 0), "stride_h": (2, "i", 0)}
_POOL: dict[str, Option] = {
    **_STRIDES,
    "filter_w": (3, "i", 0),
    "filter_h": (4, "i", 0),
    "activation": (5, "b", 0),
}
OPTIONS: dict[str, dict[str, Option]] = {
    "ADD": {"activation": (0, "b", 0)},
    "AVERAGE_POOL_2D": _POOL,
    "CONCATENATION": {"axis": (0, "i", 0), "activation": (1, "b", 0)},
    "CONV_2D": {**_STRIDES, "activation": (3, "b", 0), "dilation_w": (4, "i", 1), "dilation_h": (5, "i", 1)},
    "DEPTHWISE_CONV_2D": {**_STRIDES, "activation": (4, "b", 0), "dilation_w": (5, "i", 1), "dilation_h": (6, "i", 1)},
    "DEPTH_TO_SPACE": {"block": (0, "i", 0)},
    "FULLY_CONNECTED": {"activation": (0, "b", 0), "format": (1, "b", 0), "keep_dims": (2, "?", 0)},
    "MAX_POOL_2D": _POOL,
    "MEAN": {"keep_dims": (0, "?", 0)},
    "MUL": {"activation": (0, "b", 0)},
    "RESIZE_BILINEAR": {"align_corners": (2, "?", 0), "half_pixel_centers": (3, "?", 0)},
    "SOFTMAX": {"beta": (0, "f", 0)},
    "STRIDED_SLICE": {
        "begin_mask": (0, "i", 0),
        "end_mask": (1, "i", 0),
        "ellipsis_mask": (2, "i", 0),
        "new_axis_mask": (3, "i", 0),
        "shrink_axis_mask": (4, "i", 0),
    },
    "SUB": {"activation": (0, "b", 0)},
}
"""The options of each operator that has any."""


def operator_name(of_a_byte: int, of_an_int: int) -> str:
    """A builtin operator's name; files written before 2020 have only the one that fits in a byte."""
    code = of_an_int if of_a_byte == _LAST_OF_A_BYTE else max(of_a_byte, of_an_int)
    return OPERATORS.get(code, f"number {code}")
