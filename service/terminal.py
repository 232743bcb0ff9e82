"""Text from strangers' files as it may reach a terminal: whatever would steer it is escaped."""

import json
import sys
import unicodedata
from collections.abc import Callable

_JOINERS = "\u200c\u200d"
"""Format characters that scripts and emoji are written with."""


def escape_controls(text: str, keep: str = "") -> str:
    """Control and format characters and half ones as Python writes them, but for those to keep."""
    return _escape(text, lambda sign: sign.encode("unicode_escape").decode("ascii"), keep)


def escape_answer(text: str) -> str:
    """Text in whatever format, as it may be printed: those characters as JSON writes them, lines as they are."""
    return _escape(text, lambda sign: json.dumps(sign)[1:-1], "\n\r\t\ufeff")


def say(text: str, *, err: bool = False) -> None:
    """A line on standard output, or on standard error."""
    (sys.stderr if err else sys.stdout).write(escape_answer(text) + "\n")


def dump_json(document: object) -> str:
    """Indented JSON in readable UTF-8; the same characters as JSON writes them, so that programs read them back."""
    return _escape(json.dumps(document, ensure_ascii=False, indent=2), lambda sign: json.dumps(sign)[1:-1], "\n")


def _escape(text: str, write: Callable[[str], str], keep: str) -> str:
    return "".join(write(sign) if sign not in keep and _steers(sign) else sign for sign in text)


def _steers(sign: str) -> bool:
    return sign not in _JOINERS and unicodedata.category(sign) in ("Cc", "Cf", "Cs", "Zl", "Zp")
