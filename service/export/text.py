"""Text for files that people open: whatever a label holds, a line stays a line."""

import unicodedata
from typing import Final

UNNAMED: Final = "?"
_UNUSABLE: Final = {"Cc", "Zl", "Zp"}


def one_line(text: str) -> str:
    """The text on one line: breaks, control characters and runs of spaces become one space; never empty.

    What no file can hold (lone surrogates, U+FFFE, U+FFFF) becomes U+FFFD.
    """
    return " ".join("".join(map(_usable, text)).split()) or UNNAMED


def _usable(character: str) -> str:
    category = unicodedata.category(character)
    if category in _UNUSABLE:
        return " "
    return "\ufffd" if category == "Cs" or ord(character) & 0xFFFE == 0xFFFE else character
