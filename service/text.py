"""Text files as people have them: UTF-8, with or without a mark, UTF-16 from Notepad, CP949 from Korean Windows."""

import codecs
import unicodedata
from pathlib import Path

_MARKS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
_TRIED = ("utf-8", "cp949")
_PROBED_BYTES = 1 << 20


def read_text(path: Path, encoding: str | None = None) -> str:
    """A file's text, composed (NFC). encoding: where it is known. Raises UnicodeDecodeError, LookupError, OSError."""
    return decode(path.read_bytes(), encoding)


def decode(data: bytes, encoding: str | None = None) -> str:
    """The same of bytes."""
    return compose(data.decode(encoding or find_encoding(data)))


def find_encoding(data: bytes) -> str:
    """The first of the usual encodings that these bytes (also cut off anywhere) can be; "utf-8" where none is."""
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            return encoding
    for encoding in _TRIED:
        try:
            codecs.getincrementaldecoder(encoding)().decode(data)
        except UnicodeDecodeError:
            continue
        return encoding
    return "utf-8"


def find_file_encoding(path: Path) -> str:
    """The same of a file's first MiB, for one that is read piece by piece."""
    with path.open("rb") as file:
        return find_encoding(file.read(_PROBED_BYTES))


def compose(text: str) -> str:
    """The same text with each sign as one character: macOS writes Korean names letter by letter (NFD)."""
    return unicodedata.normalize("NFC", text)
