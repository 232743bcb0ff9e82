"""Errors as problem+json (RFC 9457), one shape on every route."""

import math
import uuid
from collections.abc import Iterable, Mapping
from typing import Any

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.responses import JSONResponse, Response

from service.api.responses import PROBLEM_TYPE
from service.contract.problem_details import problem_details
from service.contract.request_log import RequestRecord
from service.errors import ParameterError, SignError
from service.findings import describe_finding
from service.metrics import Metrics

CLIENT_CLOSED_REQUEST = 499  # nobody reads it; the metrics show it, as nginx does
log = structlog.get_logger()


def problem_response(error: SignError, request: Request) -> Response:
    """The answer to a request that met an error; counted by its code."""
    metrics: Metrics = request.app.state.metrics
    metrics.errors.labels(error.code).inc()
    record = record_of(request)
    record.code = error.code
    headers = {}
    if error.status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    if error.status in (429, 503) or error.retry_after_s is not None:
        headers["Retry-After"] = str(max(1, math.ceil(error.retry_after_s or 1)))
    details = problem_details(error, record.request_id)
    if request.url.path.startswith("/v2/"):
        details["error"] = error.detail  # what clients of the Open Inference Protocol read
    return JSONResponse(details, error.status, headers, PROBLEM_TYPE)


def fault_response(error: Exception, request: Request) -> Response:
    """The answer to a request that met a fault of ours, which is logged."""
    log.error("request failed", request_id=record_of(request).request_id, exc_info=error)
    detail = "The fault is logged under this request's id; the service goes on."
    return problem_response(SignError("internal", detail), request)


def record_of(request: Request) -> RequestRecord:
    """What is noted of the request for its line in the log; its id, too."""
    record: RequestRecord = request.scope.setdefault("record", RequestRecord(str(uuid.uuid4())))
    return record


def install_problem_handlers(app: FastAPI) -> None:
    """Every error that a route raises leaves as problem+json; faults are the middleware's."""

    @app.exception_handler(SignError)
    async def on_sign_error(request: Request, error: SignError) -> Response:
        return problem_response(error, request)

    @app.exception_handler(RequestValidationError)
    async def on_invalid(request: Request, error: RequestValidationError) -> Response:
        return problem_response(invalid_parameters(error.errors()), request)

    @app.exception_handler(HTTPException)
    async def on_http(request: Request, error: HTTPException) -> Response:
        if error.status_code == 404:
            detail = f"{request.url.path} is not a route; /docs lists them."
            return problem_response(SignError("route-unknown", detail), request)
        if error.status_code == 405:
            allowed = _allowed(request, error)
            detail = f"{request.method} is not possible here; allowed: {allowed or 'see /docs'}."
            response = problem_response(SignError("method-not-allowed", detail), request)
            response.headers["Allow"] = allowed
            return response
        return problem_response(SignError("request-malformed", str(error.detail)), request)

    @app.exception_handler(ClientDisconnect)
    async def on_hang_up(_request: Request, _error: ClientDisconnect) -> Response:
        return Response(status_code=CLIENT_CLOSED_REQUEST)


def _allowed(request: Request, error: HTTPException) -> str:
    """All methods of an address, though each has a route of its own; HEAD wherever there is GET."""
    template = str(getattr(request.scope.get("route"), "path", ""))
    paths = request.app.openapi()["paths"]
    described = [method.upper() for method in paths.get(request.url.path) or paths.get(template, {})]
    methods = ", ".join(described) or (error.headers or {}).get("Allow", "")
    return methods.replace("GET", "GET, HEAD")


def invalid_parameters(errors: Iterable[Mapping[str, Any]]) -> SignError:
    """The error of what pydantic found, one for each parameter."""
    found = tuple(
        ParameterError(
            ".".join(str(part) for part in error["loc"] if part not in ("query", "body", "path")) or "body",
            describe_finding(error),
        )
        for error in errors
    )
    detail = "; ".join(f"{each.parameter}: {each.problem}" for each in found)
    return SignError("parameter-invalid", detail, parameters=found)
