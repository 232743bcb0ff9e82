"""HDF5 read with suspicion: no way out of the file, nothing larger than the file, numbers only."""

import re
from collections.abc import Iterator

import h5py
import numpy as np

from convert.errors import RefusalError
from convert.graph.layer_graph import Array

Tree = dict[str, "Tree | h5py.Dataset"]
"""Groups and arrays by name."""

MAX_OBJECTS = 200_000
MAX_DEPTH = 64
MAX_INFLATION = 20
"""Compressed data may unpack to this many times the file's size; Keras itself never compresses."""

_KNOWN_FILTERS = {h5py.h5z.FILTER_DEFLATE, h5py.h5z.FILTER_SHUFFLE, h5py.h5z.FILTER_FLETCHER32}
_ADVICE = "Save the model again with the Keras that made it; such a file is not written by Keras."


def check_file(root: h5py.Group, file_bytes: int) -> None:
    """Walk all links and refuse what Keras never writes: links, outside storage, sizes beyond the file's own."""
    count = 0
    declared = 0
    seen: set[tuple[int, int]] = set()
    for name, item, depth in _walk(root):
        count += 1
        if count > MAX_OBJECTS or depth > MAX_DEPTH:
            raise RefusalError(f"The HDF5 file holds more than {MAX_OBJECTS} objects or {MAX_DEPTH} levels.", _ADVICE)
        info = h5py.h5o.get_info(item.id)
        if (info.fileno, info.addr) in seen:
            continue
        seen.add((info.fileno, info.addr))
        if isinstance(item, h5py.Dataset):
            declared += _check_dataset(name, item, file_bytes)
    if declared > MAX_INFLATION * file_bytes:
        raise RefusalError(
            f"The HDF5 file declares {declared} bytes of arrays, but is {file_bytes} bytes long.", _ADVICE
        )


def _walk(root: h5py.Group) -> Iterator[tuple[str, h5py.Group | h5py.Dataset, int]]:
    stack: list[tuple[str, h5py.Group, int]] = [("", root, 0)]
    visited: set[tuple[int, int]] = set()
    while stack:
        prefix, group, depth = stack.pop()
        info = h5py.h5o.get_info(group.id)
        if (info.fileno, info.addr) in visited:
            continue
        visited.add((info.fileno, info.addr))
        for key in group:
            name = f"{prefix}/{key}"
            link = group.get(key, getlink=True)
            if not isinstance(link, h5py.HardLink):
                raise RefusalError(f"{name} is a link to another place ({type(link).__name__}).", _ADVICE)
            item = group.get(key)
            if isinstance(item, h5py.Group):
                stack.append((name, item, depth + 1))
            elif not isinstance(item, h5py.Dataset):
                raise RefusalError(f"{name} is neither a group nor an array.", _ADVICE)
            yield name, item, depth


def _check_dataset(name: str, item: h5py.Dataset, file_bytes: int) -> int:
    """Bytes that the array declares."""
    if item.external or item.is_virtual:
        raise RefusalError(f"{name} keeps its numbers in another file.", _ADVICE)
    plan = item.id.get_create_plist()
    filters = {plan.get_filter(k)[0] for k in range(plan.get_nfilters())}
    if filters - _KNOWN_FILTERS:
        raise RefusalError(f"{name} is packed with the unknown filters {sorted(filters - _KNOWN_FILTERS)}.", _ADVICE)
    declared = int(item.dtype.itemsize)
    for size in item.shape or ():
        declared *= int(size)
    allowed = file_bytes * (MAX_INFLATION if filters else 1)
    if declared > allowed:
        raise RefusalError(
            f"{name} declares the shape {item.shape}, {declared} bytes; the file is {file_bytes} bytes long.",
            "The file is damaged or hostile.",
        )
    return declared


def read_tree(root: h5py.Group) -> Tree:
    """All arrays by the steps of their paths. Keras 2.12 to 2.15 wrote `layers\\dense` as one name on Windows."""
    tree: Tree = {}
    for path, item, _ in _walk(root):
        *steps, last = re.split(r"[/\\]", path.lstrip("/"))
        below = tree
        for step in steps:
            inner = below.setdefault(step, {})
            if not isinstance(inner, dict):
                raise RefusalError(f"{path} lies below an array.", _ADVICE)
            below = inner
        if isinstance(item, h5py.Dataset):
            below[last] = item
        else:
            below.setdefault(last, {})
    return tree


def read_array(item: h5py.Dataset) -> Array:
    """A dataset's numbers as float32. RefusalError where they are none, or NaN or infinite."""
    name = item.name.lstrip("/")
    if item.dtype.kind == "V" and item.dtype.itemsize == 2:
        raise RefusalError(f"{name} is kept as bfloat16.", "Save the model with float32 weights.")
    if item.dtype.kind not in "fiu":
        raise RefusalError(f"{name} holds {item.dtype}, no numbers.", _ADVICE)
    with np.errstate(over="ignore"):
        array = np.asarray(item[()]).astype(np.float32)
    if not np.isfinite(array).all():
        bad = int((~np.isfinite(array)).sum())
        raise RefusalError(
            f"{name} has {bad} values that are NaN or infinite.",
            "The training went wrong or the file is damaged; take an earlier checkpoint.",
        )
    return array


def read_text_attribute(group: h5py.Group, name: str) -> str | None:
    """A text attribute, which older files keep as bytes."""
    value = group.attrs.get(name)
    if value is None:
        return None
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    return str(value)


def read_names_attribute(group: h5py.Group, name: str) -> list[str] | None:
    """A list of names; Keras splits long lists over name0, name1, …"""
    values = group.attrs.get(name)
    if values is None:
        parts: list[Array] = []
        while (part := group.attrs.get(f"{name}{len(parts)}")) is not None:
            parts.append(part)
        if not parts:
            return None
        values = np.concatenate(parts)
    return [value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value) for value in values]
