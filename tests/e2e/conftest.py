"""One real service for the tests that only ask it something."""

from collections.abc import Iterator

import pytest

from tests.running import RunningService, running_service


@pytest.fixture(scope="session")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningService]:
    with running_service(tmp_path_factory.mktemp("service"), SIGN_SLOTS="2") as running:
        yield running
