"""What the schema says of answers: formats as they are sent, and the errors that each route can meet."""

from collections.abc import Iterable
from typing import Any

from service.contract.use_cases import AnyUseCase
from service.errors import KINDS, Code

Responses = dict[int | str, dict[str, Any]]

PROBLEM_TYPE = "application/problem+json"
PROBLEM = {"$ref": "#/components/schemas/Problem"}

ALWAYS: tuple[Code, ...] = ("host-refused", "request-timeout", "headers-too-large", "busy", "internal")
"""What any request can meet before a route sees it, and a fault of ours."""

KEYS: tuple[Code, ...] = ("key-missing", "key-refused", "rate-limited")
ADMIN: tuple[Code, ...] = (*KEYS, "admin-disabled", "origin-refused")
TEACH: tuple[Code, ...] = ("teach-disabled", "shutting-down", "origin-refused")
MODEL: tuple[Code, ...] = (
    "model-unknown", "version-unknown", "model-state", "model-loading", "model-failed", "model-wrong-task",
)  # fmt: skip
UPLOAD: tuple[Code, ...] = (
    "media-missing", "media-empty", "request-malformed", "request-timeout", "media-too-large", "quota-exceeded",
    "disk-full",
)  # fmt: skip
OPTIONS: tuple[Code, ...] = ("parameter-invalid",)
BODY: tuple[Code, ...] = ("body-too-large", "request-malformed", "request-timeout")
"""What a body can meet that is no medium."""
NEW_WORK: tuple[Code, ...] = ("shutting-down", "busy", "origin-refused")
MEDIUM: tuple[Code, ...] = (
    "media-too-long", "picture-too-large", "too-many-frames", "media-unsupported", "media-wrong-kind",
    "media-corrupt", "media-no-video", "media-no-frames", "window-empty", "worker-died", "deadline-exceeded",
)  # fmt: skip
"""What a medium can meet while it is looked at."""

FORMAT: tuple[Code, ...] = ("format-not-acceptable",)
JOB: tuple[Code, ...] = ("job-unknown", "jobs-unavailable")
"""What a question about one job can meet."""

_RETRY_AFTER = {
    "description": "Seconds after which it is worth trying again.",
    "schema": {"type": "integer", "minimum": 1},
}
LOCATION = {"Location": {"description": "The job's address.", "schema": {"type": "string"}}}
_ASK_FOR_KEY = {"description": "How to send a key.", "schema": {"type": "string"}}
_ATTACHMENT = {
    "Content-Disposition": {"description": "The file's name, after the medium's.", "schema": {"type": "string"}},
    "Warning": {"description": "The answer's warnings, where it has some.", "schema": {"type": "string"}},
}


def problems(*codes: Code) -> Responses:
    """The errors that a route can meet, by status, each code with an example."""
    found: dict[int, list[Code]] = {}
    for code in dict.fromkeys((*codes, *ALWAYS)):
        found.setdefault(KINDS[code].status, []).append(code)
    return {status: _problem(status, of_status) for status, of_status in sorted(found.items())}


def _problem(status: int, codes: Iterable[Code]) -> dict[str, Any]:
    said = ". ".join(f"`{code}`: {KINDS[code].title}" for code in codes)
    response: dict[str, Any] = {
        "description": said,
        "content": {PROBLEM_TYPE: {"schema": PROBLEM, "examples": {code: _example(code) for code in codes}}},
    }
    if status in (409, 429, 503):
        response["headers"] = {"Retry-After": _RETRY_AFTER}
    if status == 401:
        response["headers"] = {"WWW-Authenticate": _ASK_FOR_KEY}
    return response


def _example(code: Code) -> dict[str, Any]:
    kind = KINDS[code]
    value = {
        "type": f"urn:sign:error:{code}",
        "title": kind.title,
        "status": kind.status,
        "detail": "…",
        "instance": "urn:uuid:0b6cb2b4-4ef1-4f5e-9d6c-2f0b1f9b7f11",
        "code": code,
    }
    return {"summary": kind.title, "value": value}


def answer_in_formats(*cases: AnyUseCase) -> dict[str, Any]:
    """The good response of use cases: each format's media type beside json, which the route's model describes."""
    content = {}
    for case in cases:
        for entry in case.formats.values():
            content[entry.essence] = {"schema": entry.schema or _content_of(entry.essence)}
    return {"description": "The answer", "content": content, "headers": _ATTACHMENT} if content else {}


def _content_of(media_type: str) -> dict[str, Any]:
    if media_type.startswith("image/"):
        return {"type": "string", "format": "binary"}
    return {"type": "string"}
