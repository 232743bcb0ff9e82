"""A real browser for tests: Debian's Chromium, driven by Playwright, without a window and without calls of its own."""

import contextlib
import os
import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, sync_playwright

WITHOUT = "needs Chromium (Debian: chromium)"
ARGUMENTS = (
    "--headless",
    "--no-sandbox",  # containers run the tests as root
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
)


@contextlib.contextmanager
def running_browser(*more: str) -> Iterator[Browser]:
    """The browser, started with `more` arguments too; skipped without one, or failed if SIGN_REQUIRE names chromium.

    While it runs, no asyncio.run() works in this thread: Playwright's own loop is there. So let it live no longer than
    the tests of one module.
    """
    program = shutil.which("chromium")
    if program is None:
        if "chromium" in os.environ.get("SIGN_REQUIRE", "").split(","):
            pytest.fail(f"SIGN_REQUIRE asks for Chromium: {WITHOUT}", pytrace=False)
        pytest.skip(WITHOUT)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=[*ARGUMENTS, *more])
        try:
            yield browser
        finally:
            browser.close()
