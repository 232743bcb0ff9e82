"""The outermost boxes of an mp4 or mov file: they tell an empty file from one cut off, and one from several joined."""

from collections.abc import Iterator
from typing import BinaryIO

_HEADER = 8
_LONG_HEADER = 16


def boxes_are_whole(file: BinaryIO, size: int) -> bool:
    """Whether the outermost boxes fill the file to its last byte, none reaching beyond it, and one is `moov`."""
    at = 0
    names = set()
    for name, until in _boxes(file, size):
        names.add(name)
        at = until
    return at == size and b"moov" in names


def another_begins(file: BinaryIO, size: int) -> bool:
    """Whether a second file lies behind the first, as `cat` joins them: a file has one `ftyp`."""
    return sum(name == b"ftyp" for name, _ in _boxes(file, size)) > 1


def _boxes(file: BinaryIO, size: int) -> Iterator[tuple[bytes, int]]:
    """Each box's name and where it ends; up to the first that is none."""
    at = 0
    while at < size:
        file.seek(at)
        head = file.read(_LONG_HEADER)
        if len(head) < _HEADER:
            return
        length = int.from_bytes(head[:4], "big")
        if length == 1:
            length = int.from_bytes(head[8:16], "big")
        elif length == 0:
            length = size - at
        if length < _HEADER:
            return
        at += length
        yield head[4:8], at
