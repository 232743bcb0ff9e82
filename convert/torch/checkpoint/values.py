"""What a checkpoint's pickle refers to: storages of numbers, and tensors that look into them."""

from dataclasses import dataclass

from convert.pickles.values import Record, Value

DTYPES: dict[str, tuple[str, int]] = {
    "F64": ("float64", 8),
    "F32": ("float32", 4),
    "F16": ("float16", 2),
    "BF16": ("bfloat16", 2),
    "I64": ("int64", 8),
    "I32": ("int32", 4),
    "I16": ("int16", 2),
    "I8": ("int8", 1),
    "U8": ("uint8", 1),
    "BOOL": ("bool", 1),
}
"""The element types that are read: safetensors' code → (PyTorch's name, bytes)."""

STORAGES = {
    "DoubleStorage": "F64",
    "FloatStorage": "F32",
    "HalfStorage": "F16",
    "BFloat16Storage": "BF16",
    "LongStorage": "I64",
    "IntStorage": "I32",
    "ShortStorage": "I16",
    "CharStorage": "I8",
    "ByteStorage": "U8",
    "BoolStorage": "BOOL",
}
"""PyTorch's storage classes by their element type. `UntypedStorage` counts bytes; the tensor names the type."""

QUANTIZED_STORAGES = frozenset({"QInt8Storage", "QUInt8Storage", "QInt32Storage", "QUInt4x2Storage", "QUInt2x4Storage"})


@dataclass(frozen=True, eq=False, slots=True)
class Storage(Record):
    """A reference to a block of numbers. dtype is None where it counts bytes; offset and length are in elements.

    refused: the storage class' name where its elements cannot be read (quantized, complex, 8-bit floats).
    """

    key: str
    dtype: str | None
    length: int
    offset: int = 0
    refused: str | None = None

    def __str__(self) -> str:
        return "storage"


@dataclass(frozen=True, eq=False, slots=True)
class StoredTensor(Record):
    """A tensor as the pickle declares it; nothing of it has been believed yet."""

    storage: Storage
    dtype: str
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]

    def __str__(self) -> str:
        return f"tensor {list(self.shape)}"


def is_count(value: Value) -> bool:
    """Whether this is an integer ≥ 0 (True is not a number here)."""
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 1 << 62
