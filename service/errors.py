"""Every error that a caller can meet: its code, its HTTP status and its title. One table, one exception."""

from dataclasses import dataclass
from typing import Any, Literal

Code = Literal[
    "media-missing",
    "media-empty",
    "request-malformed",
    "key-missing",
    "key-refused",
    "admin-disabled",
    "origin-refused",
    "teach-disabled",
    "model-unknown",
    "version-unknown",
    "job-unknown",
    "example-unknown",
    "route-unknown",
    "method-not-allowed",
    "format-not-acceptable",
    "request-timeout",
    "job-not-finished",
    "model-state",
    "name-taken",
    "body-too-large",
    "media-too-large",
    "media-too-long",
    "picture-too-large",
    "too-many-frames",
    "media-unsupported",
    "media-wrong-kind",
    "host-refused",
    "model-wrong-task",
    "parameter-invalid",
    "tensor-invalid",
    "idempotency-key-reused",
    "examples-too-few",
    "media-corrupt",
    "media-no-video",
    "media-no-frames",
    "window-empty",
    "rate-limited",
    "quota-exceeded",
    "headers-too-large",
    "busy",
    "jobs-unavailable",
    "model-loading",
    "model-failed",
    "shutting-down",
    "internal",
    "worker-died",
    "deadline-exceeded",
    "disk-full",
]


@dataclass(frozen=True, slots=True)
class ErrorKind:
    """What is fixed about an error: its HTTP status and the title a person reads first."""

    status: int
    title: str


KINDS: dict[Code, ErrorKind] = {
    "media-missing": ErrorKind(400, "No medium was sent"),
    "media-empty": ErrorKind(400, "The medium is empty"),
    "request-malformed": ErrorKind(400, "The request cannot be read"),
    "key-missing": ErrorKind(401, "An API key is needed"),
    "key-refused": ErrorKind(403, "This API key is not accepted"),
    "admin-disabled": ErrorKind(403, "Changing models is switched off"),
    "origin-refused": ErrorKind(403, "Pages of this site may not send here"),
    "teach-disabled": ErrorKind(403, "Teaching models is switched off"),
    "model-unknown": ErrorKind(404, "There is no such model"),
    "version-unknown": ErrorKind(404, "The model has no such version"),
    "job-unknown": ErrorKind(404, "There is no such job"),
    "example-unknown": ErrorKind(404, "There is no such example"),
    "route-unknown": ErrorKind(404, "There is nothing at this address"),
    "method-not-allowed": ErrorKind(405, "This address does not take that method"),
    "format-not-acceptable": ErrorKind(406, "The answer does not come in this format"),
    "request-timeout": ErrorKind(408, "The request did not come in time"),
    "job-not-finished": ErrorKind(409, "The job has not finished"),
    "model-state": ErrorKind(409, "The model's state does not allow this"),
    "name-taken": ErrorKind(409, "Another model has this name"),
    "body-too-large": ErrorKind(413, "The request's body has too many bytes"),
    "media-too-large": ErrorKind(413, "The medium has too many bytes"),
    "media-too-long": ErrorKind(413, "The video is too long for this route"),
    "picture-too-large": ErrorKind(413, "The picture has too many pixels"),
    "too-many-frames": ErrorKind(413, "Too many frames would have to be looked at"),
    "media-unsupported": ErrorKind(415, "This kind of file is not supported"),
    "media-wrong-kind": ErrorKind(415, "The model needs another kind of medium"),
    "host-refused": ErrorKind(421, "The service does not answer under this name"),
    "model-wrong-task": ErrorKind(422, "The model answers another route"),
    "parameter-invalid": ErrorKind(422, "A parameter is not valid"),
    "tensor-invalid": ErrorKind(422, "The tensors are not what the model takes"),
    "idempotency-key-reused": ErrorKind(422, "The idempotency key stands for another request"),
    "examples-too-few": ErrorKind(422, "There are too few examples to make a model of"),
    "media-corrupt": ErrorKind(422, "The medium cannot be decoded"),
    "media-no-video": ErrorKind(422, "The file holds no video"),
    "media-no-frames": ErrorKind(422, "The video holds no frames"),
    "window-empty": ErrorKind(422, "The asked part of the video holds no frames"),
    "rate-limited": ErrorKind(429, "Too many requests"),
    "quota-exceeded": ErrorKind(429, "The key has used what it may"),
    "headers-too-large": ErrorKind(431, "The request's headers are too large"),
    "busy": ErrorKind(503, "The service is busy"),
    "jobs-unavailable": ErrorKind(503, "Jobs are not available now"),
    "model-loading": ErrorKind(503, "The model is still loading"),
    "model-failed": ErrorKind(503, "The model could not be loaded"),
    "shutting-down": ErrorKind(503, "The service is shutting down"),
    "internal": ErrorKind(500, "Something went wrong on our side"),
    "worker-died": ErrorKind(500, "The process that read the medium died"),
    "deadline-exceeded": ErrorKind(504, "The request took longer than its deadline"),
    "disk-full": ErrorKind(507, "There is no room to store the medium"),
}


@dataclass(frozen=True, slots=True)
class ParameterError:
    """One parameter that is wrong: its path and the problem with it."""

    parameter: str
    problem: str


class SignError(Exception):
    """An error for the caller: a code of the table above and one sentence about this case.

    limit and actual carry figures (in the unit the detail names), retry_after_s the seconds to wait. It crosses
    process borders unchanged.
    """

    def __init__(
        self,
        code: Code,
        detail: str,
        *,
        limit: float | None = None,
        actual: float | None = None,
        retry_after_s: float | None = None,
        parameters: tuple[ParameterError, ...] = (),
    ) -> None:
        super().__init__(code, detail)
        self.code: Code = code
        self.detail = detail
        self.limit = limit
        self.actual = actual
        self.retry_after_s = retry_after_s
        self.parameters = parameters

    @property
    def status(self) -> int:
        return KINDS[self.code].status

    @property
    def title(self) -> str:
        return KINDS[self.code].title

    def __str__(self) -> str:
        return f"{self.code}: {self.detail}"

    def __reduce__(self) -> tuple[Any, ...]:
        figures = {
            "limit": self.limit,
            "actual": self.actual,
            "retry_after_s": self.retry_after_s,
            "parameters": self.parameters,
        }
        return (_rebuild, (self.code, self.detail, figures))


def _rebuild(code: Code, detail: str, figures: dict[str, Any]) -> SignError:
    return SignError(code, detail, **figures)


class InvalidModelError(Exception):
    """A model version that is not served, and the reason for a person to read."""
