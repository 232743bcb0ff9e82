"""Problem details (RFC 9457): an error as callers read it, on every route and in a failed job."""

from typing import Any

from pydantic import BaseModel

from service.errors import Code, SignError


class ParameterProblem(BaseModel):
    """One parameter that is wrong."""

    parameter: str
    problem: str


class Problem(BaseModel):
    """An error (RFC 9457). limit and actual: figures, where it has some; errors: each parameter that is wrong.

    error: the detail once more, under /v2, whose clients read that.
    """

    type: str
    title: str
    status: int
    detail: str
    instance: str
    code: Code
    limit: float | None = None
    actual: float | None = None
    errors: list[ParameterProblem] | None = None
    error: str | None = None


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
