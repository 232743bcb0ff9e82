"""Quantized tensors: whole numbers that stand for others, real = scale × (stored − zero point)."""

from typing import Any

import numpy as np
import numpy.typing as npt

from convert.errors import RefusalError
from convert.tflite.reader import Tensor

Array = npt.NDArray[Any]


def is_quantized(tensor: Tensor) -> bool:
    """Whether a tensor's whole numbers stand for real ones."""
    return tensor.dtype.kind in "iu" and tensor.quantization is not None


def dequantize(tensor: Tensor, stored: Array) -> Array:
    """The numbers that stored ones stand for; those of an ordinary tensor as they are. RefusalError."""
    if tensor.quantization is None or tensor.dtype.kind not in "iu":
        return stored
    stated = tensor.quantization
    scales, zeros = np.asarray(stated.scales, np.float64), np.asarray(stated.zero_points, np.float64)
    axis = stated.axis
    if len(scales) > 1 or len(zeros) > 1:
        if not 0 <= axis < stored.ndim or len(scales) != stored.shape[axis] or len(zeros) not in {1, len(scales)}:
            raise RefusalError(
                f"Tensor {tensor.name!r} has {len(scales)} scales along axis {axis} of its shape {tensor.shape}."
            )
        along = [-1 if one == axis else 1 for one in range(stored.ndim)]
        scales, zeros = scales.reshape(along), zeros.reshape(along if len(zeros) > 1 else [1] * stored.ndim)
    real = scales * (stored.astype(np.float64) - zeros)
    return real.astype(np.float32)


def read_range(tensor: Tensor) -> tuple[float, int, int]:
    """(scale, least, most) of a computed tensor, in steps from its zero point. RefusalError where it has several."""
    quantization = tensor.quantization
    if quantization is None or len(quantization.scales) != 1 or tensor.dtype.itemsize > 2:
        raise RefusalError(f"Tensor {tensor.name!r} is computed in {tensor.dtype} with several scales or none.")
    scale, zero = quantization.scales[0], quantization.zero_points[0]
    if not np.isfinite(scale) or scale <= 0:
        raise RefusalError(f"Tensor {tensor.name!r} has the scale {scale}.")
    limits = np.iinfo(tensor.dtype)
    return scale, int(limits.min) - zero, int(limits.max) - zero
