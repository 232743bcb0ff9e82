"""How a conversion ends without a published model: one exception for each exit code of the command."""


class ConversionError(Exception):
    """A conversion that ended early: what is wrong, and what the person can do about it."""

    exit_code = 3

    def __init__(self, reason: str, advice: str = "") -> None:
        super().__init__(reason, advice)
        self.reason = reason
        self.advice = advice

    def __str__(self) -> str:
        return f"{self.reason} {self.advice}".strip()


class CallError(ConversionError):
    """The command was called in a way that cannot work (exit 2)."""

    exit_code = 2


class RefusalError(ConversionError):
    """The file is not supported or not safe (exit 3)."""

    exit_code = 3


class ParityError(ConversionError):
    """The graph does not say what the original says (exit 4); nothing is published."""

    exit_code = 4
