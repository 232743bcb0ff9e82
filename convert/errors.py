"""How a conversion ends without a published model: what kind of refusal it is, and the exit code of the command.

A refusal is one of three: the file is not known to us, it contradicts itself, or it contradicts what was asked. There
are also: bytes are missing, the file is not safe to open, or the fault is ours.
"""

import traceback
from pathlib import Path
from typing import ClassVar, Literal

RefusalKind = Literal["unknown", "contradiction", "mismatch", "damaged", "unsafe", "unproven", "fault", "call"]

HEADINGS: dict[RefusalKind, str] = {
    "unknown": "Not known to this converter",
    "contradiction": "The file contradicts itself",
    "mismatch": "The file contradicts what was asked",
    "damaged": "Bytes are missing or changed",
    "unsafe": "Not safe to open",
    "unproven": "Not proven",
    "fault": "A fault of this converter",
    "call": "The call cannot work",
}
"""What the command prints before the reason."""


SAVE_AGAIN = "Save it again where it was made; all bytes of the file are there."
"""The advice where a file contradicts itself."""


class ConversionError(Exception):
    """A conversion that ended early: what is wrong, and what the person can do about it."""

    exit_code: ClassVar[int] = 3
    kind: RefusalKind = "unknown"

    def __init__(self, reason: str, advice: str = "") -> None:
        super().__init__(reason, advice)
        self.reason = reason
        self.advice = advice

    def __str__(self) -> str:
        return f"{self.reason} {self.advice}".strip()


class CallError(ConversionError):
    """The command was called in a way that cannot work (exit 2)."""

    exit_code = 2
    kind = "call"


class RefusalError(ConversionError):
    """The file is not known to us: not supported, or more than we would take; the advice says what we need (exit 3)."""


class ContradictionError(RefusalError):
    """One part of the file does not fit another part of it (exit 3)."""

    kind = "contradiction"


class MismatchError(RefusalError):
    """The file does not fit what was asked: labels, another model, a pipeline (exit 3)."""

    kind = "mismatch"


class DamagedError(RefusalError):
    """Bytes are missing, or a checksum fails (exit 3)."""

    kind = "damaged"


class UnsafeError(RefusalError):
    """Opening the file the usual way could run code, read other files or take what it does not declare (exit 3)."""

    kind = "unsafe"


class UnprovenError(RefusalError):
    """Parity would rest on a structure that was assumed (exit 3)."""

    kind = "unproven"


class ParityError(ConversionError):
    """The graph does not say what the golden file says (exit 4); nothing is published."""

    exit_code = 4
    kind: RefusalKind = "mismatch"


class FaultError(ParityError):
    """Our graph and our reference disagree, so that one of them is wrong (exit 4)."""

    kind = "fault"


def describe_fault(error: Exception) -> FaultError:
    """What is said of an error that was not foreseen."""
    at = traceback.extract_tb(error.__traceback__)[-1]
    where = f"{Path(at.filename).name}:{at.lineno}"
    return FaultError(
        f"{type(error).__name__} in {where}: {str(error)[:300]}",
        "Nothing was published. Please report the file; if it is private, this message.",
    )


def find_error(kind: str) -> type[ConversionError]:
    """The error of a kind: they cross from the reading process by its name."""
    known = (
        RefusalError,
        ContradictionError,
        MismatchError,
        DamagedError,
        UnsafeError,
        UnprovenError,
        CallError,
        FaultError,
    )
    return next((one for one in known if one.kind == kind), RefusalError)
