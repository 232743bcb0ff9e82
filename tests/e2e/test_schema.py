"""The service keeps to its own OpenAPI schema, whatever is sent."""

from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis.specs.openapi.checks import response_schema_conformance

from tests.running import RunningService

ROUTES = [
    ("GET", "/healthz"),
    ("GET", "/readyz"),
    ("GET", "/models"),
    ("GET", "/models/{name}"),
    ("GET", "/models/{name}/versions/{version}"),
    ("POST", "/models/reload"),
    ("POST", "/predict"),
    ("POST", "/timeline"),
    ("POST", "/highlights"),
    ("POST", "/jobs/predict"),
    ("POST", "/jobs/timeline"),
    ("POST", "/jobs/highlights"),
    ("GET", "/jobs"),
    ("GET", "/jobs/{id}"),
    ("GET", "/jobs/{id}/result"),
    ("GET", "/jobs/{id}/events"),
    ("DELETE", "/jobs/{id}"),
]


@pytest.mark.parametrize(("method", "path"), ROUTES, ids=lambda part: part)
def test_each_route_answers_as_the_schema_says(service: RunningService, method: str, path: str) -> None:
    operation = schemathesis.openapi.from_url(f"{service.url}/openapi.json")[path][method]

    @settings(max_examples=8, deadline=None, suppress_health_check=list(HealthCheck))
    @given(case=operation.as_strategy())
    def answers_well(case: schemathesis.Case[Any]) -> None:
        response = case.call()
        # a deadline that the caller set themselves may pass
        assert response.status_code < 500 or response.json()["code"] == "deadline-exceeded"
        case.validate_response(response, checks=[response_schema_conformance])

    answers_well()
