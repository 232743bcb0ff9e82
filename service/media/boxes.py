"""The outermost boxes of an mp4 or mov file: enough to tell an empty file from one that was cut off."""

from typing import BinaryIO

_HEADER = 8
_LONG_HEADER = 16


def boxes_are_whole(file: BinaryIO, size: int) -> bool:
    """Whether the outermost boxes fill the file to its last byte, none reaching beyond it, and one is `moov`."""
    at = 0
    names = set()
    while at < size:
        file.seek(at)
        head = file.read(_LONG_HEADER)
        if len(head) < _HEADER:
            return False
        length = int.from_bytes(head[:4], "big")
        names.add(head[4:8])
        if length == 1:
            length = int.from_bytes(head[8:16], "big")
        elif length == 0:
            length = size - at
        if length < _HEADER:
            return False
        at += length
    return at == size and b"moov" in names
