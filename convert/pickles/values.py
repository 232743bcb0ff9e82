"""What a pickle can turn into here: plain Python data and inert records, none of which can do anything."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

SHOWN_CHARACTERS = 200

Value = Any
"""Plain data (None, bool, int, float, str, bytes, list, tuple, dict, set) or one of the records below."""
Args = tuple[Value, ...]
Builder = Callable[[Args], Value]
"""What a callable of a pickle gives for its arguments, restated as arithmetic on plain data and records."""


def shown(text: object) -> str:
    """A name from a file as it may be printed: cut, and without control characters or half ones."""
    return "".join(sign if sign.isprintable() else "\ufffd" for sign in str(text)[:SHOWN_CHARACTERS])


class Record:
    """Base of the records that a reader's builders may make; equal only to itself, and str() says what it is."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Global(Record):
    """A name that a pickle refers to. It is never imported: it stays the two words that it is."""

    module: str
    name: str

    def __str__(self) -> str:
        return f"{self.module}.{self.name}"


@dataclass(eq=False, slots=True)
class StandIn(Record):
    """What takes the place of an object of a class that is not imported: its class, arguments and state.

    items and entries are what a list or dict subclass was filled with.
    """

    of: Global
    args: tuple[Value, ...] = ()
    state: Value = None
    items: list[Value] = field(default_factory=list)
    entries: dict[Value, Value] = field(default_factory=dict)

    def __str__(self) -> str:
        return str(self.of)

    def attributes(self) -> dict[str, Value]:
        """The object's attributes as far as its state names them."""
        states = self.state if isinstance(self.state, tuple) else (self.state,)
        found: dict[str, Value] = {}
        for state in states:
            if isinstance(state, dict):
                found.update({name: value for name, value in state.items() if isinstance(name, str)})
        return found
