"""How a live session ends: every close code of the contract, and the errors that lead to it."""

from enum import IntEnum

from service.errors import Code, SignError

_LONGEST_REASON_BYTES = 123  # RFC 6455: a close frame's body has 125 bytes, two of them the code


class CloseCode(IntEnum):
    """Why the service closes a socket."""

    DONE = 1000
    TEXT_NOT_HERE = 1003
    BROKEN = 1007
    NOT_ALLOWED = 1008
    FRAME_TOO_LARGE = 1009
    OUR_FAULT = 1011
    RESTARTING = 1012
    TRY_LATER = 1013
    NO_SUCH_MODEL = 4404
    IDLE = 4408
    TOO_LONG = 4409
    START_INVALID = 4422


class ClosingError(Exception):
    """The session is to be closed, with this code and a sentence that says what to do.

    error: the error's own code, as all routes name it; None where the end is an orderly one.
    """

    def __init__(self, code: CloseCode, detail: str, error: Code | None = None) -> None:
        super().__init__(code, detail, error)
        self.code = code
        self.detail = detail
        self.error = error

    @property
    def reason(self) -> str:
        """The detail, cut to what a close frame can carry."""
        return self.detail.encode()[:_LONGEST_REASON_BYTES].decode(errors="ignore")


_BY_CODE: dict[Code, CloseCode] = {
    "busy": CloseCode.TRY_LATER,
    "model-loading": CloseCode.TRY_LATER,
    "model-failed": CloseCode.TRY_LATER,
    "model-state": CloseCode.NO_SUCH_MODEL,
    "shutting-down": CloseCode.RESTARTING,
    "quota-exceeded": CloseCode.TRY_LATER,
    "picture-too-large": CloseCode.FRAME_TOO_LARGE,
}
_BY_STATUS = {
    401: CloseCode.NOT_ALLOWED,
    403: CloseCode.NOT_ALLOWED,
    404: CloseCode.NO_SUCH_MODEL,
    422: CloseCode.START_INVALID,
    429: CloseCode.NOT_ALLOWED,
}


def closing_of(error: SignError) -> ClosingError:
    """How a session ends that met this error."""
    code = _BY_CODE.get(error.code) or _BY_STATUS.get(error.status, CloseCode.OUR_FAULT)
    return ClosingError(code, error.detail, error.code)
