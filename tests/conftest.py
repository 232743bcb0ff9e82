"""What all tests share: the test data that lies outside the repository, and what to do without it."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings
from playwright.sync_api import Browser

from tests import browser, golang, mediapipe_reference, node, others, postgres, prometheus

# The same examples in each run, however slow the machine is.
settings.register_profile("repeatable", derandomize=True, deadline=None, database=None, print_blob=True)
settings.load_profile("repeatable")

_WITHOUT = "needs the test data: SIGN_TESTDATA names its folder"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests that need the test data, so that `-m "not testdata"` leaves them out."""
    for item in items:
        if "testdata" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.testdata)


@pytest.fixture(scope="session")
def testdata() -> Path:
    """The folder that SIGN_TESTDATA names; without it the test is left out, or fails if SIGN_REQUIRE names testdata."""
    named = os.environ.get("SIGN_TESTDATA")
    if named:
        return Path(named)
    if "testdata" in os.environ.get("SIGN_REQUIRE", "").split(","):
        pytest.fail("SIGN_REQUIRE asks for the test data, but SIGN_TESTDATA does not name its folder", pytrace=False)
    pytest.skip(_WITHOUT)


@pytest.fixture(scope="session")
def mediapipe() -> None:
    """MediaPipe 0.10.21; without it the test is left out, or fails if SIGN_REQUIRE names mediapipe."""
    mediapipe_reference.need_mediapipe()


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """The address of a PostgreSQL server; without one the test is left out, or fails if SIGN_REQUIRE names postgres."""
    with postgres.running_server() as address:
        yield address


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """Debian's Chromium; without it the test is left out, or fails if SIGN_REQUIRE names chromium."""
    with browser.running_browser() as running:
        yield running


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """One line for all that was left out for one reason."""
    skipped = [report.longrepr for report in terminalreporter.stats.get("skipped", [])]
    reasons = [reason[2] for reason in skipped if isinstance(reason, tuple)]
    for without in (
        _WITHOUT,
        mediapipe_reference.WITHOUT,
        postgres.WITHOUT,
        browser.WITHOUT,
        node.WITHOUT,
        golang.WITHOUT,
        prometheus.WITHOUT,
        others.WITHOUT,
    ):
        if left_out := sum(without in reason for reason in reasons):
            terminalreporter.write_line(f"{left_out} tests were left out: each {without}.")
