"""The server: what it says when it is there."""

import pytest
import uvicorn

from service.server.server import address_to_open


@pytest.mark.parametrize(
    ("host", "address"),
    [
        ("127.0.0.1", "http://127.0.0.1:8000"),
        ("0.0.0.0", "http://localhost:8000"),  # noqa: S104 - nothing listens
        ("::", "http://localhost:8000"),
        ("::1", "http://[::1]:8000"),
        ("sign.example", "http://sign.example:8000"),
    ],
)
def test_the_address_that_is_named_can_be_opened(host: str, address: str) -> None:
    assert address_to_open(uvicorn.Config("service.app:create_app", host=host, port=8000)) == address
