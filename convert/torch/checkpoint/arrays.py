"""Declared tensors → arrays: sizes, strides and offsets are checked against the bytes that are really there."""

import math
from collections.abc import Callable, Iterator, Mapping

import numpy as np
import numpy.typing as npt

from convert.errors import RefusalError
from convert.pickles.values import StandIn
from convert.torch.checkpoint.values import DTYPES, Storage, StoredTensor

Array = npt.NDArray[np.generic]
Bytes = Callable[[Storage], memoryview]
"""The bytes of a storage, as many as the file really has."""

EXPANDED_ELEMENTS = 1 << 16
"""A tensor that repeats its storage (stride 0) may have so many elements: saved position indices do."""
MAX_TOTAL_RATIO = 8
"""Tensors may share storage (tied weights); together they may be so many times the file's size."""
TOTAL_BASE = 16 << 20

_DAMAGED = "Download or copy the file again."


def arrays(tensors: Mapping[str, StoredTensor], bytes_of: Bytes, file_bytes: int) -> Iterator[tuple[str, Array]]:
    """(name, array) one by one; bfloat16 comes as float32. RefusalError names the tensor that does not fit."""
    total = 0
    for name, tensor in tensors.items():
        _check_extent(name, tensor)
        total += math.prod(tensor.shape) * DTYPES[tensor.dtype][1]
        if total > TOTAL_BASE + MAX_TOTAL_RATIO * file_bytes:
            raise RefusalError(
                f"The tensors up to {name} declare {total} bytes, the file has {file_bytes}.",
                "It repeats the same numbers under many names; no checkpoint does.",
            )
        yield name, array_of(name, tensor, bytes_of)


def array_of(name: str, tensor: StoredTensor, bytes_of: Bytes) -> Array:
    """The tensor's numbers as an array of its own shape."""
    _check_extent(name, tensor)
    size = DTYPES[tensor.dtype][1]
    storage = tensor.storage
    buffer = bytes_of(storage)
    start = (storage.offset * _storage_size(storage)) + tensor.offset * size
    if 0 in tensor.shape:
        return np.zeros(tensor.shape, _numpy_dtype(tensor.dtype))
    last = sum((count - 1) * step for count, step in zip(tensor.shape, tensor.strides, strict=True))
    if start + (last + 1) * size > len(buffer):
        raise RefusalError(
            f"Tensor {name} reaches to byte {start + (last + 1) * size} of storage {storage.key}, "
            f"which has {len(buffer)}.",
            _DAMAGED,
        )
    strides = tuple(step * size for step in tensor.strides)
    view: Array = np.ndarray(tensor.shape, _numpy_dtype(tensor.dtype), buffer, start, strides)
    return widened(np.ascontiguousarray(view).reshape(tensor.shape), tensor.dtype)


def widened(values: Array, dtype: str) -> Array:
    """bfloat16 (read as its 16 bits) as the float32 of the same value; everything else as it is."""
    if dtype != "BF16":
        return values
    return (values.astype(np.uint32) << np.uint32(16)).view(np.float32).reshape(values.shape)


def is_finite(values: Array) -> bool:
    """Whether no element is NaN or infinite."""
    return values.dtype.kind != "f" or bool(np.isfinite(values).all())


def unread(value: StandIn) -> str | None:
    """Why a stand-in in a tensor's place is no tensor: `quantized` or `unread`; None if it is something else."""
    kind = value.of.name.split(".", 1)[0]
    return kind if value.of.module == "torch" and kind in ("quantized", "unread") else None


def _check_extent(name: str, tensor: StoredTensor) -> None:
    elements = math.prod(tensor.shape)
    held = tensor.storage.length * _storage_size(tensor.storage) // DTYPES[tensor.dtype][1]
    if elements > held and elements > EXPANDED_ELEMENTS:
        raise RefusalError(
            f"Tensor {name} declares {elements} elements (sizes {list(tensor.shape)}, strides "
            f"{list(tensor.strides)}) of a storage of {held}.",
            "A few numbers would fill the memory; no checkpoint needs that.",
        )


def _storage_size(storage: Storage) -> int:
    return 1 if storage.dtype is None else DTYPES[storage.dtype][1]


def _numpy_dtype(dtype: str) -> np.dtype[np.generic]:
    return np.dtype(np.uint16) if dtype == "BF16" else np.dtype(DTYPES[dtype][0]).newbyteorder("<")
