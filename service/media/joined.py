"""WebM and Matroska files joined end to end, as `cat` joins them: their header speaks of the first alone."""

from collections.abc import Iterator
from typing import BinaryIO

_EBML = b"\x1a\x45\xdf\xa3"
_SEGMENT = b"\x18\x53\x80\x67"
_NAMES = (b"webm", b"matroska")
_NAME_WITHIN = 64
_LONGEST_HEADER = 4096
_BLOCK = 1024 * 1024


def is_joined(file: BinaryIO, size: int) -> bool:
    """Whether another file begins behind the first. Where that says how long it is, only what follows it is read."""
    file.seek(0)
    head = file.read(_LONGEST_HEADER)
    at = head.find(_SEGMENT)
    if at < 0:
        return False
    length, begins = _element_size(head, at + len(_SEGMENT))
    if length is not None:
        file.seek(min(begins + length, size))
        return _begins_file(file.read(_NAME_WITHIN))
    file.seek(begins)
    kept = b""
    while block := file.read(_BLOCK):
        data = kept + block
        if any(_begins_file(data[at : at + _NAME_WITHIN]) for at in _places(data)):
            return True
        kept = data[-_NAME_WITHIN:]
    return False


def _places(data: bytes) -> Iterator[int]:
    at = data.find(_EBML)
    while at >= 0:
        yield at
        at = data.find(_EBML, at + 1)


def _begins_file(data: bytes) -> bool:
    return data.startswith(_EBML) and any(name in data for name in _NAMES)


def _element_size(data: bytes, at: int) -> tuple[int | None, int]:
    """An element's size, None where it is not known, and where its content begins."""
    if at >= len(data) or data[at] == 0:
        return None, at
    width = 9 - data[at].bit_length()
    number = int.from_bytes(data[at : at + width], "big") & ((1 << 7 * width) - 1)
    return (None if number == (1 << 7 * width) - 1 else number), at + width
