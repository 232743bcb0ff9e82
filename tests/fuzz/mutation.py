"""Mutation: bytes and documents with a few things wrong, by a seeded generator."""

import copy
import io
import json
import zipfile
from collections.abc import Callable
from typing import Any

import numpy as np

EXTREMES = (b"\x00" * 4, b"\xff" * 4, b"\x7f\xff\xff\xff", b"\x80\x00\x00\x00", b"\x00\x00\x00\x01")
VALUES: tuple[Any, ...] = (
    None, True, False, 0, -1, 1, 2**31, 2**63, -(2**63), 10**40, 0.0, 1e308, -1e308, 1e-9, float("nan"), float("inf"),
    "", "0", "\0", "\ud800", "x" * 70_000, "../../etc/passwd", "asl-letters", [], {}, [[]], [None] * 50,
)  # fmt: skip
"""What a value of a document is replaced with."""


def mutated(data: bytes, other: bytes, rng: np.random.Generator) -> bytes:
    """The bytes with one to four things wrong."""
    changed = bytearray(data)
    for _ in range(int(rng.integers(1, 5))):
        at = _place(changed, rng)
        length = min(len(changed) - at, int(rng.integers(1, 400)))
        _CHANGES[int(rng.integers(len(_CHANGES)))](changed, at, length, other, rng)
    return bytes(changed)


def _place(data: bytearray, rng: np.random.Generator) -> int:
    """A place, as often in the head as in all the rest."""
    return int(rng.integers(0, max(1, min(len(data), 600) if rng.integers(2) else len(data))))


def _flip(data: bytearray, at: int, length: int, _other: bytes, rng: np.random.Generator) -> None:
    for place in range(at, at + min(length, 8)):
        data[place] ^= 1 << int(rng.integers(8))


def _fill(data: bytearray, at: int, length: int, _other: bytes, rng: np.random.Generator) -> None:
    data[at : at + length] = rng.bytes(length)


def _extreme(data: bytearray, at: int, _length: int, _other: bytes, rng: np.random.Generator) -> None:
    data[at : at + 4] = EXTREMES[int(rng.integers(len(EXTREMES)))]


def _cut(data: bytearray, at: int, length: int, _other: bytes, _rng: np.random.Generator) -> None:
    del data[at : at + length]


def _end(data: bytearray, at: int, _length: int, _other: bytes, _rng: np.random.Generator) -> None:
    del data[max(at, 64) :]


def _repeat(data: bytearray, at: int, length: int, _other: bytes, _rng: np.random.Generator) -> None:
    data[at:at] = data[at : at + length]


def _splice(data: bytearray, at: int, length: int, other: bytes, _rng: np.random.Generator) -> None:
    data[at : at + length] = other[at : at + length]


_CHANGES: tuple[Callable[[bytearray, int, int, bytes, np.random.Generator], None], ...] = (
    _flip,
    _flip,
    _fill,
    _extreme,
    _extreme,
    _cut,
    _end,
    _repeat,
    _splice,
)


def mutated_document(document: Any, rng: np.random.Generator) -> Any:
    """The document (of JSON) with one to three values replaced, removed, or put elsewhere as well."""
    changed = copy.deepcopy(document)
    for _ in range(int(rng.integers(1, 4))):
        holders = [holder for holder in _holders(changed) if holder]
        if not holders:
            return changed
        holder = holders[int(rng.integers(len(holders)))]
        keys = list(holder) if isinstance(holder, dict) else list(range(len(holder)))
        key = keys[int(rng.integers(len(keys)))]
        match int(rng.integers(6)):
            case 0:
                del holder[key]
            case 1 if isinstance(holder, dict):
                holder[f"{key}_"] = holder[key]
            case 2:
                giver = holders[int(rng.integers(len(holders)))]
                holder[key] = copy.deepcopy(giver)
            case _:
                holder[key] = copy.deepcopy(VALUES[int(rng.integers(len(VALUES)))])
    return changed


def _holders(value: Any) -> list[Any]:
    """Every list and dict of a document, itself included."""
    found: list[Any] = []
    inner: list[Any] = [value]
    while inner:
        one = inner.pop()
        if isinstance(one, dict | list):
            found.append(one)
            inner += one.values() if isinstance(one, dict) else one
    return found


def mutated_file(data: bytes, other: bytes, rng: np.random.Generator) -> bytes:
    """A file with something wrong in it: where it is an archive or a document, as often inside as in its bytes."""
    if rng.integers(3):
        try:
            if zipfile.is_zipfile(io.BytesIO(data)):
                return _mutated_archive(data, rng)
            return json.dumps(mutated_document(json.loads(data), rng)).encode("utf-8", "surrogatepass")
        except (ValueError, KeyError, zipfile.BadZipFile, NotImplementedError):
            pass
    return mutated(data, other, rng)


def _mutated_archive(data: bytes, rng: np.random.Generator) -> bytes:
    """The archive with one of its entries wrong, and whole checksums."""
    made = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as source, zipfile.ZipFile(made, "w") as target:
        names = source.namelist()
        chosen = names[int(rng.integers(len(names)))]
        for name in names:
            content = source.read(name)
            target.writestr(name, mutated_file(content, b"", rng) if name == chosen and content else content)
    return made.getvalue()
