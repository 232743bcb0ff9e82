"""A pickle's bytes out of a file as joblib.dump or pickle.dump leave it: plain, or compressed as a whole."""

import bz2
import lzma
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

from convert.errors import DamagedError, RefusalError

MAX_BYTES = 512 << 20
_PIECE = 1 << 20
_AGAIN = "Copy or download the file again."
_UNCOMPRESSED = "Save it uncompressed: joblib.dump(model, 'model.joblib', compress=0)."

_KNOWN: tuple[tuple[bytes, str, Callable[[], Any]], ...] = (
    (b"\x1f\x8b", "gzip", lambda: zlib.decompressobj(wbits=31)),
    (b"BZh", "bzip2", bz2.BZ2Decompressor),
    (b"\xfd7zXZ\x00", "xz", lzma.LZMADecompressor),
    (b"]\x00", "lzma", lambda: lzma.LZMADecompressor(lzma.FORMAT_ALONE)),
    (b"\x78", "zlib", zlib.decompressobj),
)
_UNKNOWN = (
    (b"\x04\x22\x4d\x18", "LZ4"),
    (b"\x28\xb5\x2f\xfd", "Zstandard"),
    (b"ZF", "joblib's own form of before 2016"),
)


def compressed_by(head: bytes) -> str | None:
    """Which compression a file's first bytes show; None for none."""
    for mark, name, _ in _KNOWN:
        if head.startswith(mark):
            return name
    return next((name for mark, name in _UNKNOWN if head.startswith(mark)), None)


def unpacked(path: Path) -> bytes:
    """The file's content, decompressed. RefusalError where it is cut off, too large, or compressed in another way."""
    if path.stat().st_size > MAX_BYTES:
        raise RefusalError(f"{path.name} is larger than {MAX_BYTES >> 20} MiB.", "Train fewer or smaller trees.")
    raw = path.read_bytes()
    for mark, name in _UNKNOWN:
        if raw.startswith(mark):
            raise RefusalError(f"{path.name} is compressed by {name}, which is not known to us.", _UNCOMPRESSED)
    for mark, name, decompressor in _KNOWN:
        if raw.startswith(mark):
            return _decompressed(raw, path.name, name, decompressor())
    return raw


def head_of(raw: bytes) -> bytes:
    """The first bytes of what a compressed head holds; empty where it cannot be told."""
    for mark, _, decompressor in _KNOWN:
        if raw.startswith(mark):
            try:
                head: bytes = decompressor().decompress(raw, 64)
            except (OSError, EOFError, ValueError, lzma.LZMAError, zlib.error):
                return b""
            return head
    return raw


def _decompressed(raw: bytes, file: str, name: str, decompressor: Any) -> bytes:  # noqa: ANN401 - four classes of one form
    content = bytearray()
    rest: bytes = raw
    try:
        while not decompressor.eof:
            piece = decompressor.decompress(rest, _PIECE)
            rest = getattr(decompressor, "unconsumed_tail", b"")
            content += piece
            if len(content) > MAX_BYTES:
                raise RefusalError(f"{file} unpacks to more than {MAX_BYTES >> 20} MiB.", "It is no model.")
            if not piece and not rest and getattr(decompressor, "needs_input", True) and not decompressor.eof:
                raise DamagedError(f"{file} ends inside its {name} data.", _AGAIN)
    except (OSError, EOFError, ValueError, lzma.LZMAError, zlib.error) as error:
        raise DamagedError(f"The {name} data of {file} cannot be unpacked ({error}).", _AGAIN) from None
    return bytes(content)
