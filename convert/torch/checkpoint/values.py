"""What a pickle can turn into here: plain Python data and four inert records, none of which can do anything."""

from dataclasses import dataclass, field
from typing import Any

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

QUANTISED_STORAGES = frozenset({"QInt8Storage", "QUInt8Storage", "QInt32Storage", "QUInt4x2Storage", "QUInt2x4Storage"})

SHOWN_CHARACTERS = 200

Value = Any
"""Plain data (None, bool, int, float, str, bytes, list, tuple, dict, set) or one of the records below."""


def shown(text: object) -> str:
    """A name from a file as it may be printed: cut, and without control characters or half ones."""
    return "".join(sign if sign.isprintable() else "\ufffd" for sign in str(text)[:SHOWN_CHARACTERS])


@dataclass(frozen=True, slots=True)
class Global:
    """A name that a pickle refers to. It is never imported: it stays the two words that it is."""

    module: str
    name: str

    def __str__(self) -> str:
        return f"{self.module}.{self.name}"


@dataclass(eq=False, slots=True)
class StandIn:
    """What takes the place of an object of a class that is not imported: its class, arguments and state.

    items and entries are what a list or dict subclass was filled with.
    """

    of: Global
    args: tuple[Value, ...] = ()
    state: Value = None
    items: list[Value] = field(default_factory=list)
    entries: dict[Value, Value] = field(default_factory=dict)

    def attributes(self) -> dict[str, Value]:
        """The object's attributes as far as its state names them."""
        states = self.state if isinstance(self.state, tuple) else (self.state,)
        found: dict[str, Value] = {}
        for state in states:
            if isinstance(state, dict):
                found.update({name: value for name, value in state.items() if isinstance(name, str)})
        return found


@dataclass(frozen=True, eq=False, slots=True)
class Storage:
    """A reference to a block of numbers. dtype is None where it counts bytes; offset and length are in elements.

    refused: the storage class' name where its elements cannot be read (quantised, complex, 8-bit floats).
    """

    key: str
    dtype: str | None
    length: int
    offset: int = 0
    refused: str | None = None


@dataclass(frozen=True, eq=False, slots=True)
class StoredTensor:
    """A tensor as the pickle declares it; nothing of it has been believed yet."""

    storage: Storage
    dtype: str
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]
