"""The databases that jobs are kept in."""

from pathlib import Path

import pytest

from service.jobs.table import database_url
from tests.postgres import fresh_database


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address of a fresh database, of each kind in turn."""
    if request.param == "sqlite":
        return database_url(None, tmp_path)
    return database_url(fresh_database(request.getfixturevalue("postgres_server")), tmp_path)
