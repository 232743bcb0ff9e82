"""The safetensors format: a length, a JSON header, then numbers. Read and written here without a library.

It is also the seam between the child process that reads untrusted files and its parent: whatever the file was, the
child leaves this.
"""

import json
import math
import struct
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from convert.errors import RefusalError
from convert.torch.checkpoint.arrays import Array, widened
from convert.torch.checkpoint.values import DTYPES, is_count

MAX_HEADER_BYTES = 100_000_000
METADATA = "__metadata__"
_LENGTH = struct.Struct("<Q")
_DAMAGED = "Download or copy the file again."
_CODES = {name: code for code, (name, _) in DTYPES.items()}


def looks_like(head: bytes, size: int) -> bool:
    """Whether these first bytes begin a safetensors file of this size."""
    if len(head) < 9 or head[8:9] != b"{":
        return False
    (length,) = _LENGTH.unpack(head[:8])
    return 2 <= int(length) <= size - 8


def read(path: Path) -> tuple[dict[str, Array], dict[str, str]]:
    """The tensors by name, mapped from the file, and its metadata. RefusalError where the header does not hold."""
    size = path.stat().st_size
    with path.open("rb") as file:
        head = file.read(8)
        if len(head) < 8:
            raise RefusalError(f"{path.name} is too short for a safetensors file.", _DAMAGED)
        (length,) = _LENGTH.unpack(head)
        if length > min(size - 8, MAX_HEADER_BYTES):
            raise RefusalError(f"{path.name} declares a header of {length} bytes and has {size}.", _DAMAGED)
        header = _parsed(file.read(length), path.name)
    data = np.memmap(path, np.uint8, "r", offset=8 + length) if size > 8 + length else np.empty(0, np.uint8)
    metadata = header.pop(METADATA, None) or {}
    if not isinstance(metadata, dict):
        raise RefusalError("The header's __metadata__ is no object.", _DAMAGED)
    _check_cover(header, len(data))
    return {name: _tensor(name, entry, data) for name, entry in header.items()}, metadata


def write(path: Path, tensors: Iterable[tuple[str, Array]], scratch: Path) -> None:
    """Write tensors one by one; scratch holds the numbers until the header is known."""
    header: dict[str, Any] = {}
    place = 0
    with scratch.open("wb") as numbers:
        for name, values in tensors:
            raw = np.ascontiguousarray(values)
            numbers.write(raw.tobytes())
            header[name] = {
                "dtype": _CODES[raw.dtype.name],
                "shape": list(values.shape),
                "data_offsets": [place, place + raw.nbytes],
            }
            place += raw.nbytes
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with path.open("wb") as file, scratch.open("rb") as numbers:
        file.write(_LENGTH.pack(len(text)) + text)
        while block := numbers.read(1 << 20):
            file.write(block)
    scratch.unlink()


def _parsed(text: bytes, name: str) -> dict[str, Any]:
    try:
        header = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise RefusalError(f"The header of {name} is no JSON: {error}.", _DAMAGED) from None
    if not isinstance(header, dict):
        raise RefusalError(f"The header of {name} is no JSON object.", _DAMAGED)
    return header


def _check_cover(header: dict[str, Any], size: int) -> None:
    """Tensors lie side by side from the first byte to the last: none overlaps, none hides between two."""
    spans = []
    for name, entry in header.items():
        offsets = entry.get("data_offsets") if isinstance(entry, dict) else None
        if not isinstance(offsets, list) or len(offsets) != 2 or not all(is_count(value) for value in offsets):
            raise RefusalError(f"Tensor {name} has no place in the file.", _DAMAGED)
        spans.append((offsets[0], offsets[1], name))
    end = 0
    for start, stop, name in sorted(spans):
        if start != end or stop < start:
            raise RefusalError(f"Tensor {name} lies at bytes {start} to {stop}; byte {end} was expected.", _DAMAGED)
        end = stop
    if end != size:
        raise RefusalError(f"The tensors end at byte {end}, the file's numbers at {size}.", _DAMAGED)


def _tensor(name: str, entry: dict[str, Any], data: Array) -> Array:
    dtype, shape = entry.get("dtype"), entry.get("shape")
    start, stop = entry["data_offsets"]
    if not isinstance(shape, list) or not all(is_count(value) for value in shape) or len(shape) > 8:
        raise RefusalError(f"Tensor {name} has the shape {shape!r}.", _DAMAGED)
    if not isinstance(dtype, str) or dtype not in DTYPES:
        raise RefusalError(
            f"Tensor {name} holds {dtype}, which is not read here.", "Save it as float32, float16 or bfloat16."
        )
    if math.prod(shape) * DTYPES[dtype][1] != stop - start:
        raise RefusalError(f"Tensor {name} of shape {shape} and type {dtype} has {stop - start} bytes.", _DAMAGED)
    stored = np.dtype(np.uint16) if dtype == "BF16" else np.dtype(DTYPES[dtype][0])
    return widened(np.asarray(data[start:stop]).view(stored).reshape(shape), dtype)
