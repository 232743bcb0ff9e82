"""Problem details (RFC 9457): an error as callers read it, on every route and in a failed job."""

from typing import Any

from service.errors import SignError


def problem_details(error: SignError, request_id: str) -> dict[str, Any]:
    """The body of an error."""
    body: dict[str, Any] = {
        "type": f"urn:sign:error:{error.code}",
        "title": error.title,
        "status": error.status,
        "detail": error.detail,
        "instance": f"urn:uuid:{request_id}",
        "code": error.code,
    }
    if error.limit is not None:
        body["limit"] = error.limit
    if error.actual is not None:
        body["actual"] = error.actual
    if error.parameters:
        body["errors"] = [{"parameter": each.parameter, "problem": each.problem} for each in error.parameters]
    return body
